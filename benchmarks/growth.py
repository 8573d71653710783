"""Time against the size of the log, over a factor of 100."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from benchmarks.bench import COMPACTED, EPOCHS, Bench
from benchmarks.processes import Outcome, in_turn, run_operation
from benchmarks.results import MEBIBYTES, SECONDS, TIMES, Goal, Row, Section
from benchmarks.sizes import Size

FORMS = {EPOCHS: "before compact", COMPACTED: "after compact"}


def growth(bench: Bench) -> Section:
    """Time everything ``measure`` computes, on logs of growing size."""
    rows = []
    for what, sizes in bench.sizes.grown.items():
        for form, when in FORMS.items():
            rows += _grown(bench, sizes, form, f"more {what}, {when}")
        for size in sizes:
            if size not in bench.sizes.logs:
                bench.drop(size)
    about = (
        "Opening a log and computing all that `learnorder measure` prints, in a fresh process on "
        "all cores, without the time Python takes to start. The ratio is that of the times of a "
        "size and the one before, divided by the ratio of the sizes: 1 is linear, below 1 is the "
        "fixed cost of a small log."
    )
    return Section("growth", "Growth", about, rows)


def _grown(bench: Bench, sizes: tuple[Size, ...], form: str, named: str) -> list[Row]:
    operations: dict[str, Callable[[], Outcome]] = {
        str(size): partial(run_operation, "operations:summarise", path=bench.log(size, form))
        for size in sizes
    }
    found = in_turn(operations, bench.repeats)
    seconds = {size: [o["seconds"] for o in found[str(size)]] for size in sizes}
    rows = []
    for size in sizes:
        rows.append(Row(f"{named}: {size}", SECONDS, seconds[size]))
        rows.append(
            Row(f"{named}: {size}, memory", MEBIBYTES, [o.peak_bytes for o in found[str(size)]])
        )
    for small, large in pairwise(sizes):
        factor = large.n_predictions / small.n_predictions
        ratio = [b / a / factor for a, b in zip(seconds[small], seconds[large], strict=True)]
        goal = Goal.at_most(1.2, TIMES)
        rows.append(Row(f"{named}: step to {large}, against linear", TIMES, ratio, goal=goal))
    return rows
