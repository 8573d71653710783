"""Baselines of the examples of a split: checked, stored beside them, and variables when read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnorder.errors import LearnOrderError
from learnorder.schema import (
    BASELINE,
    CLASS_ID,
    DIMS,
    EXAMPLE,
    LABEL,
    OF_LABEL,
    PREDICTION,
    ROLE,
    SEED,
    TRUE_LABEL,
)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Names that can be a folder, a column of a table, and an attribute of a dataset."""

TAKEN = {*DIMS, CLASS_ID, LABEL, TRUE_LABEL, PREDICTION, *OF_LABEL, SEED}
"""Names of other variables of a split."""

Baselines = Mapping[str, NDArray[np.floating[Any]]]
"""By name, ``(example,)``."""


def checked_baselines(
    given: Mapping[str, ArrayLike], n_examples: int, caller: str
) -> dict[str, NDArray[np.floating[Any]]]:
    """Baselines as finite floats, one for each example.

    Raises
    ------
    LearnOrderError
        A name is taken or no name, or values are no finite numbers ``(example,)``; the message
        begins with ``caller``.
    """
    checked = {}
    for name, values in given.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in TAKEN:
            raise LearnOrderError(
                f"{caller}: {name!r} cannot name a baseline. Names have 1 to 64 letters, digits or "
                f"'_', begin with no digit, and are none of {', '.join(sorted(TAKEN))}. Rename it."
            )
        array = np.asarray(values)
        if array.shape != (n_examples,) or array.dtype.kind not in "biuf":
            raise LearnOrderError(
                f"{caller}: the baseline {name!r} has shape {array.shape} and type {array.dtype}. "
                f"A baseline has a number for each of the {n_examples} examples. Correct it."
            )
        floats = array.astype(np.result_type(array, np.float32))
        bad = np.flatnonzero(~np.isfinite(floats))
        if bad.size:
            raise LearnOrderError(
                f"{caller}: the baseline {name!r} is {floats[bad[0]]} at position {bad[0]}. "
                "Baselines are finite numbers. Replace it."
            )
        checked[name] = floats
    return checked


def as_variables(baselines: Baselines) -> dict[str, tuple[str, NDArray[Any], dict[str, str]]]:
    """Baselines as variables of a split, marked as what they are."""
    return {name: (EXAMPLE, values, {ROLE: BASELINE}) for name, values in baselines.items()}
