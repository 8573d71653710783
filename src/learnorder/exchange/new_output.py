"""A file or folder that is written elsewhere first, and appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from learnorder.errors import LearnOrderError
from learnorder.log.creation import refuse_inside_log
from learnorder.log.files import NO_LINKS, PARTIAL, all_files, make_folder, reason, sync_folder
from learnorder.log.layout import new_name


def check_output(out: Path, *, folder: bool, overwrite: bool) -> None:
    """Refuse a place where nothing can be written, before any work is done.

    Raises
    ------
    LearnOrderError
        Something is there that is not to be replaced, or the place lies in a log.
    """
    refuse_inside_log(out)
    if not out.exists() and not out.is_symlink():
        return
    if folder and not (out.is_dir() and not any(out.iterdir())):
        raise LearnOrderError(
            f"export: {out} exists. This format is a folder, and no folder is overwritten. Choose "
            "another path, or move it away."
        )
    if folder:
        return
    if not out.is_file():
        what = "folder" if out.is_dir() else "device or a link to nothing"
        raise LearnOrderError(
            f"export: {out} is a {what}. This format is a file. Choose another path."
        )
    if not overwrite:
        raise LearnOrderError(
            f"export: {out} exists. Nothing is overwritten without being told so. Give --overwrite "
            "(overwrite=True), or choose another path."
        )


@contextmanager
def new_output(out: Path, *, folder: bool, overwrite: bool) -> Iterator[Path]:
    """Yield a path to write to; what is there at the end gets its name, unless there was an error.

    Raises
    ------
    LearnOrderError
        Nothing can be created there, or something else has appeared in the meantime.
    """
    target = Path(os.path.realpath(out))
    staging = target.with_name(f"{new_name(f'.{target.name[:100]}.')}{PARTIAL}")
    try:
        _begin(staging, out, folder=folder)
        yield staging
        for path in all_files(staging) if folder else [staging]:
            _sync(path)
        _put_in_place(staging, target, folder=folder, overwrite=overwrite)
    finally:
        if folder:
            shutil.rmtree(staging, ignore_errors=True)
        else:
            # a file where the folder should be leaves nothing to remove
            with suppress(NotADirectoryError):
                staging.unlink(missing_ok=True)
    sync_folder(target.parent)


def _begin(staging: Path, out: Path, *, folder: bool) -> None:
    try:
        make_folder(staging.parent)
        if folder:
            staging.mkdir()
        else:
            staging.touch(exist_ok=False)
    except OSError as error:
        # named as it was given, not as it is called while it is not whole
        raise LearnOrderError(
            f"export: {out} cannot be written ({reason(error)}). It needs a folder that this "
            "process may write to, with room on the disk. Choose another place."
        ) from error


def _put_in_place(staging: Path, target: Path, *, folder: bool, overwrite: bool) -> None:
    try:
        if folder or overwrite:
            os.replace(staging, target)
            return
        try:
            os.link(staging, target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            os.replace(staging, target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise _appeared(target) from error
    except OSError as error:
        if folder and target.exists():
            raise _appeared(target) from error
        raise


def _appeared(target: Path) -> LearnOrderError:
    return LearnOrderError(
        f"export: something has appeared at {target}; nothing was written. Choose another path."
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
