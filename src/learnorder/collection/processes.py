"""Start worker processes: forked from one that is ready, or each on its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, Protocol

ENVIRONMENT: Final = {
    # one thread per process: the promise of equal bytes, and the fastest use of the cores
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # keep freed activations instead of giving them back to the system after every step
    "MALLOC_MMAP_THRESHOLD_": str(8 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
    # in large pages, where the system leaves it to the process: fewer misses of the address cache
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "TOKENIZERS_PARALLELISM": "false",
    # on a GPU: the workspace with which its products give the same bytes every time
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}

CAN_FORK: Final = sys.platform == "linux"
"""Elsewhere libraries that a process has loaded are not safe to use in a fork of it."""


class Process(Protocol):
    """What a pool asks of a worker process, as `subprocess.Popen` has it."""

    stdin: IO[str] | None
    stdout: IO[str] | None
    pid: int

    def wait(self) -> int:
        """Return its exit status once it has ended; a signal's number, negative."""

    def kill(self) -> None:
        """Kill it, unless it has ended."""


def start_worker(scratch: Path, errors: Path) -> Process:
    """Start a worker on what lies in a scratch folder; what it prints goes to the file of errors.

    It is forked within `ready_to_fork`, and otherwise a process of its own from the beginning.
    """
    with errors.open("w") as stderr:
        server = _kept.server
        forked = server.fork(scratch, stderr) if server is not None else None
        return forked or _popen(
            ["learnorder.collection.worker", str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
        )


@contextlib.contextmanager
def ready_to_fork(*, at_once: bool = True) -> Iterator[None]:
    """Keep a process that workers are forked from; within another such block, that one's.

    It loads the libraries while this process goes on; unless ``at_once``, only when a block within
    this one needs it.
    """
    with _kept.lock:
        _kept.n_holders += 1
        if at_once and _kept.server is None and CAN_FORK:
            _kept.server = _ForkServer()
    try:
        yield
    finally:
        with _kept.lock:
            _kept.n_holders -= 1
            if not _kept.n_holders and _kept.server is not None:
                _kept.server.close()
                _kept.server = None


class _Forked:
    """A worker that was forked; see `Process`."""

    def __init__(self, pid: int, handle: int | None, stdin: int, stdout: int, status: int) -> None:
        self.pid = pid
        self.stdin: IO[str] | None = os.fdopen(stdin, "w", encoding="utf-8")
        self.stdout: IO[str] | None = os.fdopen(stdout, encoding="utf-8")
        self._handle, self._status = handle, status
        self._waiting, self._ending = threading.Lock(), threading.Lock()
        self._code: int | None = None

    def wait(self) -> int:
        with self._waiting:
            if self._code is None:
                said = os.read(self._status, 16)
                if not said:  # who would tell has ended: that nobody tells is no reason to live
                    self.kill()
                os.close(self._status)
                with self._ending:
                    self._code = int(said) if said else -signal.SIGKILL
                    if self._handle is not None:
                        os.close(self._handle)
            return self._code

    def kill(self) -> None:
        with self._ending, contextlib.suppress(OSError):
            if self._code is not None:
                return
            if self._handle is None:
                os.kill(self.pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)


class _ForkServer:
    """The parent's end of `learnorder.collection.fork_server`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_forked = 0
        self._begin()

    def _begin(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[str] = _popen(
                ["learnorder.collection.fork_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def fork(self, scratch: Path, stderr: IO[str]) -> Process | None:
        """Start a worker; None if that fails, and why is best seen when it starts on its own."""
        with self._lock:
            for _ in range(2):  # once more, if the server was killed since
                if process := self._ask(scratch, stderr):
                    return process
                self.close()
                self._begin()
        return None

    def _ask(self, scratch: Path, stderr: IO[str]) -> Process | None:
        self._n_forked += 1
        request = scratch / f"fork-{self._n_forked}.json"
        about = {
            "scratch": str(scratch),
            "environment": _environment(),
            "path": _import_path(),
            "folder": os.getcwd(),
        }
        request.write_text(json.dumps(about))
        (theirs_in, stdin), (stdout, theirs_out), (status, theirs_status) = (
            os.pipe() for _ in range(3)
        )
        theirs = [theirs_in, theirs_out, stderr.fileno(), theirs_status]
        try:
            socket.send_fds(self._socket, [os.fsencode(request)], theirs)
            said, handles, _, _ = socket.recv_fds(self._socket, 16, 1)
        except OSError:
            said, handles = b"", []
        finally:
            for descriptor in (theirs_in, theirs_out, theirs_status):
                os.close(descriptor)
        if not said:
            for descriptor in (stdin, stdout, status):
                os.close(descriptor)
            return None
        return _Forked(int(said), handles[0] if handles else None, stdin, stdout, status)

    def close(self) -> None:
        """End the server; its workers end by themselves."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


class _Kept:
    """The one server of this process, and how many want it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.server: _ForkServer | None = None
        self.n_holders = 0


_kept = _Kept()


def _forget() -> None:
    """A fork of this process has none: two that ask at one socket would get each other's answer."""
    global _kept
    _kept = _Kept()


if CAN_FORK:
    os.register_at_fork(after_in_child=_forget)


def _popen(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        # -P: nothing in the current folder takes the place of a module of that name
        [sys.executable, "-P", "-m", *arguments],
        env=_environment(),
        # Ctrl-C reaches the parent alone, which then ends the workers in order
        start_new_session=True,
        **options,
    )


def _environment() -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(_import_path())}


def _import_path() -> list[str]:
    """Make import strings in a spec mean the same in a worker as here."""
    return [str(Path(entry or ".").resolve()) for entry in sys.path]
