"""One trial of an operation that is disturbed: before, after, and once more."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from forks import fork
from log_operations import EPOCHS, NAME, Operation, truth
from promises import Findings, examine
from tally import LONG, SEED, Counts

from learnorder.log.cores import available_cores

QUICK_STEPS = 3
"""File operations tried of each operation in the quick form, drawn at random."""


def fresh(before: Path, folder: Path) -> Path:
    """Copy what lies there before into a folder of its own, which no cache has seen."""
    return Path(shutil.copytree(before, folder))


def look(
    counts: Counts,
    operation: Operation,
    folder: Path,
    acknowledged: Sequence[tuple[int, int]],
    what: str,
) -> None:
    """Hold the log against its promises, and the operation against its own."""
    found = examine(folder / NAME, truth, EPOCHS, acknowledged, ahead=operation.ahead)
    try:
        operation.old_or_new(folder)
    except AssertionError as error:
        found.wrong.append(f"neither old nor new: {error}")
    counts.add(found, what)


def check_done(counts: Counts, operation: Operation, folder: Path, what: str) -> None:
    """What said nothing of a fault has done all it was to do."""
    try:
        operation.done(folder)
    except Exception as error:
        words = f"passed, but not done: {type(error).__name__}: {error}"
        counts.add(Findings(wrong=[words]), what)


def repeat(counts: Counts, operation: Operation, folder: Path, what: str) -> None:
    """The same operation, undisturbed, gets there."""
    try:
        operation.act(folder, lambda *_: None)
    except Exception as error:
        words = f"cannot go on: {type(error).__name__}: {error}"
        counts.add(Findings(wrong=[words]), what)
    else:
        check_done(counts, operation, folder, what)
    shutil.rmtree(folder, ignore_errors=True)


def draw(steps: Sequence[int]) -> Sequence[int]:
    """All steps in the long form, a few in the quick one."""
    if LONG:
        return steps
    return sorted(random.Random(SEED).sample(steps, min(QUICK_STEPS, len(steps))))


Trial = TypeVar("Trial")


def try_each(
    counts: Counts, trials: Sequence[Trial], attempt: Callable[[Counts, Trial], None]
) -> None:
    """Try all, in the long form by as many processes as there are cores."""
    if not LONG:
        for trial in trials:
            attempt(counts, trial)
        return
    n = available_cores()
    with tempfile.TemporaryDirectory() as folder:

        def try_some(first: int) -> Callable[[object], None]:
            def act(_: object) -> None:
                own = Counts()
                for trial in trials[first::n]:
                    attempt(own, trial)
                (Path(folder) / f"{first}.json").write_text(own.to_json())

            return act

        codes = [child.wait() for child in [fork(try_some(first)) for first in range(n)]]
        assert codes == [0] * n
        for path in Path(folder).iterdir():
            counts.merge(json.loads(path.read_text()))
