"""Arrays of any framework as numpy arrays, without importing the framework."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError

NARROW = {"bfloat16": np.float32, "float": np.float32, "int": np.int64, "uint": np.int64}
"""What numpy computes with, by how the name begins of a type that it knows from a package only."""


def as_numpy(values: Any, where: str) -> NDArray[Any]:
    """Values of a numpy, torch, jax or tensorflow array, or of a list, as a numpy array.

    What lies on another device is copied, what has a gradient is detached, and types that numpy
    does not have are widened; no value changes.

    Parameters
    ----------
    values
        The array.
    where
        How the message of an error begins.

    Raises
    ------
    LearnOrderError
        They are no array of numbers, or some are masked.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        first = np.argwhere(np.ma.getmaskarray(values))[0].tolist()
        raise LearnOrderError(
            f"{where} are masked, first at position {', '.join(map(str, first))}. What is under a "
            "mask is no value. Fill in what is missing first."
        )
    try:
        array = _widened(np.asarray(_on_host(values)))
    except Exception as error:
        # whatever a framework raises: there is no type of error that all of them share
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LearnOrderError(
            f"{where} cannot be read as an array ({reason[:200]}). Arrays of numpy, torch, jax "
            "and tensorflow can, and lists of numbers. Convert them."
        ) from error
    if array.dtype.kind not in "biuf":
        raise LearnOrderError(
            f"{where} are of type {_described(values, array)}. They are numbers. Convert them."
        )
    return array


def _on_host(values: Any) -> Any:
    """Values in the memory of this process, where the array says how to get them there."""
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
        try:
            return values.numpy()
        except TypeError:  # a type that numpy does not have, as bfloat16
            return values.float().numpy()
    if hasattr(values, "__cuda_array_interface__") and hasattr(values, "get"):
        return values.get()
    return values


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "V" or array.dtype.names:
        return array
    name = array.dtype.name
    wider = next((wide for start, wide in NARROW.items() if name.startswith(start)), None)
    return array if wider is None else array.astype(wider)


def _described(values: Any, array: NDArray[Any]) -> str:
    if array.ndim == 0:
        return type(values).__name__
    if array.dtype.kind == "O" and array.size:
        return f"object (the first is {type(array.flat[0]).__name__})"
    return str(array.dtype)
