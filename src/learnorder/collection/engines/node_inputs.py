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
    descriptor = _opened(folder)
    try:
        fetched = not folder.exists()
        if fetched:
            _remove_abandoned()
            _fill(folder, fetch)
        elif folder.stat().st_uid != os.getuid():
            raise LearnOrderError(
                f"train: {folder} belongs to another user. What the networks read lies there, one "
                "copy for a node. Name another temporary folder in TMPDIR on the nodes."
            )
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # in use: nobody removes it
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
            shutil.rmtree(folder, ignore_errors=True)
            _lock(folder).unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def is_of_node(folder: Path) -> bool:
    """Whether a folder is one of `inputs_on_node`."""
    return folder.name.startswith(PREFIX)


def _fill(folder: Path, fetch: Fetch) -> None:
    """Fetch under another name: what has the right one is whole."""
    partial = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
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


def _opened(folder: Path) -> int:
    """Open the lock of a folder and hold it alone, when nobody fills or removes the folder."""
    while True:
        try:
            descriptor = os.open(_lock(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(folder, error) from error
        fcntl.flock(descriptor, fcntl.LOCK_EX if not folder.exists() else fcntl.LOCK_SH)
        # it may have been removed while this process waited: then it is nobody's lock
        with suppress(OSError):
            if os.fstat(descriptor).st_ino == _lock(folder).stat().st_ino:
                return descriptor
        os.close(descriptor)


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{LOCK}")


def _remove_abandoned() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}{os.getuid()}-*{LOCK}"):
        remove_unused(lock.with_name(lock.name.removesuffix(LOCK)))
