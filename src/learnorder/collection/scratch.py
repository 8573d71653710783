"""A folder for the network inputs that workers share, gone when nobody needs it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learnorder.log.claim import Claim, is_claimed

PREFIX = "learnorder-"

GRACE_SECONDS = 60.0
"""Between making a folder and claiming it a moment passes, so a young one is left alone."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a temporary folder; it is removed afterwards, and with it what killed processes left.

    Workers remove it when their parent is killed. Where they are killed too, the next training
    does.
    """
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with Claim(folder / "claim", "the scratch folder"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    for claim in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/claim"):
        try:
            old = time.time() - claim.stat().st_mtime > GRACE_SECONDS
            if old and not is_claimed(claim):
                shutil.rmtree(claim.parent, ignore_errors=True)
        except OSError:
            continue  # of another user, or gone already
