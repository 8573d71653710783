"""Rank correlation over tied scores, overall or within classes."""

from __future__ import annotations

import numpy as np

from learnorder.schema import Labels, Scores

DECIMALS = 12
"""Mean scores that agree this far are tied: they differ by the rounding of sums, far below the
steps of a mean over replicates and epochs."""

MAX_SPLITS = 20
"""Split halves averaged at most; more change the mean by less than it is read to."""


def centred_ranks(values: Scores, groups: Labels) -> Scores:
    """Rank of each example within its group, as a share of the group, less the mean; ties averaged.

    Dividing by the size keeps a large class from counting more per example than a small one.
    """
    _, level = np.unique(np.round(values, DECIMALS), return_inverse=True)
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    # One ranking of (group, value) ranks every group at once, each after those before it.
    before = np.cumsum(size) - size
    _, run, length = np.unique(
        group * (level.max() + 1) + level, return_inverse=True, return_counts=True
    )
    ranks = (np.cumsum(length) - (length - 1) / 2)[run] - before[group]
    centred: Scores = (ranks - (size[group] + 1) / 2) / size[group]
    return centred


def rank_correlation(a: Scores, b: Scores) -> float | None:
    """Correlation of centred ranks (Spearman's for one group); None where one is constant."""
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else None


def halves_correlation(scores: Scores, groups: Labels) -> float | None:
    """Mean rank correlation between halves of ``(replicate, example)`` scores.

    Halves are neighbours in the circle of replicates, so the splits are the same every time; with
    an odd number one replicate stays out of each split. None: undefined for one of the splits.
    """
    n_replicates = len(scores)
    size = n_replicates // 2
    n_splits = min(MAX_SPLITS, n_replicates if n_replicates % 2 else size)
    correlations = []
    for start in range(n_splits):
        circle = (start + np.arange(2 * size)) % n_replicates
        first = centred_ranks(scores[circle[:size]].mean(axis=0), groups)
        second = centred_ranks(scores[circle[size:]].mean(axis=0), groups)
        correlation = rank_correlation(first, second)
        if correlation is None:
            return None
        correlations.append(correlation)
    return float(np.mean(correlations))
