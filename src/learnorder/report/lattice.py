"""Exact counts of scores that are shares of votes, and what independence would have given.

With R replicates a TP-agreement is one of 0/R, 1/R, ..., R/R, so a histogram with one bin for each
of these values is the data itself, not an estimate of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learnorder.schema import Scores

MOST_BINS = 101
"""Bins on one axis of a figure; finer lattices are merged, because a pixel shows no more."""


def votes(scores: Scores, n_votes: int) -> NDArray[np.int64]:
    """Number of votes behind each score, for scores that are multiples of ``1 / n_votes``.

    Examples
    --------
    >>> votes(np.array([0.0, 1 / 3, 1.0]), 3)
    array([0, 1, 3])
    """
    return np.rint(np.asarray(scores) * n_votes).astype(np.int64)


def lattice_counts(scores: Scores, n_votes: int) -> NDArray[np.int64]:
    """``(n_votes + 1,)`` number of examples at each value 0, 1/n_votes, ..., 1.

    Examples
    --------
    >>> lattice_counts(np.array([0.0, 0.5, 0.5, 1.0]), 2)
    array([1, 2, 1])
    """
    return np.bincount(votes(scores, n_votes), minlength=n_votes + 1)


def poisson_binomial(chances: Scores) -> Scores:
    """``(R + 1,)`` probability of 0..R successes of R independent trials with these chances.

    Examples
    --------
    >>> poisson_binomial(np.array([0.5, 0.5])).tolist()
    [0.25, 0.5, 0.25]
    """
    probability = np.ones(1)
    for chance in chances:
        probability = np.convolve(probability, (1.0 - chance, chance))
    return probability


def equal_difficulty(accuracy: Scores, n_examples: int) -> Scores:
    """``(R + 1,)`` expected number of examples at each TP-agreement if all were equally hard.

    Each replicate keeps its accuracy, ``(replicate,)``; its right answers fall on examples
    independently of the other replicates.
    """
    expected: Scores = poisson_binomial(accuracy) * n_examples
    return expected


def class_conditional(accuracy: Scores, sizes: NDArray[np.int64]) -> Scores:
    """``(R + 1,)`` as :func:`equal_difficulty`, but each replicate keeps its accuracy per class.

    ``accuracy`` is ``(replicate, class_id)``, and there are ``sizes`` examples of each class.
    """
    expected = np.zeros(len(accuracy) + 1)
    for class_id in np.flatnonzero(sizes):
        expected += equal_difficulty(accuracy[:, class_id], int(sizes[class_id]))
    return expected


def merge_width(n_votes: int, most: int = MOST_BINS) -> int:
    """How many neighbouring lattice values share one bin, so that at most ``most`` bins remain.

    Examples
    --------
    >>> merge_width(100), merge_width(101), merge_width(1000)
    (1, 2, 10)
    """
    return -(-(n_votes + 1) // most)


def merged(counts: NDArray[np.generic], width: int) -> Scores:
    """Counts over the lattice with ``width`` neighbours added into one bin, the last perhaps short.

    Examples
    --------
    >>> merged(np.array([1, 2, 3, 4, 5]), 2)
    array([3., 7., 5.])
    """
    starts = np.arange(0, len(counts), width)
    return np.add.reduceat(np.asarray(counts, dtype=np.float64), starts)


def bin_centres(n_votes: int, width: int) -> Scores:
    """Score in the middle of each bin of :func:`merged`.

    Examples
    --------
    >>> bin_centres(4, 1)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    starts = np.arange(0, n_votes + 1, width)
    ends = np.minimum(starts + width - 1, n_votes)
    return (starts + ends) / (2.0 * n_votes)


def joint_counts(a: Scores, n_votes_a: int, b: Scores, n_votes_b: int) -> NDArray[np.int64]:
    """``(bin of a, bin of b)`` number of examples at each pair of scores, exact on the lattice."""
    return joint_votes(votes(a, n_votes_a), n_votes_a, votes(b, n_votes_b), n_votes_b)


def joint_votes(
    a: NDArray[np.int64], n_votes_a: int, b: NDArray[np.int64], n_votes_b: int
) -> NDArray[np.int64]:
    """``(bin of a, bin of b)`` number of examples at each pair of numbers of votes."""
    row, column = a // merge_width(n_votes_a), b // merge_width(n_votes_b)
    n_rows = n_votes_a // merge_width(n_votes_a) + 1
    n_columns = n_votes_b // merge_width(n_votes_b) + 1
    flat = np.bincount(row * n_columns + column, minlength=n_rows * n_columns)
    return flat.reshape(n_rows, n_columns)


def spread_over_training(epochs: Scores, most: int = 6) -> list[int]:
    """Positions of up to ``most`` recorded epochs after 0, denser early, where most is learned.

    Only when nothing after epoch 0 was recorded is epoch 0 itself used.

    Examples
    --------
    >>> spread_over_training(np.arange(0.0, 31.0))
    [1, 2, 4, 8, 15, 30]
    """
    later = np.flatnonzero(epochs > 0)
    if not len(later):
        return [0]
    ranks = np.rint(np.geomspace(1, len(later), num=min(most, len(later)))).astype(int)
    for i in range(1, len(ranks)):
        ranks[i] = max(ranks[i], ranks[i - 1] + 1)
    return [int(later[rank - 1]) for rank in ranks]
