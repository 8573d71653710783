"""A process that has loaded what workers need, and forks each worker from itself.

Started as ``python -m learnorder.collection.fork_server SOCKET``, a descriptor. Loading PyTorch
takes seconds of a core; a fork takes milliseconds, and its copy of the libraries is shared memory.
Nothing is computed before a fork: no thread, no random state and no user code passes into a worker.

A request is the path of a JSON file with what the worker is given, and four descriptors: its stdin,
stdout and stderr, and a pipe that its exit status is written to. The answer is its process id, with
a descriptor of the process where the kernel has them.
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
from typing import NoReturn

from learnorder.collection import worker

REQUEST_BYTES = 1 << 16

N_DESCRIPTORS = 4


def main(requests: socket.socket) -> NoReturn:
    """Fork until the other end of the socket is closed; workers then end by themselves."""
    gc.freeze()  # what is loaded is never collected, so its pages stay shared
    awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    statuses: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests.fileno(), awake], [], [])
        if awake in ready:
            os.read(awake, REQUEST_BYTES)
        _say_who_ended(statuses)
        if requests.fileno() in ready:
            _serve(requests, statuses, (awake, wake))


def _serve(requests: socket.socket, statuses: dict[int, int], own: tuple[int, int]) -> None:
    content, given, _, _ = socket.recv_fds(requests, REQUEST_BYTES, N_DESCRIPTORS)
    if not content:
        sys.exit(0)
    *standard, status = given
    process = os.fork()
    if process == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        requests.close()
        for other in (*own, status, *statuses.values()):
            os.close(other)
        _become(Path(os.fsdecode(content)), standard)
    for descriptor in standard:
        os.close(descriptor)
    statuses[process] = status
    _answer(requests, process)


def _answer(requests: socket.socket, process: int) -> None:
    # opened before anybody waits for the process, so it can be no other one of the same number
    handles = []
    with contextlib.suppress(OSError):
        handles.append(os.pidfd_open(process))
    socket.send_fds(requests, [str(process).encode()], handles)
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


def _become(request: Path, standard: list[int]) -> NoReturn:
    """Be the worker that is asked for, as if it had been started on its own."""
    try:
        os.setsid()  # Ctrl-C reaches the parent alone, which then ends the workers in order
        for place, descriptor in enumerate(standard):
            os.dup2(descriptor, place)
            os.close(descriptor)
        given = json.loads(request.read_text())
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
    main(socket.socket(fileno=int(sys.argv[1])))
