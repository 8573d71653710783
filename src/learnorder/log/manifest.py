"""Which files belong together, with the checksum of each, so that the loss of any is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from learnorder.errors import LogDamaged
from learnorder.log.files import file_checksum, read_record, write_record
from learnorder.log.layout import ATTEMPT, COMPACTION

INSIDE = (ATTEMPT, COMPACTION)
"""How the names of folders inside a log begin that have a manifest."""


def write_manifest(
    folder: Path, path: Path, names: Iterable[str], known: Mapping[str, int] | None = None
) -> None:
    """List files under a folder, with the checksum that is known of them or that they have now.

    What was listed before keeps its checksum: a file damaged since is not declared sound.
    """
    before = known or {}
    files = {n: before[n] if n in before else file_checksum(folder / n) for n in sorted(names)}
    write_record(path, {"of": _name(path), "files": files})


def listed_files(manifest: Path) -> dict[str, int]:
    """Checksums by name.

    Raises
    ------
    LogDamaged
        The manifest is missing or damaged.
    """
    record = read_record(manifest)
    files = record.get("files")
    # a log of format 1 does not say whose files a manifest lists
    if not isinstance(files, dict) or record.get("of", _name(manifest)) != _name(manifest):
        raise LogDamaged(
            f"log: {manifest} is the manifest of {record.get('of')}. A manifest stays where it was "
            "written. Restore it from a copy."
        )
    return files


def _name(manifest: Path) -> str:
    """Name of a manifest, with the folder it speaks of; a log itself may be renamed."""
    folder = manifest.parent.name
    return f"{folder}/{manifest.name}" if folder.startswith(INSIDE) else manifest.name


def damaged_files(folder: Path, manifest: Path) -> Iterator[tuple[Path, str]]:
    """Files that are missing or differ from the manifest, each with what is wrong."""
    try:
        listed = listed_files(manifest)
    except LogDamaged as error:
        yield manifest, str(error)
        return
    for name, expected in listed.items():
        path = folder / name
        try:
            if file_checksum(path) != expected:
                yield path, "differs from the checksum it was written with"
        except FileNotFoundError:
            yield path, "is missing"
        except OSError as error:
            yield path, f"cannot be read ({error.strerror or error})"
