"""Rank correlation over tied scores, overall or within classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from learnorder.measures.scores import ScoreTable
from learnorder.schema import Labels, Scores

DECIMALS = 12
"""Mean scores that agree this far are tied: they differ by the rounding of sums, far below the
steps of a mean over replicates and epochs."""

DENSE = 2
"""Keys for each example up to which counting all of them is faster than sorting the examples."""

MAX_SPLITS = 20
"""Split halves averaged at most; more change the mean by less than it is read to."""


def centred_ranks(values: Scores, groupings: Sequence[Labels | None]) -> Iterator[Scores]:
    """Yield, by each grouping, the rank of each example within its group, centred; ties averaged.

    Ranks are shares of the group, less their mean: dividing by the size keeps a large class from
    counting more per example than a small one. A grouping that is None is one group.
    """
    rounded = np.round(values, DECIMALS)
    levels = np.unique(rounded)
    level = np.searchsorted(levels, rounded)
    del rounded
    yield from level_ranks(level, len(levels), groupings)


def level_ranks(
    level: Labels, n_levels: int, groupings: Sequence[Labels | None]
) -> Iterator[Scores]:
    """The same by the place of each example's value among the levels there are."""
    for groups in groupings:
        if groups is None:
            yield _group_ranks(level, np.array([len(level)]), n_levels)
        else:
            # One ranking of (group, level) ranks every group at once, each after those before it.
            keys = groups * n_levels
            keys += level
            yield _group_ranks(keys, np.bincount(groups), n_levels)


def _group_ranks(keys: Labels, size: Labels, n_levels: int) -> Scores:
    """Centred ranks by ``group * n_levels + level``; ``size`` is that of each group."""
    run, group, length = _runs(keys)
    # In place: there may be twice as many keys as examples.
    group //= n_levels
    ranks: Scores = np.multiply(length, -0.5, dtype=np.float64)
    ranks += 0.5
    np.cumsum(length, out=length)
    ranks += length
    del length
    before = np.cumsum(size) - size
    ranks -= before[group]
    ranks -= (size[group] + 1) / 2
    ranks /= np.maximum(size, 1)[group]
    centred: Scores = ranks[run]
    return centred


def _runs(keys: Labels) -> tuple[Labels, Labels, Labels]:
    """Position of each key among the runs of equal keys, the key of each run, and its length."""
    if keys.max() < DENSE * len(keys):
        length = np.bincount(keys)
        return keys, np.arange(len(length)), length
    key, run, length = np.unique(keys, return_inverse=True, return_counts=True)
    return run, key, length


def rank_correlation(a: Scores, b: Scores) -> float | None:
    """Correlation of centred ranks (Spearman's for one group); None where one is constant."""
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else None


def halves_correlations(
    scores: ScoreTable, groupings: Sequence[Labels | None]
) -> list[float | None]:
    """Mean rank correlation between halves of a collection, by each grouping.

    Halves are neighbours in the circle of replicates, so the splits are the same every time; with
    an odd number one replicate stays out of each split. None: undefined for one of the splits.
    """
    n_replicates = scores.n_replicates
    size = n_replicates // 2
    n_splits = min(MAX_SPLITS, n_replicates if n_replicates % 2 else size)
    found: list[list[float | None]] = [[] for _ in groupings]
    for start in range(n_splits):
        circle = ((start + np.arange(2 * size)) % n_replicates).tolist()
        ranks = (
            centred_ranks(scores.means(half), groupings) for half in (circle[:size], circle[size:])
        )
        for values, first, second in zip(found, *ranks, strict=True):
            values.append(rank_correlation(first, second))
    return [_mean(values) for values in found]


def _mean(values: list[float | None]) -> float | None:
    """Mean; None where one of the values is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
