"""What the networks read, on a node of a cluster: one copy for all that train there."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from learnorder.errors import LearnOrderError

Fetch = Callable[[Path], None]
"""Writes what the networks read into a folder that is there."""

PREFIX = "learnorder-inputs-"
LOCK = ".lock"


@contextmanager
def inputs_on_node(digest: str, fetch: Fetch) -> Iterator[tuple[Path, bool]]:
    """Yield the folder of this node, and whether it had to be fetched for this block.

    It is fetched by the first process that wants it and shared by the others; the last one that
    ends in order removes it. What killed processes have left, the next one that fetches removes.

    Raises
    ------
    LearnOrderError
        It cannot be written, or belongs to another user.
    """
    folder = Path(tempfile.gettempdir()) / f"{PREFIX}{os.getuid()}-{digest}"
    descriptor, fetched = _opened(folder, fetch)
    try:
        if folder.lstat().st_uid != os.getuid():
            raise LearnOrderError(
                f"train: {folder} belongs to another user. What the networks read lies there, one "
                "copy for a node. Name another temporary folder in TMPDIR on the nodes."
            )
        yield folder, fetched
    finally:
        os.close(descriptor)
        remove_unused(folder)


def remove_unused(folder: Path) -> None:
    """Remove a folder of `inputs_on_node` unless a live process uses it."""
    with suppress(OSError):
        descriptor = os.open(_lock(folder), os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                # under another name first: what has the right one is whole
                folder.rename(_partial(folder))
            _remove_partial(folder)
            _lock(folder).unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def is_of_node(folder: Path) -> bool:
    """Whether a folder is one of `inputs_on_node`."""
    return folder.name.startswith(PREFIX)


def _fill(folder: Path, fetch: Fetch) -> None:
    """Fetch under another name: what has the right one is whole."""
    _remove_partial(folder)
    partial = _partial(folder)
    try:
        partial.mkdir(mode=0o700)
        fetch(partial)
        partial.rename(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> LearnOrderError:
    return LearnOrderError(
        f"train: cannot write what the networks read into {folder} ({error.strerror or error}). It "
        "is one copy for all replicates of a node. Free some space, or name another folder in "
        "TMPDIR on the nodes."
    )


def _opened(folder: Path, fetch: Fetch) -> tuple[int, bool]:
    """Have a folder and a shared lock on it, so that nobody removes it; say if it was fetched."""
    fetched = False
    while True:
        try:
            descriptor = os.open(_lock(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(folder, error) from error
        try:
            if not folder.exists():
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if _is_lock(descriptor, folder) and not folder.exists():
                    _remove_abandoned(folder)
                    _fill(folder, fetch)
                    fetched = True
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            # it may have been removed while this process waited: then it is nobody's lock
            if _is_lock(descriptor, folder) and folder.exists():
                return descriptor, fetched
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_lock(descriptor: int, folder: Path) -> bool:
    """Whether a descriptor is of the lock file that is there now."""
    try:
        return os.fstat(descriptor).st_ino == _lock(folder).stat().st_ino
    except OSError:
        return False


def _partial(folder: Path) -> Path:
    """Name under which a folder is made, and removed."""
    return folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")


def _remove_partial(folder: Path) -> None:
    """Remove what killed processes left of making or removing a folder; its lock is held alone."""
    for partial in folder.parent.glob(f"{folder.name}.{'[0-9a-f]' * 32}"):
        shutil.rmtree(partial, ignore_errors=True)


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{LOCK}")


def _remove_abandoned(wanted: Path) -> None:
    """Remove other folders that nobody uses."""
    for lock in wanted.parent.glob(f"{PREFIX}{os.getuid()}-*{LOCK}"):
        if lock != _lock(wanted):
            remove_unused(lock.with_name(lock.name.removesuffix(LOCK)))
