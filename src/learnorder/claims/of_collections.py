"""Evidence of single collections: is their order shared, is it not, do they agree out of sample?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from learnorder.claims.conger import conger_kappa
from learnorder.claims.evidence import Finding, Measured, measured
from learnorder.claims.matched import accuracies, halfway, trained
from learnorder.claims.verdicts import Verdict, all_of
from learnorder.measures.agreement import agreement, fleiss_kappa, fleiss_kappa_interval
from learnorder.measures.nulls import permutation_null
from learnorder.measures.order import (
    accessibility_per_replicate,
    reliability_of,
    reliability_record,
)
from learnorder.measures.planning import spearman_brown
from learnorder.measures.scores import ScoreTable
from learnorder.measures.summary import kappa_rows, summarise
from learnorder.schema import EPOCH, EXAMPLE, LABEL, PREDICTION, REPLICATE

Thresholds = Mapping[str, float]

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


REACHED = "accuracy"
"""The part of a rule that needs no interval: every replicate has its threshold, or it is open."""


def shared_order(
    study: str, name: str, split: str, log: xr.Dataset, thresholds: Thresholds
) -> Finding:
    """Is the order of a collection shared?

    Both have to hold: within class, the reliability of the order of a single replicate is above
    ``single_reliability``; and halfway through training, kappa of correctness within class is above
    ``kappa``: it is 0 where replicates share no more than their accuracies in each class make.
    """
    content, there = summarise(log), halfway(log)
    found = _order_and_kappa(content, there, thresholds)
    because = {part: measure.verdict for part, measure in found.items()}
    return _finding(study, name, split, content, because, found | fleiss_halfway(there))


def broken_order(
    study: str, name: str, split: str, log: xr.Dataset, thresholds: Thresholds
) -> Finding:
    """Is the order of a collection that has learned something not shared?

    Both have to hold: within class, the reliability of the order of a single replicate is below
    ``single_reliability``, and halfway through training kappa of correctness within class is below
    ``kappa``. It says something only where every replicate has the accuracy ``accuracy`` at its
    last epoch: those that learn and fall back to chance share nothing of interest. Where examples
    belong to types, the reliability of the order of types is shown beside it.
    """
    content, there = summarise(log), halfway(log)
    found = {
        part: replace(measure, side="below")
        for part, measure in _order_and_kappa(content, there, thresholds).items()
    }
    because = {part: measure.verdict for part, measure in found.items()}
    learned = trained(log)
    kept = float(accuracies(learned)[:, -1].min()) if learned.sizes[EPOCH] else 0.0
    accuracy = Measured(kept, undefined="it is what was reached", threshold=thresholds["accuracy"])
    enough = kept >= thresholds["accuracy"]
    because[REACHED] = Verdict.HOLDS if enough else Verdict.INCONCLUSIVE
    found |= {REACHED: accuracy, **fleiss_halfway(there)}
    by_type = order_of_types(log)
    if by_type is not None:
        found["order of types"] = by_type
    finding = _finding(study, name, split, content, because, found)
    # Too little learned speaks neither for nor against.
    return finding if enough else replace(finding, verdict=Verdict.INCONCLUSIVE)


def agreement_out_of_sample(
    study: str, name: str, split: str, log: xr.Dataset, thresholds: Thresholds
) -> Finding:
    """Do replicates predict alike on examples that are like nothing they were trained on?

    After the last epoch, agreement of pairs beyond the chance of each replicate's own shares of
    classes is above ``kappa``, which is above 0: where nothing is shared it is 0, and no interval
    could lie below that.
    """
    last = log.isel({EPOCH: [-1]})
    votes = last[PREDICTION].transpose(EPOCH, REPLICATE, EXAMPLE).values[0]
    conger = replace(conger_kappa(votes), threshold=thresholds["kappa"])
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
    return Finding(
        study,
        name,
        split,
        conger.verdict,
        {"conger kappa": conger.verdict},
        {"conger kappa": conger, "fleiss kappa": fleiss, "agreement": mean},
        log.sizes[REPLICATE],
        {"epoch": log[EPOCH].values.tolist(), "fleiss_kappa": _finite_list(by_epoch.values)},
    )


def single_reliability(content: Mapping[str, Any], threshold: float | None = None) -> Measured:
    """Reliability of the order of one replicate, within class: that of R by Spearman and Brown.

    Unlike that of the mean of R it does not depend on how many there are.
    """
    found = measured(content["order"], "reliability_within_class")
    n = content["n_replicates"]
    if found.value is None:
        return replace(found, threshold=threshold)
    stepped = [spearman_brown(v, n, 1) for v in (found.value, *(found.ci or ()))]
    ends = (stepped[1], stepped[2]) if found.ci else None
    return Measured(stepped[0], ends, None, found.undefined, threshold)


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
    return conger_kappa((votes == label).astype(np.int8), label)


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
    record = reliability_record(found)
    return single_reliability({"order": record, "n_replicates": len(means)})


def _order_and_kappa(
    content: Mapping[str, Any], there: xr.Dataset | str, thresholds: Thresholds
) -> dict[str, Measured]:
    """The two things that make a shared order, or are missing where it is broken."""
    return {
        "order": single_reliability(content, thresholds["single_reliability"]),
        "kappa": replace(kappa_halfway(there), threshold=thresholds["kappa"]),
    }


def _finding(
    study: str,
    name: str,
    split: str,
    content: Mapping[str, Any],
    because: Mapping[str, Verdict],
    found: Mapping[str, Measured],
) -> Finding:
    curves = {column: [row[column] for row in content["per_epoch"]] for column in CURVES}
    verdict = all_of(because.values())
    return Finding(study, name, split, verdict, because, found, content["n_replicates"], curves)


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else value


def _finite_list(values: np.ndarray[Any, Any]) -> list[float | None]:
    return [_finite(float(value)) for value in values]


def _reason(values: xr.DataArray) -> str | None:
    """Why the last of some values by epoch is undefined."""
    reasons: Mapping[float, str] = values.attrs.get("undefined", {})
    return reasons.get(float(values[EPOCH].values[-1]))
