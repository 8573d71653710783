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
