"""Predicted classes from what a network gives: classes themselves, or logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.schema import Predictions, prediction_dtype

Name = Callable[[int], str]
"""What to call the example that a row of the array is of."""


def predicted_classes(array: NDArray[Any], n_classes: int, where: str, name: Name) -> Predictions:
    """Predicted class of each example, in the smallest type.

    Parameters
    ----------
    array
        ``(example,)`` integers, the classes; or ``(example, class_id)``, logits or probabilities,
        of which the largest counts, the lowest class where several are.
    n_classes
        Number of classes.
    where
        How the message of an error begins.
    name
        What to call the example of a row.

    Raises
    ------
    LearnOrderError
        The shape or type is another one, a logit is NaN, or a class is outside of the range.
    """
    if array.ndim == 2:
        return _largest(array, n_classes, where, name)
    if array.ndim != 1:
        raise LearnOrderError(
            f"{where}: the predictions have the shape {array.shape}. They are classes (example,) "
            "or logits (example, class_id). Reshape them."
        )
    if array.dtype.kind not in "iu" and array.size:
        raise LearnOrderError(
            f"{where}: the predictions have one dimension and the type {array.dtype}. Classes are "
            f"integers from 0 to {n_classes - 1}; logits have a column for each class. Convert "
            f"them{_advice(array)}."
        )
    outside = np.flatnonzero((array < 0) | (array >= n_classes))
    if outside.size:
        row = int(outside[0])
        raise LearnOrderError(
            f"{where}: {name(row)} is predicted as class {array[row]}. There are {n_classes} "
            f"classes, counted from 0. Correct it, or give n_classes when the log is begun."
        )
    classes: Predictions = array.astype(prediction_dtype(n_classes))
    return classes


def _advice(array: NDArray[Any]) -> str:
    if array.dtype.kind == "b":
        return ", with astype(int)"
    return (
        ", a single logit or probability of each example by a threshold, as (p > 0.5).astype(int)"
    )


def _largest(logits: NDArray[Any], n_classes: int, where: str, name: Name) -> Predictions:
    if logits.shape[1] != n_classes:
        hint = (
            "One column is no choice between classes: give classes, from a single logit by a "
            "threshold."
            if logits.shape[1] == 1
            else "Give all columns, or n_classes when the log is begun."
        )
        raise LearnOrderError(
            f"{where}: the logits have the shape {logits.shape}; the log has {n_classes} classes, "
            f"and logits a column for each. {hint}"
        )
    largest = logits.argmax(axis=1)
    if logits.dtype.kind == "f":
        # where a row has a NaN, argmax points at it
        wrong = np.flatnonzero(np.isnan(logits[np.arange(len(logits)), largest]))
        if wrong.size:
            raise LearnOrderError(
                f"{where}: {wrong.size} of {len(logits)} examples have logits that are NaN, first "
                f"{name(int(wrong[0]))}. NaN is no prediction; training has most likely diverged. "
                "Nothing of this call was recorded."
            )
    classes: Predictions = largest.astype(prediction_dtype(n_classes))
    return classes
