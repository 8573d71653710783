"""Rows of results as Markdown, and the file they are kept in."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).with_name("RESULTS.md")

LIBRARIES = ("numpy", "scipy", "torch", "xarray", "zarr", "numcodecs")

ORDER = (
    *("write", "size", "compact", "read", "agreement", "measure", "growth", "recording", "real"),
    *("coverage", "intervals", "one-liners"),
    *("report", "report-paint"),
    *("scale-overhead", "scale-many"),
    *("w1", "w2", "w3", "w4", "w5", "w6", "whole-training", "cheap-order", "recorder"),
)
"""Sections of the file: the log, measures, the report, engines of clusters, and training."""

PREAMBLE = """# Results of the benchmarks

Written by `make bench-log BENCH_LOG=--write`, `make bench-measures BENCH_MEASURES=--write`,
`make bench-report BENCH_REPORT=--write`, `make bench-scale BENCH_SCALE=--write` and
`make bench-training BENCH_TRAINING=--write`; do not edit. A value is the median of n repeats, in
turn with what it is compared with, and in brackets the smallest and the largest. *Peer* is plain
xarray on Zarr as its documentation shows it (`peer.py`), in sections on measures what a user would
write with numpy and others (`plain_measures.py`), and in sections on training the loop of a PyTorch
tutorial (`ordinary.py`). `README.md` describes the logs and the loops.
"""


@dataclass(frozen=True)
class Unit:
    """How values of one kind are written."""

    name: str
    scale: float = 1.0
    digits: int = 3

    def show(self, value: float) -> str:
        """Write one value, without its unit."""
        scaled = value / self.scale
        return f"{scaled:,.0f}" if abs(scaled) >= 1000 else f"{scaled:.{self.digits}g}"


RATE = Unit("M/s", 1e6)
MILLISECONDS = Unit("ms", 1e-3)
SECONDS = Unit("s")
MEBIBYTES = Unit("MiB", 1 << 20)
MEGABYTES = Unit("MB", 1e6)
PERCENT = Unit("%", 0.01)
TIMES = Unit("x")
PER_SECOND = Unit("/s")
FLOPS = Unit("GFLOP/s", 1e9)
BYTES = Unit("B")


@dataclass(frozen=True)
class Goal:
    """What a median must reach."""

    text: str
    reached: Callable[[float], bool]

    @classmethod
    def at_least(cls, value: float, unit: Unit) -> Goal:
        """Return a goal that larger values reach."""
        return cls(f">= {unit.show(value)} {unit.name}", lambda found: found >= value)

    @classmethod
    def at_most(cls, value: float, unit: Unit) -> Goal:
        """Return a goal that smaller values reach."""
        return cls(f"<= {unit.show(value)} {unit.name}", lambda found: found <= value)


@dataclass(frozen=True)
class Row:
    """One quantity: repeats here, repeats of the peer, and what was asked for."""

    what: str
    unit: Unit
    here: Sequence[float]
    peer: Sequence[float] = ()
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached, if there is one."""
        return None if self.goal is None else self.goal.reached(median(self.here))

    def cells(self) -> list[str]:
        """Return the cells of the row in Markdown."""
        goal = self.goal.text if self.goal else ""
        met = {None: "", True: "met", False: "**missed**"}[self.met]
        here, peer = _spread(self.here, self.unit), _spread(self.peer, self.unit)
        return [self.what, here, peer, str(len(self.here)), goal, met]


@dataclass(frozen=True)
class Section:
    """A table under a heading, with what is needed to read it."""

    name: str
    title: str
    about: str
    rows: Sequence[Row]

    def to_markdown(self) -> str:
        """Return the section, with when and where it was measured."""
        return f"## {self.title}\n\n{self.about}\n\n{self.table()}\n\n{provenance()}\n"

    def table(self) -> str:
        """Return the rows as a table."""
        head = ["quantity", "here", "peer", "n", "target", ""]
        lines = [head, ["---"] * len(head), *(row.cells() for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spread(values: Sequence[float], unit: Unit) -> str:
    if not values:
        return ""
    middle = f"{unit.show(median(values))} {unit.name}"
    low, high = unit.show(min(values)), unit.show(max(values))
    return middle if low == high else f"{middle} ({low} to {high})"


def provenance() -> str:
    """Say when, with which revision and where."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, revision {_revision()}; {_processor()}, "
        f"{len(os.sched_getaffinity(0))} cores, {_memory():.0f} GiB; Python "
        f"{platform.python_version()}, {libraries}."
    )


def _revision() -> str:
    """Of the code; the file of results changes while they are written."""
    commit = _git("describe", "--always")
    changed = [line for line in _git("status", "--porcelain").splitlines() if line]
    dirty = any(not line.endswith(RESULTS.name) for line in changed)
    return (commit or "unknown") + ("-dirty" if dirty else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    found = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def keep(section: Section, order: Sequence[str], path: Path = RESULTS) -> None:
    """Put a section into the file, in the place of its older form; the others stay."""
    kept = _sections(path.read_text()) if path.exists() else {}
    kept[section.name] = section.to_markdown()
    parts = [f"<!-- {name} -->\n\n{kept[name].strip()}\n" for name in order if name in kept]
    path.write_text("\n".join([PREAMBLE, *parts]))


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^<!-- ([a-z0-9-]+) -->$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
