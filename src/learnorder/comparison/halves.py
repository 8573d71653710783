"""One collection half against half: what a raw comparison of orders is read against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnorder.comparison.overlap import expected_overlap
from learnorder.measures.ranks import centred_ranks, rank_correlation
from learnorder.measures.scores import ScoreTable
from learnorder.schema import Labels, Scores

MAX_SPLITS = 20
"""Split halves averaged at most; more change the mean by less than it is read to."""


@dataclass(frozen=True)
class Halves:
    """How alike the halves of one collection order the examples, mean over splits.

    Attributes
    ----------
    spearman
        Correlation of ranks, or why there is none.
    overlap
        ``(share, end)``, as `expected_overlap`, or why there is none.
    """

    spearman: float | str
    overlap: Scores | str

    @classmethod
    def none(cls, reason: str) -> Halves:
        """No halves, for this reason."""
        return cls(reason, reason)


def find_halves(name: str, scores: ScoreTable, label: Labels) -> list[Halves]:
    """Halves of a collection, overall and within the classes of ``label``.

    Halves are neighbours in the circle of replicates, so the splits are the same every time; with
    an odd number one replicate stays out of each split. Undefined if it is for one of the splits.
    """
    n_replicates = scores.n_replicates
    if n_replicates < 2:
        return [Halves.none(f"{name!r} has 1 replicate: no halves")] * 2
    size = n_replicates // 2
    n_splits = min(MAX_SPLITS, n_replicates if n_replicates % 2 else size)
    correlations: list[list[float | None]] = [[], []]
    overlap: list[list[Scores]] = [[], []]
    for start in range(n_splits):
        circle = ((start + np.arange(2 * size)) % n_replicates).tolist()
        ranks = (
            centred_ranks(scores.means(half), (None, label))
            for half in (circle[:size], circle[size:])
        )
        for i, (first, second) in enumerate(zip(*ranks, strict=True)):
            correlations[i].append(rank_correlation(first, second))
            overlap[i].append(expected_overlap(first, second))
    return [_mean(name, *found) for found in zip(correlations, overlap, strict=True)]


def _mean(name: str, correlations: list[float | None], overlap: list[Scores]) -> Halves:
    known = [value for value in correlations if value is not None]
    if len(known) < len(correlations):
        return Halves.none(f"a half of {name!r} does not order the examples")
    return Halves(float(np.mean(known)), np.mean(overlap, axis=0))
