"""What logits or probabilities of all classes say: the prediction, and numbers about the label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.schema import ERROR_NORM, MARGIN, PROBABILITY, prediction_dtype

SUM_TOLERANCE = 1e-2
"""How far probabilities of one example may be from adding up to 1, as in half precision."""

LARGEST = 1e300
"""Logits beyond it are taken for it; half precision, in which margins are kept, ends far below."""


def predicted(values: NDArray[Any], n_classes: int, what: str) -> NDArray[np.unsignedinteger[Any]]:
    """Class of the highest value; of equal ones the first.

    Parameters
    ----------
    values
        ``(replicate, epoch, example, class)``.
    n_classes
        Length of the last axis.
    what
        They are, for messages.

    Raises
    ------
    LearnOrderError
        The shape or type is another, or a value is no finite number.
    """
    if values.ndim != 4 or values.dtype.kind not in "iuf" or 0 in values.shape:
        raise LearnOrderError(
            f"import: {what} have the shape {values.shape} and type {values.dtype}. They are "
            "numbers (replicate, epoch, example, class); the first axes may be left out. Correct "
            "them."
        )
    if values.shape[3] != n_classes:
        raise LearnOrderError(
            f"import: {what} have {values.shape[3]} classes; the labels and class names have "
            f"{n_classes}. The last axis has one value for each class. Correct it."
        )
    votes = np.empty(values.shape[:3], dtype=prediction_dtype(n_classes))
    for r, e in np.ndindex(values.shape[:2]):
        plane = np.asarray(values[r, e])
        if not np.isfinite(plane).all():
            x = int(np.argmax(~np.isfinite(plane).all(axis=1)))
            raise LearnOrderError(
                f"import: {what} are not finite for replicate {r}, epoch {e}, example {x} (counted "
                "from 0). What was predicted there is not known. Leave that replicate or epoch out."
            )
        votes[r, e] = plane.argmax(axis=1)
    return votes


def of_label(
    values: NDArray[Any], labels: NDArray[Any], logits: bool, what: str
) -> dict[str, NDArray[np.float64]]:
    """Probability, error norm and, of logits, margin of the label.

    Raises
    ------
    LearnOrderError
        Labels do not fit, or probabilities do not add up to 1.
    """
    n_examples, n_classes = values.shape[2:]
    if labels.shape != (n_examples,) or not ((labels >= 0) & (labels < n_classes)).all():
        raise LearnOrderError(
            f"import: {what} have {n_examples} examples and {n_classes} classes; the labels have "
            f"the shape {labels.shape} and go from {labels.min(initial=0)} to "
            f"{labels.max(initial=0)}. Each example has one of the classes. Correct them."
        )
    found = {name: np.empty(values.shape[:3]) for name in (PROBABILITY, ERROR_NORM)}
    if logits:
        found[MARGIN] = np.empty(values.shape[:3])
    for r, e in np.ndindex(values.shape[:2]):
        plane = values[r, e].astype(np.float64)
        if not logits:
            _check_probabilities(plane, what)
        for name, numbers in of_label_plane(plane, labels, logits).items():
            found[name][r, e] = numbers
    return found


def of_label_plane(
    plane: NDArray[np.float64], labels: NDArray[Any], logits: bool
) -> dict[str, NDArray[np.float64]]:
    """Return the same for ``(example, class)`` of one epoch."""
    rows = np.arange(len(plane))
    chances = plane
    if logits:
        # the difference of two huge ones of opposite signs would be beyond any number
        plane = np.clip(plane, -LARGEST, LARGEST)
        chances = np.exp(plane - plane.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
    error = chances.copy()
    error[rows, labels] -= 1
    found = {
        PROBABILITY: np.clip(chances[rows, labels], 0, 1),
        ERROR_NORM: np.minimum(np.sqrt((error**2).sum(axis=1)), np.sqrt(2)),
    }
    if logits:
        others = plane.copy()
        others[rows, labels] = -np.inf
        found[MARGIN] = plane[rows, labels] - others.max(axis=1)
    return found


def _check_probabilities(plane: NDArray[np.float64], what: str) -> None:
    bad = (plane < 0).any(axis=1) | (np.abs(plane.sum(axis=1) - 1) > SUM_TOLERANCE)
    if bad.any():
        x = int(np.argmax(bad))
        raise LearnOrderError(
            f"import: {what} of example {x} (counted from 0) add up to {plane[x].sum():.4g}, or "
            "one is below 0. Probabilities are from 0 to 1 and add up to 1. Save logits as "
            "'logits'."
        )
