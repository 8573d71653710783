"""Ids that a user gives, as arrays, and which of them is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from learnorder.errors import LearnOrderError
from learnorder.recording.arrays import as_numpy

LIMITS = np.iinfo(np.int64)


def id_array(ids: Any) -> Any:
    """Ids of a framework's array as numpy's; texts stay what they are."""
    if hasattr(ids, "detach"):
        return as_numpy(ids, "Recorder: the ids")
    if isinstance(ids, np.ndarray) or not isinstance(ids, Sequence) or isinstance(ids, str):
        return np.asarray(ids)
    # numpy would make a str of an integer among them
    return np.array(ids, dtype=object) if any(isinstance(i, str) for i in ids) else ids


def refuse_odd_ids(ids: Any, where: str) -> None:
    """Name the first id that is empty, or that makes the ids neither all integers nor all str.

    Everything else about ids is checked later. An empty id is refused because a table that the log
    is exported to could not tell it from one that is missing.

    Raises
    ------
    LearnOrderError
        There is such an id.
    """
    try:
        array = np.asarray(ids)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        return
    if array.ndim != 1 or array.dtype.kind in "iu":
        return
    values = array.tolist() if isinstance(ids, np.ndarray) else list(ids)
    for position, value in enumerate(values):
        if problem := _problem(value, values[0]):
            raise LearnOrderError(f"{where}: id {value!r:.60} at position {position} {problem}")


def _problem(value: Any, first: Any) -> str | None:
    """What is wrong with an id, beside the first one."""
    if isinstance(value, str):
        if not value:
            return "is empty. An id has a letter or more. Name the example."
    elif not isinstance(value, int | np.integer) or isinstance(value, bool):
        return (
            f"(type {type(value).__name__}) is neither an integer nor a Unicode str. Ids are all "
            "integers or all str. Convert them."
        )
    elif not LIMITS.min <= value <= LIMITS.max:
        return "does not fit 64 bits with a sign. Ids are int64 or str. Pass the ids as str."
    if isinstance(value, str) != isinstance(first, str):
        return (
            f"is of type {type(value).__name__}, the first, {first!r:.60}, of type "
            f"{type(first).__name__}. Ids are all integers or all str. Convert them."
        )
    return None
