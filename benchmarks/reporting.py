"""The report at the sizes it is made for: ``make bench-report``.

Time and memory of the command in turn with `learnorder measure` on the same log; the size of the
file; and the time until a browser first paints it. With ``--write`` the table goes into RESULTS.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.bench import COMPACTED, FULL, QUICK, Bench
from benchmarks.processes import Outcome, in_turn, measure_command, run_command, run_operation
from benchmarks.results import (
    MEBIBYTES,
    MEGABYTES,
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

SIZES = (
    Size(100, 100, 1000, 10),
    Size(100, 100, 60_000, 10),
    Size(20, 50, 1_280_000, 1000),
)
SMALL = (Size(5, 4, 900, 10), Size(5, 4, 9000, 10))

MOST_TIMES = 3.0
"""The time of a report may be this multiple of that of measuring."""

MOST_BYTES = 2 << 30
MOST_FILE = 5_000_000
SPREAD = 1.2
"""First paint of any size against that of the smallest."""

PAINTS = 5
"""Visits of each page in each repeat."""


def report_command(log: Path, out: Path) -> Outcome:
    """Run ``learnorder report LOG --out FILE``, as a user would."""
    command = [sys.executable, "-m", "learnorder", "report", str(log), "--out", str(out)]
    return run_command(command)


def building(bench: Bench, sizes: Sequence[Size], pages: Path) -> Section:
    """Time, memory and bytes of the report, beside measuring the same log."""
    rows = []
    for size in sizes:
        log, out = bench.log(size, COMPACTED), page_of(pages, size)
        operations: dict[str, Callable[[], Outcome]] = {
            "report": partial(report_command, log, out),
            "measure": partial(measure_command, log),
        }
        found = in_turn(operations, bench.repeats)
        report, measure = found["report"], found["measure"]
        ratios = [a.seconds / b.seconds for a, b in zip(report, measure, strict=True)]
        memory = [o.peak_bytes for o in report]
        rows += [
            Row(
                f"{size}: time",
                SECONDS,
                [o.seconds for o in report],
                [o.seconds for o in measure],
            ),
            Row(f"{size}: times measure", TIMES, ratios, (), Goal.at_most(MOST_TIMES, TIMES)),
            Row(
                f"{size}: peak memory",
                MEBIBYTES,
                memory,
                [o.peak_bytes for o in measure],
                Goal.at_most(MOST_BYTES, MEBIBYTES),
            ),
            Row(
                f"{size}: file",
                MEGABYTES,
                [out.stat().st_size],
                (),
                Goal.at_most(MOST_FILE, MEGABYTES),
            ),
        ]
    about = (
        "`learnorder report LOG --out FILE` from start to end, of a compacted log of one split, in "
        "turn with `learnorder measure LOG --json` (the peer), which goes over the log once with "
        "its measures. Starting Python and drawing the figures take some seconds whatever the "
        "size, so the ratio means little for small logs."
    )
    return Section("report", "The report", about, rows)


def page_of(pages: Path, size: Size) -> Path:
    """Where the page about a log of that size goes."""
    return pages / f"{size.replicates}x{size.epochs}x{size.examples}.html"


def painting(bench: Bench, sizes: Sequence[Size], pages: Path) -> Section:
    """Time until the browser first paints each page, all pages in turn."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise SystemExit("bench-report: no Chromium is installed, so painting is not timed")
    operations: dict[str, Callable[[], Outcome]] = {
        str(size): partial(
            run_operation, "painting:paint", path=page_of(pages, size), executable=executable
        )
        for size in sizes
    }
    for operation in operations.values():
        operation()  # what the first start of a browser reads from disk is in memory then
    found = in_turn(operations, bench.repeats * PAINTS)
    seconds = {name: [o["seconds"] for o in outcomes] for name, outcomes in found.items()}
    rows = [Row(f"{name}: first paint", MILLISECONDS, values) for name, values in seconds.items()]
    rows += _against_smallest(seconds)
    about = (
        "First contentful paint of the page from `file://` in headless Chromium, as the browser "
        "itself reports it, with a new browser for each visit, all pages in turn."
    )
    return Section("report-paint", "The first paint of a report", about, rows)


def _against_smallest(seconds: Mapping[str, Sequence[float]]) -> list[Row]:
    """Medians against that of the first, smallest, page."""
    (_, smallest), *others = seconds.items()
    return [
        Row(
            f"{name}: times that of the smallest",
            TIMES,
            [median(values) / median(smallest)],
            (),
            Goal.at_most(SPREAD, TIMES),
        )
        for name, values in others
    ]


def main() -> None:
    """Build the reports, open them, and print both tables."""
    parser = argparse.ArgumentParser(prog="bench-report", description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, once: does it run?")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="another file than that")
    parser.add_argument("--scratch", type=Path, help="where the logs go (default: temporary)")
    given = parser.parse_args()
    sizes, repeats = (SMALL, 1) if given.quick else (SIZES, given.repeats)
    if given.scratch is not None:
        given.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-report-", dir=given.scratch) as scratch:
        bench = Bench(QUICK if given.quick else FULL, repeats, Path(scratch))
        for make in (building, painting):
            section = make(bench, sizes, Path(scratch))
            print(section.to_markdown(), flush=True)
            if given.write:
                keep(section, ORDER, given.results)


if __name__ == "__main__":
    main()
