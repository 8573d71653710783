"""Evidence across collections: does similarity go with generalisation?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy import stats

from learnorder.claims.evidence import Evidence, Measured
from learnorder.claims.matched import accuracies, standing_at, trained
from learnorder.claims.of_collections import single_reliability
from learnorder.comparison.clocks import match_accuracy
from learnorder.measures.agreement import fleiss_kappa
from learnorder.measures.intervals import LEVEL
from learnorder.measures.order import reliability, reliability_record
from learnorder.schema import EXAMPLE, REPLICATE, Scores

FEWEST = 6
"""Conditions below which a partial correlation of ranks has no useful interval."""

FULL, MOST_FULL = 0.99, 1 / 3
"""From this train accuracy on all is learned; where more than such a share of conditions is there,
train accuracy says too little to be held fixed."""

RANKED = ("order", "kappa", "test")
"""What is held against each other, train accuracy held fixed."""

Conditions = dict[str, tuple[float, float, float, float]]


def goes_with_accuracy(logs: Mapping[str, Mapping[str, xr.Dataset]]) -> Evidence:
    """Across conditions, how far does a more shared order go with a higher test accuracy?

    Partial correlations of ranks with test accuracy after the last epoch, train accuracy held
    fixed: of the reliability of the order of single replicates, within class, and of Fleiss' kappa
    of correctness. What is shared is measured on one half of the test examples, where all
    replicates of all conditions stand at equal accuracies: over a longer way more is shared.
    Accuracy is that of the other half, so that chance in the examples makes no correlation.
    """
    found, left_out = shared_and_accuracy(logs)
    names, why = (list(found), None) if not isinstance(found, str) else ([], found)
    table = np.array([] if isinstance(found, str) else list(found.values()), dtype=np.float64)
    order, kappa, test, train = table.reshape(-1, 4).T
    why = why or _without_spread(train)
    measures = {
        name: partial_rank_correlation(values, test, train)
        if why is None
        else Measured(None, undefined=why)
        for name, values in (("order and accuracy", order), ("kappa and accuracy", kappa))
    }
    columns = {"order": order, "kappa": kappa, "test": test, "train": train}
    if why is None and len(names) >= FEWEST:
        columns |= {f"{name}_rest": residual_ranks(columns[name], train) for name in RANKED}
    replicates = [log.sizes[REPLICATE] for splits in logs.values() for log in splits.values()]
    return Evidence(
        measures,
        min(replicates, default=0),
        {"collection": names, **{name: values.tolist() for name, values in columns.items()}},
        left_out,
    )


def shared_and_accuracy(
    logs: Mapping[str, Mapping[str, xr.Dataset]],
) -> tuple[Conditions | str, dict[str, str]]:
    """Order, kappa, test and train accuracy of each condition where all are defined; or why none.

    The first two are of every second test example, at levels of accuracy that all replicates of all
    conditions pass; test accuracy is of the others. Second, what is left out, with the reason.
    """
    halves = {
        name: [trained(splits["test"]).isel({EXAMPLE: slice(first, None, 2)}) for first in (0, 1)]
        for name, splits in logs.items()
    }
    reached, left_out = _with_common_levels(
        {name: accuracies(of_order) for name, (of_order, _) in halves.items()}
    )
    points = match_accuracy(reached)
    if isinstance(points, str):
        return points, left_out
    found: Conditions = {}
    for name in reached:
        of_order, other = halves[name]
        there = standing_at(of_order, points.at[name])
        order = single_reliability(reliability_record(reliability(there)), len(reached[name]))
        kappa = float(fleiss_kappa(there).values[len(points.levels) // 2])
        if order.value is None or np.isnan(kappa):
            reason = order.undefined if order.value is None else "replicates do not differ"
            left_out[name] = f"left out: what is shared is undefined ({reason})"
            continue
        ends = [accuracies(log)[:, -1].mean() for log in (other, logs[name]["train"])]
        found[name] = (order.value, kappa, float(ends[0]), float(ends[1]))
    return found, left_out


def _with_common_levels(
    reached: Mapping[str, Scores],
) -> tuple[dict[str, Scores], dict[str, str]]:
    """Accuracies ``(replicate, epoch)`` of conditions that can be compared; why others cannot.

    One replicate that hardly learns would leave nothing to compare all the others at. What is left
    out depends on accuracy alone: the condition whose weakest replicate reaches least.
    """
    kept, left_out = dict(reached), {}
    while len(kept) > FEWEST and isinstance(match_accuracy(kept), str):
        most = {name: float(of_one.max(axis=1).min()) for name, of_one in kept.items()}
        weakest = min(most, key=lambda name: most[name])
        left_out[weakest] = (
            f"left out: one replicate has an accuracy of {most[weakest]:.3g} at most, and no level "
            "is passed by all replicates of all collections"
        )
        del kept[weakest]
    return kept, left_out


def _without_spread(train: Scores) -> str | None:
    """Why train accuracy cannot be held fixed, or None."""
    full = float((train > FULL).mean()) if len(train) else 0.0
    if full > MOST_FULL:
        return f"{full:.0%} of the conditions have learned all of train: nothing to hold fixed"
    distinct = len(np.unique(np.round(train, 2)))
    if len(train) >= FEWEST > distinct:
        return f"train accuracy takes {distinct} values only: too few to be held fixed"
    return None


def residual_ranks(values: Scores, fixed: Scores) -> Scores:
    """Ranks of ``(condition,)`` values, less what those of others explain by a straight line."""
    rank, other = (stats.rankdata(v) - (len(v) + 1) / 2 for v in (values, fixed))
    slope = rank @ other / max(other @ other, 1e-12)
    return np.asarray(rank - slope * other)


def partial_rank_correlation(a: Scores, b: Scores, fixed: Scores) -> Measured:
    """Partial correlation of the ranks of ``(condition,)`` values, with a third held fixed.

    The interval is by Fisher's z with Fieller, Hartley and Pearson's 1.06 for ranks and one degree
    of freedom less for what is held fixed. A perfect correlation has that of the nearest to it.

    References
    ----------
    fieller1957tests
    """
    n = len(a)
    if n < FEWEST:
        return Measured(None, undefined=f"there are {n} conditions; it takes {FEWEST}")
    if any(np.ptp(values) == 0 for values in (a, b, fixed)):
        return Measured(None, undefined="all conditions are alike in one of the quantities")
    of_a, of_b = (residual_ranks(values, fixed) for values in (a, b))
    if min(of_a @ of_a, of_b @ of_b) <= 1e-9 * n**3:
        return Measured(None, undefined="what is held fixed orders the conditions by itself")
    value = float(np.clip(np.corrcoef(of_a, of_b)[0, 1], -1, 1))
    half = stats.norm.ppf(0.5 + LEVEL / 2) * np.sqrt(1.06 / (n - 4))
    # two neighbours exchanged: nearer to 1 ranks do not come without being 1, where z is infinite
    most = 1 - 12 / (n**3 - n)
    low, high = (
        float(np.tanh(np.arctanh(np.clip(value, -most, most)) + s * half)) for s in (-1, 1)
    )
    return Measured(value, (min(low, value), max(high, value)))
