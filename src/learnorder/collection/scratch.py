"""A folder for the network inputs that workers share, gone when nobody needs it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learnorder.errors import LearnOrderError
from learnorder.log.claim import Claim, is_claimed

PREFIX = "learnorder-"

GRACE_SECONDS = 60.0
"""Between making a folder and claiming it a moment passes, so a young one is left alone."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a temporary folder; it is removed afterwards, and with it what killed processes left.

    Workers remove it when their parent is killed. Where they are killed too, the next training
    does.

    Raises
    ------
    LearnOrderError
        There is no temporary folder that can be written.
    """
    folder = _new_folder()
    try:
        with Claim(folder / "claim", "the scratch folder"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_folder() -> Path:
    """Make one, after making room by removing what killed processes left."""
    try:
        _remove_abandoned()
        return Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as error:
        raise LearnOrderError(
            f"train: cannot make a temporary folder ({error.strerror or error}). What the networks "
            "read lies in one, shared by the workers. Name a folder with room in TMPDIR."
        ) from error


def _remove_abandoned() -> None:
    for claim in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/claim"):
        try:
            old = time.time() - claim.stat().st_mtime > GRACE_SECONDS
            if old and not is_claimed(claim):
                shutil.rmtree(claim.parent, ignore_errors=True)
        except OSError:
            continue  # of another user, or gone already
