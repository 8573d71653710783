"""The few file operations everything durable is made of, in one place so that faults can be tested.

A local file appears under its name only when it is whole and on the disk: written to a temporary
name, fsynced, renamed, and the folder fsynced. On another file system a file is one object, put
under its name by one request, whole or not at all; folders are what the names of objects share.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from learnorder.errors import LogDamaged

CHECK = "check"
"""Key of the checksum that a JSON record carries over the rest of itself."""

PARTIAL = ".partial"
"""How the name of a file or folder ends while it is not whole."""

NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""How a file system refuses a second name for a file."""

Content = bytes | bytearray | memoryview


def is_local(path: Path) -> bool:
    """Whether the path lies on a file system of this machine, as opposed to a fsspec URL."""
    return isinstance(cast(object, path), Path)


def write_durably(path: Path, content: Content) -> None:
    """Put a whole file in place: after return it survives a killed process and a power cut."""
    if not is_local(path):
        _put(path, content)
        return
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PARTIAL}")
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


def write_new(path: Path, content: Content) -> None:
    """Create a file that nobody else has created.

    Raises
    ------
    FileExistsError
        Somebody has.
    """
    if not is_local(path):
        _put(path, content, mode="create")
        return
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PARTIAL}")
    write_durably(temporary, content)
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _put(path: Path, content: Content, **how: Any) -> None:
    """Store one object by one request; where there are real folders, they are made first."""
    remote = cast(Any, path)
    whole = content if isinstance(content, bytes) else bytes(content)
    with _errors_of_the_system(path):
        try:
            remote.fs.pipe_file(remote.path, whole, **how)
        except FileNotFoundError:
            if path.drive:
                raise  # a bucket, which is for its owner to make
            path.parent.mkdir(parents=True, exist_ok=True)
            remote.fs.pipe_file(remote.path, whole, **how)


@contextmanager
def _errors_of_the_system(path: Path) -> Iterator[None]:
    """Whatever a library that reaches another file system raises is an error of the system."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise OSError(errno.EIO, text, str(path)) from error


def read_bytes(path: Path) -> bytes:
    """Read a whole file, by one request where that is what reading costs."""
    if is_local(path):
        return path.read_bytes()
    remote = cast(Any, path)
    with _errors_of_the_system(path):
        return bytes(remote.fs.cat_file(remote.path))


def list_folder(folder: Path) -> list[Path]:
    """What lies in a folder, by name; nothing where there is no folder.

    What cannot be looked at is an error, not an absence.
    """
    try:
        if is_local(folder):
            names = os.listdir(folder)
        else:
            names = [name.rstrip("/").rpartition("/")[2] for name in _list_remote(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in sorted(names)]


def _list_remote(folder: Path) -> list[str]:
    remote = cast(Any, folder)
    with _errors_of_the_system(folder):
        found = remote.fs.ls(remote.path, detail=False)
    # some file systems list a file, or the mark of a folder, as what lies in it
    own = remote.path.strip("/")
    return [name for name in map(str, found) if name.strip("/") != own]


def is_there(path: Path) -> bool:
    """Whether something is at a path; what cannot be looked at is an error, not an absence."""
    try:
        if is_local(path):
            os.stat(path)
        else:
            remote = cast(Any, path)
            with _errors_of_the_system(path):
                remote.fs.info(remote.path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def is_folder(path: Path) -> bool:
    """Whether a folder is at a path; what cannot be looked at is an error, not an absence."""
    try:
        if is_local(path):
            return stat.S_ISDIR(os.stat(path).st_mode)
        remote = cast(Any, path)
        with _errors_of_the_system(path):
            return bool(remote.fs.info(remote.path)["type"] == "directory")
    except (FileNotFoundError, NotADirectoryError):
        return False


def all_files(folder: Path) -> Iterator[Path]:
    """Every file under a folder; what cannot be looked at is an error."""
    for path in list_folder(folder):
        if is_folder(path):
            yield from all_files(path)
        else:
            yield path


def remove(path: Path) -> None:
    """Remove a file durably; it may be gone already."""
    if is_local(path):
        path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            sync_folder(path.parent)
        return
    remote = cast(Any, path)
    with suppress(FileNotFoundError), _errors_of_the_system(path):
        remote.fs.rm_file(remote.path)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, durably; it may be gone already."""
    try:
        if is_local(folder):
            shutil.rmtree(folder)
        else:
            remote = cast(Any, folder)
            remote.fs.rm(remote.path, recursive=True)
    except FileNotFoundError:
        return
    sync_folder(folder.parent)


def make_folder(path: Path) -> None:
    """Create a folder and those above it, durably."""
    if not is_local(path):
        return
    missing = [p for p in (path, *path.parents) if not is_there(p)]
    path.mkdir(parents=True, exist_ok=True)
    # a folder that a killed process has just made may not be on the disk under its name
    for folder in missing or [path]:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names inside a folder durable."""
    if not is_local(folder):
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_record(path: Path, record: Mapping[str, Any]) -> int:
    """Write a small JSON record that carries a checksum over itself; return that of its bytes."""
    content = _serialised(record)
    write_durably(path, content)
    return zlib.crc32(content)


def write_new_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record that nobody else has written.

    Raises
    ------
    FileExistsError
        Somebody has.
    """
    write_new(path, _serialised(record))


def find_record(path: Path) -> dict[str, Any] | None:
    """Read a record back, or None where there is none.

    Raises
    ------
    LogDamaged
        It cannot be read, is no record, or differs from its own checksum.
    """
    return read_record(path) if is_there(path) else None


def read_record(path: Path) -> dict[str, Any]:
    """Read a record back.

    Raises
    ------
    LogDamaged
        The file is missing, no record, or differs from its own checksum.
    """
    try:
        content = read_bytes(path)
        record = json.loads(content)
        record.pop(CHECK)
    except FileNotFoundError as error:
        raise LogDamaged(f"log: {path} is missing. Restore the file from a copy.") from error
    except OSError as error:
        raise LogDamaged(
            f"log: cannot read {path} ({reason(error)}). Restore the file from a copy."
        ) from error
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
    if not is_local(path):
        return zlib.crc32(read_bytes(path))
    check = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            check = zlib.crc32(block, check)
    return check


def reason(error: OSError) -> str:
    """Why the system refused; file systems other than local ones do not always say."""
    return error.strerror or type(error).__name__


def _serialised(record: Mapping[str, Any]) -> bytes:
    check = zlib.crc32(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
    return json.dumps({**record, CHECK: check}, sort_keys=True, indent=1).encode()
