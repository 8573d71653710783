"""The few file operations everything durable is made of, in one place so that faults can be tested.

A file appears under its name only when it is whole and on the disk: written to a temporary name,
fsynced, renamed, and the folder fsynced.
"""

from __future__ import annotations

import json
import os
import uuid
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learnorder.errors import LogDamaged

CHECK = "check"
"""Key of the checksum that a JSON record carries over the rest of itself."""


def write_durably(path: Path, content: bytes | bytearray | memoryview) -> None:
    """Put a whole file in place: after return it survives a killed process and a power cut."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Create a folder and those above it, durably."""
    missing = [p for p in (path, *path.parents) if not p.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names inside a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a small JSON record that carries a checksum over itself."""
    write_durably(path, _serialised(record))


def read_record(path: Path) -> dict[str, Any]:
    """Read a record back.

    Raises
    ------
    LogDamaged
        The file is missing, no record, or differs from its own checksum.
    """
    try:
        content = path.read_bytes()
        record = json.loads(content)
        record.pop(CHECK)
    except OSError as error:
        raise LogDamaged(f"log: cannot read {path} ({error.strerror}).") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise LogDamaged(
            f"log: {path} is no whole record. A record is JSON with a checksum. "
            "Restore the file from a copy."
        ) from error
    # byte for byte, so that not even a flipped bit that means the same goes unnoticed
    if content != _serialised(record):
        raise LogDamaged(
            f"log: {path} differs from its own checksum. A record never changes once written. "
            "Restore the file from a copy."
        )
    return dict(record)


def file_checksum(path: Path) -> int:
    """CRC-32 of the bytes of a file."""
    check = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            check = zlib.crc32(block, check)
    return check


def _serialised(record: Mapping[str, Any]) -> bytes:
    check = zlib.crc32(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
    return json.dumps({**record, CHECK: check}, sort_keys=True, indent=1).encode()
