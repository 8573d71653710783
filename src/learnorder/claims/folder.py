"""The folder that a reproduction writes into: it can be written to, and by one run at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from learnorder.errors import LearnOrderError, LogBusy
from learnorder.log.claim import Claim, claim_object
from learnorder.log.creation import refuse_inside_log
from learnorder.log.files import is_local
from learnorder.log.location import locate

LOCK = "reproduce.lock"


@contextmanager
def sole_run(out: str | Path) -> Iterator[Path]:
    """Give the folder, made if need be, to one run; two would rewrite each other's results.

    Raises
    ------
    LogBusy
        Another run has it.
    LearnOrderError
        It is no folder, or cannot be written to.
    """
    folder = locate(out)
    if not is_local(folder):
        raise LearnOrderError(
            f"reproduce: --out {folder} is no local folder. Results and logs of a reproduction lie "
            "in one. Give such a folder, and copy it afterwards."
        )
    refuse_inside_log(folder / LOCK)
    lock = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        claim = Claim(lock, f"the folder {folder}")
    except LogBusy as error:
        raise LogBusy(_busy_line(folder, lock)) from error
    except OSError as error:
        what = "it is a file" if folder.is_file() else error.strerror or error
        raise LearnOrderError(
            f"reproduce: --out {folder} cannot be used ({what}). It is a folder "
            "that is there or can be made, and may be written to. Choose another."
        ) from error
    with claim:
        yield folder


def _busy_line(folder: Path, lock: Path) -> str:
    left = claim_object(lock)
    rest = f" If that one has ended, remove {left}." if left.exists() else ""
    return (
        f"reproduce: another run writes into {folder} ({lock} is held). A folder has one run at a "
        f"time. Wait for it, stop it, or use another --out.{rest}"
    )
