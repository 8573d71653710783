"""Predictions as xarray: one layout, whether they come from a log or from plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from learnorder.errors import LearnOrderError
from learnorder.log.baselines import Baselines, as_variables, checked_baselines
from learnorder.log.lanes import Lane
from learnorder.schema import (
    DIMS,
    EPOCH,
    ERROR_NORM,
    EXAMPLE,
    LABEL,
    MARGIN,
    OF_LABEL,
    PREDICTION,
    PROBABILITY,
    REPLICATE,
    SEED,
    TRUE_LABEL,
    Examples,
    prediction_dtype,
)

LARGEST_EPOCH = 1e12
"""More passes nobody makes; the differences of such numbers are exact enough to be weights."""

MOST_UNNAMED = 1_000_000
"""Classes that are called by their ids: each gets a name, and a class id that is none is a slip."""


def label_axes(
    quantities: Mapping[str, Any],
    examples: Examples,
    epochs: Sequence[float],
    seeds: Sequence[int],
    class_names: Sequence[str],
    baselines: Baselines,
    **attributes: Any,
) -> xr.Dataset:
    """Put names on ``(replicate, epoch, example)`` of each quantity; the values may be lazy."""
    variables: dict[str, Any] = {name: (DIMS, values) for name, values in quantities.items()}
    if examples.labels is not None:
        variables[LABEL] = (EXAMPLE, examples.labels)
    if examples.true_labels is not None:
        variables[TRUE_LABEL] = (EXAMPLE, examples.true_labels)
    variables |= as_variables(baselines)
    coordinates = {
        REPLICATE: np.asarray(seeds, dtype=np.int64),
        SEED: (REPLICATE, np.asarray(seeds, dtype=np.int64)),
        EPOCH: np.asarray(epochs, dtype=np.float64),
        EXAMPLE: examples.ids,
    }
    about = {
        "n_classes": len(class_names),
        "class_names": list(class_names),
        "fingerprint": examples.fingerprint(),
        **attributes,
    }
    return xr.Dataset(variables, coordinates, about)


def from_arrays(
    predictions: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    epochs: Sequence[float] | None = None,
    seeds: Sequence[int] | None = None,
    ids: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    split: str = "test",
    probabilities: ArrayLike | None = None,
    margins: ArrayLike | None = None,
    error_norms: ArrayLike | None = None,
    baselines: Mapping[str, ArrayLike] | None = None,
) -> xr.Dataset:
    """Predictions of your own as the same labelled dataset that `open_log` returns.

    Parameters
    ----------
    predictions
        ``(replicate, epoch, example)`` integers, the predicted class ids.
    labels
        ``(example,)`` integers, or None where there are none.
    epochs
        Passes completed at each recorded point, ascending; 1, 2, ... without it.
    seeds
        One for each replicate, all different; 0, 1, ... without it. Replicates are sorted by seed.
    ids
        One for each example, integers or strings, all different; 0, 1, ... without it.
    class_names
        One for each class; without it the class ids, up to the largest label or prediction.
    split
        What the examples are.
    probabilities
        ``(replicate, epoch, example)`` in [0, 1], the probability each network gives to the label
        of the example; kept in half precision. They need labels.
    margins
        The same of the logit of the label less the largest other logit. Beyond 65504, which half
        precision ends with, infinity is kept.
    error_norms
        The same of the Euclidean norm of all probabilities less the label, one-hot: in [0, sqrt 2].
    baselines
        By any name, ``(example,)``: finite numbers known of each example without any network, which
        `explained` holds the order against.

    Returns
    -------
    Dataset with ``prediction (replicate, epoch, example)`` and, with labels, ``label (example)``;
    where they are given, ``probability``, ``margin`` and ``error_norm`` with the dims of the
    prediction; each baseline under its name, ``(example)``.

    Raises
    ------
    LearnOrderError
        Lengths do not fit, a value is no class, probability, margin, error norm or number, seeds or
        ids repeat, epochs do not ascend, or a baseline has the name of something else.

    Examples
    --------
    >>> log = from_arrays([[[0, 1], [1, 1]]], labels=[1, 1], epochs=[1, 2], seeds=[7])
    >>> dict(log.sizes)
    {'replicate': 1, 'epoch': 2, 'example': 2}
    """
    votes = _integers(predictions, "predictions")
    if votes.ndim != 3 or 0 in votes.shape:
        raise LearnOrderError(
            f"from_arrays: predictions have shape {votes.shape}. They are "
            "(replicate, epoch, example), with at least one of each."
        )
    n_replicates, n_epochs, n_examples = votes.shape
    given = None if labels is None else _axis(labels, "labels", n_examples, unique=False)
    n_classes = _count_classes(votes, given, class_names)
    seed_axis = _axis(range(n_replicates) if seeds is None else seeds, "seeds", n_replicates)
    order = np.argsort(seed_axis)
    quantities = {PREDICTION: votes[order].astype(prediction_dtype(n_classes), copy=False)}
    of_label = {PROBABILITY: probabilities, MARGIN: margins, ERROR_NORM: error_norms}
    for name, values in of_label.items():
        if values is not None:
            lane = Lane(split, name, n_examples, n_classes)
            quantities[name] = _half_precision(lane, values, votes.shape, given)[order]
    return label_axes(
        quantities,
        Examples(_id_axis(ids, n_examples), given),
        _epoch_axis(epochs, n_epochs),
        seed_axis[order].tolist(),
        class_names or [str(k) for k in range(n_classes)],
        checked_baselines(baselines or {}, n_examples, "from_arrays"),
        split=split,
        n_replicates_planned=n_replicates,
        left_out=[],
    )


def _integers(values: ArrayLike, what: str) -> NDArray[np.integer[Any]]:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        n_masked = int(np.ma.getmaskarray(values).sum())
        raise LearnOrderError(
            f"from_arrays: {n_masked} of the {what} are masked. Each is needed: what was not "
            "recorded is not wrong. Select replicates and epochs that are whole."
        )
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise LearnOrderError(
            f"from_arrays: {what} are of type {array.dtype}. They are integers, class ids from 0. "
            "Convert them, for logits with argmax."
        )
    return array


def _half_precision(
    lane: Lane, values: ArrayLike, shape: tuple[int, ...], labels: NDArray[np.int64] | None
) -> NDArray[Any]:
    array = np.asarray(values)
    if labels is None or array.shape != shape:
        what = f"have shape {array.shape}" if labels is not None else "come without labels"
        raise LearnOrderError(
            f"from_arrays: {OF_LABEL[lane.quantity].plural} {what}. They are those of the labels, "
            f"of the shape of the predictions, {shape}. Give one for each prediction, and labels."
        )
    if problem := lane.problem(array):
        what, rule = problem
        raise LearnOrderError(f"from_arrays: the argument {what}; {rule}. Correct it.")
    return lane.to_bits(array).view(lane.dtype)


def _axis(values: Any, what: str, expected: int, unique: bool = True) -> NDArray[np.int64]:
    array = _integers(list(values), what)
    if array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise LearnOrderError(
            f"from_arrays: {what} contain {int(array.max())}. They are at most 2**63 - 1. "
            "Number them anew."
        )
    axis: NDArray[np.int64] = array.astype(np.int64)
    if axis.shape != (expected,):
        raise LearnOrderError(
            f"from_arrays: {what} have shape {axis.shape}; the predictions need ({expected},)."
        )
    if (axis < 0).any():
        raise LearnOrderError(
            f"from_arrays: {what} contain {int(axis.min())}. They are counted from 0."
        )
    if unique:
        _refuse_repeats(axis, what)
    return axis


def _id_axis(ids: ArrayLike | None, expected: int) -> NDArray[Any]:
    array = np.arange(expected) if ids is None else np.asarray(ids)
    if array.shape != (expected,) or array.dtype.kind not in "iuU":
        raise LearnOrderError(
            f"from_arrays: ids have shape {array.shape} and type {array.dtype}; the predictions "
            f"need ({expected},) integers or strings."
        )
    for i in array if array.dtype.kind == "U" else ():
        if not str(i).isascii() and any("\ud800" <= c <= "\udfff" for c in str(i)):
            raise LearnOrderError(
                f"from_arrays: the id {str(i)!a} holds half a character, which no file can. "
                "Ids are Unicode text. Name it anew."
            )
    _refuse_repeats(array, "ids")
    return array


def _refuse_repeats(array: NDArray[Any], what: str) -> None:
    values, counts = np.unique(array, return_counts=True)
    if counts.max(initial=1) > 1:
        raise LearnOrderError(
            f"from_arrays: {what} contain {values[counts > 1][0]!s} more than once. "
            "Each is given once. Drop the duplicates."
        )


def _epoch_axis(epochs: Sequence[float] | None, expected: int) -> list[float]:
    given = np.asarray(range(1, expected + 1) if epochs is None else epochs)
    if given.ndim != 1 or given.dtype.kind not in "iuf":
        raise LearnOrderError(
            f"from_arrays: epochs have shape {given.shape} and type {given.dtype}; the predictions "
            f"need ({expected},) numbers, ascending, from 0 up."
        )
    values: list[float] = given.astype(np.float64).tolist()
    if not all(abs(value) <= LARGEST_EPOCH for value in values):
        raise LearnOrderError(
            f"from_arrays: epochs are {values}. They are finite numbers up to {LARGEST_EPOCH:g}. "
            "Give the passes completed at each recorded point."
        )
    ascending = all(a < b for a, b in pairwise(values))
    if len(values) != expected or not ascending or values[0] < 0:
        raise LearnOrderError(
            f"from_arrays: epochs are {values}; the predictions need {expected}, ascending, "
            "from 0 up."
        )
    return values


def _count_classes(
    votes: NDArray[np.integer[Any]], labels: NDArray[np.int64] | None, names: Sequence[str] | None
) -> int:
    highest = max(int(votes.max()), int(labels.max(initial=0)) if labels is not None else 0)
    if votes.min() < 0:
        raise LearnOrderError(
            f"from_arrays: predictions contain {int(votes.min())}. Classes are counted from 0."
        )
    if names is None and votes.dtype.kind == "u" and highest == np.iinfo(votes.dtype).max:
        raise LearnOrderError(
            f"from_arrays: predictions of type {votes.dtype} contain {highest}, which in a log "
            "stands for not recorded. Each prediction is needed. Select replicates and epochs that "
            "are whole; if it is a class, give class_names."
        )
    if names is None and highest >= MOST_UNNAMED:
        raise LearnOrderError(
            f"from_arrays: class {highest} occurs. Without class_names there are at most "
            f"{MOST_UNNAMED:,} classes, counted from 0. Number the classes anew, or name them."
        )
    if names is not None and highest >= len(names):
        raise LearnOrderError(
            f"from_arrays: class {highest} occurs; there are {len(names)} class names, "
            "for classes counted from 0. Give a name for each."
        )
    return len(names) if names is not None else highest + 1
