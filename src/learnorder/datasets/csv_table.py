"""A folder of tables: train.csv, test.csv, each with a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.named_labels import named_labels
from learnorder.datasets.source import Options, Source, require_folder
from learnorder.errors import DataNotFound, LearnOrderError, nearest

ID_COLUMNS = ("id", "index")
INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class _Table:
    """Cells of a file as text, and the line each row ends on."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        place = self.header.index(name)
        return [row[place] for row in self.rows]


def read_csv(folder: Path, options: Options) -> Source:
    """Read ``<split>.csv`` files: a label column, perhaps an id column, and features or one text.

    Every column but those of labels and ids (``id``, else ``index``) is a feature, in the order of
    train.csv. Labels that are whole numbers are class ids, any others class names. Files other than
    train.csv and test.csv are further splits and may lack the label column.

    Raises
    ------
    DataNotFound
        train.csv or test.csv is missing.
    LearnOrderError
        A row is ragged, a cell is no number, or the columns do not fit.
    """
    require_folder(folder)
    tables = {path.stem: _table(path) for path in sorted(folder.glob("*.csv"))}
    for split in ("train", "test"):
        if split not in tables:
            raise DataNotFound(
                f"load_dataset: {folder} has no {split}.csv. A csv folder has train.csv and "
                "test.csv. "
                "Add it, or correct the path."
            )
    label_column = _label_column(tables, options)
    ids = next((name for name in ID_COLUMNS if name in tables["train"].header), None)
    columns = _input_columns(tables["train"], label_column, ids, options)
    labels, names = _labels(tables, label_column)
    return Source(
        {
            split: RawSplit(
                _inputs(table, columns, {label_column, ids}, options.text_column),
                labels[split],
                _ids(table, ids),
            )
            for split, table in tables.items()
        },
        class_names=names,
    )


def _table(path: Path) -> _Table:
    rows, lines = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, [])
            for row in reader:
                if row:
                    _refuse_ragged(row, header, f"line {reader.line_num} of {path}")
                    rows.append(row)
                    lines.append(reader.line_num)
    except (csv.Error, UnicodeDecodeError) as error:
        raise LearnOrderError(
            f"load_dataset: {path} is no csv file in UTF-8 ({error}). "
            'Cells are separated by commas and quoted with ". Save it again.'
        ) from error
    for place, name in enumerate(header):
        if not name.strip() or header.index(name) != place:
            raise LearnOrderError(
                f"load_dataset: column {place + 1} of {path} has the name {name!r}, empty or "
                "doubled. "
                "The first line names each column. Rename it."
            )
    if not rows:
        raise LearnOrderError(
            f"load_dataset: {path} has {'a header' if header else 'no header'} and no rows. "
            "A table has a header and at least one row. Add them."
        )
    return _Table(path, header, rows, lines)


def _refuse_ragged(row: list[str], header: list[str], where: str) -> None:
    if len(row) != len(header):
        raise LearnOrderError(
            f"load_dataset: {where} has {len(row)} cells, the header has {len(header)}. "
            "All rows have as many as the header. Correct the row."
        )


def _label_column(tables: Mapping[str, _Table], options: Options) -> str:
    column = options.label_column or "label"
    for split in ("train", "test"):
        if column not in tables[split].header:
            raise LearnOrderError(
                f"load_dataset: {tables[split].path} has no label column {column!r}; its columns "
                "are: "
                f"{', '.join(tables[split].header)}. The labels need one. "
                "Choose it with label_column."
            )
    return column


def _labels(
    tables: Mapping[str, _Table], column: str
) -> tuple[Mapping[str, Any], tuple[str, ...] | None]:
    """Class ids where all labels of train are whole numbers, class ids of names otherwise."""
    found = {
        split: table.column(column) if column in table.header else None
        for split, table in tables.items()
    }
    train = found["train"] or []
    if not all(INTEGER.fullmatch(value.strip()) for value in train):
        _refuse_fractions(tables["train"], train, column)
        return named_labels(found, lambda split, row: _place(tables[split], row))
    return {split: _integers(tables[split], values) for split, values in found.items()}, None


def _refuse_fractions(table: _Table, values: list[str], column: str) -> None:
    """Numbers that are not whole are measurements, not classes."""
    if all(_is_number(value) for value in values):
        row = next(i for i, value in enumerate(values) if not INTEGER.fullmatch(value.strip()))
        raise LearnOrderError(
            f"load_dataset: label {values[row]!r} in column {column!r} at {_place(table, row)} "
            "is not "
            "an integer. Labels are the integers 0..C-1, or names. Convert them to class ids."
        )


def _integers(table: _Table, values: list[str] | None) -> NDArray[np.int64] | None:
    if values is None:
        return None
    for row, value in enumerate(values):
        if not INTEGER.fullmatch(value.strip()) or len(value.strip()) > 18:
            raise LearnOrderError(
                f"load_dataset: label {value!r} at {_place(table, row)} is no class id, "
                "while the labels of train are. Labels are the integers 0..C-1. Correct it."
            )
    return np.array([int(value) for value in values], dtype=np.int64)


def _place(table: _Table, row: int) -> str:
    return f"line {table.lines[row]} of {table.path}"


def _ids(table: _Table, column: str | None) -> Any:
    """Ids as numbers where all are, as text otherwise; None without such a column."""
    if column is None:
        return None
    if column not in table.header:
        raise LearnOrderError(
            f"load_dataset: {table.path} has no id column {column!r}, which train.csv has. "
            "All files have it or none. Add the column."
        )
    values = table.column(column)
    if all(INTEGER.fullmatch(value) and len(value) <= 18 for value in values):
        return [int(value) for value in values]
    return values


def _input_columns(
    train: _Table, label_column: str, ids: str | None, options: Options
) -> list[str]:
    if options.text_column is not None:
        if options.text_column not in train.header:
            raise LearnOrderError(
                f"load_dataset: {train.path} has no text column. "
                f"{nearest(options.text_column, train.header)} Correct text_column."
            )
        return [options.text_column]
    columns = [name for name in train.header if name not in (label_column, ids)]
    if not columns:
        raise LearnOrderError(
            f"load_dataset: {train.path} has no feature column; its columns are: "
            f"{', '.join(train.header)}. At least one is needed. Add a column."
        )
    return columns


def _inputs(
    table: _Table, columns: list[str], others: set[str | None], text_column: str | None
) -> Any:
    missing = [name for name in columns if name not in table.header]
    if text_column is None:
        missing += [name for name in table.header if name not in columns and name not in others]
    if missing:
        raise LearnOrderError(
            f"load_dataset: {table.path} and train.csv differ in the column {missing[0]!r}. "
            "All files have the same features. Add or drop the column."
        )
    if text_column is not None:
        return np.array(table.column(text_column), dtype=object)
    places = [table.header.index(name) for name in columns]
    numbers = np.empty((len(table.rows), len(places)), dtype=np.float32)
    for row in range(len(table.rows)):
        numbers[row] = _numbers(table, row, places)
    return numbers


def _numbers(table: _Table, row: int, places: list[int]) -> NDArray[np.float32]:
    cells = [table.rows[row][place] for place in places]
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = [float(cell) if _is_number(cell) else np.nan for cell in cells]
    with np.errstate(over="ignore"):
        numbers = np.array(values).astype(np.float32)
    if not np.isfinite(numbers).all():
        bad = int(np.argmin(np.isfinite(numbers)))
        raise LearnOrderError(
            f"load_dataset: {cells[bad]!r} in column {table.header[places[bad]]!r} at "
            f"{_place(table, row)} is no finite number. Features are numbers. "
            "Fill it, drop the row, or choose text_column."
        )
    return numbers


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
