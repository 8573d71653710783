"""A live claim on something in a log: an operating-system lock that dies with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Self

from learnorder.errors import LearnOrderError, LogBusy

PATIENCE_SECONDS = 1.0
"""How long to wait for a claim: a reader that looks whether one is held has it for a moment."""


_held: set[int] = set()
"""Descriptors of the claims of this process."""


def _let_go_in_child() -> None:
    """A child made by fork shares the lock, and would keep it when this process dies."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go_in_child)


class Claim:
    """Exclusive claim on the owner of a lock file, held until released or the process dies."""

    def __init__(self, path: Path, what: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._try_lock(path):
            if time.monotonic() > deadline:
                os.close(self._descriptor)
                raise LogBusy(
                    f"log: {what} is being written by another process ({path} is locked). "
                    "One replicate has one writer at a time. Wait for it, or stop it."
                )
            time.sleep(0.05)
        _held.add(self._descriptor)

    def _try_lock(self, path: Path) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            os.close(self._descriptor)
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise LearnOrderError(
                    f"log: the file system of {path.parent} has no locks. Writing needs them, so "
                    "that two processes never write one replicate. Use another folder."
                ) from error
            raise
        return True

    def release(self) -> None:
        """Let others claim it."""
        if self._descriptor in _held:
            _held.remove(self._descriptor)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a child may not have let go yet
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_claimed(path: Path) -> bool:
    """Whether some live process holds the claim of this lock file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
