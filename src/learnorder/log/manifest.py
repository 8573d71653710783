"""Which files belong together, with the checksum of each, so that the loss of any is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from learnorder.errors import LogDamaged
from learnorder.log.files import file_checksum, read_record, write_record

NOT_LISTED = ("outcome.json", "manifest")
"""Beginnings of the names of files that protect themselves: they carry their own checksum."""


def write_manifest(folder: Path, path: Path) -> None:
    """List every file under a folder, as it is now."""
    files = {name: file_checksum(folder / name) for name in _names(folder)}
    write_record(path, {"files": files})


def damaged_files(folder: Path, manifest: Path) -> Iterator[tuple[Path, str]]:
    """Files that are missing or differ from the manifest, each with what is wrong."""
    try:
        listed = read_record(manifest)["files"]
    except LogDamaged as error:
        yield manifest, str(error)
        return
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            yield path, "is missing"
        elif file_checksum(path) != expected:
            yield path, "differs from the checksum it was written with"


def _names(folder: Path) -> list[str]:
    paths = (p for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".partial"))
    names = (p.relative_to(folder).as_posix() for p in paths)
    return sorted(n for n in names if not n.startswith(NOT_LISTED))
