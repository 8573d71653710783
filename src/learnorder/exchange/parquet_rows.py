"""Rows of Parquet files and of Arrow tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from learnorder.errors import ExtraMissing, LearnOrderError
from learnorder.exchange.column import Words
from learnorder.exchange.safe import require_room
from learnorder.exchange.tables import Table

ROWS = 1 << 18
"""Rows that are decoded at once."""


def parquet_table(path: Path) -> Table:
    """Open a Parquet file; its rows are read later, some at a time.

    Raises
    ------
    ExtraMissing
        pyarrow is not installed.
    LearnOrderError
        It is no whole Parquet file.
    """
    arrow, parquet = pyarrow(f"reading {path}")
    try:
        with parquet.ParquetFile(path) as file:
            schema, n_rows = file.schema_arrow, file.metadata.num_rows
        names = class_names(schema, str(path))
        texts = [f.name for f in schema if _is_text(arrow, f.type)]
    except LearnOrderError:
        raise
    except Exception as error:  # damaged bytes also fail outside Arrow
        _refuse(path, error)
    require_room(n_rows, f"{path}, of {n_rows:,} rows,")

    def batches(wanted: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        dictionaries = [name for name in texts if name in wanted]
        try:
            with parquet.ParquetFile(
                path, read_dictionary=dictionaries, page_checksum_verification=True
            ) as file:
                for batch in file.iter_batches(ROWS, columns=list(wanted)):
                    yield _plain(batch, str(path))
        except (LearnOrderError, GeneratorExit):
            raise
        except Exception as error:  # damaged bytes also fail outside Arrow
            _refuse(path, error)

    return Table(str(path), list(schema.names), batches, typed=True, class_names=names)


def arrow_table(table: Any, where: str) -> Table:
    """Return a ``pyarrow.Table`` as rows."""

    def batches(wanted: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for batch in table.select(list(wanted)).to_batches(max_chunksize=ROWS):
            yield _plain(batch, where)

    names = class_names(table.schema, where)
    return Table(where, list(table.column_names), batches, typed=True, class_names=names)


def _plain(batch: Any, where: str) -> dict[str, Any]:
    return {name: _values(batch.column(name), name, where) for name in batch.schema.names}


def _values(column: Any, name: str, where: str) -> Any:
    """Values of a column; texts and what has nulls as objects."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        found = _values(column.dictionary, name, where)
        words = np.array([*found.tolist(), None], dtype=object)[:-1]
        codes = column.indices.cast(pa.int64()).fill_null(-1)
        return Words(codes.to_numpy(zero_copy_only=False), words)
    simple = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if not simple and not _is_text(pa, kind) and not pa.types.is_null(kind):
        raise LearnOrderError(
            f"import: column {name!r} of {where} is of type {kind}. Columns hold whole numbers, "
            "numbers or texts. Convert it."
        )
    if column.null_count or not simple:
        return np.array([*column.to_pylist(), None], dtype=object)[:-1]
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _is_text(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def class_names(schema: Any, where: str) -> dict[str, Sequence[str]]:
    """Class names of the columns that are Hugging Face class labels, from the schema's metadata.

    Raises
    ------
    LearnOrderError
        The metadata is damaged.
    """
    text = (schema.metadata or {}).get(b"huggingface")
    if not text:
        return {}
    try:
        features = json.loads(text)["info"]["features"].items()
        found = {
            name: value["names"]
            for name, value in features
            if isinstance(value, dict) and value.get("_type") == "ClassLabel"
        }
        if not all(isinstance(n, str) for names in found.values() for n in names):
            raise TypeError("a class name is no text")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LearnOrderError(
            f"import: the metadata 'huggingface' of {where} is damaged ({error!r}). It is JSON "
            "with info.features. Write the file again."
        ) from error
    return found


def pyarrow(purpose: str) -> tuple[Any, Any]:
    """Return pyarrow and its module for Parquet.

    Raises
    ------
    ExtraMissing
        It is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ExtraMissing(
            f"exchange: {purpose} needs pyarrow, which is not installed. "
            'Run `pip install "learnorder[parquet]"`.'
        ) from error
    return pa, pq


def _refuse(path: Path, error: Exception) -> NoReturn:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    raise LearnOrderError(
        f"import: {path} cannot be read as Parquet ({reason}). It is a whole Parquet file. Copy or "
        "write it again."
    ) from error
