"""Start worker processes: forked from one that is ready, or each on its own."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
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

ANSWER_BYTES: Final = 16
CANNOT: Final = b"-"
"""Length of an answer of the server, and the one that says that it cannot fork."""

LEAVE: Final = "leave"
"""The job of a worker that nobody wants any more, though others go on in its scratch folder."""

NOT_TOLD: Final = 256
"""Stands for an exit status that was lost with the process that would have told it."""

PATIENCE_SECONDS: Final = 10.0


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
    this one needs it. What limits it has, such as the cores it may use, are those of its start.
    """
    kept = _kept
    with kept.lock:
        kept.n_holders += 1
        if at_once and kept.server is None and CAN_FORK:
            kept.server = _ForkServer()
    try:
        yield
    finally:
        with kept.lock:
            kept.n_holders -= 1
            if not kept.n_holders and kept.server is not None:
                kept.server.close()
                kept.server = None


def seconds_until_loaded() -> float:
    """Wait until the process that workers are forked from has loaded libraries; say how long.

    It loads them once for all workers, so none of it is spent again. 0 where there is no such
    process: then each worker loads them.
    """
    started, server = time.monotonic(), _kept.server
    if server is None:
        return 0.0
    server.wait()
    return time.monotonic() - started


class _Forked:
    """A worker that was forked; see `Process`."""

    def __init__(self, pid: int, handle: int | None, ours: _Ends) -> None:
        self.pid = pid
        self.stdin: IO[str] | None = os.fdopen(ours.stdin, "w", encoding="utf-8")
        self.stdout: IO[str] | None = os.fdopen(ours.stdout, encoding="utf-8")
        self._handle, self._status = handle, ours.status
        self._waiting, self._ending = threading.Lock(), threading.Lock()
        self._code: int | None = None

    def wait(self) -> int:
        with self._waiting:
            if self._code is None:
                said = os.read(self._status, ANSWER_BYTES)
                if not said:  # who would tell has ended: that nobody tells is no reason to live
                    self._end()
                with self._ending:
                    self._code = int(said) if said else NOT_TOLD
                    for descriptor in (self._status, self._handle):
                        if descriptor is not None:
                            os.close(descriptor)
            return self._code

    def _end(self) -> None:
        """See it end, which it may be about to do; kill it if it does not."""
        if self._handle is not None:
            poll = select.poll()
            poll.register(self._handle, select.POLLIN)
            if poll.poll(1000 * PATIENCE_SECONDS):
                return
        self.kill()

    def kill(self) -> None:
        with self._ending, contextlib.suppress(ProcessLookupError):
            if self._code is not None:
                return
            try:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)  # type: ignore[arg-type]
            except ProcessLookupError:
                return
            except (OSError, AttributeError, TypeError):  # there is no handle, or no such call
                os.kill(self.pid, signal.SIGKILL)


@dataclass(frozen=True)
class _Ends:
    """The parent's ends of the pipes of a worker."""

    stdin: int
    stdout: int
    status: int

    def abandon(self) -> None:
        """Close them; a worker that was forked after all leaves the scratch folder alone."""
        with contextlib.suppress(OSError):
            os.write(self.stdin, json.dumps({"job": LEAVE}).encode() + b"\n")
        for descriptor in (self.stdin, self.stdout, self.status):
            os.close(descriptor)


class _ForkServer:
    """The parent's end of `learnorder.collection.fork_server`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_useless = False
        self._begin()

    def _begin(self) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[str] = _popen(
                ["learnorder.collection.fork_server"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def fork(self, scratch: Path, stderr: IO[str]) -> Process | None:
        """Start a worker; None if that fails, and why is best seen when it starts on its own."""
        with self._lock:
            if self._is_useless:
                return None
            with contextlib.suppress(OSError):
                for may_begin_again in (True, False):  # it may have been killed since
                    process = self._ask(scratch, stderr)
                    if isinstance(process, _Forked):
                        return process
                    if process == CANNOT:
                        return None
                    self.close()
                    if may_begin_again:
                        self._begin()
                self._is_useless = True
            return None

    def wait(self) -> None:
        """Return when it has loaded what it needs, or has ended."""
        with self._lock:
            try:
                self.socket.send(b"?")  # without descriptors: it answers that it cannot
                self.socket.recv(ANSWER_BYTES)
            except OSError:
                return  # whoever asks for a worker begins it again
            except BaseException:
                # an answer that is still to come would be taken for that of the next
                self.close()
                self._begin()
                raise

    def _ask(self, scratch: Path, stderr: IO[str]) -> _Forked | bytes:
        """What the server answers, nothing if it has ended."""
        about = {
            "scratch": str(scratch),
            "environment": _environment(),
            "path": import_path(),
            "folder": os.getcwd(),
        }
        with contextlib.ExitStack() as theirs, tempfile.TemporaryFile("w+") as request:
            json.dump(about, request)  # in a file without a name: there may be secrets in it
            request.flush()
            ours, given = _pipes(theirs)
            try:
                socket.send_fds(
                    self.socket, [b"?"], [request.fileno(), *given[:2], stderr.fileno(), given[2]]
                )
                said, handles, _, _ = socket.recv_fds(self.socket, ANSWER_BYTES, 1)
            except OSError:
                said, handles = b"", []
            except BaseException:
                # an answer that is still to come would be taken for that of the next
                ours.abandon()
                self.close()
                self._begin()
                raise
        said = said.strip()
        if said in (b"", CANNOT):
            ours.abandon()
            return said
        return _Forked(int(said), handles[0] if handles else None, ours)

    def close(self) -> None:
        """End the server; its workers end by themselves."""
        self.socket.close()
        self._process.kill()
        self._process.wait()


def _pipes(theirs: contextlib.ExitStack) -> tuple[_Ends, tuple[int, int, int]]:
    """Three pipes: the parent's ends, and the worker's, which the stack closes."""
    with contextlib.ExitStack() as opened:

        def pipe() -> tuple[int, int]:
            read, write = os.pipe()
            for end in (read, write):
                opened.callback(os.close, end)
            return read, write

        (stdin, our_in), (our_out, stdout), (our_status, status) = (pipe() for _ in range(3))
        opened.pop_all()
    given = (stdin, stdout, status)
    for end in given:
        theirs.callback(os.close, end)
    return _Ends(our_in, our_out, our_status), given


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
    if _kept.server is not None:
        _kept.server.socket.close()
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
    return {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(import_path())}


def import_path() -> list[str]:
    """Make import strings in a spec mean the same in a worker as here."""
    return [str(Path(entry or ".").resolve()) for entry in sys.path]
