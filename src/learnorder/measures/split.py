"""One split of a log: checked once and read as trusted arrays; values become labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.schema import (
    DIMS,
    EPOCH,
    EXAMPLE,
    LABEL,
    PREDICTION,
    REPLICATE,
    Labels,
    Predictions,
    Scores,
    not_recorded,
)

UNDEFINED = "undefined"
"""Attribute of a per-epoch array: for each epoch without a value (NaN), the reason."""


@dataclass(frozen=True)
class SplitArrays:
    """One split of a log after validation: complete predictions, and what they are compared with.

    Attributes
    ----------
    prediction
        ``(replicate, epoch, example)`` unsigned; every value is a class.
    label
        ``(example,)``; empty where the split has no labels.
    epochs
        ``(epoch,)`` strictly increasing.
    n_classes
        Number of classes that can be predicted.
    """

    prediction: Predictions
    label: Labels
    epochs: Scores
    n_classes: int


def read_split(log: xr.Dataset, caller: str, *, labels: bool = True) -> SplitArrays:
    """Check one split of a log and return its arrays; errors begin with the name of ``caller``."""
    check_split(log, caller)
    n_classes = _n_classes(log, caller)
    prediction = np.asarray(log[PREDICTION].values)
    _check_recorded(log, prediction, n_classes, caller)
    return SplitArrays(
        prediction=prediction,
        label=_labels(log, n_classes, caller, needed=labels),
        epochs=np.asarray(log[EPOCH].values, dtype=np.float64),
        n_classes=n_classes,
    )


def check_split(log: xr.Dataset, caller: str) -> None:
    """Check all that can be checked without reading predictions."""
    _check_type(log, caller)
    _check_layout(log, caller)
    _n_classes(log, caller)
    _check_epochs(log, caller)


def loaded(log: xr.Dataset, caller: str) -> xr.Dataset:
    """Copy of the split in memory, for callers that go through its predictions several times."""
    _check_type(log, caller)
    return log.compute()


def labelled(
    log: xr.Dataset,
    name: str,
    values: Scores,
    *dims: str,
    undefined: dict[float, str] | None = None,
) -> xr.DataArray:
    """Give plain values a name, and the dims and coordinates of the log they came from."""
    coords = {dim: log.coords[dim] for dim in dims if dim in log.coords}
    result = xr.DataArray(values, dims=dims, coords=coords, name=name)
    result.attrs["n_replicates"] = log.sizes[REPLICATE]
    if "split" in log.attrs:
        result.attrs["split"] = log.attrs["split"]
    if undefined is not None:
        result.attrs[UNDEFINED] = undefined
    return result


def _check_type(log: xr.Dataset, caller: str) -> None:
    if not isinstance(log, xr.Dataset) or PREDICTION not in log:
        raise LearnOrderError(
            f"{caller}: this is not one split of a log ({type(log).__name__}). A split is an "
            "xarray Dataset with `prediction`. Pass `open_log(path)['test']` or `from_arrays(...)`."
        )


def _check_layout(log: xr.Dataset, caller: str) -> None:
    found = tuple(str(d) for d in log[PREDICTION].dims)
    if found != DIMS:
        raise LearnOrderError(
            f"{caller}: the dims of `prediction` are {found}. They must be {DIMS}, in this order. "
            "Transpose, or build the split with `from_arrays`."
        )
    missing = [dim for dim in DIMS if dim not in log.coords]
    if missing:
        raise LearnOrderError(
            f"{caller}: the split has no coordinate {missing[0]!r}. Each of {DIMS} has one (seeds, "
            "epochs, example ids). Build the split with `from_arrays`."
        )
    if any(log.sizes[dim] == 0 for dim in DIMS):
        counts = ", ".join(f"{log.sizes[dim]} {dim}s" for dim in DIMS)
        raise LearnOrderError(
            f"{caller}: nothing to measure ({counts}). At least one of each must be logged. "
            "See what the log holds with `learnorder info LOG`."
        )
    if log[PREDICTION].dtype.kind != "u":
        raise LearnOrderError(
            f"{caller}: predictions have the type {log[PREDICTION].dtype}. They must be unsigned "
            "integers, the predicted class. Build the split with `from_arrays`."
        )


def _n_classes(log: xr.Dataset, caller: str) -> int:
    found = log.attrs.get("n_classes")
    if isinstance(found, int | np.integer) and not isinstance(found, bool) and found >= 1:
        return int(found)
    raise LearnOrderError(
        f"{caller}: the attribute `n_classes` is {found!r}. It must be a whole number of at least "
        "1. Build the split with `from_arrays`."
    )


def _check_epochs(log: xr.Dataset, caller: str) -> None:
    epochs = log[EPOCH].values
    numeric = epochs.dtype.kind in "iuf"
    finite = numeric and bool(np.isfinite(epochs).all())
    if not finite or (np.diff(epochs) <= 0).any() or epochs[0] < 0:
        raise LearnOrderError(
            f"{caller}: the epochs are {_shown(epochs)}. They must be finite numbers from 0 up in "
            "strictly increasing order. Sort the log by epoch and drop repeated epochs."
        )


def _check_recorded(
    log: xr.Dataset, prediction: NDArray[np.unsignedinteger], n_classes: int, caller: str
) -> None:
    if int(prediction.max()) < n_classes:
        return
    r, e, x = np.argwhere(prediction >= n_classes)[0]
    seed, epoch = log[REPLICATE].values[r], float(log[EPOCH].values[e])
    where = f"seed {seed}, epoch {epoch:g}, example {log[EXAMPLE].values[x]}"
    if prediction[r, e, x] == not_recorded(prediction.dtype):
        raise LearnOrderError(
            f"{caller}: a prediction was not recorded (first: {where}). Measures need every "
            "prediction of the epochs they use. Select complete replicates and epochs."
        )
    raise LearnOrderError(
        f"{caller}: prediction {prediction[r, e, x]} is no class (first: {where}). Classes are "
        f"0..{n_classes - 1}. Check `n_classes` of the log."
    )


def _labels(log: xr.Dataset, n_classes: int, caller: str, *, needed: bool) -> Labels:
    if LABEL not in log:
        if not needed:
            return np.empty(0, dtype=np.int64)
        raise LearnOrderError(
            f"{caller}: the split {log.attrs.get('split', '')!r} has no labels. This measure "
            "compares predictions with labels. Use `agreement`, or "
            '`fleiss_kappa(log, of="prediction")`.'
        )
    if log[LABEL].dims != (EXAMPLE,) or log[LABEL].dtype.kind not in "iu":
        raise LearnOrderError(
            f"{caller}: `label` has dims {log[LABEL].dims} and type {log[LABEL].dtype}. It must be "
            "integers over ('example',). Build the split with `from_arrays`."
        )
    label: Labels = np.asarray(log[LABEL].values, dtype=np.int64)
    outside = np.flatnonzero((label < 0) | (label >= n_classes))
    if outside.size:
        x = outside[0]
        raise LearnOrderError(
            f"{caller}: label {label[x]} of example {log[EXAMPLE].values[x]} is no class. Classes "
            f"are 0..{n_classes - 1}. Check `n_classes` of the log."
        )
    return label


def _shown(values: NDArray[np.generic]) -> str:
    listed = [f"{v}" for v in values[:6]]
    return "[" + ", ".join(listed) + (", ...]" if len(values) > 6 else "]")
