"""Run every operation on a disk that is full after so many blocks or files.

Run as ``python fill_disk.py FOLDER STEPS`` with a small tmpfs of its own at FOLDER; STEPS is how
many numbers to try of each operation, 0 for all. Prints its counts as JSON on the last line.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from log_operations import OPERATIONS, Operation
from promises import Findings
from tally import SEED, Counts
from trials import fresh, look, repeat

from learnorder.errors import LearnOrderError

FREES_SPACE = {"gc", "drop state", "read", "verify"}
"""Operations that a full disk must not keep from their work."""

MOST = 400
"""More blocks or files no operation needs."""


def leave_blocks(folder: Path, n: int) -> None:
    """Fill the disk but for so many blocks."""
    about = os.statvfs(folder)
    with (folder / "ballast").open("wb") as file:
        file.write(bytes((about.f_bavail - n) * about.f_bsize))


def leave_files(folder: Path, n: int) -> None:
    """Let the disk have no more than so many further files."""
    (folder / "ballast").mkdir()
    for number in range(os.statvfs(folder).f_favail - n):
        (folder / "ballast" / str(number)).touch()


def free(folder: Path) -> None:
    """Give the space back."""
    ballast = folder / "ballast"
    if ballast.is_dir():
        shutil.rmtree(ballast)
    else:
        ballast.unlink()


def numbers(operation: Operation, steps: int) -> list[int]:
    """How many blocks or files to leave: every number up to what the operation needs, or some."""
    if not steps:
        return list(range(MOST))
    return sorted(random.Random(f"{SEED} {operation}").sample(range(40), steps))


def try_with_more_and_more(
    counts: Counts, disk: Path, operation: Operation, leave: Callable[[Path, int], None], steps: int
) -> None:
    """Run an operation with more and more room, until there is enough."""
    before, earlier = disk / "before", []
    before.mkdir()
    operation.prepare(before, lambda *pair: earlier.append(pair))
    for n in numbers(operation, steps):
        folder, acknowledged = fresh(before, disk / f"at {n}"), list(earlier)
        what = f"{operation}, {leave.__name__} {n}"
        leave(disk, n)
        failed = False
        try:
            operation.act(folder, lambda *pair, to=acknowledged: to.append(pair))
        except (OSError, LearnOrderError) as error:
            failed = True
            words = f"{type(error).__name__}: {error}"
            if os.strerror(errno.ENOSPC) not in words or operation.name in FREES_SPACE:
                counts.add(Findings(wrong=[words]), what)
        counts.faults += failed
        counts.acknowledged += len(acknowledged) - len(earlier)
        look(counts, operation, folder, acknowledged, what)  # still full: reading needs no space
        free(disk)
        repeat(counts, operation, folder, what)
        shutil.rmtree(folder, ignore_errors=True)
        if not failed:
            break
    shutil.rmtree(before)


def main(disk: Path, steps: int) -> None:
    """Try all operations with little space, then with few files."""
    counts, start = Counts(), time.monotonic()
    for leave in (leave_blocks, leave_files):
        for operation in OPERATIONS:
            try_with_more_and_more(counts, disk, operation, leave, steps)
    counts.seconds = time.monotonic() - start
    print(counts.to_json())  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
