"""Values of which some are undefined, as arrays: what is None becomes NaN, a gap in a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnorder.schema import Scores


def numbers(values: Sequence[float | None]) -> Scores:
    """``(value,)``."""
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def ends(values: Sequence[Sequence[float] | None]) -> Scores:
    """``(value, 2)``, lower and upper ends of intervals."""
    missing = (np.nan, np.nan)
    found = [missing if v is None else v for v in values]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def mean_of_known(*columns: Scores) -> Scores:
    """``(value,)``, mean over the columns that are defined there; a gap where none is.

    Examples
    --------
    >>> mean_of_known(np.array([1.0, np.nan, np.nan]), np.array([0.0, 0.5, np.nan])).tolist()
    [0.5, 0.5, nan]
    """
    values = np.array(columns)
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    number = known.sum(axis=0)
    mean: Scores = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return mean
