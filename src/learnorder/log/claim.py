"""A live claim on something in a log, so that it has one writer at a time.

Where there are locks, the claim is one of the operating system and dies with its process. Where
there are none, it is an object that only one process can create; it stays until it is released or
taken over, because nothing tells a dead process on another machine from a slow one. No clock and no
process id decides anything.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
import uuid
from pathlib import Path
from typing import Any, Self

from learnorder.errors import LogBusy
from learnorder.log.files import is_local, is_there, read_bytes, remove, write_durably, write_new

PATIENCE_SECONDS = 1.0
"""How long to wait for a claim: a reader that looks whether one is held has it for a moment."""

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

_held: set[_Lock | _Token] = set()
"""The claims of this process."""


def _let_go_in_child() -> None:
    """A child made by fork shares a lock, and would keep it when this process dies."""
    while _held:
        _held.pop().forget()


os.register_at_fork(after_in_child=_let_go_in_child)


class NoLocks(OSError):
    """The file system has no locks."""


class Claim:
    """Exclusive claim on the owner of a lock file, held until released or the process dies.

    Parameters
    ----------
    path
        The lock file. Where there are no locks, the claim object lies beside it.
    what
        What is claimed, for the message.
    take_over
        Replace a claim object of somebody else, who finds out by `require_held`.
    token
        Whose a claim object is; one that has this token already is one's own. Without it, a new
        one.

    Raises
    ------
    LogBusy
        Somebody else has it.
    """

    def __init__(
        self, path: Path, what: str, *, take_over: bool = False, token: str | None = None
    ) -> None:
        self._claim = _acquire(path, what, take_over, token or uuid.uuid4().hex)
        _held.add(self._claim)

    def require_held(self) -> None:
        """Refuse to go on if the claim is lost.

        Raises
        ------
        LogBusy
            It was taken over, or removed, or belongs to the process this one was forked from.
        """
        if self._claim not in _held or not self._claim.is_held():
            raise LogBusy(
                f"log: {self._claim.what} is no longer claimed by this process; another one has "
                f"taken over ({self._claim.path}). What was committed before stays. Stop this one."
            )

    def release(self) -> None:
        """Let others claim it."""
        if self._claim in _held:
            _held.remove(self._claim)
            self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_claimed(path: Path) -> bool:
    """Whether somebody holds the claim: a live process, or a claim object that is still there."""
    return (is_local(path) and _is_locked(path)) or is_there(claim_object(path))


def claim_object(path: Path) -> Path:
    """Where the claim lies that stands in for a lock."""
    return path.with_name(f"{path.name}.json")


def drop_claim(path: Path, token: str) -> None:
    """Remove the claim object of a process that is known to have ended; no lock needs that."""
    place = claim_object(path)
    if _holder(place).get("token") == token:
        remove(place)


def _acquire(path: Path, what: str, take_over: bool, token: str) -> _Lock | _Token:
    place = claim_object(path)
    if not is_local(path):
        return _Token(place, what, take_over, token)
    try:
        lock = _Lock(path, what)
    except NoLocks:
        return _Token(place, what, take_over, token)
    try:
        # another machine may see the same folder without locks
        if is_there(place):
            if not take_over and _holder(place).get("token") != token:
                raise LogBusy(_claimed_line(place, what))
            remove(place)
    except BaseException:
        lock.release()
        raise
    return lock


class _Lock:
    """A lock of the operating system on an open file."""

    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what = path, what
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while not self._try_lock():
                if time.monotonic() > deadline:
                    raise LogBusy(_locked_line(path, what))
                time.sleep(0.05)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in NO_LOCKS:
                raise NoLocks from error
            raise
        return True

    def is_held(self) -> bool:
        """A lock is lost with its process, not before."""
        return True

    def forget(self) -> None:
        os.close(self._descriptor)

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a child may not have let go yet
        os.close(self._descriptor)


class _Token:
    """An object that only one process can create, with a random token that says whose it is."""

    def __init__(self, path: Path, what: str, take_over: bool, token: str) -> None:
        self.path, self.what, self._token = path, what, token
        about = {"token": token, "host": socket.gethostname(), "process": os.getpid()}
        content = json.dumps(about, indent=1).encode()
        if take_over:
            write_durably(path, content)
        else:
            try:
                write_new(path, content)
            except FileExistsError:
                # a request that was sent twice may have met itself
                if not self.is_held():
                    raise LogBusy(_claimed_line(path, what)) from None
        # some file systems create nothing exclusively; of two at one moment the last one has it
        if not self.is_held():
            raise LogBusy(_claimed_line(path, what))

    def is_held(self) -> bool:
        return _holder(self.path).get("token") == self._token

    def forget(self) -> None:
        """Nothing to give back: it is the claim of the process that this one was forked from."""

    def release(self) -> None:
        if self.is_held():
            remove(self.path)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return False
    finally:
        os.close(descriptor)
    return False


def _holder(place: Path) -> dict[str, Any]:
    """Say whose a claim object is; nobody's if it is gone, unknown if it was left half written."""
    try:
        content = json.loads(read_bytes(place))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _locked_line(path: Path, what: str) -> str:
    if any(claim.path == path for claim in _held):
        return (
            f"log: {what} is being written by this process already ({path} is locked). One "
            "replicate has one writer at a time. Finish or close the one before."
        )
    return (
        f"log: {what} is being written by another process ({path} is locked). "
        "One replicate has one writer at a time. Wait for it, or stop it."
    )


def _claimed_line(place: Path, what: str) -> str:
    holder = _holder(place)
    who = f"process {holder.get('process', '?')} on {holder.get('host', 'an unknown host')}"
    return (
        f"log: {what} is claimed by {who} ({place}). There are no locks here, so a claim stays "
        "when its process dies. Wait for it; or, if it has ended, take over with --take-over "
        "(take_over=True)."
    )
