"""How the replicates of an epoch differ in what they get right, from counts of examples.

``histogram[c]`` examples are right in c of R replicates. Sums are whole numbers and exact, so that
what is 0 is 0; a value that does not exist is the reason why.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Histogram = NDArray[np.int64]

NO_FAILURE = "every replicate is right on every example: there is no failure to share"


def variance(histogram: Histogram) -> float:
    """Variance of TP-agreement over examples."""
    n_examples, n_replicates = _sizes(histogram)
    counts = np.arange(n_replicates + 1)
    total, squares = _sum(counts, histogram), _sum(counts**2, histogram)
    return (n_examples * squares - total**2) / (n_examples * n_replicates) ** 2


def mean_variance(histogram: Histogram) -> float:
    """Mean over examples of p (1 - p), p being TP-agreement."""
    n_examples, n_replicates = _sizes(histogram)
    counts = np.arange(n_replicates + 1)
    return _sum(counts * counts[::-1], histogram) / (n_examples * n_replicates**2)


def minority(histogram: Histogram) -> float | str:
    """Size of the minority, right or wrong, as a share of the largest there can be; mean."""
    n_examples, n_replicates = _sizes(histogram)
    if n_replicates < 2:
        return "a minority needs 2 replicates; there is 1"
    counts = np.arange(n_replicates + 1)
    smaller = np.minimum(counts, counts[::-1])
    return _sum(smaller, histogram) / (n_examples * (n_replicates // 2))


def generalised(histogram: Histogram) -> float | str:
    """One less the chance that a second replicate fails where a first one does."""
    _, n_replicates = _sizes(histogram)
    if n_replicates < 2:
        return "failing together needs 2 replicates; there is 1"
    wrong = np.arange(n_replicates + 1)[::-1]
    one = _sum(wrong, histogram)
    if one == 0:
        return NO_FAILURE
    return 1 - _sum(wrong * (wrong - 1), histogram) / ((n_replicates - 1) * one)


def coincident(histogram: Histogram) -> float | str:
    """Mean share of the other replicates that are right, over examples on which one fails."""
    _, n_replicates = _sizes(histogram)
    if n_replicates < 2:
        return "failing together needs 2 replicates; there is 1"
    failed = int(histogram[:-1].sum())
    if failed == 0:
        return NO_FAILURE
    return _sum(np.arange(n_replicates), histogram[:-1]) / ((n_replicates - 1) * failed)


def all_right(histogram: Histogram) -> float:
    """Share of examples that all replicates have right."""
    return int(histogram[-1]) / int(histogram.sum())


def none_right(histogram: Histogram) -> float:
    """Share of examples that no replicate has right."""
    return int(histogram[0]) / int(histogram.sum())


def all_of_any_right(histogram: Histogram) -> float | str:
    """Examples that all have right, as a share of those that at least one has right."""
    any_right = int(histogram[1:].sum())
    if any_right == 0:
        return "no replicate is right on any example"
    return int(histogram[-1]) / any_right


def _sizes(histogram: Histogram) -> tuple[int, int]:
    """Number of examples, and of replicates."""
    return int(histogram.sum()), len(histogram) - 1


def _sum(of: NDArray[np.int64], histogram: Histogram) -> int:
    """Sum over examples of what belongs to their count; its square may need more than 64 bits."""
    return int(of @ histogram)
