"""Splits of a log as tables: CSV, Parquet, and frames of pandas and polars."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from learnorder.errors import ExtraMissing, LearnOrderError
from learnorder.exchange.csv_out import csv_header, csv_lines
from learnorder.exchange.parquet_rows import pyarrow
from learnorder.exchange.rows_out import (
    Rows,
    has_text_ids,
    ids_look_like_numbers,
    long_columns,
    long_rows,
    mixed_ids,
    wide_rows,
)
from learnorder.exchange.source import Source
from learnorder.exchange.tables import ID, SPLIT
from learnorder.log.reader import Log
from learnorder.measures.order import accessibility
from learnorder.schema import EPOCH, LABEL, PREDICTION, SEED, TRUE_LABEL

ACCESSIBILITY = "accessibility"

GZIP_LEVEL = 6
"""The highest, 9, takes four times as long for files that are a twentieth smaller."""


def write_csv(source: Source, target: Path) -> list[str]:
    """Write the long table as CSV; compressed where the name ends in .gz."""
    with ExitStack() as stack:
        raw: Any = stack.enter_context(target.open("wb"))
        if _named(target).endswith(".gz"):
            # without the time of writing, so that equal logs give equal files
            raw = stack.enter_context(gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0))
        text = stack.enter_context(io.TextIOWrapper(raw, "utf-8", newline=""))
        first = True
        for rows in long_rows(source):
            if first:
                text.write(csv_header(rows))
                first = False
            text.write(csv_lines(rows))
    if ids_look_like_numbers(source):
        return ["that ids are texts: they look like numbers, and are read as numbers"]
    return []


def _named(target: Path) -> str:
    """Name that the file will have: that of a file in the making says it before its id."""
    return target.name.rsplit(".", 2)[0]


def write_parquet(source: Source, target: Path) -> list[str]:
    """Write the long table as Parquet, with class names as Hugging Face `datasets` keeps them."""
    columns = long_columns(source)
    _write_parquet(source, target, long_rows(source), columns)
    return ["which ids are numbers: all are written as texts"] if mixed_ids(source) else []


def write_huggingface(source: Source, target: Path) -> list[str]:
    """Write the wide table of one split as Parquet, with accessibility where there are labels."""
    split = source.only
    scored = LABEL in split and any(epoch > 0 for epoch in source.epochs)
    scores = accessibility(split).values if scored else None
    _write_parquet(source, target, _with_scores(wide_rows(source), scores), None)
    return []


def _with_scores(rows: Iterator[Rows], scores: Any) -> Iterator[Rows]:
    start = 0
    for block in rows:
        n = len(block[ID])
        extra = {} if scores is None else {ACCESSIBILITY: scores[start : start + n]}
        yield {**block, **extra}
        start += n


def _write_parquet(
    source: Source, target: Path, rows: Iterator[Rows], columns: Sequence[str] | None
) -> None:
    pa, pq = pyarrow("writing Parquet")
    writer = None
    try:
        for block in rows:
            schema = _schema(pa, list(block), source)
            table = pa.table(
                {
                    name: pa.array(values, schema.field(name).type, from_pandas=True)
                    for name, values in block.items()
                },
                schema=schema,
            )
            if writer is None:
                texts = [f.name for f in schema if not _is_number(pa, f.type)]
                writer = pq.ParquetWriter(
                    target,
                    schema,
                    compression="zstd",
                    use_dictionary=[*texts, *(n for n in block if _is_class(n)), SEED, EPOCH],
                    write_page_checksum=True,
                )
            writer.write_table(table, row_group_size=len(table))
    finally:
        if writer is not None:
            writer.close()


def _schema(pa: Any, columns: Sequence[str], source: Source) -> Any:
    kinds = {SEED: pa.int64(), EPOCH: pa.float64(), SPLIT: pa.string()}
    kinds[ID] = pa.string() if has_text_ids(source) else pa.int64()
    kinds[ACCESSIBILITY] = pa.float64()
    fields = [
        (name, kinds.get(name, pa.int64() if _is_class(name) else pa.float32())) for name in columns
    ]
    names = {pa.int64(): "int64", pa.float64(): "float64", pa.string(): "string"}
    features = {
        name: {"names": source.class_names, "_type": "ClassLabel"}
        if _is_class(name)
        else {"dtype": names.get(kind, "float32"), "_type": "Value"}
        for name, kind in fields
    }
    about = json.dumps({"info": {"features": features}})
    return pa.schema(fields, metadata={"huggingface": about})


def _is_class(name: str) -> bool:
    return name in (LABEL, TRUE_LABEL) or name.startswith(PREDICTION)


def _is_number(pa: Any, kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def to_frame(
    log: xr.Dataset | Log | Mapping[str, xr.Dataset],
    library: Literal["pandas", "polars"] = "pandas",
    *,
    wide: bool = False,
) -> Any:
    """Predictions of a log as a data frame, the whole of it in memory.

    Parameters
    ----------
    log
        One split of a log, or all of it as `open_log` returns it.
    library
        Whose frame: ``pandas``, or ``polars``, which has to be installed.
    wide
        A row for each example of one split, with a column ``prediction_seed<S>_epoch<E>`` for each
        seed and epoch. Without it, a row for each prediction with ``seed``, ``epoch``, ``split``,
        ``id``, ``prediction`` and, where there are labels, ``label``.

    Returns
    -------
    The frame. Classes are class ids; a label that a split lacks is missing.

    Raises
    ------
    ExtraMissing
        polars is not installed.
    LearnOrderError
        The library is unknown, or a wide frame is asked for of several splits.

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1], [1, 1]]], labels=[1, 1], seeds=[7])
    >>> lo.to_frame(log, wide=True)
       id  label  prediction_seed7_epoch1  prediction_seed7_epoch2
    0   0      1                        0                        1
    1   1      1                        1                        1
    """
    if library not in ("pandas", "polars"):
        raise LearnOrderError(
            f"to_frame: {library!r} is no library of frames. Known are: pandas, polars."
        )
    if isinstance(log, xr.Dataset):
        splits: dict[str, xr.Dataset] = {str(log.attrs.get("split", "test")): log}
    else:
        splits = {name: log[name] for name in log}
    if wide and len(splits) > 1:
        raise LearnOrderError(
            f"to_frame: a wide frame is of one split, and there are {len(splits)} "
            f"({', '.join(splits)}). Choose one, as log['{next(iter(splits))}']."
        )
    source = Source(splits)
    parts = list(wide_rows(source) if wide else long_rows(source))
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _pandas(whole) if library == "pandas" else _polars(whole)


def _pandas(columns: Rows) -> Any:
    import pandas as pd

    frame = pd.DataFrame(columns)
    for name in (LABEL, TRUE_LABEL):
        if name in frame and frame[name].dtype == object:
            frame[name] = frame[name].astype("Int64")
    return frame


def _polars(columns: Rows) -> Any:
    try:
        import polars as pl
    except ImportError as error:
        raise ExtraMissing(
            'to_frame: polars is not installed. Run `pip install "learnorder[polars]"`, or ask '
            "for pandas."
        ) from error
    return pl.DataFrame(
        {
            name: pl.Series(name, values.tolist(), dtype=pl.Int64)
            if name in (LABEL, TRUE_LABEL) and values.dtype == object
            else pl.Series(name, values.tolist(), dtype=pl.String)
            if values.dtype == object
            else pl.Series(name, values, nan_to_null=True)
            for name, values in columns.items()
        }
    )
