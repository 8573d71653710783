"""A name or a path becomes a Dataset; the one public door of this stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from learnorder.datasets.csv_table import read_csv
from learnorder.datasets.dataset import Dataset, checked_dataset, refuse_empty_classes
from learnorder.datasets.digits import read_digits
from learnorder.datasets.hub import read_hub
from learnorder.datasets.idx import read_idx
from learnorder.datasets.imagefolder import read_imagefolder
from learnorder.datasets.known import ENTRIES, DatasetEntry
from learnorder.datasets.large_folders import read_imagenet, read_tiny_imagenet, read_vggface2
from learnorder.datasets.npz import read_npz
from learnorder.datasets.options import checked_options
from learnorder.datasets.parquet import has_parquet, read_parquet
from learnorder.datasets.sampling import limit_examples, refuse_seed, select_classes
from learnorder.datasets.source import Options, Source
from learnorder.datasets.synthetic import GENERATORS
from learnorder.datasets.word_vectors import read_word_vectors
from learnorder.errors import DataNotFound, ExtraMissing, LearnOrderError, nearest

USED_OPTIONS = {
    "digits": (),
    "synthetic": (),
    "noise": (),
    "idx": (),
    "npz": (),
    "csv": ("label_column", "text_column"),
    "imagefolder": ("image_size",),
    "imagenet": ("image_size",),
    "tiny-imagenet": ("image_size",),
    "vggface2": ("image_size",),
    "parquet": ("label_column", "text_column", "image_size"),
    "hub": ("label_column", "text_column", "image_size"),
}
"""Columns and sizes each format has a use for; any other is refused rather than ignored."""

PATHLESS = {
    "digits": "comes with scikit-learn",
    "synthetic": "is drawn",
    "noise": "is drawn",
}
"""Formats of which no file lies anywhere."""

READERS: dict[str, Callable[[Path, Options], Source]] = {
    "idx": lambda path, options: read_idx(path),
    "npz": lambda path, options: read_npz(path),
    "csv": read_csv,
    "imagefolder": read_imagefolder,
    "imagenet": read_imagenet,
    "tiny-imagenet": read_tiny_imagenet,
    "vggface2": read_vggface2,
    "parquet": read_parquet,
}


@dataclass(frozen=True)
class _Place:
    """Where a dataset was found: a path, a repository of the hub, or neither where none is."""

    format: str
    title: str
    path: Path | None = None
    repository: str | None = None


def known_datasets() -> list[DatasetEntry]:
    """Every name that `load_dataset` knows: the datasets first, then the kinds."""
    return list(ENTRIES)


def has_folder(entry: DatasetEntry) -> bool:
    """Whether a known dataset lies in ``$LEARNORDER_DATA``."""
    return any(map(Path.is_dir, _candidates(os.environ.get("LEARNORDER_DATA"), entry)))


def load_dataset(
    name: str,
    path: str | os.PathLike[str] | None = None,
    *,
    train_limit: int | None = None,
    test_limit: int | None = None,
    classes: Sequence[str | int] | None = None,
    label_column: str | None = None,
    text_column: str | None = None,
    embeddings: str | os.PathLike[str] | None = None,
    image_size: int | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Dataset:
    """Dataset of a known name, or of your own files.

    Parameters
    ----------
    name
        A known dataset (see `known_datasets`), a kind of files (``parquet``, ``idx``, ``npz``,
        ``csv``, ``imagefolder``), or ``hub:owner/name`` for the Hugging Face hub.
    path
        The folder, for ``npz`` the file, for ``hub`` the name on the hub. Left out for a known
        dataset, it is looked for in ``$LEARNORDER_DATA``, then on the hub if it has a place there.
    train_limit, test_limit
        Keep so many examples, drawn with ``seed``, each class in proportion and at least one of it.
    classes
        Keep these classes, by name or id; they are renumbered in this order, before any limit.
    label_column, text_column
        Column of the labels (default ``label``) and, for texts, of the texts (default ``text``).
    embeddings
        File of word vectors (GloVe or word2vec text); relative to the dataset's folder, then to the
        working directory. For ``20newsgroups`` the GloVe file in its folder is used by itself.
    image_size
        Height and width to resize images to; needed where a source has images of several sizes.
    options
        Of a dataset that is drawn, such as ``gabor``; those left out have the defaults that
        `known_datasets` lists.
    seed
        Determines the draw of the limits, and of a dataset that is drawn.

    Raises
    ------
    DataNotFound
        Nothing is where the dataset was looked for.
    ExtraMissing
        An optional library is needed to read it.
    LearnOrderError
        The name is unknown, an option does not apply, or the data does not fit.

    Examples
    --------
    >>> digits = load_dataset("digits", classes=["3", "8"], train_limit=100)
    >>> len(digits.train), digits.class_names, digits.train.inputs.shape
    (100, ('3', '8'), (100, 8, 8))
    """
    _refuse_no_path(path=path, embeddings=embeddings)
    columns = Options(label_column, text_column, image_size)
    chosen = None if classes is None else class_list(classes)
    dataset, entry, place = read_dataset(
        name, path, columns, options=options, classes=chosen, seed=seed
    )
    if chosen is not None:
        dataset = select_classes(dataset, chosen)
    refuse_empty_classes(dataset, "load_dataset")
    dataset = limit_examples(dataset, train_limit=train_limit, test_limit=test_limit, seed=seed)
    return _with_word_vectors(dataset, entry, place, embeddings)


def read_dataset(
    name: str,
    path: str | os.PathLike[str] | None,
    columns: Options,
    *,
    options: Mapping[str, Any] | None,
    classes: list[str | int] | None,
    seed: int,
    least_classes: int = 2,
) -> tuple[Dataset, DatasetEntry, Path | None]:
    """Dataset as it was found, its entry and its place; nothing is selected or limited yet.

    ``classes`` only says what may be left unread, where a format can do so.
    """
    entry, path = _entry_of(name, path)
    _check_arguments(entry, columns, seed)
    drawn = checked_options(entry, options)
    with _naming(entry):
        place = _find(entry, path)
        _refuse_unused(place, columns)
        if place.format == "synthetic":
            source = GENERATORS[entry.name](int(seed), **drawn)
        else:
            source = _read(place, entry, _reading(columns, entry, classes))
    dataset = checked_dataset(
        place.title,
        source.splits,
        class_names=source.class_names,
        least_classes=least_classes,
    )
    return dataset, entry, place.path


@contextmanager
def _naming(entry: DatasetEntry) -> Iterator[None]:
    """Let what cannot be had say of which dataset it is."""
    try:
        yield
    except (DataNotFound, ExtraMissing) as error:
        error.dataset = entry.name
        raise


def _reading(columns: Options, entry: DatasetEntry, chosen: list[str | int] | None) -> Options:
    """What a reader is told: what was asked for, and what the entry knows."""
    usual = entry.label_column if columns.label_column is None else None
    only = entry.classes
    if chosen is not None and all(isinstance(name, str) for name in chosen):
        names = tuple(str(name) for name in chosen)
        only = names if only is None or set(names) <= set(only) else only
    return replace(columns, usual_label_column=usual, only_classes=only)


def _refuse_no_path(**given: object) -> None:
    for option, value in given.items():
        if value is not None and not isinstance(value, str | os.PathLike):
            raise LearnOrderError(
                f"load_dataset: {option} is {value!r}, a {type(value).__name__}. "
                "Paths are str or pathlib.Path. Pass one of these."
            )


def _entry_of(
    name: str, path: str | os.PathLike[str] | None
) -> tuple[DatasetEntry, str | os.PathLike[str] | None]:
    """Entry of a name, and the path; ``hub:owner/name`` is split into the two."""
    by_name = {entry.name: entry for entry in ENTRIES}
    spelled = str(name).replace("_", "-")
    if str(name).startswith("hub:"):
        if path is not None:
            raise LearnOrderError(
                f"load_dataset: both {name!r} and path={os.fspath(path)!r}. "
                "The name already says where the dataset is. Leave the path out."
            )
        return by_name["hub"], str(name).removeprefix("hub:")
    if spelled not in by_name:
        raise LearnOrderError(
            f"load_dataset: unknown dataset {name!r}. {nearest(spelled, by_name)} "
            "Use one of them, or give your own files as one of the kinds, with a path."
        )
    return by_name[spelled], path


def _check_arguments(entry: DatasetEntry, options: Options, seed: int) -> None:
    refuse_seed(seed, f"load_dataset: {entry.name!r}")
    size = options.image_size
    if size is not None and (
        isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 4096
    ):
        raise LearnOrderError(
            f"load_dataset: image_size is {size!r}. It is the height and width in pixels, 1..4096. "
            "Use such an integer."
        )


def _find(entry: DatasetEntry, path: str | os.PathLike[str] | None) -> _Place:
    """Where the dataset is: at the path, in $LEARNORDER_DATA, on the hub, or nowhere."""
    if entry.format in PATHLESS:
        if path is not None:
            raise LearnOrderError(
                f"load_dataset: {entry.name!r} with path={os.fspath(path)!r}. "
                f"It {PATHLESS[entry.format]} and needs no path. Leave it out."
            )
        if entry.format == "noise":
            raise LearnOrderError(
                "load_dataset: 'noise' has no labels to train on. It is a further test set in the "
                "shape of the training examples. Name it in [extra.NAME] of a spec."
            )
        return _Place(entry.format, entry.name)
    if entry.is_kind:
        return _place_of_kind(entry, path)
    if path is not None:
        folder = Path(path).expanduser()
        if not folder.exists():
            raise DataNotFound(
                f"load_dataset: there is nothing at {folder}, the path given for {entry.name!r}. "
                f"It is a folder with {entry.looked_for}. Correct the path."
            )
        return _Place(_format_in(folder, entry), entry.name, folder)
    root = os.environ.get("LEARNORDER_DATA")
    for folder in _candidates(root, entry):
        if folder.is_dir():
            return _Place(_format_in(folder, entry), entry.name, folder)
    if entry.hub is not None:
        return _Place("hub", entry.name, repository=entry.hub)
    looked = f"in {root}" if root else "nowhere, because LEARNORDER_DATA is not set"
    raise DataNotFound(
        f"load_dataset: {entry.name!r} was not found; it was looked for {looked}. "
        f"It is the folder {entry.folder!r} with {entry.looked_for}. "
        "Set LEARNORDER_DATA to the folder above it, or give path=."
    )


def _place_of_kind(entry: DatasetEntry, path: str | os.PathLike[str] | None) -> _Place:
    if path is None:
        raise LearnOrderError(
            f"load_dataset: {entry.name!r} without a path. It is a kind of files: "
            f"{entry.looked_for}. "
            "Give path=, or the name of a known dataset."
        )
    if entry.format == "hub":
        return _Place("hub", str(path), repository=str(path))
    place = Path(path).expanduser()
    if not place.exists():
        raise DataNotFound(
            f"load_dataset: there is nothing at {place}. The kind {entry.name!r} needs "
            f"{entry.looked_for}. Correct the path."
        )
    found = place.resolve()
    title = found.stem if found.is_file() else found.name
    return _Place(entry.format, title or entry.name, place)


def _candidates(root: str | None, entry: DatasetEntry) -> list[Path]:
    """Folders a known dataset may lie in, the usual one first."""
    if not root or entry.folder is None:
        return []
    names = [entry.folder, entry.name, entry.name.replace("-", "_")]
    return [Path(root).expanduser() / name for name in dict.fromkeys(names)]


def _format_in(folder: Path, entry: DatasetEntry) -> str:
    """Format of a known dataset, which may have been downloaded from the hub as Parquet instead."""
    return "parquet" if entry.format != "parquet" and has_parquet(folder) else entry.format


def _refuse_unused(place: _Place, options: Options) -> None:
    for option in options.given():
        if option not in USED_OPTIONS[place.format]:
            used = ", ".join(USED_OPTIONS[place.format]) or "none of these"
            raise LearnOrderError(
                f"load_dataset: {option}={getattr(options, option)!r} means nothing for "
                f"{place.title!r}, "
                f"whose format is {place.format}. It uses: {used}. Leave {option} out."
            )


def _read(place: _Place, entry: DatasetEntry, options: Options) -> Source:
    if place.repository is not None:
        return read_hub(place.repository, options, folder=entry.folder)
    if place.path is None:
        return read_digits()
    try:
        source = READERS[place.format](place.path, options)
    except OSError as error:
        raise LearnOrderError(
            f"load_dataset: {place.title!r} cannot be read ({error}). "
            "Its files must be readable. Check the disk and the permissions."
        ) from error
    if place.format == "idx" and entry.class_names is not None:
        return replace(source, class_names=entry.class_names)
    return source


def class_list(classes: Iterable[str | int]) -> list[str | int]:
    """Names and ids of classes as a list; one text alone is refused, not split into letters."""
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise LearnOrderError(
            f"load_dataset: classes is {classes!r}. It is a list of names or ids. "
            f"Write classes=[{classes!r}, ...]."
        )
    return list(classes)


def _with_word_vectors(
    dataset: Dataset,
    entry: DatasetEntry,
    place: Path | None,
    embeddings: str | os.PathLike[str] | None,
) -> Dataset:
    folder = place if place is None or place.is_dir() else place.parent
    if embeddings is None:
        usual = folder / entry.embeddings if folder and entry.embeddings else None
        if usual is None or not usual.is_file():
            return dataset
        return replace(dataset, word_vectors=read_word_vectors(usual))
    if dataset.kind != "text":
        raise LearnOrderError(
            f"load_dataset: embeddings={os.fspath(embeddings)!r} for {dataset.name!r}, whose "
            "inputs are "
            f"{dataset.kind}. Word vectors go with texts. Leave embeddings out."
        )
    given = Path(embeddings).expanduser()
    candidates = [folder / given, given] if folder else [given]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        looked = " and ".join(str(candidate) for candidate in dict.fromkeys(candidates))
        raise DataNotFound(
            f"load_dataset: no file of word vectors; looked for {looked}. "
            "It is a GloVe or word2vec text file. Correct embeddings."
        )
    return replace(dataset, word_vectors=read_word_vectors(found))
