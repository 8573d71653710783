"""Intervals that hold what they say, and measures against what a user would write.

``make bench-measures``: the table of coverage, then times. Every timed operation runs in a fresh
process and in turn with its peer. With ``--write`` the tables go into RESULTS.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from operator import truediv
from pathlib import Path

from benchmarks.processes import in_turn, run_operation
from benchmarks.results import (
    MEBIBYTES,
    MILLISECONDS,
    ORDER,
    RESULTS,
    SECONDS,
    TIMES,
    Goal,
    Row,
    Section,
    keep,
)
from benchmarks.sizes import Size

RESAMPLES = 1000
"""What intervals by resampling are mostly made of."""


@dataclass(frozen=True)
class Run:
    """One run of the benchmark.

    Attributes
    ----------
    quick
        Small, to see whether it runs.
    repetitions
        Simulated collections of each kind.
    repeats
        Of what is timed.
    scratch
        Folder for arrays.
    """

    quick: bool
    repetitions: int
    repeats: int
    scratch: Path

    @property
    def compared(self) -> Size:
        """Collections whose comparison is timed."""
        return Size(6, 3, 2000, 10) if self.quick else Size(100, 10, 60_000, 10)

    @property
    def measured(self) -> Size:
        """The collection that measures are timed on."""
        return Size(6, 3, 2000, 10) if self.quick else Size(100, 5, 60_000, 10)

    @property
    def resamples(self) -> int:
        """Resamples the plain loop is timed on."""
        return 3 if self.quick else 20

    def arrays(self, size: Size) -> Path:
        """Two collections of that size, drawn when they are first needed."""
        path = self.scratch / "x".join(map(str, asdict(size).values()))
        if not path.exists():
            print(f"  drawing {size}", file=sys.stderr, flush=True)
            run_operation("measure_operations:draw", path=path, size=asdict(size))
        return path


def coverage(run: Run) -> Section:
    """Simulate how often intervals hold the true value."""
    from benchmarks import coverage as simulation

    design = simulation.QUICK
    if not run.quick:
        design = simulation.Design(repetitions=run.repetitions)
    return simulation.coverage(design)


def intervals(run: Run) -> Section:
    """Time the intervals of a comparison against the plain loop over resamples."""
    size = run.compared
    path = run.arrays(size)
    given = {"path": path, "resamples": run.resamples, "wanted": RESAMPLES}
    found = in_turn(
        {
            "here": partial(run_operation, "measure_operations:compare", one_core=True, path=path),
            "peer": partial(run_operation, "measure_operations:loop", one_core=True, **given),
        },
        run.repeats,
    )
    seconds, peaks = (
        {name: [o[what] for o in outcomes] for name, outcomes in found.items()}
        for what in ("seconds", "peak_bytes")
    )
    pearson = {round(o["pearson"], 9) for outcomes in found.values() for o in outcomes}
    if len(pearson) > 1:
        raise SystemExit(f"bench-measures: correlations differ: {sorted(pearson)}")
    named = f"two collections of {size}"
    faster = list(map(truediv, seconds["peer"], seconds["here"]))
    rows = [
        Row(f"comparison of {named}", SECONDS, seconds["here"], seconds["peer"]),
        Row("times as fast as the loop", TIMES, faster, goal=Goal.at_least(20, TIMES)),
        Row(
            "peak memory",
            MEBIBYTES,
            peaks["here"],
            peaks["peer"],
            goal=Goal.at_most(1 << 30, MEBIBYTES),
        ),
    ]
    about = (
        "`learnorder.compare` of two logs in memory, on one core, with all it computes: mean "
        "accessibility, both reliabilities, Pearson and corrected correlation with intervals, "
        "Spearman with its halves, overall and within class. The peer is the loop over resamples "
        "that is mostly written (`plain_measures.py`): replicates of both and examples are drawn "
        "again, and both reliabilities, Pearson and the corrected correlation are computed anew, "
        f"overall only. Its time is that of {run.resamples} resamples, scaled to "
        f"{RESAMPLES:,}. Both start from the same predictions and found the same correlation; the "
        "intervals of the loop are wrong, see `docs/findings.md`. Memory is that of the process, "
        "predictions included."
    )
    return Section("intervals", "Intervals of a comparison", about, rows)


def one_liners(run: Run) -> Section:
    """Time measures against naive one-liners."""
    size = run.measured
    outcome = run_operation(
        "measure_operations:one_liners",
        one_core=True,
        path=run.arrays(size),
        repeats=run.repeats,
    )
    rows = []
    for measure, ways in outcome.answer.items():
        here = ways.pop("here")
        for way, peer in ways.items():
            named = f"`{measure}` against {way}"
            rows.append(Row(named, MILLISECONDS, here, peer))
            rows.append(Row(f"{named}: times as fast", TIMES, list(map(truediv, peer, here))))
    about = (
        f"Measures of a log of {size} in memory, on one core, against what would be written "
        "without (`plain_measures.py`), in turn in one process, after one turn that is not "
        "counted. All ways gave the same numbers. A measure here also checks that every "
        "prediction is a class and was recorded, and gives labelled values."
    )
    return Section("one-liners", "Measures against one-liners", about, rows)


SECTIONS: dict[str, Callable[[Run], Section]] = {
    "coverage": coverage,
    "intervals": intervals,
    "one-liners": one_liners,
}


def main() -> None:
    """Run the sections asked for and print them."""
    given = _arguments()
    if given.scratch is not None:
        given.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-measures-", dir=given.scratch) as scratch:
        repeats = 1 if given.quick else given.repeats
        run = Run(given.quick, given.repetitions, repeats, Path(scratch))
        for name in given.sections:
            print(name, file=sys.stderr, flush=True)
            section = SECTIONS[name](run)
            print(section.to_markdown(), flush=True)
            if given.write:
                keep(section, ORDER, given.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-measures", description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", default=list(SECTIONS))
    parser.add_argument("--repetitions", type=int, default=1000, help="simulated collections")
    parser.add_argument("--repeats", type=int, default=3, help="of what is timed")
    parser.add_argument("--quick", action="store_true", help="small sizes, once: does it run?")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="another file than that")
    parser.add_argument("--scratch", type=Path, help="where arrays go (default: temporary)")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"{', '.join(sorted(unknown))}: the sections are {', '.join(SECTIONS)}")
    return given


if __name__ == "__main__":
    main()
