"""Evidence of single collections: is their order shared, is it not, do they agree out of sample?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from learnorder.claims.evidence import Finding, Measured, measured
from learnorder.claims.verdicts import Verdict, above, all_of, below
from learnorder.measures.agreement import agreement, fleiss_kappa, fleiss_kappa_interval
from learnorder.measures.nulls import permutation_null
from learnorder.measures.order import (
    accessibility_per_replicate,
    reliability_of,
    reliability_record,
)
from learnorder.measures.planning import spearman_brown
from learnorder.measures.scores import ScoreTable
from learnorder.measures.summary import summarise
from learnorder.schema import EPOCH, EXAMPLE, LABEL

Thresholds = Mapping[str, float]

CURVES = ("epoch", "accuracy_mean", "fleiss_kappa", "fleiss_kappa_ci", "fleiss_kappa_null_class_ci")
"""Columns of a summary that figures draw."""

ROUNDING = 1e-9
"""By which a mean of shares may differ from an equal one."""


def shared_order(
    study: str, name: str, split: str, log: xr.Dataset, thresholds: Thresholds
) -> Finding:
    """Is the order of a collection shared?

    Both have to hold: within class, the reliability of the order of a single replicate is above
    ``single_reliability``; and halfway through training, kappa of correctness is above what
    replicates with the same accuracies in each class share by chance.
    """
    content = summarise(log)
    single, kappa = single_reliability(content), kappa_halfway(content)
    because = {
        "order of single replicates": above(single.ci, thresholds["single_reliability"]),
        "kappa above its null": _above_null(kappa),
    }
    return _finding(study, name, split, content, because, {"order": single, "kappa": kappa})


def broken_order(
    study: str, name: str, split: str, log: xr.Dataset, thresholds: Thresholds
) -> Finding:
    """Is the order of a collection that has learned something not shared?

    The reliability of the order of a single replicate, within class, is below
    ``single_reliability``. It says something only where the mean accuracy reached ``accuracy``.
    Where examples belong to types, that of the types is shown beside it.
    """
    content = summarise(log)
    single, kappa = single_reliability(content), kappa_halfway(content)
    verdict = below(single.ci, thresholds["single_reliability"])
    reached = max((row["accuracy_mean"] for row in content["per_epoch"]), default=0.0)
    learned = Verdict.HOLDS if reached >= thresholds["accuracy"] else Verdict.INCONCLUSIVE
    because = {"order of single replicates": verdict, "enough is learned": learned}
    found = {"order": single, "kappa": kappa, "accuracy": Measured(reached)}
    by_type = order_of_types(log)
    if by_type is not None:
        found["order of types"] = by_type
    finding = _finding(study, name, split, content, because, found)
    if learned is Verdict.HOLDS:
        return finding
    # Too little learned speaks neither for nor against.
    return replace(finding, verdict=Verdict.INCONCLUSIVE)


def agreement_out_of_sample(
    study: str, name: str, split: str, log: xr.Dataset, thresholds: Thresholds
) -> Finding:
    """Do replicates predict alike on examples that are like nothing they were trained on?

    After the last epoch, kappa of predictions is above ``kappa``, and mean agreement above what
    shuffled examples give.
    """
    last = log.isel({EPOCH: [-1]})
    values, ends = fleiss_kappa(log, of="prediction"), fleiss_kappa_interval(last, of="prediction")
    of_last = [float(v) for v in ends.values[-1]]
    kappa = Measured(
        _finite(float(values[-1])),
        None if np.isnan(of_last).any() else (of_last[0], of_last[1]),
        undefined=_reason(values) or _reason(ends),
    )
    null = permutation_null(last, "agreement")
    low, high = (float(v) for v in null.interval.values[0])
    mean = Measured(
        float(agreement(last).mean()),
        None,
        None if np.isnan(low) else (low, high),
        "an interval is that of kappa",
    )
    because = {
        "kappa of predictions": above(kappa.ci, thresholds["kappa"]),
        "agreement above its null": _outside(mean),
    }
    return Finding(
        study,
        name,
        split,
        all_of(because.values()),
        because,
        {"kappa": kappa, "agreement": mean},
        log.sizes["replicate"],
        {"epoch": log[EPOCH].values.tolist(), "fleiss_kappa": _finite_list(values.values)},
    )


def single_reliability(content: Mapping[str, Any]) -> Measured:
    """Reliability of the order of one replicate, within class: that of R by Spearman and Brown.

    Unlike that of the mean of R it does not depend on how many there are.
    """
    found = measured(content["order"], "reliability_within_class")
    n = content["n_replicates"]
    if found.value is None:
        return found
    stepped = [spearman_brown(v, n, 1) for v in (found.value, *(found.ci or ()))]
    return Measured(
        stepped[0], (stepped[1], stepped[2]) if found.ci else None, None, found.undefined
    )


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


def kappa_halfway(content: Mapping[str, Any]) -> Measured:
    """Kappa of correctness at the epoch whose mean accuracy is nearest to halfway.

    Halfway lies between chance, one over the number of classes, and the highest mean accuracy.
    There examples differ most; near the end of training all are known.
    """
    rows = [row for row in content["per_epoch"] if row["epoch"] > 0]
    accuracy = [row["accuracy_mean"] for row in rows]
    halfway = (1 / content["n_classes"] + max(accuracy)) / 2
    row = rows[int(np.argmin([abs(a - halfway) for a in accuracy]))]
    return measured(row, "fleiss_kappa", "fleiss_kappa_null_class_ci")


def _above_null(found: Measured) -> Verdict:
    if found.null is None:
        return Verdict.INCONCLUSIVE
    return above(found.ci, found.null[1])


def _outside(found: Measured) -> Verdict:
    """Whether a value without an interval lies above its null."""
    if found.value is None or found.null is None or found.null == (found.value, found.value):
        return Verdict.INCONCLUSIVE
    beyond = found.value > found.null[1] + ROUNDING
    return Verdict.HOLDS if beyond else Verdict.DOES_NOT_HOLD


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
