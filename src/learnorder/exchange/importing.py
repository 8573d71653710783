"""Make a log from what other tools have written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from learnorder.errors import LearnOrderError, count_of
from learnorder.exchange.content import Content, content_of_datasets
from learnorder.exchange.formats import FORMATS, load
from learnorder.exchange.names import check_ids
from learnorder.exchange.recognise import recognise
from learnorder.exchange.table_files import content_of_frames
from learnorder.exchange.tables import Choices
from learnorder.log.creation import NewLog
from learnorder.log.location import locate
from learnorder.log.whole import KnownReplicate, require_vacant, write_whole_log
from learnorder.schema import PREDICTION, EpochPredictions, prediction_dtype

FOLDERS = ("npy", "cartography")
"""Formats whose sources may be folders."""


@dataclass(frozen=True)
class ImportReport:
    """What `import_log` did.

    Attributes
    ----------
    path
        Of the log.
    format
        Of the source; "frame" or "dataset" for what was in memory.
    epochs
        For each seed how many.
    splits
        For each how many examples.
    n_classes
        Number of classes.
    quantities
        What is recorded.
    notes
        What was taken for granted, and what a reader of its numbers should know.
    """

    path: Path
    format: str
    epochs: Mapping[int, int]
    splits: Mapping[str, int]
    n_classes: int
    quantities: Sequence[str]
    notes: list[str] = field(default_factory=list)


def import_log(
    source: Any,
    out: str | Path,
    *,
    format: str | None = None,
    split: str = "test",
    columns: Mapping[str, str] | None = None,
    class_names: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Make a log from predictions in files, data frames or arrays; it appears whole or not at all.

    Every seed has every example after every epoch; what is missing or contradicts itself is
    refused. Nothing is read through pickle.

    Parameters
    ----------
    source
        A path or several (files that together hold one table; folders or files of one network
        each); a frame of pandas, polars, Arrow or Hugging Face ``datasets``; a dataset of
        `from_arrays` or `open_log`; or a mapping of names of splits to such frames or datasets.
    out
        Folder or URL of the new log.
    format
        Of the files, a name of ``learnorder import --help``; without it, by what is in them.
    split
        Name of the split where the source has none.
    columns
        Names of columns by what they mean (``id``, ``seed``, ``epoch``, ``split``, ``prediction``,
        ``label``, ...), where they are called otherwise.
    class_names
        One for each class id, where the source does not say them. Without them, names in labels
        and predictions are numbered in sorted order.
    seeds
        One for each replicate, where the source does not say them.
    progress
        Called with the number of replicates written and their total.

    Returns
    -------
    What the log holds, and what was taken for granted.

    Raises
    ------
    DataNotFound
        Nothing is at a path.
    ExtraMissing
        The format needs a package that is not installed.
    LearnOrderError
        Something is at ``out``, the format is not recognised, or the content is damaged, incomplete
        or contradicts itself.

    Examples
    --------
    >>> import pandas as pd, tempfile, learnorder as lo
    >>> rows = [(s, e, x, (s + e) % 2, 1) for s in (0, 1) for e in (1, 2) for x in ("a", "b")]
    >>> frame = pd.DataFrame(rows, columns=["seed", "epoch", "id", "prediction", "label"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = lo.import_log(frame, f"{folder}/mine.zarr", split="train")
    ...     dict(lo.open_log(report.path)["train"].sizes)
    {'replicate': 2, 'epoch': 2, 'example': 2}
    """
    target = locate(out)
    require_vacant(target)
    choices = Choices(split, dict(columns or {}), _checked_names(class_names), _checked(seeds))
    found, content, name = _read(source, format, choices)
    new = _new_log(content, found, name)
    replicates = [_replicate(content, seed, new.quantities) for seed in sorted(content.grids)]
    write_whole_log(target, new, replicates, {}, progress)
    return ImportReport(
        target,
        found,
        {seed: len(grid) for seed, grid in sorted(content.grids.items())},
        {name: len(s.examples) for name, s in content.splits.items()},
        len(content.class_names),
        new.quantities,
        [*content.notes, *_ragged(content)],
    )


def _read(source: Any, format: str | None, choices: Choices) -> tuple[str, Content, str]:
    """Format, content, and a name for the data."""
    paths = _paths(source)
    if paths is not None:
        found = recognise(paths, format)
        about = FORMATS[found]
        if about.reader is None:
            raise LearnOrderError(
                f"import: {found} is written only. {about.no_reader}. Import the predictions in "
                "another format."
            )
        _refuse_folders(paths, found)
        content: Content = load(about.reader)(paths, choices)
        return found, content, paths[0].name.partition(".")[0] or paths[0].name
    if format is not None:
        raise LearnOrderError(
            f"import: the format {format!r} is given for a source in memory. A format is that of "
            "files. Leave it out."
        )
    splits = source if isinstance(source, Mapping) and not isinstance(source, xr.Dataset) else None
    if isinstance(source, xr.Dataset):
        splits = {str(source.attrs.get("split", choices.split)): source}
    if splits is not None and not splits:
        raise LearnOrderError("import: the source is empty. Give at least one split.")
    if splits is not None and all(isinstance(s, xr.Dataset) for s in splits.values()):
        return "dataset", content_of_datasets(splits), "imported"
    frames: Mapping[str | None, Any] = {None: source} if splits is None else splits
    return "frame", content_of_frames(frames, choices), "imported"


def _refuse_folders(paths: Sequence[Path], found: str) -> None:
    folder = next((path for path in paths if path.is_dir()), None)
    if folder is not None and found not in FOLDERS:
        raise LearnOrderError(
            f"import: {folder} is a folder, and {found} is a file. Name the file."
        )


def _paths(source: Any) -> list[Path] | None:
    """Paths, if that is what the source is."""
    given = source if isinstance(source, list | tuple) else [source]
    if not given or not all(isinstance(path, str | os.PathLike) for path in given):
        return None
    return [Path(path).expanduser() for path in given]


def _checked_names(names: Sequence[str] | None) -> list[str] | None:
    if names is None:
        return None
    found = list(names)
    if isinstance(names, str) or not found or not all(isinstance(n, str) for n in found):
        raise LearnOrderError(
            f"import: class_names are {names!r:.80}. They are a list of texts, one for each class. "
            "Correct them."
        )
    if len(set(found)) < len(found):
        twice = next(name for name, n in Counter(found).items() if n > 1)
        raise LearnOrderError(
            f"import: the class name {twice!r} occurs twice. Each class has its own. Rename one."
        )
    return found


def _checked(seeds: Sequence[int] | None) -> list[int] | None:
    if seeds is None:
        return None
    whole = [isinstance(s, int | np.integer) and not isinstance(s, bool) for s in seeds]
    found = [int(s) if is_whole else -1 for s, is_whole in zip(seeds, whole, strict=True)]
    if not found or min(found) < 0 or len(set(found)) < len(found) or max(found) >= 2**63:
        raise LearnOrderError(
            f"import: seeds are {list(seeds)!r:.80}. They are different whole numbers from 0 up, "
            "at most 2**63 - 1. Correct them."
        )
    return found


def _new_log(content: Content, found: str, name: str) -> NewLog:
    quantities = content.quantities
    _checked_names(content.class_names)
    for split, of_split in content.splits.items():
        check_ids(split, of_split.examples.ids.tolist())
        of_label = sorted(set(of_split.cells) - {PREDICTION})
        if of_split.examples.labels is None and of_label:
            raise LearnOrderError(
                f"import: split {split!r} has no labels, but {of_label[0]} of the label. "
                "Give the labels, or leave it out."
            )
    digest = content.digest()
    about = {
        "name": name,
        "kind": "imported",
        "fingerprint": digest,
        "class_names": list(content.class_names),
    }
    provenance = {
        "learnorder": _version(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "imported_from": f"{found}: {name}",
    }
    return NewLog(
        {},
        digest,
        about,
        provenance,
        {split: (s.examples, None) for split, s in content.splits.items()},
        quantities=quantities,
        baselines={split: s.baselines for split, s in content.splits.items() if s.baselines},
    )


def _replicate(content: Content, seed: int, quantities: Sequence[str]) -> KnownReplicate:
    grid = [float(epoch) for epoch in content.grids[seed]]
    dtype = prediction_dtype(len(content.class_names))
    labelled = {n for n, s in content.splits.items() if s.examples.labels is not None}

    def records() -> Iterator[EpochPredictions]:
        for index, epoch in enumerate(grid):
            cell = (seed, epoch)
            votes = {n: s.cells[PREDICTION][cell] for n, s in content.splits.items()}
            yield EpochPredictions(
                seed,
                index,
                epoch,
                {name: values.astype(dtype, copy=False) for name, values in votes.items()},
                {
                    quantity: {n: content.splits[n].cells[quantity][cell] for n in labelled}
                    for quantity in quantities
                    if quantity != PREDICTION
                },
            )

    return KnownReplicate(seed, grid, records)


def _ragged(content: Content) -> list[str]:
    counts = {seed: len(grid) for seed, grid in content.grids.items()}
    if len(set(counts.values())) == 1:
        return []
    fewest = min(counts.values())
    short = [seed for seed, n in sorted(counts.items()) if n == fewest]
    return [
        f"seeds end at different epochs; measures use the {count_of(fewest, 'epoch')} that all "
        f"have. Fewest: seed {short[0]}"
    ]


def _version() -> str:
    try:
        return version("learnorder")
    except PackageNotFoundError:
        return "unknown"
