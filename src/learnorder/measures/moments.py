"""Variance and covariance of replicates over examples: what the order measures are made of.

With ``S`` the replicate x replicate covariance of scores over examples, ``variance`` is the mean of
its diagonal and ``covariance`` the mean off it: a U-statistic, in which no replicate meets itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from learnorder.measures._kernels import smallest_type
from learnorder.measures.intervals import means_without
from learnorder.measures.scores import ScoreTable
from learnorder.measures.tiles import cuts
from learnorder.schema import Labels, Scores

Value = TypeVar("Value", float, Scores)

NEGLIGIBLE = 1e-24
"""Variance of scores in [0, 1] below which only rounding is left (the square of about 1e-12)."""

ROUNDING = 1e-14
"""Share of a variance up to which a covariance, a difference from one, or the variance of a mean is
rounding."""

PART = 1 << 18
"""Examples whose influences are computed at once."""


@dataclass(frozen=True)
class Deviations:
    """Scores of replicates as deviations from the mean over examples, or over a class.

    Attributes
    ----------
    table
        The scores.
    member
        ``(example,)``, group of each example, counted from 0, in the smallest type.
    means
        ``(replicate, group)``.
    kept
        ``(example,)`` bool: not alone in its group; the others deviate by nothing and are left out.
    degrees
        Number of examples less the number of means taken.
    """

    table: ScoreTable
    member: NDArray[np.unsignedinteger[Any]]
    means: Scores
    kept: NDArray[np.bool_]
    degrees: int

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return self.table.n_replicates

    @property
    def n_examples(self) -> int:
        """Number of examples that are kept."""
        return int(self.kept.sum())

    def blocks(self, width: int | None = None) -> Iterator[tuple[slice, Scores]]:
        """Deviations ``(replicate, kept example)``, and where they lie among the kept ones."""
        start, is_one_group = 0, self.means.shape[1] == 1
        for examples, scores in self.table.blocks(width):
            scores -= self.means if is_one_group else self.means.take(self.member[examples], axis=1)
            kept = self.kept[examples]
            values = scores if kept.all() else scores[:, kept]
            yield slice(start, start + values.shape[1]), values
            start += values.shape[1]

    def mean(self) -> Scores:
        """Mean over replicates, ``(kept example,)``."""
        means = np.empty(self.n_examples)
        for here, values in self.blocks():
            means[here] = values.mean(axis=0)
        return means


def deviations(table: ScoreTable, groups: Labels | None = None) -> Deviations:
    """Centre each replicate's scores, overall or within groups of examples."""
    member, size = _members(table.n_examples, groups)
    means = table.sums_by(member, len(size))
    means /= size
    kept = (size > 1)[member]
    return Deviations(table, member, means, kept, table.n_examples - len(size))


def _members(
    n_examples: int, groups: Labels | None
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
    """Group of each example among those that occur, and the sizes of these."""
    if groups is None:
        return np.zeros(n_examples, dtype=np.uint8), np.array([n_examples])
    size = np.bincount(groups)
    present = np.flatnonzero(size)
    place = np.zeros(len(size), dtype=smallest_type(len(present)))
    place[present] = np.arange(len(present))
    return place[groups], size[present]


@dataclass(frozen=True)
class Moments:
    """Mean variance and mean covariance of R >= 2 replicates, and what each part adds to them.

    What is no more than rounding beside a variance is exactly 0 in each of them but ``_at``.

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
    cells
        ``(2, 2)``, jackknife covariance of ``variance`` and ``covariance`` over replicates by what
        belongs to one replicate and one example together; zero where R = 2.
    """

    n_replicates: int
    variance: float
    covariance: float
    variance_at: Scores
    covariance_at: Scores
    variance_without: Scores
    covariance_without: Scores
    cells: Scores

    def noise(self) -> float:
        """Mean half variance of the difference of two replicates; 0 if they do not differ."""
        return float(_difference(self.variance, self.covariance))

    def noise_without(self) -> Scores:
        """Noise without each replicate, ``(replicate,)``."""
        return _difference(self.variance_without, self.covariance_without)

    def of_mean(self) -> float:
        """Variance over examples of the mean of R replicates; 0 if it does not differ."""
        of_mean = mean_variance(self.variance, self.covariance, self.n_replicates)
        return float(_beyond_rounding(of_mean, self.variance))

    def of_mean_without(self) -> Scores:
        """Estimate of the same without each replicate, ``(replicate,)``."""
        variance, covariance = self.variance_without, self.covariance_without
        of_mean = mean_variance(variance, covariance, self.n_replicates)
        return _beyond_rounding(of_mean, variance)

    def parts(self) -> Iterator[slice]:
        """Examples that are gone through at once."""
        return cuts(slice(0, len(self.variance_at)), PART)


def _difference(variance: float | Scores, covariance: float | Scores) -> Scores:
    """Variance less covariance; exactly 0 where only rounding is between them."""
    difference = np.subtract(variance, covariance)
    return np.where(difference > ROUNDING * np.asarray(variance), difference, 0.0)


def _beyond_rounding(value: float | Scores, variance: float | Scores) -> Scores:
    """Return the value; exactly 0 where it is rounding beside the variance."""
    return np.where(np.abs(value) > ROUNDING * np.asarray(variance), value, 0.0)


def moments(deviation: Deviations) -> Moments:
    """Moments of at least two replicates; needs at least one degree of freedom."""
    degrees, n_examples = deviation.degrees, deviation.n_examples
    n_replicates = deviation.n_replicates
    matrix = np.zeros((n_replicates, n_replicates))
    squared, of_sum = np.empty(n_examples), np.empty(n_examples)
    cells = np.zeros((2, 2))
    for here, values in deviation.blocks():
        matrix += values @ values.T
        squared[here] = np.einsum("rx,rx->x", values, values)
        of_sum[here] = values.sum(axis=0) ** 2
        cells += _cell_products(values)
    matrix /= degrees
    own = np.diag(matrix)
    shared = matrix.sum(axis=1) - own
    pairs = n_replicates * (n_replicates - 1)
    fewer = (n_replicates - 1) * (n_replicates - 2)
    variance, covariance = own.mean(), shared.sum() / pairs
    variance_without = covariance_without = np.empty(0)
    if fewer:
        variance_without = means_without(own)
        covariance_without = (shared.sum() - 2 * shared) / fewer
    # In place: with many examples these are the largest arrays there are.
    of_sum -= squared
    of_sum *= n_examples / degrees / pairs
    squared *= n_examples / degrees / n_replicates
    return Moments(
        n_replicates=n_replicates,
        variance=float(variance),
        covariance=float(_beyond_rounding(covariance, variance)),
        variance_at=squared,
        covariance_at=of_sum,
        variance_without=variance_without,
        covariance_without=_beyond_rounding(covariance_without, variance_without),
        cells=cells * cell_scale(deviation)[:2, :2],
    )


def _cell_products(values: Scores) -> Scores:
    """Sums of products, ``(2, 2)``, of what each cell adds to variance and covariance.

    A cell, a replicate and an example, adds x**2 to the variance and x times the sum of the other
    replicates to the covariance; of both, the mean over the replicates of the example is taken off.
    By sums of powers over replicates, so that no table of cells is made twice.
    """
    n_replicates = len(values)
    squares = values**2
    total, second = values.sum(axis=0), squares.sum(axis=0)
    third = np.einsum("rx,rx->x", squares, values)
    fourth = np.einsum("rx,rx->x", squares, squares)
    shared = total**2 - second
    own_own = fourth - second**2 / n_replicates
    own_shared = total * third - fourth - second * shared / n_replicates
    shared_shared = total**2 * second - 2 * total * third + fourth - shared**2 / n_replicates
    mixed = own_shared.sum()
    return np.array([[own_own.sum(), mixed], [mixed, shared_shared.sum()]])


def cell_scale(deviation: Deviations) -> Scores:
    """What makes of products of cells their jackknife covariance, ``(3, 3)``.

    For variance, covariance, and the covariance with another collection. Deleting a replicate
    takes its cell off the first with 1 / (R - 1), and off the second with 2 / ((R - 1)(R - 2)).
    """
    n = deviation.n_replicates
    if n < 3:
        return np.zeros((3, 3))
    taken = np.array([1 / (n - 1), 2 / ((n - 1) * (n - 2)), 1 / (n - 1)]) / deviation.degrees
    scale: Scores = np.outer(taken, taken) * (n - 1) / n
    return scale


def cells_with(moment: Moments, a: Deviations, other: Scores) -> Scores:
    """``moment.cells`` of a, ``(3, 3)``, with its covariance with another mean order as third."""
    n_replicates = a.n_replicates
    products = np.zeros((3, 3))
    for here, values in a.blocks():
        total = values.sum(axis=0)
        second = np.einsum("rx,rx->x", values, values)
        third = np.einsum("rx,rx,rx->x", values, values, values)
        shared = total**2 - second
        means = other[here]
        products[2, 0] += means @ (third - total * second / n_replicates)
        products[2, 1] += means @ (total * second - third - total * shared / n_replicates)
        products[2, 2] += means**2 @ (second - total**2 / n_replicates)
    products[:2, 2] = products[2, :2]
    products *= cell_scale(a)
    products[:2, :2] = moment.cells
    return products


def cross_covariance(a: Deviations, b: Deviations) -> Scores:
    """Covariance over examples of each replicate of a with each of b, over the same examples."""
    matrix = np.zeros((a.n_replicates, b.n_replicates))
    width = min(a.table.width, b.table.width)
    for (_, of_a), (_, of_b) in zip(a.blocks(width), b.blocks(width), strict=True):
        matrix += of_a @ of_b.T
    matrix /= a.degrees
    return matrix


def mean_variance(variance: Value, covariance: Value, n_replicates: int) -> Value:
    """Variance of the mean of replicates with this mean variance and mean covariance."""
    return (variance + (n_replicates - 1) * covariance) / n_replicates
