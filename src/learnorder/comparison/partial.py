"""What two orders have in common beyond class and baselines that both go with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import xarray as xr

from learnorder.comparison.correlation import Order, correlate_means
from learnorder.measures.baselines import NO_BASELINES, baselines_of
from learnorder.measures.found import with_reasons
from learnorder.measures.intervals import Interval
from learnorder.measures.moments import deviations
from learnorder.measures.residuals import baseline_ranks, rank_terms, residuals
from learnorder.measures.scores import ScoreTable
from learnorder.measures.shares import Part
from learnorder.schema import Labels, Scores


@dataclass(frozen=True, kw_only=True)
class PartialCorrelation:
    """How alike two orders are when what is known of each example is held fixed.

    Attributes
    ----------
    pearson
        Partial correlation of mean accessibility, in [-1, 1].
    pearson_ci
        95 % interval of ``pearson``, for means over as many replicates.
    noise_ceiling
        Geometric mean of the two reliabilities of what is left.
    corrected
        ``pearson / noise_ceiling``: 1 if both have one order beyond what is held fixed; by chance
        above 1, never clipped.
    corrected_ci
        95 % interval of ``corrected``.
    undefined
        For each attribute that is None, the reason.
    """

    pearson: float | None
    pearson_ci: Interval | None
    noise_ceiling: float | None
    corrected: float | None
    corrected_ci: Interval | None
    undefined: dict[str, str] = field(default_factory=dict)


def beyond_baselines(
    tables: Mapping[str, ScoreTable],
    label: Labels,
    baselines: Mapping[str, Scores],
    shared: Mapping[tuple[str, str], str | None],
) -> dict[tuple[str, str], PartialCorrelation | str]:
    """Partial correlation of each pair, with class and baselines held fixed, or why there is none.

    The scores of each replicate are regressed on the terms, and what is left is compared as scores
    are: its reliability over replicates is the ceiling, so that the correction for noise holds.

    Parameters
    ----------
    tables
        Scores in [0, 1] of the replicates of each collection.
    label
        ``(example,)``.
    baselines
        By name, ``(example,)``; their terms are those of `explained`.
    shared
        For each pair, which replicates are in both, see `correlate`.

    References
    ----------
    spearman1904, efron1981jackknife, satterthwaite1946
    """
    if not baselines:
        return dict.fromkeys(shared, NO_BASELINES)
    ranks = [rank for values in baselines.values() for rank in baseline_ranks(values, (None,))]
    terms = rank_terms(ranks)
    left = {name: _left(name, table, terms, label) for name, table in tables.items()}
    return {(a, b): _of(left[a], left[b], why) for (a, b), why in shared.items()}


def common_baselines(logs: Mapping[str, xr.Dataset]) -> dict[str, Scores]:
    """Baselines of any of the logs by name; the first that has one counts.

    Logs over the same examples have the same baselines, but older logs have none.
    """
    found: dict[str, Scores] = {}
    for name, log in logs.items():
        found = {**baselines_of(log, f"compare: log {name!r}"), **found}
    return found


def _left(name: str, table: ScoreTable, terms: Scores, label: Labels) -> Order:
    """What is left of an order."""
    deviation = deviations(table, label)
    whole = Part.of(deviation)
    rest = residuals(deviation, terms)
    left = whole.left(rest)
    return Order(name, rest, left.mean, left.moment)


def _of(a: Order, b: Order, shared: str | None) -> PartialCorrelation:
    found = {
        name: f"with baselines held fixed, {value}" if isinstance(value, str) else value
        for name, value in correlate_means(a, b, shared).items()
    }
    return PartialCorrelation(**with_reasons(found))
