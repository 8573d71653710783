"""A folder of tables: train.csv, test.csv, each with a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.named_labels import named_labels
from learnorder.datasets.source import Options, Source, require_folder
from learnorder.errors import DataNotFound, LearnOrderError, nearest
from learnorder.written import INTEGER, ids_as_written, is_missing, number_of

ID_COLUMNS = ("id", "index")

PANDAS_INDEX = re.compile(r"Unnamed: 0(\.[0-9]+)?")
"""What pandas calls an index that it wrote without a name and read again."""

DIGITS = re.compile(r"[+-]?[0-9]+")

ALL_KEPT = 2**24
"""Up to here float32 tells every whole number from every other."""


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
    train.csv. Labels that are whole numbers are class ids, any others class names. Both labels and
    ids are numbers only where each is spelled as a program writes it: 007 is a text. Files other
    than train.csv and test.csv are further splits and may lack the label column.

    Raises
    ------
    DataNotFound
        train.csv or test.csv is missing.
    LearnOrderError
        A row is ragged, a cell is no number, a label is missing, the columns do not fit, one looks
        like ids and is not read so, or numbers of one cannot be told apart as float32.
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
    for table in tables.values():
        _refuse_unread_ids(table, label_column, ids, options)
        _refuse_other_columns(table, columns, label_column, ids, options)
    labels, names = _labels(tables, label_column)
    return Source(
        {
            split: RawSplit(
                _inputs(table, columns, options.text_column),
                labels[split],
                None if ids is None else ids_as_written(table.column(ids)),
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
                    _refuse_ragged(row, header, path, reader.line_num)
                    rows.append(row)
                    lines.append(reader.line_num)
    except (csv.Error, UnicodeDecodeError) as error:
        raise LearnOrderError(
            f"load_dataset: {path} is no csv file in UTF-8 ({error}). "
            f'Cells are separated by commas and quoted with ". Save it again.{_or_move(path)}'
        ) from error
    _refuse_header(header, path)
    if not rows:
        raise LearnOrderError(
            f"load_dataset: {path} has {'a header' if header else 'no header'} and no rows. "
            f"A table has a header and at least one row. Add them.{_or_move(path)}"
        )
    return _Table(path, header, rows, lines)


def _refuse_header(header: list[str], path: Path) -> None:
    for place, name in enumerate(header):
        if not name.strip():
            raise LearnOrderError(
                f"load_dataset: column {place + 1} of {path} has the name {name!r}. The first line "
                "names each column, but pandas writes an index without a name. Name the column "
                f"'id' if it has the ids, else name or drop it.{_or_move(path)}"
            )
        if header.index(name) != place:
            raise LearnOrderError(
                f"load_dataset: column {place + 1} of {path} has the name {name!r}, doubled. "
                f"The first line names each column. Rename it.{_or_move(path)}"
            )


def _refuse_ragged(row: list[str], header: list[str], path: Path, line: int) -> None:
    if len(row) != len(header):
        raise LearnOrderError(
            f"load_dataset: line {line} of {path} has {len(row)} cells, the header has "
            f"{len(header)}. All rows have as many as the header. Correct the row.{_or_move(path)}"
        )


def _or_move(path: Path) -> str:
    """Further way out, where a file was perhaps never meant to be a split."""
    if path.stem in ("train", "test"):
        return ""
    return (
        f" Every .csv file in the folder is read as a split: if {path.name} is none, move it away."
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


def _refuse_unread_ids(table: _Table, label_column: str, ids: str | None, options: Options) -> None:
    """A column of ids by another name would be a feature, and tell the labels of sorted rows."""
    if options.text_column is not None and ids is not None:
        return  # the ids are found, and no other column is read
    for name in table.header:
        like_ids = name.strip().casefold() in ID_COLUMNS or PANDAS_INDEX.fullmatch(name.strip())
        if like_ids and name not in (label_column, ids, options.text_column):
            raise LearnOrderError(
                f"load_dataset: {table.path} has the column {name!r}, which looks like ids and "
                "would not be read so. One column has the ids, 'id' or, where there is none, "
                "'index'. Name it 'id' if it has them, drop it, or give a feature another name."
                f"{_or_move(table.path)}"
            )


def _refuse_other_columns(
    table: _Table, columns: list[str], label_column: str, ids: str | None, options: Options
) -> None:
    if ids is not None and ids not in table.header:
        raise LearnOrderError(
            f"load_dataset: {table.path} has no id column {ids!r}, which train.csv has. "
            f"All files have it or none. Add the column.{_or_move(table.path)}"
        )
    differing = [name for name in columns if name not in table.header]
    if options.text_column is None:
        known = {*columns, label_column, ids}
        differing += [name for name in table.header if name not in known]
    if differing:
        raise LearnOrderError(
            f"load_dataset: {table.path} and train.csv differ in the column {differing[0]!r}. "
            f"All files have the same features. Add or drop the column.{_or_move(table.path)}"
        )


def _labels(
    tables: Mapping[str, _Table], column: str
) -> tuple[Mapping[str, Any], tuple[str, ...] | None]:
    """Class ids where all labels of train are whole numbers, class ids of names otherwise."""
    found = {
        split: table.column(column) if column in table.header else None
        for split, table in tables.items()
    }
    for split, values in found.items():
        _refuse_odd_labels(tables[split], values or [], column)
    train = found["train"] or []
    if not all(INTEGER.fullmatch(value) for value in train):
        _refuse_fractions(tables["train"], train, column)
        return named_labels(found, lambda split, row: _place(tables[split], row))
    return {split: _integers(tables[split], values) for split, values in found.items()}, None


def _refuse_odd_labels(table: _Table, values: list[str], column: str) -> None:
    """A label that is missing, or differs from others by space alone, would be one more class."""
    for row, value in enumerate(values):
        if not value.strip() or is_missing(value):
            raise LearnOrderError(
                f"load_dataset: label {value!r} in column {column!r} at {_place(table, row)} is "
                "missing. Each example has a label; a further split may lack the whole column. "
                f"Fill it, or drop the row.{_or_move(table.path)}"
            )
        if value != value.strip():
            raise LearnOrderError(
                f"load_dataset: label {value!r} in column {column!r} at {_place(table, row)} "
                f"begins or ends with space. It would be another class than {value.strip()!r}. "
                "Take the space away."
            )


def _refuse_fractions(table: _Table, values: list[str], column: str) -> None:
    """Numbers that are not whole are measurements, not classes."""
    row = next((i for i, value in enumerate(values) if not DIGITS.fullmatch(value)), None)
    if row is not None and not any(isnan(number_of(value)) for value in values):
        raise LearnOrderError(
            f"load_dataset: label {values[row]!r} in column {column!r} at {_place(table, row)} "
            "is not "
            "an integer. Labels are the integers 0..C-1, or names. Convert them to class ids."
        )


def _integers(table: _Table, values: list[str] | None) -> NDArray[np.int64] | None:
    if values is None:
        return None
    for row, value in enumerate(values):
        if not INTEGER.fullmatch(value):
            raise LearnOrderError(
                f"load_dataset: label {value!r} at {_place(table, row)} is no class id, while the "
                "labels of train are. Labels are the integers 0..C-1, written so. Correct it."
            )
    return np.array([int(value) for value in values], dtype=np.int64)


def _place(table: _Table, row: int) -> str:
    return f"line {table.lines[row]} of {table.path}"


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


def _inputs(table: _Table, columns: list[str], text_column: str | None) -> Any:
    if text_column is not None:
        return np.array(table.column(text_column), dtype=object)
    places = [table.header.index(name) for name in columns]
    numbers = np.empty((len(table.rows), len(places)), dtype=np.float32)
    for row in range(len(table.rows)):
        numbers[row] = _numbers(table, row, places)
    _refuse_made_equal(table, places, numbers)
    return numbers


def _numbers(table: _Table, row: int, places: list[int]) -> NDArray[np.float32]:
    cells = [table.rows[row][place] for place in places]
    together = "".join(cells)
    try:
        # quick, where no cell is a number to Python alone
        read = float if together.isascii() and "_" not in together else number_of
        values = [read(cell) for cell in cells]
    except ValueError:
        values = [number_of(cell) for cell in cells]
    with np.errstate(over="ignore"):
        numbers = np.array(values).astype(np.float32)
    if not np.isfinite(numbers).all():
        bad = int(np.argmin(np.isfinite(numbers)))
        raise LearnOrderError(
            f"load_dataset: {cells[bad]!r} in column {table.header[places[bad]]!r} at "
            f"{_place(table, row)} is no finite number. Features are numbers. "
            "Correct or fill it, drop the row, or choose text_column."
        )
    return numbers


def _refuse_made_equal(table: _Table, places: list[int], numbers: NDArray[np.float32]) -> None:
    """Refuse a column of large whole numbers, as times and ids are, that float32 cannot tell apart.

    Only where all are large and of one sign: otherwise what is rounded off is less than a
    ten-millionth of the range of the column, and no network would see it.
    """
    all_large = (numbers.min(axis=0) >= ALL_KEPT) | (numbers.max(axis=0) <= -ALL_KEPT)
    for column in np.flatnonzero(all_large):
        first: dict[float, tuple[Decimal, int]] = {}
        for row, cells in enumerate(table.rows):
            exact = Decimal(cells[places[column]])
            if exact != exact.to_integral_value():
                continue
            other, before = first.setdefault(float(numbers[row, column]), (exact, row))
            if other != exact:
                raise LearnOrderError(
                    f"load_dataset: column {table.header[places[column]]!r} has {other:f} at line "
                    f"{table.lines[before]} and {exact:f} at {_place(table, row)}, one number as "
                    "float32, which features become. From 2**24 on it skips whole numbers. "
                    "Subtract the smallest of the column from all, or drop it if it has ids."
                )
