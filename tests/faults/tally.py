"""Counts of the whole campaign, for one table at its end."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields

from promises import Findings

LONG = os.environ.get("LEARNORDER_FAULTS") == "long"
"""Whether the whole campaign is asked for, instead of its quick form."""

SEED = int(os.environ.get("LEARNORDER_FAULTS_SEED") or random.SystemRandom().randrange(2**31))
"""Draws the moments of kills and the places of damage."""


@dataclass
class Counts:
    """What one part of the campaign tried and found."""

    kills: int = 0
    faults: int = 0
    acknowledged: int = 0
    lost: int = 0
    wrong: int = 0
    extra: int = 0
    damaged: int = 0
    undetected: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    def add(self, findings: Findings, what: str) -> None:
        """Count broken promises and keep their words."""
        for name in ("lost", "wrong", "extra"):
            lines = getattr(findings, name)
            setattr(self, name, getattr(self, name) + len(lines))
            self.broken += [f"{what}: {name}: {line}" for line in lines]

    def merge(self, other: Mapping[str, object]) -> None:
        """Add the counts of another process."""
        for name, value in other.items():
            setattr(self, name, getattr(self, name) + value)

    def to_json(self) -> str:
        """One line that another process can merge."""
        return json.dumps(asdict(self))


MOST_LINES = 8
"""Broken promises that a failing test prints."""

PARTS: dict[str, Counts] = {}


@contextmanager
def part(name: str) -> Iterator[Counts]:
    """Count one part of the campaign; it fails if a promise was broken, after all was tried."""
    counts, start = Counts(), time.monotonic()
    print(f"{name}: LEARNORDER_FAULTS_SEED={SEED}", file=sys.stderr)  # noqa: T201
    try:
        yield counts
    finally:
        counts.seconds += time.monotonic() - start
        PARTS.setdefault(name, Counts()).merge(asdict(counts))
    assert not counts.broken, "\n".join(counts.broken[:MOST_LINES])


def table() -> list[str]:
    """Lines of the table of all parts, and their sum."""
    columns = [f.name for f in fields(Counts) if f.name != "broken"]
    total = Counts()
    for counts in PARTS.values():
        total.merge(asdict(counts))
    width = max(map(len, [*PARTS, "total"]), default=0)
    lines = [" " * width + "".join(f"{c:>14}" for c in columns)]
    for name, counts in [*PARTS.items(), ("total", total)]:
        cells = (getattr(counts, c) for c in columns)
        lines.append(f"{name:<{width}}" + "".join(f"{_round(c):>14}" for c in cells))
    return [*lines, f"LEARNORDER_FAULTS_SEED={SEED}"]


def _round(value: float) -> str:
    return f"{value:,.0f}"
