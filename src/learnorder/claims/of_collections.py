"""Evidence of single collections: is their order shared, is it not, do they agree out of sample?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from learnorder.claims.evidence import REACHED, Evidence, Measured, measured
from learnorder.claims.matched import accuracies, halfway, trained
from learnorder.measures.agreement import agreement, fleiss_kappa, fleiss_kappa_interval
from learnorder.measures.conger import conger_kappa
from learnorder.measures.nulls import permutation_null
from learnorder.measures.order import (
    accessibility_per_replicate,
    reliability_of,
    reliability_record,
)
from learnorder.measures.planning import spearman_brown
from learnorder.measures.scores import ScoreTable
from learnorder.measures.summary import kappa_rows, summarise
from learnorder.schema import EPOCH, EXAMPLE, LABEL, PREDICTION, REPLICATE, Labels, Predictions

CURVES = (
    "epoch",
    "accuracy_mean",
    "fleiss_kappa",
    "fleiss_kappa_ci",
    "fleiss_kappa_null_class_ci",
    "bimodality",
    "bimodality_null",
    "bimodality_null_class",
)
"""Columns of a summary that figures draw."""


def shared_order(log: xr.Dataset) -> Evidence:
    """How far is the order of a collection shared?

    Within class, the reliability of the order of a single replicate; and halfway through training,
    kappa of correctness within class: it is 0 where replicates share no more than their accuracies
    in each class make.
    """
    content, there = summarise(log), halfway(log)
    n = content["n_replicates"]
    found = {
        "order": single_reliability(content["order"], n),
        "kappa": kappa_halfway(there),
        **fleiss_halfway(there),
    }
    curves = {column: [row[column] for row in content["per_epoch"]] for column in CURVES}
    return Evidence(found, n, curves)


def broken_order(log: xr.Dataset) -> Evidence:
    """How far is the order of a collection shared that has learned something?

    As `shared_order`, and the accuracy that every replicate has at its last epoch: those that learn
    and fall back to chance share nothing of interest. Where examples belong to types, the
    reliability of the order of types is shown beside it.
    """
    evidence, learned = shared_order(log), trained(log)
    kept = float(accuracies(learned)[:, -1].min()) if learned.sizes[EPOCH] else 0.0
    found = dict(evidence.measures)
    found[REACHED] = Measured(kept, undefined="it is what was reached")
    by_type = order_of_types(log)
    if by_type is not None:
        found["order of types"] = by_type
    return replace(evidence, measures=found)


def agreement_out_of_sample(log: xr.Dataset) -> Evidence:
    """How far do replicates predict alike on examples that are like nothing they were trained on?

    After the last epoch, agreement of pairs beyond the chance of each replicate's own shares of
    classes: where nothing is shared it is 0, and no interval could lie below that.
    """
    last = log.isel({EPOCH: [-1]})
    votes = last[PREDICTION].transpose(EPOCH, REPLICATE, EXAMPLE).values[0]
    by_epoch = fleiss_kappa(log, of="prediction")
    ends = fleiss_kappa_interval(last, of="prediction")
    of_last = [float(v) for v in ends.values[-1]]
    fleiss = Measured(
        _finite(float(by_epoch[-1])),
        None if np.isnan(of_last).any() else (of_last[0], of_last[1]),
        undefined=_reason(by_epoch) or _reason(ends),
    )
    low, high = (float(v) for v in permutation_null(last, "agreement").interval.values[0])
    null = None if np.isnan(low) else (low, high)
    mean = Measured(float(agreement(last).mean()), None, null, "an interval is that of kappa")
    return Evidence(
        {"conger kappa": _conger(votes), "fleiss kappa": fleiss, "agreement": mean},
        log.sizes[REPLICATE],
        {"epoch": log[EPOCH].values.tolist(), "fleiss_kappa": _finite_list(by_epoch.values)},
    )


def single_reliability(record: Mapping[str, Any], n: int) -> Measured:
    """Reliability of the order of one replicate, within class: that of R by Spearman and Brown.

    Unlike that of the mean of R it does not depend on how many there are.

    Parameters
    ----------
    record
        What `reliability_record` returns.
    n
        Replicates it is of.
    """
    found = measured(record, "reliability_within_class")
    if found.value is None:
        return found
    stepped = [spearman_brown(v, n, 1) for v in (found.value, *(found.ci or ()))]
    ends = (stepped[1], stepped[2]) if found.ci else None
    return Measured(stepped[0], ends, None, found.undefined)


def kappa_halfway(there: xr.Dataset | str) -> Measured:
    """Kappa of correctness within class, where each replicate is halfway through what it learns.

    Agreement of pairs on what is right, beyond what their accuracies in each class give by chance:
    0 where nothing else is shared, 1 where they always agree, which replicates of one order do not
    whose accuracies differ. Unlike Fleiss' kappa it needs no null beside it, which would move with
    the accuracies of the replicates as kappa itself does.

    Parameters
    ----------
    there
        What `halfway` returns.
    """
    if isinstance(there, str):
        return Measured(None, undefined=there)
    label = there[LABEL].values
    votes = there[PREDICTION].transpose(EPOCH, REPLICATE, EXAMPLE).values[0]
    return _conger((votes == label).astype(np.int8), label)


def fleiss_halfway(there: xr.Dataset | str) -> dict[str, Measured]:
    """Fleiss' kappa of correctness at the same points, with its null; empty where there are none.

    The null is what replicates with the same accuracies in each class share by chance.
    """
    if isinstance(there, str):
        return {}
    row = kappa_rows(there)[0]
    return {"fleiss kappa halfway": measured(row, "fleiss_kappa", "fleiss_kappa_null_class_ci")}


def order_of_types(log: xr.Dataset) -> Measured | None:
    """Reliability of the order in which a single replicate learns types of examples, within class.

    The type stands before the slash in the id of an example, as in synthetic sets; None where ids
    have none.
    """
    ids = log[EXAMPLE].values
    if ids.dtype.kind != "U" or not all("/" in example for example in ids):
        return None
    names = np.array([example.partition("/")[0] for example in ids])
    _, first, member = np.unique(names, return_index=True, return_inverse=True)
    scores = accessibility_per_replicate(log).values
    means = np.array([np.bincount(member, weights=row) for row in scores]) / np.bincount(member)
    found = reliability_of(ScoreTable.of(means), log[LABEL].values[first])
    return single_reliability(reliability_record(found), len(means))


def _conger(votes: Predictions, group: Labels | None = None) -> Measured:
    """Conger's kappa as it is held against a rule."""
    found = conger_kappa(votes, group)
    return Measured(found.value, found.ci, undefined=found.undefined)


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else value


def _finite_list(values: np.ndarray[Any, Any]) -> list[float | None]:
    return [_finite(float(value)) for value in values]


def _reason(values: xr.DataArray) -> str | None:
    """Why the last of some values by epoch is undefined."""
    reasons: Mapping[float, str] = values.attrs.get("undefined", {})
    return reasons.get(float(values[EPOCH].values[-1]))
