"""What goes with an order, and what is left of it, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learnorder.measures.found import Found
from learnorder.measures.intervals import (
    Component,
    Interval,
    example_component,
    means_without,
    replicate_component,
    t_interval,
    too_few,
    z_interval,
)
from learnorder.measures.moments import NEGLIGIBLE, Deviations, Moments, mean_variance
from learnorder.measures.order import (
    NO_DIFFERENCE,
    NO_DIFFERENCE_WITHOUT,
    cronbach_alpha,
    order_moments,
)
from learnorder.measures.residuals import Residuals
from learnorder.schema import Scores

NO_DEGREES = "there are as many terms as examples: nothing is left to explain"


@dataclass(frozen=True)
class Part:
    """An order, or what is left of it when something is held fixed.

    Attributes
    ----------
    mean
        ``(kept example,)``, mean over replicates.
    moment
        Moments over replicates, or why there are none.
    kept
        ``(example,)`` bool, as in `Deviations`.
    degrees
        Of freedom.
    """

    mean: Scores
    moment: Moments | str
    kept: NDArray[np.bool_]
    degrees: int

    @classmethod
    def of(cls, deviation: Deviations) -> Part:
        """Scores as deviations from means."""
        return cls(deviation.mean(), order_moments(deviation), deviation.kept, deviation.degrees)

    def left(self, rest: Residuals) -> Part:
        """What is left of this order as these residuals."""
        mean = self.mean - rest.terms @ rest.slopes.mean(axis=0)
        moment = order_moments(rest) if rest.degrees else NO_DEGREES
        return Part(mean, moment, rest.kept, rest.degrees)

    @property
    def is_constant(self) -> bool:
        """Whether the means do not differ."""
        return bool(self.mean @ self.mean <= NEGLIGIBLE * max(len(self.mean), 1))


def correlation(part: Part, term: Scores) -> Found:
    """Pearson's correlation of an order with a term, centred likewise and of length 1."""
    if part.is_constant:
        return NO_DIFFERENCE
    return float(part.mean @ term / math.sqrt(part.mean @ part.mean))


def correlation_interval(part: Part, term: Scores, product: Scores) -> Interval | str:
    """Its interval, on Fisher's z; ``product`` is that of each replicate with the term."""
    moment = part.moment
    reason = too_few(len(product), len(part.mean))
    if reason or isinstance(moment, str):
        return reason or str(moment)
    if min(moment.of_mean(), moment.of_mean_without().min()) <= NEGLIGIBLE:
        return NO_DIFFERENCE_WITHOUT
    spread = moment.of_mean() * part.degrees  # with a term of length 1, as a sum of squares
    value = float(product.mean()) / math.sqrt(spread)
    without = means_without(product) / np.sqrt(moment.of_mean_without() * part.degrees)

    def influences() -> Iterator[Scores]:
        """Influence of examples on the value, part by part."""
        n = len(term)
        for here in moment.parts():
            together = n * part.mean[here] * term[here] / math.sqrt(spread)
            at = moment.variance_at[here], moment.covariance_at[here]
            of_mean_at = mean_variance(*at, moment.n_replicates) / moment.of_mean()
            yield together - value / 2 * (of_mean_at + n * term[here] ** 2)

    components = [replicate_component(without), example_component(influences())]
    alike = "the order is that of the baseline, or its opposite: no spread to estimate"
    return z_interval(value, components, len(without), alike)


def r_squared(whole: Part, rest: Part) -> Found:
    """Adjusted R^2 of the means, where ``rest`` is left."""
    if whole.is_constant:
        return NO_DIFFERENCE
    if rest.degrees == 0:
        return rest.moment if isinstance(rest.moment, str) else NO_DEGREES
    left = (rest.mean @ rest.mean) / rest.degrees
    return float(1 - left / ((whole.mean @ whole.mean) / whole.degrees))


def explained_share(whole: Part, rest: Part) -> Found:
    """Share of the covariance between replicates that is gone where ``rest`` is left."""
    if isinstance(whole.moment, str):
        return whole.moment
    alpha = cronbach_alpha(whole.moment)
    if isinstance(alpha, str):
        return alpha
    if alpha <= 0:
        return f"reliability of the order is {alpha:.3g}: no shared order to explain"
    if isinstance(rest.moment, str):
        return rest.moment
    return 1 - rest.moment.covariance / whole.moment.covariance


def share_interval(whole: Part, rest: Part) -> Interval | str:
    """Interval of a share that is defined."""
    of_whole, of_rest = whole.moment, rest.moment
    assert isinstance(of_whole, Moments), "or there is no share"
    assert isinstance(of_rest, Moments), "or there is no share"
    if reason := too_few(of_whole.n_replicates, len(rest.mean)):
        return reason
    if of_whole.covariance_without.min() <= NEGLIGIBLE:
        return "without one of the replicates, the others share no order to explain"
    left = of_rest.covariance / of_whole.covariance
    influence = _at_all(of_rest.covariance_at, rest.kept)
    influence -= left * _at_all(of_whole.covariance_at, whole.kept)
    influence /= -of_whole.covariance
    without = 1 - of_rest.covariance_without / of_whole.covariance_without
    # Terms without any meaning explain as a chi-square would; where the influence of examples
    # vanishes, this is what is left of the variance.
    n_terms = whole.degrees - rest.degrees
    by_chance = 2 * n_terms * (of_rest.of_mean() / of_whole.covariance / whole.degrees) ** 2
    components = [
        replicate_component(without),
        example_component([influence]),
        Component(by_chance, 2 * by_chance**2 / whole.degrees),
    ]
    return t_interval(1 - left, components, len(without))


def _at_all(values: Scores, kept: NDArray[np.bool_]) -> Scores:
    """Contributions of kept examples among those of all, of which they are the mean."""
    if kept.all():
        return values.copy()
    at: Scores = np.zeros(len(kept))
    at[kept] = values * (len(kept) / len(values))
    return at
