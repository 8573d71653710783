"""A folder of pictures: one folder per split, and in it one per class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.images import SUFFIXES, decode_images
from learnorder.datasets.named_labels import named_labels
from learnorder.datasets.source import Options, Source, require_folder
from learnorder.errors import DataNotFound, LearnOrderError

PASSED_OVER: Final = (
    *(".txt", ".md", ".rst", ".html", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml"),
    *("readme", "license", "licence", "copying", "notice", "thumbs.db", "desktop.ini"),
)
"""Endings of texts, and whole names, of files beside pictures; hidden files are passed over too."""


def read_imagefolder(root: Path, options: Options) -> Source:
    """Pictures at ``<split>/<class>/...``; class names sorted, ids the paths below the root.

    Further splits may have their pictures without class folders; they have no labels then. Hidden
    files, texts and what file managers leave behind are passed over. Links may not lead out of the
    root.

    Raises
    ------
    DataNotFound
        A folder or its pictures are missing.
    LearnOrderError
        A picture is damaged or transparent, sizes differ, a file is neither a picture that is read
        nor passed over, or a link leads out.
    """
    require_folder(root)
    for split in ("train", "test"):
        if not (root / split).is_dir():
            raise DataNotFound(
                f"load_dataset: {root} has no folder {split!r}. An image folder has "
                "train/<class>/ and test/<class>/ with pictures. Add it, or correct the path."
            )
    splits = [path for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] != "."]
    files = {path.name: pictures_below(path, root) for path in splits}
    _refuse_empty_classes(root / "train", files["train"])
    classes = {split: _classes(paths, root / split) for split, paths in files.items()}
    return source_of_pictures(root, files, classes, options)


def source_of_pictures(
    root: Path,
    files: Mapping[str, list[Path]],
    classes: Mapping[str, list[str] | None],
    options: Options,
) -> Source:
    """Decode the pictures of every split, given the class of each; ids are paths below the root."""
    labels, names = named_labels(classes, lambda split, position: str(files[split][position]))
    images = decode_images(
        {split: _bytes(paths) for split, paths in files.items()}, options.image_size
    )
    return Source(
        {
            split: RawSplit(images[split], labels[split], np.array(_relative(paths, root)))
            for split, paths in files.items()
        },
        class_names=names,
    )


def pictures_below(folder: Path, root: Path) -> list[Path]:
    """Pictures below a folder of an image folder, sorted by path.

    Raises
    ------
    DataNotFound
        There is none.
    LearnOrderError
        A link leads out of the root, or a file is neither a picture by its ending nor passed over.
    """
    inside = root.resolve()
    found: list[Path] = []
    others: list[Path] = []
    _refuse_link_out(folder, inside)
    for place, below, names in os.walk(folder):
        below[:] = [name for name in below if name[0] != "."]
        for name in below:
            _refuse_link_out(Path(place, name), inside)
        for path in (Path(place, name) for name in names if name[0] != "."):
            if path.suffix.lower() in SUFFIXES:
                _refuse_link_out(path, inside)
                found.append(path)
            elif not {path.suffix.lower(), path.name.lower()} & set(PASSED_OVER):
                others.append(path)
    _refuse_others(others)
    if not found:
        raise DataNotFound(
            f"load_dataset: {folder} has no pictures ({', '.join(SUFFIXES)}). "
            "Each split has at least one. Add pictures or remove the folder."
        )
    return sorted(found, key=lambda path: path.relative_to(root).parts)


def _refuse_others(files: list[Path]) -> None:
    """A picture that nothing here reads would be an example that is lost."""
    if files:
        raise LearnOrderError(
            f"load_dataset: {min(files)} is not read, by its ending"
            f"{f' (nor are {len(files) - 1:,} more)' if len(files) > 1 else ''}. Pictures end in "
            f"{', '.join(SUFFIXES)}; texts and hidden files are passed over. "
            "Convert it to PNG if it is a picture, or move it away."
        )


def _refuse_empty_classes(train: Path, pictures: list[Path]) -> None:
    """A class folder without a picture is a class that cannot be learned, not one to skip."""
    filled = {path.relative_to(train).parts[0] for path in pictures}
    for folder in sorted(train.iterdir()):
        if folder.is_dir() and folder.name[0] != "." and folder.name not in filled:
            raise LearnOrderError(
                f"load_dataset: the class folder {folder} has no pictures "
                f"({', '.join(SUFFIXES)}). Each class has a training example. "
                "Add pictures or remove the folder."
            )


def _refuse_link_out(path: Path, inside: Path) -> None:
    if not path.is_symlink():
        return
    place = path.resolve()
    if path.is_dir() or not place.is_relative_to(inside) or not place.is_file():
        raise LearnOrderError(
            f"load_dataset: the link {path} leads to {place}. Links lead to pictures inside "
            f"{inside}, "
            "not to folders. Replace it by what it links to."
        )


def _classes(paths: list[Path], folder: Path) -> list[str] | None:
    """Class folder of each picture; None for a further split that has no class folders."""
    direct = [path for path in paths if path.parent == folder]
    if direct and folder.name not in ("train", "test") and len(direct) == len(paths):
        return None
    if direct:
        raise LearnOrderError(
            f"load_dataset: {direct[0]} lies in no class folder. Pictures of a split with labels "
            "lie in "
            f"{folder}/<class>/. Move it into its class."
        )
    return [path.relative_to(folder).parts[0] for path in paths]


def _bytes(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        yield str(path), path.read_bytes()


def _relative(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]
