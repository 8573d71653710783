"""Rank correlation over tied scores, overall or within classes."""

from __future__ import annotations

import numpy as np

from learnorder.measures.scores import ScoreTable
from learnorder.schema import Labels, Scores

DECIMALS = 12
"""Mean scores that agree this far are tied: they differ by the rounding of sums, far below the
steps of a mean over replicates and epochs."""

DENSE = 8
"""Keys for each example up to which counting all of them is faster than sorting the examples."""

MAX_SPLITS = 20
"""Split halves averaged at most; more change the mean by less than it is read to."""


def centred_ranks(values: Scores, groups: Labels) -> Scores:
    """Rank of each example within its group, as a share of the group, less the mean; ties averaged.

    Dividing by the size keeps a large class from counting more per example than a small one.
    """
    rounded = np.round(values, DECIMALS)
    levels = np.unique(rounded)
    size = np.bincount(groups)
    # One ranking of (group, value) ranks every group at once, each after those before it.
    run, length = _runs(groups * len(levels) + np.searchsorted(levels, rounded))
    before = np.cumsum(size) - size
    ranks = (np.cumsum(length) - (length - 1) / 2)[run] - before[groups]
    centred: Scores = (ranks - (size[groups] + 1) / 2) / size[groups]
    return centred


def _runs(keys: Labels) -> tuple[Labels, Labels]:
    """Position of each key among runs of equal keys in ascending order, and their lengths."""
    if keys.max() < DENSE * len(keys):
        return keys, np.bincount(keys)
    _, run, length = np.unique(keys, return_inverse=True, return_counts=True)
    return run, length


def rank_correlation(a: Scores, b: Scores) -> float | None:
    """Correlation of centred ranks (Spearman's for one group); None where one is constant."""
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else None


def halves_correlation(scores: ScoreTable, groups: Labels) -> float | None:
    """Mean rank correlation between halves of a collection.

    Halves are neighbours in the circle of replicates, so the splits are the same every time; with
    an odd number one replicate stays out of each split. None: undefined for one of the splits.
    """
    n_replicates = scores.n_replicates
    size = n_replicates // 2
    n_splits = min(MAX_SPLITS, n_replicates if n_replicates % 2 else size)
    correlations = []
    for start in range(n_splits):
        circle = ((start + np.arange(2 * size)) % n_replicates).tolist()
        first = centred_ranks(scores.means(circle[:size]), groups)
        second = centred_ranks(scores.means(circle[size:]), groups)
        correlation = rank_correlation(first, second)
        if correlation is None:
            return None
        correlations.append(correlation)
    return float(np.mean(correlations))
