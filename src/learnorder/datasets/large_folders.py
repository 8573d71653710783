"""Large collections of pictures in the folders they are published in, read class by class."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from learnorder.datasets.imagefolder import pictures_below, source_of_pictures
from learnorder.datasets.source import Options, Source, require_folder
from learnorder.errors import DataNotFound, LearnOrderError, nearest

HELD_OUT: Final = 5
"""Of the pictures of an identity, one in so many is a test example."""

ANNOTATIONS: Final = "val_annotations.txt"


def read_imagenet(root: Path, options: Options) -> Source:
    """Pictures at ``train/<wnid>/`` and ``val/<wnid>/``; the latter are the test split.

    Raises
    ------
    DataNotFound
        A folder or its pictures are missing.
    LearnOrderError
        A picture is damaged, or sizes differ and none was given.
    """
    wnids = _class_folders(root / "train", options)
    files: dict[str, list[Path]] = {}
    classes: dict[str, list[str]] = {}
    for split, name in (("train", "train"), ("test", "val")):
        require_folder(root / name)
        of_class = {wnid: _pictures_of(root / name / wnid, root) for wnid in wnids}
        files[split] = [path for paths in of_class.values() for path in paths]
        classes[split] = [wnid for wnid, paths in of_class.items() for _ in paths]
    return source_of_pictures(root, files, classes, options)


def read_tiny_imagenet(root: Path, options: Options) -> Source:
    """Pictures at ``train/<wnid>/images/`` and ``val/images/``; the latter are the test split.

    The classes of ``val`` stand in its ``val_annotations.txt``: on each line the name of a picture,
    its class, and four numbers of no use here.

    Raises
    ------
    DataNotFound
        A folder, its pictures or the annotations are missing.
    LearnOrderError
        A picture is damaged, or has no annotation.
    """
    wnids = _class_folders(root / "train", options)
    of_class = {wnid: _pictures_of(root / "train" / wnid / "images", root) for wnid in wnids}
    annotated = _annotations(root / "val" / ANNOTATIONS)
    test = []
    for path in _pictures_of(root / "val" / "images", root):
        if path.name not in annotated:
            raise LearnOrderError(
                f"load_dataset: {path} has no line in {ANNOTATIONS}. Each picture of val has its "
                "class there. Unpack the archive again."
            )
        if annotated[path.name] in of_class:
            test.append(path)
    files = {"train": [path for paths in of_class.values() for path in paths], "test": test}
    classes = {
        "train": [wnid for wnid, paths in of_class.items() for _ in paths],
        "test": [annotated[path.name] for path in test],
    }
    return source_of_pictures(root, files, classes, options)


def read_vggface2(root: Path, options: Options) -> Source:
    """Pictures at ``train/<identity>/``, a fifth of each identity held out as the test split.

    The published test part shows other people, so that no network can have learned them. Which
    pictures are held out is fixed by a digest of their names: the same whatever identities are
    read.

    Raises
    ------
    DataNotFound
        A folder or its pictures are missing.
    LearnOrderError
        An identity has fewer than 5 pictures, a picture is damaged, or sizes differ and none was
        given.
    """
    files: dict[str, list[Path]] = {"train": [], "test": []}
    identities: dict[str, list[str]] = {"train": [], "test": []}
    for identity in _class_folders(root / "train", options):
        paths = _pictures_of(root / "train" / identity, root)
        if len(paths) < HELD_OUT:
            raise LearnOrderError(
                f"load_dataset: {root / 'train' / identity} has {len(paths)} pictures. One in "
                f"{HELD_OUT} of an identity is held out. Leave it out with classes."
            )
        by_digest = sorted(paths, key=lambda path: _digest(path.relative_to(root)))
        held_out = set(by_digest[: len(paths) // HELD_OUT])
        for path in paths:
            split = "test" if path in held_out else "train"
            files[split].append(path)
            identities[split].append(identity)
    return source_of_pictures(root, files, identities, options)


def _class_folders(train: Path, options: Options) -> list[str]:
    """Names of the class folders to read, sorted."""
    require_folder(train)
    found = sorted(path.name for path in train.iterdir() if path.is_dir() and path.name[0] != ".")
    if options.only_classes is None:
        return found
    for name in options.only_classes:
        if name not in found:
            known = nearest(name, found) if len(found) <= 20 else f"It has {len(found)} others."
            raise DataNotFound(
                f"load_dataset: {train} has no class folder {name!r}. {known} "
                "Add it, or choose other classes."
            )
    return sorted(set(options.only_classes))


def _pictures_of(folder: Path, root: Path) -> list[Path]:
    require_folder(folder)
    return pictures_below(folder, root)


def _annotations(path: Path) -> dict[str, str]:
    """Class of each picture, by its file name."""
    if not path.is_file():
        raise DataNotFound(
            f"load_dataset: there is no {path}. It says the class of each picture of val. "
            "Unpack the archive again."
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {}
    for number, line in enumerate(lines, start=1):
        parts = line.split("\t")
        if len(parts) < 2:
            raise LearnOrderError(
                f"load_dataset: line {number} of {path} is {line!r:.60}. Each has the name of a "
                "picture, a tab and its class. Unpack the archive again."
            )
        found[parts[0]] = parts[1]
    return found


def _digest(path: Path) -> bytes:
    return hashlib.blake2b(path.as_posix().encode(), digest_size=16).digest()
