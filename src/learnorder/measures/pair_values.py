"""Measures of two replicates, made of what they have in common; their mean over all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import count_of
from learnorder.measures.agreement import per_epoch
from learnorder.measures.pair_totals import Need, PairCounts, Pairs
from learnorder.measures.split import LEFT_OUT, Split, labelled, read_split
from learnorder.measures.sweep import class_passes, sweep
from learnorder.schema import EPOCH, Scores

ONE_REPLICATE = "it compares pairs of replicates; there is 1 replicate"


@dataclass(frozen=True)
class Kind:
    """How a measure of two replicates is found.

    Attributes
    ----------
    value
        Its values, ``(pair,)``, NaN where undefined.
    needs
        Counts it is made of.
    undefined
        Why a pair has none.
    """

    value: Callable[[Pairs], Scores]
    needs: tuple[Need, ...]
    undefined: str = ""

    @property
    def labels(self) -> bool:
        """Whether labels are needed."""
        return "right" in self.needs


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Scores:
    """Quotients, NaN where there is nothing to divide by."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole != 0)
    return found


def _disagreement(pairs: Pairs) -> Scores:
    return pairs.different / pairs.n_examples


def _corrected_disagreement(pairs: Pairs) -> Scores:
    one, other = pairs.wrong
    return _ratio(pairs.different * (one + other), 2 * one * other)


def _normalised_disagreement(pairs: Pairs) -> Scores:
    one, other = pairs.wrong
    least = np.abs(one - other)
    most = np.minimum(one + other, pairs.n_examples)
    return _ratio(pairs.different - least, most - least)


def _cohen_kappa(pairs: Pairs) -> Scores:
    n = pairs.n_examples
    return _ratio(n * pairs.same - pairs.votes_alike, n**2 - pairs.votes_alike)


def _error_consistency(pairs: Pairs) -> Scores:
    n, right, wrong = pairs.n_examples, pairs.right, pairs.wrong
    by_chance = right[0] * right[1] + wrong[0] * wrong[1]
    return _ratio(n * (pairs.both_right + pairs.both_wrong) - by_chance, n**2 - by_chance)


def _error_inconsistency(pairs: Pairs) -> Scores:
    one, other = pairs.only_one
    return (one + other) / pairs.n_examples


def _same_wrong_share(pairs: Pairs) -> Scores:
    return _ratio(pairs.same_wrong, pairs.both_wrong)


def _error_ratio(pairs: Pairs) -> Scores:
    return _ratio(pairs.both_wrong - pairs.same_wrong, pairs.same_wrong)


def _odds(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Product of the counts of the examples that speak for likeness, and of those against it."""
    one, other = pairs.only_one
    return pairs.both_right * pairs.both_wrong, one * other


def _q_statistic(pairs: Pairs) -> Scores:
    alike, apart = _odds(pairs)
    return _ratio(alike - apart, alike + apart)


def _correctness_correlation(pairs: Pairs) -> Scores:
    alike, apart = _odds(pairs)
    one, other = (
        np.sqrt(right * wrong) for right, wrong in zip(pairs.right, pairs.wrong, strict=True)
    )
    # The root of each by itself: the product of all four overflows.
    return np.clip(_ratio(alike - apart, one * other), -1, 1)


def _double_fault(pairs: Pairs) -> Scores:
    return pairs.both_wrong / pairs.n_examples


PERFECT = "a replicate is right on every example"

KINDS: dict[str, Kind] = {
    "disagreement": Kind(_disagreement, ("same",)),
    "corrected_disagreement": Kind(_corrected_disagreement, ("same", "right"), PERFECT),
    "normalised_disagreement": Kind(_normalised_disagreement, ("same", "right"), PERFECT),
    "cohen_kappa": Kind(
        _cohen_kappa, ("same", "class"), "both replicates predict one same class throughout"
    ),
    "error_consistency": Kind(
        _error_consistency, ("right",), "both replicates are right on every example, or on none"
    ),
    "error_inconsistency": Kind(_error_inconsistency, ("right",)),
    "same_wrong_share": Kind(
        _same_wrong_share, ("same", "right"), "there is no example that both have wrong"
    ),
    "error_ratio": Kind(
        _error_ratio, ("same", "right"), "there is no example that both have wrong alike"
    ),
    "q_statistic": Kind(_q_statistic, ("right",), "n11 n00 = n10 n01 = 0"),
    "correctness_correlation": Kind(
        _correctness_correlation, ("right",), "a replicate is right on every example, or on none"
    ),
    "double_fault": Kind(_double_fault, ("right",)),
}
"""Measures of two replicates by name."""


def values_by_epoch(split: Split, kind: Kind) -> Iterator[Scores]:
    """Values of all pairs, ``(pair,)``, epoch by epoch."""
    for epochs in class_passes(split, PairCounts.bytes_per_epoch(split, kind.needs)):
        counts = PairCounts(split, epochs, kind.needs)
        sweep(split, counts, epochs=epochs)
        for position in range(epochs.stop - epochs.start):
            yield kind.value(Pairs(counts, position))
        del counts


def mean_over_pairs(log: xr.Dataset, name: str) -> xr.DataArray:
    """Mean of a measure over the pairs for which it is defined, ``(epoch,)``.

    Undefined where it is for all pairs; ``attrs["left_out"]`` says where it is for some.
    """
    kind = KINDS[name]
    split = read_split(log, name, labels=kind.labels)
    means: list[float | str] = []
    left_out = {}
    for epoch, values in zip(split.epochs.tolist(), values_by_epoch(split, kind), strict=True):
        defined, reason = values[~np.isnan(values)], why_undefined(values, kind)
        means.append(float(defined.mean()) if len(defined) else reason)
        if len(defined) and reason:
            left_out[epoch] = reason
    found, undefined = per_epoch(split, means)
    result = labelled(log, name, found, EPOCH, undefined=undefined)
    result.attrs[LEFT_OUT] = left_out
    return result


def why_undefined(values: Scores, kind: Kind) -> str:
    """How many pairs have no value and why; empty where all have one."""
    if not len(values):
        return ONE_REPLICATE
    n_missing = int(np.isnan(values).sum())
    if not n_missing:
        return ""
    return f"{n_missing:,} of {count_of(len(values), 'pair')}: {kind.undefined}"


def as_table(values: Scores, n_replicates: int) -> Scores:
    """Values of pairs in both halves of a table, ``(replicate, other)``, NaN on its diagonal."""
    table = np.full((n_replicates, n_replicates), np.nan)
    below = np.tril_indices(n_replicates, -1)
    table[below] = table.T[below] = values
    return table
