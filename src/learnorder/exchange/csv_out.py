"""Columns as lines of CSV: each different value is written out once, and repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUOTED = re.compile(r'[",\r\n]')
"""What is quoted: also the end of line of old, which readers take for one."""


def csv_header(columns: Mapping[str, NDArray[Any]]) -> str:
    """Line of the names."""
    return ",".join(map(_cell, columns)) + "\n"


def csv_lines(columns: Mapping[str, NDArray[Any]]) -> str:
    """Lines of columns of whole numbers, numbers and texts; None and NaN are empty cells.

    Numbers are as short as tells them from all others of their precision.
    """
    cells = [_cells(values).tolist() for values in columns.values()]
    return "\n".join([*map(",".join, zip(*cells, strict=True)), ""])


def _cells(values: NDArray[Any]) -> NDArray[Any]:
    import pandas as pd

    if values.dtype.kind == "f":
        # by their bits, which tell 0.0 from -0.0
        codes, bits = pd.factorize(values.view(f"i{values.itemsize}"))
        distinct = bits.view(values.dtype)
    else:
        codes, distinct = pd.factorize(values)
    # the last is for the code -1, of None
    return np.array([*map(_cell, np.asarray(distinct)), ""], dtype=object)[codes]


def _cell(value: Any) -> str:
    if value != value:
        return ""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text
