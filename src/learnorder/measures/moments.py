"""Variance and covariance of replicates over examples: what the order measures are made of.

With ``S`` the replicate x replicate covariance of scores over examples, ``variance`` is the mean of
its diagonal and ``covariance`` the mean off it: a U-statistic, in which no replicate meets itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from learnorder.schema import Labels, Scores

Value = TypeVar("Value", float, Scores)

NEGLIGIBLE = 1e-24
"""Variance of scores in [0, 1] below which only rounding is left (the square of about 1e-12)."""


@dataclass(frozen=True)
class Deviations:
    """Scores of replicates as deviations from the mean over examples, or over a class.

    Attributes
    ----------
    values
        ``(replicate, example)``; examples that are alone in their class are left out.
    degrees
        Number of examples less the number of means taken.
    kept
        ``(example,)`` bool over all examples: not alone in its class.
    """

    values: Scores
    degrees: int
    kept: NDArray[np.bool_]


def deviations(scores: Scores, groups: Labels | None = None) -> Deviations:
    """Centre each replicate's scores, overall or within groups of examples."""
    n_examples = scores.shape[1]
    group = np.zeros(n_examples, dtype=np.int64) if groups is None else groups
    _, member, size = np.unique(group, return_inverse=True, return_counts=True)
    centred = np.empty_like(scores)
    for row, score in zip(centred, scores, strict=True):
        row[:] = score - (np.bincount(member, weights=score) / size)[member]
    kept = size[member] > 1
    values = centred if kept.all() else centred[:, kept]
    return Deviations(values, n_examples - len(size), kept)


@dataclass(frozen=True)
class Moments:
    """Mean variance and mean covariance of R >= 2 replicates, and what each part adds to them.

    Attributes
    ----------
    n_replicates
        R, which also sets whose mean ``of_mean`` speaks of.
    variance, covariance
        Mean over replicates, and over pairs of different replicates.
    variance_at, covariance_at
        ``(example,)``, contributions with ``variance`` and ``covariance`` as their means.
    variance_without, covariance_without
        ``(replicate,)``, the same without one replicate; empty where R = 2.
    """

    n_replicates: int
    variance: float
    covariance: float
    variance_at: Scores
    covariance_at: Scores
    variance_without: Scores
    covariance_without: Scores

    def noise(self) -> float:
        """Mean half variance of the difference of two replicates; at least 0."""
        return self.variance - self.covariance

    def of_mean(self) -> float:
        """Variance over examples of the mean of R replicates."""
        return mean_variance(self.variance, self.covariance, self.n_replicates)


def moments(deviation: Deviations) -> Moments:
    """Moments of at least two replicates; needs at least one degree of freedom."""
    values, degrees = deviation.values, deviation.degrees
    n_replicates, n_examples = values.shape
    matrix = values @ values.T / degrees
    own = np.diag(matrix)
    shared = matrix.sum(axis=1) - own
    squared = np.einsum("rx,rx->x", values, values) * (n_examples / degrees)
    of_sum = values.sum(axis=0) ** 2 * (n_examples / degrees)
    pairs = n_replicates * (n_replicates - 1)
    fewer = (n_replicates - 1) * (n_replicates - 2)
    return Moments(
        n_replicates=n_replicates,
        variance=float(own.mean()),
        covariance=float(shared.sum() / pairs),
        variance_at=squared / n_replicates,
        covariance_at=(of_sum - squared) / pairs,
        variance_without=(own.sum() - own) / (n_replicates - 1) if fewer else np.empty(0),
        covariance_without=(shared.sum() - 2 * shared) / fewer if fewer else np.empty(0),
    )


def mean_variance(variance: Value, covariance: Value, n_replicates: int) -> Value:
    """Variance of the mean of replicates with this mean variance and mean covariance."""
    return (variance + (n_replicates - 1) * covariance) / n_replicates
