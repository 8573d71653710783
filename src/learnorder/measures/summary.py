"""The measures of one split of a log in one object, ready for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learnorder.measures import agreement, order
from learnorder.measures.split import UNDEFINED, loaded, read_split
from learnorder.schema import EPOCH, EXAMPLE, LABEL, REPLICATE

NO_LABELS = "the split has no labels to be right about"
ONE_REPLICATE = "a deviation over replicates needs 2; there is 1"
NO_EPOCH = "no epoch after training began was recorded"

COLUMNS = (
    "accuracy_mean",
    "accuracy_std",
    "bimodality",
    "bimodality_null",
    "bimodality_null_class",
    "fleiss_kappa",
    "fleiss_kappa_ci",
    "fleiss_kappa_predictions",
)
"""Per-epoch quantities that can be undefined, in the order of a row."""


def summarise(log: xr.Dataset) -> dict[str, Any]:
    """Accuracy, agreement and kappa of a split after each epoch, and the reliability of its order.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``split, n_replicates, n_replicates_planned, n_examples, n_classes, per_epoch`` (one row for
    each epoch) and ``order``. A value that is undefined, without labels for example, is None, and
    the object ``undefined`` beside it has the reason under the same key. The deviation of accuracy
    is over replicates, ddof 1.

    Raises
    ------
    LearnOrderError
        This is not one split of a log, or a prediction was not recorded.
    """
    log = loaded(log, "summarise")
    arrays = read_split(log, "summarise", labels=False)
    n_replicates = len(arrays.prediction)
    return {
        "split": log.attrs.get("split"),
        "n_replicates": n_replicates,
        "n_replicates_planned": int(log.attrs.get("n_replicates_planned", n_replicates)),
        "n_examples": log.sizes[EXAMPLE],
        "n_classes": arrays.n_classes,
        "per_epoch": _per_epoch(log),
        "order": _order(log),
        "undefined": {},
    }


def reliability_record(found: order.Reliability) -> dict[str, Any]:
    """Reliability under the names it has in JSON, with its own ``undefined``."""
    names = {
        "reliability": "value",
        "reliability_ci": "ci",
        "reliability_within_class": "within_class",
        "reliability_within_class_ci": "within_class_ci",
    }
    record: dict[str, Any] = {}
    for name, source in names.items():
        value = getattr(found, source)
        record[name] = list(value) if isinstance(value, tuple) else value
    reasons = {n: found.undefined[s] for n, s in names.items() if s in found.undefined}
    return {**record, "undefined": reasons}


def _order(log: xr.Dataset) -> dict[str, Any]:
    reason = NO_LABELS if LABEL not in log else NO_EPOCH
    if LABEL in log and (log[EPOCH].values > 0).any():
        return reliability_record(order.reliability(log))
    names = ("value", "ci", "within_class", "within_class_ci")
    nothing = order.Reliability(
        None, None, None, None, log.sizes[REPLICATE], dict.fromkeys(names, reason)
    )
    return reliability_record(nothing)


def _per_epoch(log: xr.Dataset) -> list[dict[str, Any]]:
    agreed = agreement.agreement(log).mean(EXAMPLE).values
    columns = {"fleiss_kappa_predictions": agreement.fleiss_kappa(log, of="prediction")}
    if LABEL in log:
        columns |= _labelled_columns(log)
    rows = []
    for e, epoch in enumerate(float(value) for value in log[EPOCH].values):
        row: dict[str, Any] = {"epoch": epoch, "agreement_mean": float(agreed[e])}
        undefined: dict[str, str] = {}
        for name in COLUMNS:
            reason = columns[name].attrs[UNDEFINED].get(epoch) if name in columns else NO_LABELS
            row[name] = None if reason else np.asarray(columns[name].values[e]).tolist()
            if reason:
                undefined[name] = reason
        rows.append({**row, "undefined": undefined})
    return rows


def _labelled_columns(log: xr.Dataset) -> dict[str, xr.DataArray]:
    """Per-epoch arrays that need labels, by the names they have in a row."""
    accuracy = agreement.accuracy(log)
    return {
        "accuracy_mean": accuracy.mean(REPLICATE).assign_attrs({UNDEFINED: {}}),
        "accuracy_std": _deviation(accuracy),
        "bimodality": agreement.bimodality(log),
        "bimodality_null": agreement.bimodality_null(log),
        "bimodality_null_class": agreement.bimodality_null(log, kind="class-conditional"),
        "fleiss_kappa": agreement.fleiss_kappa(log),
        "fleiss_kappa_ci": agreement.fleiss_kappa_interval(log),
    }


def _deviation(accuracy: xr.DataArray) -> xr.DataArray:
    if accuracy.sizes[REPLICATE] > 1:
        return accuracy.std(REPLICATE, ddof=1).assign_attrs({UNDEFINED: {}})
    undefined = {float(epoch): ONE_REPLICATE for epoch in accuracy[EPOCH].values}
    return accuracy.mean(REPLICATE).assign_attrs({UNDEFINED: undefined})
