"""Tables in files and in memory as a `Content`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from learnorder.errors import LearnOrderError
from learnorder.exchange.content import Content
from learnorder.exchange.csv_rows import csv_table
from learnorder.exchange.frames import frame_table
from learnorder.exchange.parquet_rows import parquet_table
from learnorder.exchange.tables import Choices, Table, content_of_tables


def content_of_csv(paths: Sequence[Path], choices: Choices) -> Content:
    """Content of CSV files, whose rows are those of one table."""
    return content_of_tables({None: [csv_table(path) for path in paths]}, choices)


def content_of_parquet(paths: Sequence[Path], choices: Choices) -> Content:
    """Content of Parquet files, whose rows are those of one table."""
    return content_of_tables({None: [parquet_table(path) for path in paths]}, choices)


def content_of_frames(frames: Mapping[str | None, Any], choices: Choices) -> Content:
    """Content of data frames by split; None where a frame says it itself.

    Raises
    ------
    LearnOrderError
        One is no data frame.
    """
    tables: dict[str | None, list[Table]] = {}
    for split, frame in frames.items():
        table = frame_table(frame, "the frame" if split is None else f"the frame of {split!r}")
        if table is None:
            raise LearnOrderError(
                f"import: {'the source' if split is None else f'split {split!r}'} is of type "
                f"{type(frame).__module__}.{type(frame).__qualname__}. A source is a path or "
                "several, a frame of pandas, polars, Arrow or datasets, a dataset of "
                "`from_arrays`, or a mapping of splits to these. Convert it."
            )
        tables[split] = [table]
    return content_of_tables(tables, choices)
