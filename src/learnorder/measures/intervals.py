"""Intervals when few replicates meet many examples: one variance from each, added.

Replicates are the small number. Drawing them again with replacement would put copies side by side
that agree perfectly, so replicates enter by deleting one at a time, and examples by their
influence on the value (the infinitesimal jackknife, the limit of their bootstrap). What belongs to
a replicate and an example together is seen both ways. It is kept with the examples, as it shrinks
when there are more of them, and taken off the replicates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from learnorder.schema import Scores

Interval = tuple[float, float]

LEVEL = 0.95
"""Coverage the intervals aim at."""

_level: ContextVar[float] = ContextVar("level", default=LEVEL)

MIN_REPLICATES = 3
"""With one of two replicates deleted, no pair is left to compare."""

ENOUGH_REPLICATES = 5
"""From here on intervals cover about what they say: see docs/measures.md."""

COVERED = {3: (89, 99), 4: (91, 99)}
"""Lowest and highest coverage from fewer replicates, in per cent, in the populations of
benchmarks/RESULTS.md without heavy tails and without rare replicates of another kind."""

MIN_EXAMPLES = 10
"""Below this the influence of examples is itself too uncertain to say how uncertain a value is."""


EXCESS_KURTOSIS = 1.0
"""Taken for what single replicates contribute: a handful of them cannot tell, and contributions of
networks that differ have longer tails than a normal's. A variance over R of them is then known as
with 2 / (2 / (R - 1) + EXCESS_KURTOSIS / R) degrees of freedom: 2.9 for 5, 7.4 for 10."""

NO_VARIANCE = 1e-24
"""Variance of a value of about 1 below which only rounding is left (the square of about 1e-12)."""

IDENTICAL = 1e-12
"""Distance from 1 or -1 below which a correlation leaves nothing but rounding to estimate from."""

NO_SPREAD = "neither replicates nor examples differ: no spread to estimate"


@contextmanager
def at_level(level: float) -> Iterator[None]:
    """Let intervals that replicates and examples make aim at another coverage than `LEVEL`.

    For many intervals of which one is enough: at ``1 - 0.05 / m`` each, one of m misses its value
    in 5 % of cases at most, however they depend on each other (Bonferroni).
    """
    token = _level.set(level)
    try:
        yield
    finally:
        _level.reset(token)


@dataclass(frozen=True)
class Component:
    """One part of a variance, and how surely it is known.

    Attributes
    ----------
    variance
        The part, at least 0.
    error
        Variance of that estimate; 2 variance**2 / df for df degrees of freedom.
    """

    variance: float
    error: float

    def scaled(self, factor: float) -> Component:
        """Return the component on a scale where variances are ``factor`` times as large."""
        return Component(self.variance * factor, self.error * factor**2)


def replicate_component(without: Scores, cells: float = 0.0) -> Component:
    """Variance that replicates bring about, however many examples there are.

    ``without[r]`` is the value computed without replicate r: the jackknife's variance. ``cells`` is
    what it would be by that alone which belongs to a replicate and an example together, and is
    counted with the examples: see `example_component`; where it is not known, 0 errs towards wide.
    What is left is the part of replicates, 0 where nothing is. What is left by chance is little,
    and its own size says too little of how uncertain it is; so its error is that of the whole,
    weighted by how surely there is such a part: the square of the chance at which cells alone would
    show less than what is seen.
    """
    from scipy.special import chdtr

    df = len(without) - 1
    whole = float(((without - without.mean()) ** 2).sum()) * df / len(without)
    sure = float(chdtr(df, df * whole / cells)) if cells > 0 else 1.0
    return Component(
        max(whole - cells, 0.0), _error_of_variance(len(without)) * (sure**2 * whole) ** 2
    )


def _error_of_variance(n_replicates: int) -> float:
    """Variance of a variance over so many replicates, relative to its square."""
    return 2 / (n_replicates - 1) + EXCESS_KURTOSIS / n_replicates


def example_component(influences: Iterable[Scores]) -> Component:
    """Variance from examples, given part by part: the derivatives of the value in their weights.

    Few examples of much influence make it less certain: its error is that of a mean of squares.
    """
    n, squared, fourth = 0, 0.0, 0.0
    for influence in influences:
        squares = influence**2
        n += len(influence)
        squared += float(squares.sum())
        fourth += float(squares @ squares)
    return component_of_sums(n, squared, fourth)


def component_of_sums(n_examples: int, squared: float, fourth: float) -> Component:
    """Variance from examples by the sums of the second and fourth powers of their influence."""
    error = max(fourth - squared**2 / n_examples, 0.0)
    return Component(squared / n_examples**2, error / n_examples**4)


def means_without(values: Scores) -> Scores:
    """Mean without each of the values."""
    means: Scores = (values.sum() - values) / (len(values) - 1)
    return means


def t_interval(
    value: float,
    components: list[Component],
    n_replicates: int,
    level: float | None = None,
    slope: float = 1.0,
) -> Interval | str:
    """Student's t interval, its degrees of freedom from Welch and Satterthwaite's formula.

    Parameters
    ----------
    value
        The estimate, on a scale where it is about normal.
    components
        Parts of its variance.
    n_replicates
        R, of the smaller collection: there are never fewer degrees of freedom than if replicates
        were all that differs.
    level
        Coverage it aims at; without it `LEVEL`, or what `at_level` says.
    slope
        Derivative in the estimate of what the components are variances of.

    Returns
    -------
    Lower and upper bound, on the same scale; or, where all parts are zero, why there are none.

    References
    ----------
    satterthwaite1946, gaylor1969, efron1981jackknife, cameron2011multiway

    Examples
    --------
    >>> low, high = t_interval(0.0, [Component(variance=1.0, error=0.7)], n_replicates=5)
    >>> round(high, 3)
    3.274
    """
    from scipy.special import stdtrit

    # Looked at before scaling, which makes much of what is only rounding.
    if sum(c.variance for c in components) <= NO_VARIANCE:
        return NO_SPREAD
    scaled = [c.scaled(1 / slope**2) for c in components]
    variance = sum(c.variance for c in scaled)
    error = sum(c.error for c in scaled)
    fewest = 2 / _error_of_variance(n_replicates)
    df = max(2 * variance**2 / error, fewest) if error > 0 else math.inf
    aim = _level.get() if level is None else level
    half = float(stdtrit(df, 0.5 + aim / 2)) * math.sqrt(variance)
    return value - half, value + half


def z_interval(
    value: float,
    components: list[Component],
    n_replicates: int,
    identical: str,
    ceiling: float = 1.0,
) -> Interval | str:
    """Interval of a correlation, or of one over a ceiling, built on Fisher's z of the correlation.

    ``identical`` is the reason why there is none where the correlation is 1 or -1.
    """
    slope = (1 - (value * ceiling) ** 2) / ceiling
    if slope * ceiling < IDENTICAL:
        return identical
    interval = t_interval(math.atanh(value * ceiling), components, n_replicates, slope=slope)
    if isinstance(interval, str):
        return interval
    low, high = interval
    return math.tanh(low) / ceiling, math.tanh(high) / ceiling


def few_replicates(n_replicates: int) -> str | None:
    """What to know of intervals from fewer replicates than they need, or None."""
    if n_replicates not in COVERED:
        return None
    low, high = COVERED[n_replicates]
    return (
        f"intervals from {n_replicates} replicates cannot keep to 95 %: in simulations {low} to "
        f"{high} % of them held the true value (docs/measures.md); from {ENOUGH_REPLICATES} on "
        "they come close to it"
    )


def too_few(n_replicates: int, n_examples: int) -> str | None:
    """Reason why no interval can be given, or None."""
    if n_replicates < MIN_REPLICATES:
        return f"an interval needs {MIN_REPLICATES} replicates; there are {n_replicates}"
    if n_examples < MIN_EXAMPLES:
        return f"an interval needs {MIN_EXAMPLES} examples; there are {n_examples}"
    return None


def ratio_interval(
    part: float,
    whole: float,
    without: tuple[Scores, Scores],
    cells: float,
    examples: Component,
) -> Interval | str:
    """Interval of ``1 - part / whole``, built on the logarithm of the ratio and carried back.

    Parameters
    ----------
    part, whole
        Both above 0.
    without
        ``part`` and ``whole`` without each replicate, ``(replicate,)``, above 0.
    cells
        Variance of the logarithm of the ratio from replicates by what belongs to a replicate and an
        example together.
    examples
        Variance of the logarithm of the ratio from examples.

    Returns
    -------
    Lower and upper bound, at most 1; or why there are none.
    """
    components = [
        replicate_component(np.log(without[0]) - np.log(without[1]), cells),
        examples,
    ]
    interval = t_interval(math.log(part / whole), components, len(without[0]))
    if isinstance(interval, str):
        return interval
    low, high = interval
    return 1 - math.exp(high), 1 - math.exp(low)
