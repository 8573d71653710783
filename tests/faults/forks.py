"""Child processes that say what is safe through a pipe, without a buffer that could lie."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Child:
    """A forked process and what it has acknowledged, as pairs of seed and position."""

    pid: int
    pipe: int
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    def send(self, number: int) -> None:
        """Send a signal; one that has ended already, and waits to be asked for, is not hurt."""
        os.kill(self.pid, number)

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, options) is None

    def wait(self) -> int:
        """Read all it has acknowledged, and return how it ended (as ``Popen.returncode``)."""
        content = bytearray()
        while part := os.read(self.pipe, 65536):
            content += part
        os.close(self.pipe)
        words = content.decode().split()
        pairs = zip(words[::2], words[1::2], strict=True)
        self.acknowledged = [(int(seed), int(position)) for seed, position in pairs]
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


INTERRUPTED = 3
"""Exit status of training that was ended by Ctrl-C."""


def fork(act: Callable[[Callable[[int, int], None]], None]) -> Child:
    """Let a child do something; it is handed the function that acknowledges."""
    reading, writing = os.pipe()
    # A Ctrl-C that comes while the child is made waits until it would be noticed as one.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads, which the child leaves alone
        pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writing)
        return Child(pid, reading)
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(reading)
        act(lambda seed, position: _say(writing, seed, position))
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED  # before the child had begun what it has to do
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _say(pipe: int, seed: int, position: int) -> None:
    os.write(pipe, f"{seed} {position}\n".encode())
