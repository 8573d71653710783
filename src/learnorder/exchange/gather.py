"""Rows in any order become cells: the predictions of a seed after an epoch for all examples.

Nothing is held several times: each value of a row goes into the array of its cell, in the smallest
type that holds it, and rows are forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, count_of
from learnorder.exchange.column import Column
from learnorder.exchange.content import Cell, Content, SplitContent
from learnorder.exchange.names import Classes, Positions
from learnorder.exchange.whole_grid import require_whole
from learnorder.log.lanes import Lane
from learnorder.schema import (
    LABEL,
    OF_LABEL,
    PREDICTION,
    TRUE_LABEL,
    Examples,
    not_recorded,
    prediction_dtype,
)

SMALLEST = (np.uint8, np.uint16, np.uint32)


@dataclass
class _GatheredSplit:
    ids: Positions = field(default_factory=Positions)
    cells: dict[str, dict[Cell, NDArray[Any]]] = field(default_factory=dict)
    classes: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    """Codes of labels and true labels by position; -1 where none has come yet."""


@dataclass(frozen=True)
class _Target:
    """Rows of one cell, and the places of their examples."""

    split: _GatheredSplit
    name: str
    cell: Cell
    places: NDArray[np.int64]
    rows: NDArray[np.intp]


class Gathering:
    """Takes rows and gives a `Content`.

    Parameters
    ----------
    class_names
        By class id, where they are known.
    typed
        Whether the source tells numbers from texts.
    """

    def __init__(self, class_names: Sequence[str] | None, *, typed: bool) -> None:
        self._classes, self._typed = Classes(class_names), typed
        self._splits: dict[str, _GatheredSplit] = {}
        self._repeated = 0

    def take(self, columns: Mapping[str, Column], seed: Any, epoch: Any, split: Any) -> None:
        """Take rows in.

        Parameters
        ----------
        columns
            By meaning: ``id``, ``prediction``, and perhaps ``label``, ``true_label`` and what may
            be recorded of the label.
        seed, epoch, split
            A `Column`, or one value for all rows.

        Raises
        ------
        LearnOrderError
            A value is not what it should be, or differs from what an earlier row says of the same.
        """
        n = len(columns["id"].values)
        if not n:
            return
        splits = _codes(split, n, lambda c: c.distinct())
        seeds = _codes(seed, n, lambda c: c.whole())
        epochs = _codes(epoch, n, lambda c: c.numbers())
        for value in splits[1]:
            if not isinstance(value, str):
                raise LearnOrderError(
                    f"import: the split {value} is no text. Splits have names, as 'train'. "
                    "Convert them."
                )
        values = {name: self._parse(name, c) for name, c in columns.items() if name != "id"}
        for chosen, split_name in _groups(*splits):
            self._take_split(str(split_name), chosen, columns, values, seeds, epochs)

    def _parse(self, name: str, column: Column) -> NDArray[Any]:
        """Codes of classes, -1 where one is missing; or numbers, NaN where one is missing."""
        if name == PREDICTION:
            return self._classes.take(column, labels=False)
        there = column.there(blank_is_missing=not self._typed)
        if name in (LABEL, TRUE_LABEL):
            codes = np.full(len(column.values), -1, dtype=np.int64)
            if len(there):
                codes[there] = self._classes.take(column.at(there), labels=True)
            return codes
        numbers = np.full(len(column.values), np.nan)
        if len(there):
            places, values = column.at(there).numbers()
            numbers[there] = values[places]
        return numbers

    def _take_split(
        self,
        name: str,
        chosen: NDArray[np.intp],
        columns: Mapping[str, Column],
        values: Mapping[str, NDArray[Any]],
        seeds: tuple[NDArray[np.int64], NDArray[Any]],
        epochs: tuple[NDArray[np.int64], NDArray[Any]],
    ) -> None:
        split = self._splits.setdefault(name, _GatheredSplit())
        places = split.ids.take(columns["id"].at(chosen))
        for role in (LABEL, TRUE_LABEL):
            if role in values and (given := values[role][chosen] >= 0).any():
                self._take_classes(
                    split, role, places[given], values[role][chosen[given]], columns[role], name
                )
        keys = seeds[0][chosen] * len(epochs[1]) + epochs[0][chosen]
        found, codes = np.unique(keys, return_inverse=True)
        for within, key in _groups(codes, found):
            at = divmod(int(key), len(epochs[1]))
            cell = (int(seeds[1][at[0]]), float(epochs[1][at[1]]))
            target = _Target(split, name, cell, places[within], chosen[within])
            for quantity in (PREDICTION, *OF_LABEL):
                if quantity in values:
                    self._fill(target, quantity, values[quantity], columns[quantity])

    def _fill(self, target: _Target, quantity: str, values: NDArray[Any], column: Column) -> None:
        places, rows = target.places, target.rows
        new = values[rows]
        if quantity != PREDICTION:
            given = ~np.isnan(new)
            places, rows, new = places[given], rows[given], new[given]
            if not len(new):
                return
            new = _half(quantity, new, column, rows)
        split = target.split
        cells = split.cells.setdefault(quantity, {})
        array = cells[target.cell] = _roomy(cells.get(target.cell), len(split.ids), new)
        before = array[places]
        was = ~_missing(before)
        new = new.astype(array.dtype)
        array[places] = new
        differs = (was & (before != new)) | (array[places] != new)
        if differs.any():
            first = int(np.argmax(differs))
            seed, epoch = target.cell
            raise LearnOrderError(
                f"import: {column.what} of seed {seed}, epoch {epoch:g}, split {target.name!r}, "
                f"id {split.ids.values[int(places[first])]!r} is given twice, with different "
                f"values (again in row {column.row(int(rows[first])):,} of {column.where}). Each "
                "is given once. Drop one of the rows."
            )
        if quantity == PREDICTION:
            taken = np.zeros(len(array), dtype=bool)
            taken[places[~was]] = True
            self._repeated += len(places) - int(np.count_nonzero(taken))

    def _take_classes(
        self,
        split: _GatheredSplit,
        role: str,
        places: NDArray[np.int64],
        codes: NDArray[np.int64],
        column: Column,
        name: str,
    ) -> None:
        known = split.classes.get(role, np.empty(0, dtype=np.int64))
        if len(known) < len(split.ids):
            grown = np.full(max(len(split.ids), 2 * len(known)), -1, dtype=np.int64)
            grown[: len(known)] = known
            known = split.classes[role] = grown
        before = known[places]
        known[places] = codes
        differs = ((before >= 0) & (before != codes)) | (known[places] != codes)
        if differs.any():
            id_ = split.ids.values[int(places[int(np.argmax(differs))])]
            raise LearnOrderError(
                f"import: {column.what} of id {id_!r} in split {name!r} differs between rows of "
                f"{column.where}. An example has one label, whatever the seed and the epoch. "
                "Correct it."
            )

    def finish(self, where: str, notes: Sequence[str] = ()) -> Content:
        """Return what was gathered.

        Raises
        ------
        LearnOrderError
            There was no row, a row is missing, or names of classes do not fit.
        """
        if not self._splits:
            raise LearnOrderError(
                f"import: {where} has no rows. A log holds at least one prediction. Check the file."
            )
        names, ids_of_codes, note = self._classes.resolve()
        grids = require_whole({n: (s.ids.values, s.cells) for n, s in self._splits.items()}, where)
        told = [*notes, *([note] if note else [])]
        if self._repeated:
            verb = "repeats another" if self._repeated == 1 else "repeat others"
            told.append(
                f"{count_of(self._repeated, 'row')} {verb} with the same values; each counts once"
            )
        splits = {
            name: _finish_split(name, split, ids_of_codes, self._typed, len(names))
            for name, split in self._splits.items()
        }
        return Content(names, grids, splits, told)


def _finish_split(
    name: str,
    split: _GatheredSplit,
    ids_of_codes: NDArray[np.int64] | None,
    typed: bool,
    n_classes: int,
) -> SplitContent:
    n = len(split.ids)
    classes = {}
    for role, known in split.classes.items():
        codes = np.full(n, -1, dtype=np.int64)
        codes[: min(n, len(known))] = known[:n]
        if (codes < 0).any():
            id_ = split.ids.values[int(np.argmax(codes < 0))]
            n_missing = int((codes < 0).sum())
            raise LearnOrderError(
                f"import: {count_of(n_missing, 'example')} of split {name!r} "
                f"{'has' if n_missing == 1 else 'have'} no {role} while others have one; the "
                f"first: id {id_!r}. All examples of a split have one, or none. Add them."
            )
        classes[role] = codes if ids_of_codes is None else ids_of_codes[codes]
    cells: dict[str, dict[Cell, NDArray[Any]]] = {}
    for quantity, of_cell in split.cells.items():
        cells[quantity] = {}
        for cell in list(of_cell):
            values = of_cell.pop(cell)[:n]
            if quantity == PREDICTION and ids_of_codes is not None:
                values = ids_of_codes[values].astype(prediction_dtype(n_classes))
            cells[quantity][cell] = values
    ids = split.ids.as_ids(name, typed)
    return SplitContent(Examples(ids, classes.get(LABEL), classes.get(TRUE_LABEL)), cells)


def _codes(given: Any, n: int, parse: Any) -> tuple[NDArray[np.int64], NDArray[Any]]:
    if isinstance(given, Column):
        codes, values = parse(given)
        return codes, values
    return np.zeros(n, dtype=np.int64), np.array([given], dtype=object)


def _groups(
    codes: NDArray[np.int64], values: NDArray[Any]
) -> Iterator[tuple[NDArray[np.intp], Any]]:
    """Places of each value."""
    if len(values) == 1:
        yield np.arange(len(codes)), values[0]
        return
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(values)))
    for k, value in enumerate(values):
        places = order[ends[k - 1] if k else 0 : ends[k]]
        if len(places):
            yield places, value


def _half(
    quantity: str, values: NDArray[np.float64], column: Column, rows: NDArray[np.intp]
) -> NDArray[np.float16]:
    """Values in half precision, as a log keeps them."""
    lane = Lane("", quantity, len(values), 1)
    if problem := lane.problem(values):
        about = OF_LABEL[quantity]
        bad = ~((values >= about.low) & (values <= about.high))
        place = np.zeros(len(column.values), dtype=bool)
        place[rows[bad]] = True
        column.refuse(place, problem[1][0].upper() + problem[1][1:])
    return lane.to_bits(values).view(np.float16)


def _roomy(array: NDArray[Any] | None, n: int, new: NDArray[Any]) -> NDArray[Any]:
    """Return an array that has room for n values and for the size of the new ones."""
    if new.dtype == np.float16:
        dtype: np.dtype[Any] = new.dtype
    else:
        highest = int(new.max())
        dtype = next(np.dtype(t) for t in SMALLEST if highest < np.iinfo(t).max)
    if array is not None and (array.dtype.itemsize > dtype.itemsize or dtype.kind == "f"):
        dtype = array.dtype
    if array is not None and len(array) >= n and array.dtype == dtype:
        return array
    length = n if array is None or len(array) >= n else max(n, len(array) * 3 // 2)
    grown = np.empty(max(length, 0 if array is None else len(array)), dtype)
    grown[...] = np.nan if dtype.kind == "f" else not_recorded(dtype)
    if array is not None:
        there = ~_missing(array)
        grown[: len(array)][there] = array[there]
    return grown


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = (
        np.isnan(values) if values.dtype.kind == "f" else values == not_recorded(values.dtype)
    )
    return missing
