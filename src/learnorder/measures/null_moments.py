"""Nulls without a draw: what replicates share by chance has moments that are known exactly.

Let u_r be how far the values of a replicate (right or wrong, or accessibility) deviate from their
mean over a group of examples, and let the examples of each replicate be shuffled within the group.
Then the products C_rs = sum over examples of u_r u_s of the m examples of the group have mean 0,

    E C_rs^2 = v_r v_s / (m - 1)
    E C_rs^3 = t_r t_s m / ((m - 1) (m - 2))
    E C_rs C_st C_tr = v_r v_s v_t / (m - 1)^2

with v and t the sums of squares and of cubes of u; all other products of up to three of them have
mean 0. So their sum T over pairs of replicates has known cumulants, and those of independent groups
add up. Kappa of correctness, the variance of TP-agreement and Cronbach's alpha are increasing
functions of T, as all else in them is the same in every draw.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import kappa
from learnorder.measures.intervals import LEVEL, MIN_EXAMPLES
from learnorder.measures.moments import Deviations, deviations
from learnorder.measures.order import cronbach_alpha, order_moments
from learnorder.measures.permutations import ONE_REPLICATE, Groups, Null
from learnorder.measures.scores import ScoreTable
from learnorder.schema import Labels, Scores

STRAIGHT = 1e-4
"""Skewness below which a distribution is as good as normal."""

LEAST_P = 1e-4
"""The smallest p value from moments: they say nothing of tails beyond it."""

LEAST_DEVIATION = 1.0
"""Standard deviation of shared right answers, below which a smooth distribution of so few counts is
none."""

FEW_VALUES = "replicates share too few answers by chance for moments to say how many; take draws"

FIXED = 1e-12
"""Spread, beside what is shared at most, below which shuffling changes nothing but rounding."""


@dataclass(frozen=True)
class Shared:
    """What pairs of replicates share under the null: moments of T.

    Attributes
    ----------
    mean
        What they share between groups, which shuffling within them leaves as it is.
    variance, third
        Second and third central moment.
    """

    mean: float
    variance: float
    third: float

    def null(self, observed: float, value: Callable[[float], float], step: float = 0.0) -> Null:
        """Null of an increasing function of T; ``observed`` is the T there is.

        T is taken for a Pearson distribution of type III with its moments, as is usual for
        permutation tests. ``step`` is the distance between values that T can have; each stands for
        what is nearer to it than to others.
        """
        deviation = math.sqrt(self.variance)
        skewness = self.third / deviation**3
        low, high = (
            self.mean + deviation * _quantile((1 + side * LEVEL) / 2, skewness) + side * step / 2
            for side in (-1, 1)
        )
        beyond = (observed - step / 2 - self.mean) / deviation
        return Null(
            observed=value(observed),
            mean=self._mean_of(value, deviation, skewness),
            low=value(low),
            high=value(high),
            p_value=max(_beyond(beyond, skewness), LEAST_P),
        )

    def _mean_of(self, value: Callable[[float], float], deviation: float, skewness: float) -> float:
        """Mean of a function of T from the two points that have its first three moments."""
        root = math.sqrt(skewness**2 + 4)
        points = ((skewness + root) / 2, (skewness - root) / 2)
        return sum(value(self.mean + deviation * z) / (1 + z * z) for z in points)


def shared_moments(squares: Scores, cubes: Scores, size: NDArray[np.int64]) -> tuple[float, float]:
    """Variance and third central moment of T.

    ``squares`` and ``cubes`` are sums of the deviations of each replicate, ``(replicate, group)``,
    from its mean in the group; ``size`` is ``(group,)``. A group of one example deviates by 0.
    """
    free = np.maximum(size - 1.0, 1)
    pairs = (squares.sum(axis=0) ** 2 - (squares**2).sum(axis=0)) / 2
    of_cubes = (cubes.sum(axis=0) ** 2 - (cubes**2).sum(axis=0)) / 2
    total = squares.sum(axis=0)
    triples = total**3 - 3 * total * (squares**2).sum(axis=0) + 2 * (squares**3).sum(axis=0)
    variance = pairs / free
    third = of_cubes * size / (free * np.maximum(size - 2, 1)) + triples / free**2
    return float(variance.sum()), float(third.sum())


def kappa_null(histogram: NDArray[np.int64], groups: Groups) -> Null | str:
    """Null of Fleiss' kappa of correctness at one epoch, or why there is none.

    Parameters
    ----------
    histogram
        Examples that 0..R replicates have right.
    groups
        Right answers in the groups of examples within which they are shuffled.
    """
    votes = kappa.correct_votes(histogram)
    reason = votes.undefined()
    if reason:
        return reason
    n, chance = votes.n_replicates, votes.by_chance

    def value(of_mean: float) -> float:
        differing = n / (n - 1) * (chance - 2 * of_mean)
        return float(np.clip(1 - differing / chance, -1 / (n - 1), 1))

    return _variance_null(histogram, groups, value)


def difficulty_null(histogram: NDArray[np.int64], groups: Groups) -> Null | str:
    """Null of the variance of TP-agreement at one epoch, or why there is none; as `kappa_null`."""
    if len(groups.right) < 2:
        return ONE_REPLICATE
    return _variance_null(histogram, groups, lambda of_mean: max(of_mean, 0.0))


def _variance_null(
    histogram: NDArray[np.int64], groups: Groups, value: Callable[[float], float]
) -> Null | str:
    """Null of an increasing function of the variance of TP-agreement."""
    n_replicates, n_examples = len(groups.right), int(histogram.sum())
    reason = _too_few(n_examples)
    if reason:
        return reason
    right, size = groups.right.astype(np.float64), groups.size
    wrong = size - right
    accuracy = right.sum(axis=1) / n_examples
    squares = right * wrong / size
    variance, third = shared_moments(squares, squares * (wrong - right) / size, size)
    own = n_examples * float((accuracy * (1 - accuracy)).sum())
    counts = np.arange(n_replicates + 1)
    spread = float(histogram @ (counts - accuracy.sum()) ** 2)
    shared = Shared(_between(right / size - accuracy[:, np.newaxis], size), variance, third)

    if FIXED * own < math.sqrt(variance) < LEAST_DEVIATION:
        return FEW_VALUES

    def of_shared(shared: float) -> float:
        return value((own + 2 * shared) / (n_examples * n_replicates**2))

    # Pairs of replicates share whole examples.
    return _null(shared, (spread - own) / 2, of_shared, own, step=1.0)


def alpha_null(scores: ScoreTable, label: Labels | None = None) -> Null | str:
    """Null of Cronbach's alpha, or why there is none.

    The scores of each replicate are shuffled over all examples, or within the classes of ``label``.
    """
    overall = deviations(scores)
    moment = order_moments(overall)
    alpha = moment if isinstance(moment, str) else cronbach_alpha(moment)
    if isinstance(alpha, str) or isinstance(moment, str):
        return str(alpha)
    reason = _too_few(scores.n_examples)
    if reason:
        return reason
    within = overall if label is None else deviations(scores, label)
    size = np.bincount(within.member).astype(np.int64)
    squares, cubes = _powers(within)
    apart = within.means - overall.means
    variance, third = shared_moments(squares, cubes, size)
    n = scores.n_replicates
    own = n * moment.variance * overall.degrees
    shared = Shared(_between(apart, size), variance, third)

    def value(shared: float) -> float:
        of_sum = own + 2 * shared
        return n / (n - 1) * (1 - own / of_sum) if of_sum > FIXED * own else -math.inf

    observed = moment.covariance * overall.degrees * n * (n - 1) / 2
    null = _null(shared, observed, value, own)
    if math.isinf(null.low) or math.isinf(null.mean):
        return "the examples are too few for an interval that ends"
    return null


def _null(
    shared: Shared,
    observed: float,
    value: Callable[[float], float],
    most: float,
    step: float = 0.0,
) -> Null:
    """Null, also where shuffling changes nothing."""
    if shared.variance > (FIXED * most) ** 2:
        return shared.null(observed, value, step)
    fixed = value(shared.mean)
    return Null(value(observed), fixed, fixed, fixed, p_value=1.0)


def _too_few(n_examples: int) -> str | None:
    if n_examples < MIN_EXAMPLES:
        return f"moments say too little of fewer than {MIN_EXAMPLES} examples; take draws"
    return None


def _between(apart: Scores, size: NDArray[np.int64]) -> float:
    """What pairs of replicates share by ``(replicate, group)`` means apart from their own."""
    return float(size @ (apart.sum(axis=0) ** 2 - (apart**2).sum(axis=0))) / 2


def _powers(deviation: Deviations) -> tuple[Scores, Scores]:
    """Sums of squares and of cubes, ``(replicate, group)``."""
    shape = deviation.means.shape
    squares, cubes = np.zeros(shape), np.zeros(shape)
    member = deviation.member[deviation.kept].astype(np.intp)
    for here, values in deviation.blocks():
        for r, row in enumerate(values):
            square = row * row
            for total, power in ((squares, square), (cubes, square * row)):
                total[r] += np.bincount(member[here], weights=power, minlength=shape[1])
    return squares, cubes


def _quantile(share: float, skewness: float) -> float:
    """Quantile of the standardised Pearson distribution of type III: a gamma, moved and scaled."""
    from scipy.special import gammaincinv, ndtri

    if abs(skewness) < STRAIGHT:
        return float(ndtri(share))
    shape = 4 / skewness**2
    below = share if skewness > 0 else 1 - share
    return float((gammaincinv(shape, below) - shape) * skewness / 2)


def _beyond(value: float, skewness: float) -> float:
    """Chance of a value at least as large in the same distribution."""
    from scipy.special import gammainc, gammaincc, ndtr

    if abs(skewness) < STRAIGHT:
        return float(ndtr(-value))
    shape = 4 / skewness**2
    place = max(shape + 2 * value / skewness, 0.0)
    return float((gammaincc if skewness > 0 else gammainc)(shape, place))
