"""What is on a disk after the power is cut: only what was fsynced can be relied on."""

from __future__ import annotations

import os
import stat
from io import FileIO
from pathlib import Path
from typing import Any

from faulty_system import READS, Act, Fault

_scandir, _stat, _mkdir = os.scandir, os.stat, os.mkdir


class PowerLost(BaseException):
    """Nothing in the program may catch it and go on."""


class PowerCut(Fault):
    """At the n-th operation the power goes; what was durable is put together in another folder.

    Parameters
    ----------
    folder
        Where the operations take place; what is there now is durable.
    survivor
        Folder that does not exist yet; gets what is left.
    names_at_once
        Two things a file system may do. Either new names, renames and removals are on the disk at
        once, although the content of a file is not; or they are there when their folder was
        fsynced. A file that was not fsynced is empty in both.
    """

    def __init__(self, folder: Path, survivor: Path, *, names_at_once: bool) -> None:
        super().__init__("power cut", lasts=True)
        self.folder, self.survivor, self.names_at_once = folder, survivor, names_at_once
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        for place in (folder, *folder.rglob("*")):
            self._remember(str(place))

    def concerns(self, kind: str) -> bool:
        return kind not in READS

    def synced(self, descriptor: int) -> None:
        self._remember(os.readlink(f"/proc/self/fd/{descriptor}"))

    def strike(self, kind: str, act: Act, half: Act | None) -> Any:
        if not self.survivor.exists():
            self.happen()
        raise PowerLost

    def happen(self) -> None:
        """Put what is left into the other folder."""
        _mkdir(self.survivor)
        if self.names_at_once:
            self._keep_present(self.folder, self.survivor)
        else:
            self._keep_durable(_stat(self.folder).st_ino, self.survivor)

    def _remember(self, place: str) -> None:
        about = _stat(place)
        if stat.S_ISDIR(about.st_mode):
            with _scandir(place) as entries:
                self._names[about.st_ino] = {e.name: (e.inode(), e.is_dir()) for e in entries}
        else:
            with FileIO(place) as file:
                self._contents[about.st_ino] = file.readall()

    def _keep_durable(self, number: int, folder: Path) -> None:
        """Names as of the last fsync of their folder; a folder never fsynced is empty."""
        for name, (child, is_folder) in self._names.get(number, {}).items():
            if is_folder:
                _mkdir(folder / name)
                self._keep_durable(child, folder / name)
            else:
                self._put(child, folder / name)

    def _keep_present(self, source: Path, folder: Path) -> None:
        """Names as they are now."""
        with _scandir(source) as entries:
            for entry in entries:
                if entry.is_dir():
                    _mkdir(folder / entry.name)
                    self._keep_present(source / entry.name, folder / entry.name)
                else:
                    self._put(entry.inode(), folder / entry.name)

    def _put(self, number: int, path: Path) -> None:
        with FileIO(path, "w") as file:
            file.write(self._contents.get(number, b""))
