"""Plain arrays become inputs and labels that later stages can trust, or one clear error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnorder.errors import LearnOrderError
from learnorder.ids import is_storable
from learnorder.schema import Labels

Kind = Literal["image", "features", "text"]


@dataclass(frozen=True)
class RawSplit:
    """What a reader found for one split, not checked yet.

    Attributes
    ----------
    inputs
        Anything ``numpy.asarray`` takes.
    labels
        Likewise; None for a split without labels.
    ids
        Likewise; None where the source has no ids: positions are used.
    """

    inputs: ArrayLike | Sequence[Any]
    labels: ArrayLike | None
    ids: ArrayLike | None = None


def checked_inputs(values: Any, where: str) -> tuple[Kind, NDArray[Any]]:
    """Kind of the inputs, and the inputs in the one form of that kind.

    Parameters
    ----------
    values
        Texts: strings. Features: two-dimensional numbers. Images: ``(example, height, width)`` with
        an optional last axis of 1 or 3 channels, integers in 0..255 or floats in [0, 1]; the floats
        become ``round(255 * value)``, half to even.
    where
        Start of every error message: function and split.

    Returns
    -------
    The kind, and uint8 images without an axis of one channel, float32 features, or an object array
    of str.

    Raises
    ------
    LearnOrderError
        The values fit no kind, are not finite, or lie outside the range of their kind.
    """
    array = _as_array(values, where, "inputs")
    if array.ndim > 0 and len(array) == 0:
        raise LearnOrderError(
            f"{where}: no examples. A split has at least one. Add examples or drop the split."
        )
    if array.ndim == 1 and array.dtype.kind in "UTO":
        return "text", _texts(array, where)
    if array.dtype.kind not in "buif":
        raise LearnOrderError(
            f"{where}: inputs of type {array.dtype} and {array.ndim} dimensions fit no kind. "
            "Images, features and texts are possible. "
            "Pass uint8 images, a table of numbers, or a list of str."
        )
    if array.ndim == 2:
        return "features", _features(array, where)
    if array.ndim in (3, 4):
        return "image", _images(array, where)
    raise LearnOrderError(
        f"{where}: inputs have the shape {array.shape}. Features have 2 dimensions, images 3 or 4, "
        "the first over examples. Reshape them."
    )


def checked_labels(values: Any, n_examples: int, where: str) -> Labels:
    """Labels as int64, one for each example; the range is checked with the classes.

    Raises
    ------
    LearnOrderError
        Labels that are not integers, negative ones, or another number of them than examples.
    """
    array = _as_array(values, where, "labels")
    if array.ndim != 1 or len(array) != n_examples:
        raise LearnOrderError(
            f"{where}: {n_examples} examples and labels of the shape {array.shape}. "
            f"Each example has one label. Pass labels of the shape ({n_examples},)."
        )
    if array.dtype.kind not in "iu":
        position = _first_not_an_integer(array)
        value = array[position]
        value = value.item() if isinstance(value, np.generic) else value
        raise LearnOrderError(
            f"{where}: label {value!r} at position {position} is not an integer "
            f"(type {array.dtype}). Labels are the integers 0..C-1. Convert them to class ids "
            "first."
        )
    outside = np.flatnonzero((array < 0) | (array > np.iinfo(np.int64).max // 2))
    if len(outside):
        position = int(outside[0])
        raise LearnOrderError(
            f"{where}: label {int(array[position])} at position {position} is no class id. "
            "Labels are the integers 0..C-1. Leave the example out, or give it its class."
        )
    return array.astype(np.int64)


def _as_array(values: Any, where: str, what: str) -> NDArray[Any]:
    """Turn any array-like into an array, or say in one line why not."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        position = tuple(int(i) for i in np.argwhere(np.ma.getmaskarray(values))[0])
        raise LearnOrderError(
            f"{where}: the {what} are masked at position {position}. What is under a mask is no "
            "value. Fill or drop what is missing first."
        )
    try:
        if isinstance(values, list | tuple) and values and isinstance(values[0], str):
            # A numpy array of str would give every text the room of the longest.
            return np.array(values, dtype=object)
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise LearnOrderError(
            f"{where}: the {what} are no array ({reason}). All examples have one shape and type. "
            "Pass numpy arrays or lists of equal length."
        ) from error


def _first_not_an_integer(array: NDArray[Any]) -> int:
    """Position of the value to show: the first that is no whole number, else the first."""
    if array.dtype.kind == "f":
        strange = np.flatnonzero(~np.isfinite(array) | (array != np.rint(array)))
        return int(strange[0]) if len(strange) else 0
    if array.dtype.kind == "O":
        for position, value in enumerate(array):
            if not isinstance(value, int | np.integer) or isinstance(value, bool):
                return position
    return 0


def _texts(array: NDArray[Any], where: str) -> NDArray[Any]:
    texts = array.astype(object)
    for position, text in enumerate(texts):
        if not is_storable(text):
            raise LearnOrderError(
                f"{where}: input {text!r:.80} at position {position} is no Unicode str. "
                "Texts are all str; images and features are arrays of numbers of one shape. "
                "Convert the inputs."
            )
    return texts


def _features(array: NDArray[Any], where: str) -> NDArray[np.float32]:
    if array.shape[1] == 0:
        raise LearnOrderError(
            f"{where}: features of the shape {array.shape}. "
            "An example has at least one feature. Pass more columns."
        )
    with np.errstate(over="ignore"):
        features = array.astype(np.float32)
    _refuse_not_finite(features, array, where)
    return features


def _images(array: NDArray[Any], where: str) -> NDArray[np.uint8]:
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if 0 in array.shape[1:] or (array.ndim == 4 and array.shape[3] != 3):
        raise LearnOrderError(
            f"{where}: images of the shape {array.shape}. Images are (example, height, width) or "
            "(example, height, width, 3), none of them 0. "
            "Put the channels last, for instance with x.transpose(0, 2, 3, 1)."
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "b":
        raise LearnOrderError(
            f"{where}: images of type bool. Images are uint8 in 0..255 or floats in [0, 1]. "
            "Convert them, for instance with x.astype(float)."
        )
    is_float = array.dtype.kind == "f"
    if is_float:
        _refuse_not_finite(array, array, where)
    _refuse_outside(array, 1 if is_float else 255, where)
    return np.rint(array * 255.0).astype(np.uint8) if is_float else array.astype(np.uint8)


def _refuse_not_finite(values: NDArray[Any], given: NDArray[Any], where: str) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        position = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise LearnOrderError(
            f"{where}: input value {given[position].item()!r} at position {position} is not finite "
            "as float32. Inputs are finite numbers. Fill or drop what is missing first."
        )


def _refuse_outside(images: NDArray[Any], highest: int, where: str) -> None:
    outside = (images < 0) | (images > highest)
    if outside.any():
        position = tuple(int(i) for i in np.argwhere(outside)[0])
        raise LearnOrderError(
            f"{where}: image value {images[position].item()!r} at position {position} "
            f"(type {images.dtype}). Images are uint8 in 0..255 or floats in [0, 1]. "
            "Scale them first."
        )
