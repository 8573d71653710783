"""Intervals when few replicates meet many examples: one variance from each, added.

Replicates are the small number. Drawing them again with replacement would put copies side by side
that agree perfectly, so replicates enter by deleting one at a time, and examples by their
influence on the value (the infinitesimal jackknife, the limit of their bootstrap). What belongs to
a replicate and an example together counts in both parts, so the sum errs towards wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from learnorder.schema import Scores

Interval = tuple[float, float]

LEVEL = 0.95
"""Coverage the intervals aim at."""

MIN_REPLICATES = 3
"""With one of two replicates deleted, no pair is left to compare."""

MIN_EXAMPLES = 10
"""Below this the influence of examples is itself too uncertain to say how uncertain a value is."""


NO_VARIANCE = 1e-24
"""Variance of a value of about 1 below which only rounding is left (the square of about 1e-12)."""

NO_SPREAD = "neither replicates nor examples differ: no spread to estimate"


@dataclass(frozen=True)
class Component:
    """One part of a variance, and the degrees of freedom of its estimate."""

    variance: float
    df: int

    def scaled(self, factor: float) -> Component:
        """Return the component on a scale where variances are ``factor`` times as large."""
        return Component(self.variance * factor, self.df)


def replicate_component(without: Scores) -> Component:
    """Variance from replicates; ``without[r]`` is the value computed without replicate r."""
    n = len(without)
    spread = float(((without - without.mean()) ** 2).sum())
    return Component(spread * (n - 1) / n, n - 1)


def example_component(influences: Iterable[Scores]) -> Component:
    """Variance from examples, given part by part: the derivatives of the value in their weights."""
    n, squared = 0, 0.0
    for influence in influences:
        n += len(influence)
        squared += float(influence @ influence)
    return Component(squared / n**2, n - 1)


def no_spread(components: list[Component]) -> str | None:
    """Reason why there is no interval where no component of the variance is above 0, or None."""
    return NO_SPREAD if sum(c.variance for c in components) <= NO_VARIANCE else None


def t_interval(value: float, components: list[Component], level: float = LEVEL) -> Interval | str:
    """Student's t interval, its degrees of freedom from Welch and Satterthwaite's formula.

    Parameters
    ----------
    value
        The estimate, on a scale where it is about normal.
    components
        Independent parts of its variance.
    level
        Coverage it aims at.

    Returns
    -------
    Lower and upper bound, on the same scale; or, where all parts are zero, why there are none.

    References
    ----------
    satterthwaite1946, efron1981jackknife

    Examples
    --------
    >>> low, high = t_interval(0.0, [Component(variance=1.0, df=4)])
    >>> round(high, 3)
    2.776
    """
    from scipy.special import stdtrit

    reason = no_spread(components)
    if reason:
        return reason
    variance = sum(c.variance for c in components)
    df = variance**2 / sum(c.variance**2 / c.df for c in components)
    half = float(stdtrit(df, 0.5 + level / 2)) * math.sqrt(variance)
    return value - half, value + half


def too_few(n_replicates: int, n_examples: int) -> str | None:
    """Reason why no interval can be given, or None."""
    if n_replicates < MIN_REPLICATES:
        return f"an interval needs {MIN_REPLICATES} replicates; there are {n_replicates}"
    if n_examples < MIN_EXAMPLES:
        return f"an interval needs {MIN_EXAMPLES} examples; there are {n_examples}"
    return None


def ratio_interval(
    part: float, whole: float, without: tuple[Scores, Scores], examples: Component
) -> Interval | str:
    """Interval of ``1 - part / whole``, built on the logarithm of the ratio and carried back.

    Parameters
    ----------
    part, whole
        Both above 0.
    without
        ``part`` and ``whole`` without each replicate, ``(replicate,)``, above 0.
    examples
        Variance of the logarithm of the ratio from examples.

    Returns
    -------
    Lower and upper bound, at most 1; or why there are none.
    """
    components = [
        replicate_component(np.log(without[0]) - np.log(without[1])),
        examples,
    ]
    interval = t_interval(math.log(part / whole), components)
    if isinstance(interval, str):
        return interval
    low, high = interval
    return 1 - math.exp(high), 1 - math.exp(low)
