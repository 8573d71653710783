"""Rows of data frames in memory, of pandas, polars, Arrow and Hugging Face `datasets`.

None of these libraries is imported here: a frame brings its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.exchange.parquet_rows import arrow_table
from learnorder.exchange.tables import Table

ROWS = 1 << 18
"""Rows that are converted at once."""


def frame_table(frame: Any, where: str) -> Table | None:
    """Return a frame as rows, or None where it is none.

    Raises
    ------
    LearnOrderError
        It is a frame that has not been computed, or its columns have no names.
    """
    library, name = type(frame).__module__.split(".")[0], type(frame).__name__
    if library == "pandas" and name == "DataFrame":
        return _pandas_table(frame, f"{where} (pandas)")
    if library == "polars" and name == "DataFrame":
        return _polars_table(frame, f"{where} (polars)")
    if library == "polars" and name == "LazyFrame":
        raise LearnOrderError(
            f"import: {where} is a polars LazyFrame, which has no rows yet. A frame with rows is "
            "needed. Call collect() first."
        )
    if library == "pyarrow" and name == "Table":
        return arrow_table(frame, f"{where} (Arrow)")
    if library == "datasets" and name == "Dataset":
        table = frame.with_format("arrow")[:]
        # which rows were selected and in which order is in the table; class names in the features
        return arrow_table(
            table.replace_schema_metadata(frame.features.arrow_schema.metadata),
            f"{where} (datasets)",
        )
    return None


def _pandas_table(frame: Any, where: str) -> Table:
    names = list(frame.columns)
    if not all(isinstance(name, str) for name in names):
        raise LearnOrderError(
            f"import: {where} has a column named {next(n for n in names if type(n) is not str)!r}. "
            "Columns have texts as names. Rename it."
        )

    def batches(wanted: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for start in range(0, len(frame), ROWS):
            part = frame.iloc[start : start + ROWS]
            yield {name: _pandas_values(part[name]) for name in wanted}

    return Table(where, names, batches, typed=True)


def _pandas_values(series: Any) -> NDArray[Any]:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf":
        return np.asarray(series.to_numpy())
    if isinstance(series.dtype, np.dtype) and series.dtype.kind not in "OU":
        return np.asarray(series.to_numpy())  # which is refused with its type
    return np.asarray(series.to_numpy(dtype=object))


def _polars_table(frame: Any, where: str) -> Table:
    def batches(wanted: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for part in frame.select(list(wanted)).iter_slices(ROWS):
            yield {name: _polars_values(part[name], name, where) for name in wanted}

    return Table(where, list(frame.columns), batches, typed=True)


def _polars_values(series: Any, name: str, where: str) -> NDArray[Any]:
    if series.dtype.is_numeric() and not series.dtype.is_decimal() and not series.null_count():
        return np.asarray(series.to_numpy())
    if series.dtype.is_nested() or series.dtype.is_temporal() or str(series.dtype) == "Boolean":
        raise LearnOrderError(
            f"import: column {name!r} of {where} is of type {series.dtype}. Columns hold whole "
            "numbers, numbers or texts. Convert it."
        )
    return np.array([*series.to_list(), None], dtype=object)[:-1]
