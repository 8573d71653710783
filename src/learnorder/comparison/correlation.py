"""Two orders of the same examples, held against each other and against how sure each is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np

from learnorder.comparison.halves import Halves
from learnorder.comparison.overlap import Overlap, overlaps
from learnorder.measures.found import Found, with_reasons
from learnorder.measures.intervals import (
    Component,
    Interval,
    example_component,
    means_without,
    replicate_component,
    too_few,
    z_interval,
)
from learnorder.measures.moments import (
    NEGLIGIBLE,
    Deviations,
    Moments,
    cells_with,
    cross_covariance,
    deviations,
    mean_variance,
)
from learnorder.measures.order import NO_DIFFERENCE_WITHOUT, cronbach_alpha, order_moments
from learnorder.measures.ranks import Ranks, centred_ranks, kendall_tau, rank_correlation
from learnorder.measures.scores import ScoreTable
from learnorder.schema import Labels, Scores


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """How alike two collections order the same examples.

    Attributes
    ----------
    pearson
        Correlation of mean accessibility, in [-1, 1].
    pearson_ci
        95 % interval of ``pearson``, for means over as many replicates.
    spearman
        The same of ranks, ties averaged. Within class: ranks within each class, as a share of it.
    spearman_halves_a, spearman_halves_b
        Mean Spearman between halves of one collection: what raw Spearman is read against.
    kendall
        Kendall's tau-b, in [-1, 1]; pairs that one collection ties count for nothing in it. Within
        class: of the pairs of examples of one class.
    overlap
        Of the hardest and of the easiest examples, for each share of them.
    noise_ceiling
        Geometric mean of the two reliabilities: the Pearson correlation to expect if both
        collections had one order.
    corrected
        ``pearson / noise_ceiling``: 1 if both have one order; by chance above 1, never clipped.
    corrected_ci
        95 % interval of ``corrected``.
    undefined
        For each attribute that is None, the reason.
    """

    pearson: float | None
    pearson_ci: Interval | None
    spearman: float | None
    spearman_halves_a: float | None
    spearman_halves_b: float | None
    kendall: float | None
    overlap: tuple[Overlap, ...] | None
    noise_ceiling: float | None
    corrected: float | None
    corrected_ci: Interval | None
    undefined: dict[str, str] = field(default_factory=dict)

    @classmethod
    def none(cls, reason: str) -> Correlation:
        """Nothing of it, for this reason."""
        names = [f.name for f in fields(Correlation) if f.name != "undefined"]
        return Correlation(**dict.fromkeys(names), undefined=dict.fromkeys(names, reason))


@dataclass(frozen=True)
class Order:
    """One collection's order of the examples, overall or within class, ready to be compared.

    Attributes
    ----------
    name
        Of the collection.
    deviation
        Scores less the mean over examples, or over a class.
    mean
        ``(example,)``, mean deviation over replicates, of the examples not alone in their class.
    moment
        Their moments, or why there are none.
    """

    name: str
    deviation: Deviations
    mean: Scores
    moment: Moments | str

    @property
    def no_difference(self) -> str:
        """Reason why there is nothing to compare where the mean is constant."""
        return f"mean accessibility of {self.name!r} does not differ between examples"

    def alpha(self) -> float | str:
        """Reliability, or why there is none."""
        return self.moment if isinstance(self.moment, str) else cronbach_alpha(self.moment)


@dataclass(frozen=True)
class RankedOrder(Order):
    """An order with its ranks.

    Attributes
    ----------
    ranks
        Of mean scores.
    halves
        The collection against itself.
    """

    ranks: Ranks
    halves: Halves


@dataclass(frozen=True)
class _Part:
    """A (co)variance with what examples add to it, and its values without each replicate.

    ``slopes`` are its derivatives in the mean variance and the mean covariance of replicates.
    """

    value: float
    at: Callable[[slice], Scores]
    without: Scores
    slopes: tuple[float, float]


@dataclass(frozen=True)
class _Cross:
    """Covariances between the replicates of two collections, gone through once for a pair."""

    a: Order
    b: Order

    @cached_property
    def matrix(self) -> Scores:
        """``(replicate of a, replicate of b)``."""
        return cross_covariance(self.a.deviation, self.b.deviation)

    @cached_property
    def cells(self) -> tuple[Scores, Scores]:
        """Of a and of b, see `cells_with`."""
        a, b = self.a, self.b
        return (
            cells_with(_defined(a), a.deviation, b.mean),
            cells_with(_defined(b), b.deviation, a.mean),
        )


def prepare_order(
    name: str, scores: ScoreTable, label: Labels | None, halves: Halves
) -> RankedOrder:
    """Order of the examples of a table of scores; within the classes of ``label`` if given."""
    (ranks,) = centred_ranks(scores.means(), (label,))
    deviation = deviations(scores, label)
    return RankedOrder(
        name=name,
        deviation=deviation,
        mean=deviation.mean(),
        moment=order_moments(deviation),
        ranks=ranks,
        halves=halves,
    )


def correlate(a: RankedOrder, b: RankedOrder, shared: str | None = None) -> Correlation:
    """Correlations between two orders of the same examples.

    ``shared`` says which replicates are in both collections: they agree with themselves, so what
    takes the collections for independent is undefined, for that reason.
    """
    constant = _constant(a, b)
    found = {
        **correlate_means(a, b, shared),
        "spearman": constant or rank_correlation(a.ranks, b.ranks),
        "spearman_halves_a": a.halves.spearman,
        "spearman_halves_b": b.halves.spearman,
        "kendall": constant or kendall_tau(a.ranks, b.ranks),
        "overlap": constant or overlaps(a.ranks, b.ranks, a.halves.overlap, b.halves.overlap),
    }
    return Correlation(**with_reasons(found))


def correlate_means(a: Order, b: Order, shared: str | None) -> dict[str, Found | Interval]:
    """What needs no ranks, by name: values, or the reasons why there are none."""
    pearson, ceiling, cross = _pearson(a, b), _ceiling(a, b), _Cross(a, b)
    corrected = shared or _corrected(pearson, ceiling)
    return {
        "pearson": pearson,
        "pearson_ci": shared or _no_interval(pearson, a, b) or _pearson_interval(cross),
        "noise_ceiling": ceiling,
        "corrected": corrected,
        "corrected_ci": _no_interval(corrected, a, b) or _corrected_interval(cross),
    }


def _pearson(a: Order, b: Order) -> float | str:
    for order in (a, b):
        if (order.mean @ order.mean) <= NEGLIGIBLE * max(len(order.mean), 1):
            return order.no_difference
    return float(a.mean @ b.mean / math.sqrt((a.mean @ a.mean) * (b.mean @ b.mean)))


def _constant(a: RankedOrder, b: RankedOrder) -> str | None:
    """Reason why there are no ranks to compare, or None."""
    for order in (a, b):
        if order.ranks.constant:
            return order.no_difference
    return None


def _ceiling(a: Order, b: Order) -> float | str:
    product = 1.0
    for order in (a, b):
        value = order.alpha()
        if isinstance(value, str):
            return f"reliability of {order.name!r} is undefined: {value}"
        if value <= 0:
            return f"reliability of {order.name!r} is {value:.3g}: no shared order to correct for"
        product *= value
    return math.sqrt(product)


def _corrected(pearson: Found, ceiling: Found) -> Found:
    if isinstance(pearson, str):
        return pearson
    return ceiling if isinstance(ceiling, str) else pearson / ceiling


def _no_interval(value: Found, a: Order, b: Order) -> str | None:
    """Reason why a value can have no interval, or None."""
    if isinstance(value, str):
        return value
    shapes = [(o.deviation.n_replicates, o.deviation.n_examples) for o in (a, b)]
    return next(filter(None, (too_few(*shape) for shape in shapes)), None)


def _pearson_interval(cross: _Cross) -> Interval | str:
    """Built on Fisher's z, with variances carried over from the scale of the correlation."""
    parts = [_mean_part(_defined(order)) for order in (cross.a, cross.b)]
    if any(part.without.min() <= NEGLIGIBLE for part in parts):
        return NO_DIFFERENCE_WITHOUT
    return _z_interval(cross, parts, 1.0)


def _corrected_interval(cross: _Cross) -> Interval | str:
    """Built on Fisher's z of the correlation that is corrected, at the ceiling there is.

    So it can reach beyond 1, and leans to the side to which a correlation is uncertain.
    """
    moments = [_defined(order) for order in (cross.a, cross.b)]
    parts = [_shared_part(moment) for moment in moments]
    if any(part.without.min() <= NEGLIGIBLE for part in parts):
        return "without one of the replicates, the others share no order to correct for"
    shares = [moment.covariance / moment.of_mean() for moment in moments]
    return _z_interval(cross, parts, math.sqrt(shares[0] * shares[1]))


def _z_interval(cross: _Cross, parts: list[_Part], ceiling: float) -> Interval | str:
    """Interval of a ratio, on Fisher's z of the ratio times ``ceiling``."""
    value, components = _ratio(cross, *parts)
    fewest = min(order.deviation.n_replicates for order in (cross.a, cross.b))
    identical = "the two orders are identical, or exactly opposite: no spread to estimate"
    return z_interval(value, components, fewest, identical, ceiling)


def _ratio(cross: _Cross, part_a: _Part, part_b: _Part) -> tuple[float, list[Component]]:
    """Mean cross-covariance / sqrt(part_a * part_b), with the three components of its variance."""
    a, b, matrix = cross.a, cross.b, cross.matrix
    scale = math.sqrt(part_a.value * part_b.value)
    value = float(matrix.mean()) / scale
    without_a = means_without(matrix.mean(axis=1)) / np.sqrt(part_a.without * part_b.value)
    without_b = means_without(matrix.mean(axis=0)) / np.sqrt(part_a.value * part_b.without)

    def influences() -> Iterator[Scores]:
        """Influence of examples on the value, part by part."""
        for part in _defined(a).parts():
            cross_at = a.mean[part] * b.mean[part] * (len(a.mean) / a.deviation.degrees)
            spread_at = part_a.at(part) / part_a.value + part_b.at(part) / part_b.value
            yield cross_at / scale - value / 2 * spread_at

    slopes = [
        np.array([*(-value / (2 * part.value) * slope for slope in part.slopes), 1 / scale])
        for part in (part_a, part_b)
    ]
    cells = [float(s @ products @ s) for s, products in zip(slopes, cross.cells, strict=True)]
    components = [
        replicate_component(without_a, cells[0]),
        replicate_component(without_b, cells[1]),
        example_component(influences()),
    ]
    return value, components


def _mean_part(moment: Moments) -> _Part:
    """Variance of the mean over as many replicates as there are."""
    n = moment.n_replicates
    return _Part(
        moment.of_mean(),
        lambda part: mean_variance(moment.variance_at[part], moment.covariance_at[part], n),
        moment.of_mean_without(),
        (1 / n, (n - 1) / n),
    )


def _shared_part(moment: Moments) -> _Part:
    """Covariance between different replicates: the variance of what they share."""
    return _Part(
        moment.covariance,
        lambda part: moment.covariance_at[part],
        moment.covariance_without,
        (0.0, 1.0),
    )


def _defined(order: Order) -> Moments:
    assert isinstance(order.moment, Moments), "checked before any interval is asked for"
    return order.moment
