"""A process that has loaded what workers need, and forks each worker from itself.

Started as ``python -m learnorder.collection.fork_server`` with a socket as its stdin. Loading
PyTorch takes seconds of a core; a fork takes milliseconds, and its copy of the libraries is shared
memory. Nothing is computed before a fork, and no thread is running.

A request is five descriptors: a file with what the worker is given, in JSON; its stdin, stdout and
stderr; and a pipe that its exit status is written to. The answer is its process id, with a
descriptor of the process where kernel and Python have them, or `CANNOT`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Final, NoReturn

from learnorder.collection import worker
from learnorder.collection.processes import ANSWER_BYTES, CANNOT

N_DESCRIPTORS: Final = 5


def main() -> NoReturn:
    """Fork until the other end of the socket is closed; workers then end by themselves."""
    requests = socket.socket(fileno=os.dup(0))
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})  # a parent may have blocked it
    gc.freeze()  # what is loaded is never collected, so its pages stay shared
    poll = select.poll()
    for descriptor in (requests.fileno(), awake):
        poll.register(descriptor, select.POLLIN)
    statuses: dict[int, int] = {}
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if awake in ready:
            os.read(awake, 1 << 16)
        _say_who_ended(statuses)
        if requests.fileno() in ready:
            _serve(requests, statuses, (awake, wake))


def _serve(requests: socket.socket, statuses: dict[int, int], own: tuple[int, int]) -> None:
    content, given, _, _ = socket.recv_fds(requests, 1, N_DESCRIPTORS)
    if not content:
        sys.exit(0)
    process = _fork() if len(given) == N_DESCRIPTORS else None
    if process == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        requests.close()
        for other in (*own, given[-1], *statuses.values()):
            os.close(other)
        _become(*given[:-1])
    for descriptor in given[:-1] if process else given:
        os.close(descriptor)
    if process:
        statuses[process] = given[-1]
    _answer(requests, process)


def _fork() -> int | None:
    """Fork; None where that fails, or would take a lock of another thread with it for ever."""
    if len(os.listdir("/proc/self/task")) > 1:  # somebody's `sitecustomize` may start one
        return None
    try:
        return os.fork()
    except OSError:
        return None


def _answer(requests: socket.socket, process: int | None) -> None:
    handles = []
    if process is not None:
        # opened before anybody waits for the process, so it can be no other one of the same number
        with contextlib.suppress(OSError, AttributeError):
            handles.append(os.pidfd_open(process))
    said = CANNOT if process is None else str(process).encode()
    socket.send_fds(requests, [said.ljust(ANSWER_BYTES)], handles)
    for handle in handles:
        os.close(handle)


def _say_who_ended(statuses: dict[int, int]) -> None:
    for process in list(statuses):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            pipe = statuses.pop(process)
            with contextlib.suppress(BrokenPipeError):  # nobody waits for it
                os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(pipe)


def _become(request: int, *standard: int) -> NoReturn:
    """Be the worker that is asked for, as if it had been started on its own."""
    try:
        os.setsid()  # Ctrl-C reaches the parent alone, which then ends the workers in order
        with open(request, encoding="utf-8") as file:
            file.seek(0)
            given = json.load(file)
        for place, descriptor in enumerate(standard):
            os.dup2(descriptor, place)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(given["environment"])
        os.chdir(given["folder"])
        sys.path[:] = given["path"]
        importlib.invalidate_caches()
        sys.argv[:] = [worker.__file__, given["scratch"]]
        worker.main(Path(given["scratch"]))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
