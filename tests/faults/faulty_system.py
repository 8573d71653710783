"""A system that fails, or kills this process, at the n-th file operation below a folder.

It takes the place of the functions of ``os`` and of ``open`` themselves, so that it does not matter
through which module the log reaches them.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

NEEDS_SPACE = {"open to write", "write", "mkdir", "link", "symlink", "replace", "rename", "fsync"}
READS = {"open", "scandir", "listdir"}
BY_PATH = (
    "mkdir", "link", "symlink", "replace", "rename",
    "unlink", "remove", "rmdir", "truncate", "scandir", "listdir",
)  # fmt: skip
BY_DESCRIPTOR = ("fsync", "fdatasync", "ftruncate")

Act = Callable[[], Any]


class Fault:
    """What happens at the n-th operation; the plain one is that the system refuses it once."""

    stride = 1
    """The long form tries every so many-th operation."""

    def __init__(self, name: str, code: int = errno.EIO, *, lasts: bool = False) -> None:
        self.name, self.code, self.lasts = name, code, lasts

    def concerns(self, kind: str) -> bool:
        """Whether operations of this kind are counted."""
        return True

    def strike(self, kind: str, act: Act, half: Act | None) -> Any:
        """Fail in place of the operation; ``half`` does the first half of a write."""
        if half is not None:
            half()
        raise OSError(self.code, os.strerror(self.code))

    def synced(self, descriptor: int) -> None:
        """Told of each file and folder that has been made durable."""


class DiskGone(Fault):
    """From the n-th operation on none works."""

    stride = 5

    def __init__(self) -> None:
        super().__init__("disk gone", lasts=True)


class FullDisk(Fault):
    """From the n-th operation on there is no space; what needs none goes on."""

    def __init__(self) -> None:
        super().__init__("ENOSPC", errno.ENOSPC, lasts=True)

    def concerns(self, kind: str) -> bool:
        return kind in NEEDS_SPACE


class Denied(Fault):
    """Something cannot be looked at, once: it must not be taken for something that is not there."""

    def __init__(self) -> None:
        super().__init__("EACCES", errno.EACCES)

    def concerns(self, kind: str) -> bool:
        return kind in READS


class ShortWrites(Fault):
    """From the n-th write on, the system takes a part of the bytes only, and says so."""

    def __init__(self) -> None:
        super().__init__("short writes", lasts=True)

    def concerns(self, kind: str) -> bool:
        return kind == "write"

    def strike(self, kind: str, act: Act, half: Act | None) -> Any:
        return half() if half is not None else act()


class Kill(Fault):
    """The process dies, before the operation or in the middle of it (after it, if it has none)."""

    def __init__(self, moment: str) -> None:
        super().__init__(f"kill {moment}")
        self.moment = moment

    def strike(self, kind: str, act: Act, half: Act | None) -> Any:
        try:
            if self.moment == "amid":
                (half or act)()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)


FAULTS = [Fault("EIO"), DiskGone(), FullDisk(), Denied(), ShortWrites()]
KILLS = [Kill("before"), Kill("amid")]


class FaultySystem:
    """Within its context the ``at``-th operation below a folder, counted from 1, meets a fault."""

    def __init__(self, folder: Path, fault: Fault, at: int) -> None:
        self.folder, self.fault, self.at = os.path.realpath(folder), fault, at
        self.count = 0
        self._lock = threading.Lock()
        self._patches = ExitStack()

    @property
    def struck(self) -> bool:
        """Whether the fault has happened."""
        return self.count >= self.at

    def __enter__(self) -> FaultySystem:
        patches = {name: self._by_path(name) for name in BY_PATH}
        patches |= {name: self._by_descriptor(name) for name in BY_DESCRIPTOR}
        patches |= {"open": self._os_open(), "write": self._os_write()}
        for name, replacement in patches.items():
            self._patches.enter_context(mock.patch.object(os, name, replacement))
        opened = self._open()
        self._patches.enter_context(mock.patch.object(io, "open", opened))
        self._patches.enter_context(mock.patch.object(builtins, "open", opened))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def meet(self, kind: str, act: Act, half: Act | None = None) -> Any:
        """Do an operation, unless it is the one that meets the fault."""
        if not self.fault.concerns(kind):
            return act()
        with self._lock:
            self.count += 1
            struck = self.count >= self.at if self.fault.lasts else self.count == self.at
        return self.fault.strike(kind, act, half) if struck else act()

    def _is_below(self, path: Any, folder_descriptor: int | None = None) -> bool:
        if isinstance(path, int):
            path = _path_of(path)
        elif folder_descriptor is not None:
            path = os.path.join(_path_of(folder_descriptor), os.fsdecode(path))
        return os.path.abspath(os.fsdecode(path)).startswith(self.folder)

    def _by_path(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def operation(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            def act() -> Any:
                return real(path, *arguments, **options)

            if not self._is_below(path, options.get("dir_fd")):
                return act()
            return self.meet(name, act)

        return operation

    def _by_descriptor(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def operation(descriptor: int, *arguments: Any) -> Any:
            def act() -> Any:
                done = real(descriptor, *arguments)
                self.fault.synced(descriptor)
                return done

            return (
                self.meet(name, act) if self._is_below(descriptor) else real(descriptor, *arguments)
            )

        return operation

    def _os_open(self) -> Callable[..., Any]:
        real = os.open

        def operation(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
            def act() -> Any:
                return real(path, flags, *arguments, **options)

            if not self._is_below(path, options.get("dir_fd")):
                return act()
            writes = flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR)
            return self.meet("open to write" if writes else "open", act)

        return operation

    def _os_write(self) -> Callable[..., Any]:
        real = os.write

        def operation(descriptor: int, content: Any) -> int:
            if not self._is_below(descriptor):
                return real(descriptor, content)
            part = memoryview(content)[: _half(len(content))]
            whole, half = (lambda: real(descriptor, content)), (lambda: real(descriptor, part))
            return self.meet("write", whole, half)

        return operation

    def _open(self) -> Callable[..., Any]:
        real = io.open

        def operation(
            file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any
        ) -> Any:
            if isinstance(file, int) or not self._is_below(file):
                return real(file, mode, buffering, *rest, **options)
            if not set(mode) & set("wxa+"):
                return self.meet("open", lambda: real(file, mode, buffering, *rest, **options))
            raw_mode = mode.replace("b", "").replace("t", "")
            raw = self.meet("open to write", lambda: _CountedFile(self, file, raw_mode))
            if buffering == 0:
                return raw
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, *rest, **options)

        return operation


class _CountedFile(io.FileIO):
    """The raw file below a buffer; each of its writes is an operation."""

    def __init__(self, system: FaultySystem, path: Any, mode: str) -> None:
        super().__init__(path, mode)
        self.system = system

    def write(self, content: Any) -> int:
        part = memoryview(content)[: _half(len(content))]
        whole = super().write
        return int(self.system.meet("write", lambda: whole(content), lambda: whole(part)))


def _half(n: int) -> int:
    return max(1, n // 2) if n else 0


def _path_of(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""
