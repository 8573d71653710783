"""Ids of examples: one rule, for whatever brings them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.schema import Ids

RULE = (
    "Ids are all int64 or all non-empty str, without NUL and storable as UTF-8, each once in a "
    "split."
)
"""An empty id could not be told from one that is missing in a table, and arrays of texts drop NUL
at the end."""

LIMITS = np.iinfo(np.int64)


def checked_ids(values: Any, n_examples: int, where: str) -> Ids:
    """Ids as int64 or str, unique; the positions where there are none.

    Parameters
    ----------
    values
        ``(example,)`` integers or str, in an array, a sequence or a series; or None.
    n_examples
        How many there are to be.
    where
        Start of every error message.

    Raises
    ------
    LearnOrderError
        An id is neither an integer of 64 bits nor a str as it should be, is of another type than
        the first, or stands twice: the message names the first such position and the value. Or
        there is another number of them than of examples.
    """
    if values is None:
        return np.arange(n_examples, dtype=np.int64)
    array = id_array(values, where)
    if array.shape != (n_examples,):
        raise LearnOrderError(
            f"{where}: {n_examples} examples and ids of the shape {array.shape}. "
            f"Each example has one id. Pass ids of the shape ({n_examples},)."
        )
    ids = _typed(array, where) if n_examples else np.arange(0)
    distinct, first = np.unique(ids, return_index=True)
    if len(distinct) < n_examples:
        again = int(np.setdiff1d(np.arange(n_examples), first)[0])
        before = int(np.flatnonzero(ids == ids[again])[0])
        raise LearnOrderError(
            f"{where}: id {ids[again].item()!r:.60} stands at positions {before} and {again}. "
            f"{RULE} Drop the doubled examples or give them other ids."
        )
    return ids


def id_array(values: Any, where: str) -> NDArray[Any]:
    """Ids as an array in which each is what it was given as.

    Raises
    ------
    LearnOrderError
        Some are masked, or they make no array.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        position = int(np.flatnonzero(np.ma.getmaskarray(values))[0])
        raise LearnOrderError(
            f"{where}: the ids are masked at position {position}. What is under a mask is no id. "
            "Fill or drop what is missing first."
        )
    is_sequence = isinstance(values, Sequence) and not isinstance(values, str)
    # numpy would make a str of an integer beside one, and an integer of True
    if is_sequence and not {str, np.str_, bool, np.bool_}.isdisjoint(map(type, values)):
        return np.fromiter(values, dtype=object, count=len(values))
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise LearnOrderError(
            f"{where}: the ids are no array ({reason}). {RULE} Pass a numpy array or a list."
        ) from error
    if is_sequence and array.ndim == 1 and array.dtype.kind == "f":
        # integers among floats stay such, so that the first that is none is named
        return np.fromiter(values, dtype=object, count=len(values))
    return array


def first_difference(a: Ids, b: Ids) -> tuple[int, str, str] | None:
    """First position at which ids differ, and what stands there: "none" beyond the end; or None."""
    shorter = min(len(a), len(b))
    differing = np.flatnonzero(a[:shorter] != b[:shorter])
    if not differing.size and len(a) == len(b):
        return None
    at = int(differing[0]) if differing.size else shorter
    one, other = (repr(ids[at].item()) if at < len(ids) else "none" for ids in (a, b))
    return at, one, other


def is_storable(value: object) -> bool:
    """Whether a value is a str that UTF-8 can hold, which lone surrogates are not."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _typed(array: NDArray[Any], where: str) -> Ids:
    if array.dtype.kind == "i" or (array.dtype.kind == "u" and array.dtype.itemsize < 8):
        return array.astype(np.int64)
    values = [v.item() if isinstance(v, np.generic) else v for v in array.tolist()]
    for position, value in enumerate(values):
        if problem := _problem(value, values[0]):
            what, remedy = problem
            raise LearnOrderError(
                f"{where}: id {value!r:.60} at position {position} {what}. {RULE} {remedy}"
            )
    return np.array(values, dtype=np.str_ if isinstance(values[0], str) else np.int64)


def _problem(value: Any, first: Any) -> tuple[str, str] | None:
    """What is wrong with an id beside the first one, and what to do."""
    kind = type(value).__name__
    if isinstance(value, str):
        if not value:
            return "is empty", "Name the example."
        if "\0" in value:
            return "holds NUL", "Take it out."
        if not is_storable(value):
            return "holds half a surrogate pair, which is no Unicode", "Replace it."
    elif not isinstance(value, int) or isinstance(value, bool):
        return f"(type {kind}) is neither an integer nor a str", "Convert them."
    elif not LIMITS.min <= value <= LIMITS.max:
        return "does not fit 64 bits with a sign", "Pass the ids as str."
    if isinstance(value, str) != isinstance(first, str):
        of_first = type(first).__name__
        return f"is of type {kind}, the first, {first!r:.60}, of type {of_first}", "Convert them."
    return None
