"""One collection's order against another's: joint counts and the table of all pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learnorder.errors import count_of
from learnorder.report import figures, lattice, reading
from learnorder.report.tables import Cell, cell, number, reason
from learnorder.report.views import Picture, picture, plot_name

if TYPE_CHECKING:
    from learnorder.comparison.compare import Comparison

MOST_JOINT = 12
"""Joint figures in one split; the table has every pair."""


@dataclass(frozen=True)
class PairView:
    """Two collections in one split; ``picture`` is None beyond the most that are drawn."""

    a: str
    b: str
    letters: tuple[str, str]
    sentence: str
    rows: tuple[tuple[Cell, ...], ...]
    picture: Picture | None


@dataclass(frozen=True)
class ComparisonView:
    """All pairs of one split."""

    split: str
    pairs: tuple[PairView, ...]
    notes: tuple[str, ...]

    @property
    def n_not_drawn(self) -> int:
        """Pairs that only the table has."""
        return sum(pair.picture is None for pair in self.pairs)


def comparison_view(split: str, comparison: Comparison) -> ComparisonView:
    """Everything the page shows of one comparison."""
    found = comparison.to_dict()
    pairs = tuple(_pair(comparison, pair, i < MOST_JOINT) for i, pair in enumerate(found["pairs"]))
    return ComparisonView(split, pairs, tuple(str(note) for note in found.get("notes") or ()))


def _pair(comparison: Comparison, pair: Mapping[str, Any], drawn: bool) -> PairView:
    """One pair: sentence, two lines of the table, and the joint figure."""
    letters = (plot_name(pair["a"], "A"), plot_name(pair["b"], "B"))
    rows = [_cells("overall", pair)]
    within = pair.get("within_class")
    if within is None:
        why = reason(pair, "within_class")
        rows.append((Cell("within class"), Cell("undefined", why, undefined=True)))
    else:
        rows.append(_cells("within class", within))
    return PairView(
        a=pair["a"],
        b=pair["b"],
        letters=letters,
        sentence=reading.pair_sentence(pair),
        rows=tuple(rows),
        picture=_joint(comparison, pair, letters) if drawn and comparison.accessibility else None,
    )


def _cells(scope: str, found: Mapping[str, Any]) -> tuple[Cell, ...]:
    """One line of the table of pairs."""
    halves = (found.get("spearman_halves_a"), found.get("spearman_halves_b"))
    known = [number(half) for half in halves if half is not None]
    spearman = cell(found, "spearman")
    if len(known) == 2 and not spearman.undefined:
        spearman = Cell(spearman.text, f"halves of one: {known[0]}, {known[1]}")
    return (
        Cell(scope),
        cell(found, "pearson"),
        spearman,
        cell(found, "noise_ceiling"),
        cell(found, "corrected"),
    )


def _joint(comparison: Comparison, pair: Mapping[str, Any], letters: tuple[str, str]) -> Picture:
    """Exact counts of examples at each pair of accessibilities."""
    n_replicates = {c["name"]: c["n_replicates"] for c in comparison.to_dict()["collections"]}
    a, b = (np.asarray(comparison.accessibility[pair[side]]) for side in ("a", "b"))
    n_votes = [n_replicates[pair[side]] * comparison.n_points for side in ("a", "b")]
    counts = lattice.joint_counts(a, n_votes[0], b, n_votes[1])
    n_examples = count_of(len(a), "example")
    alt = (
        f"Accessibility of {n_examples} in {pair['a']} (horizontal) and {pair['b']} "
        f"(vertical): {np.mean(np.abs(a - b) <= 0.1):.0%} lie within 0.1 of each other."
    )
    return picture(figures.joint_figure(counts, *letters), alt)
