"""Ids of examples and names of classes while rows arrive: values become positions, in any order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, nearest
from learnorder.exchange.column import Column, Words
from learnorder.log.labelled import MOST_UNNAMED
from learnorder.written import WHOLE, ids_as_written, is_missing

WITH_POINT = re.compile(rf"({WHOLE.pattern})\.0+")
"""A whole number as it is written where it was in a column of floats."""

LONGEST_ID = 1000
"""Letters of an id: arrays of texts give each the room of the longest."""


def check_ids(split: str, ids: Sequence[Any]) -> None:
    """Refuse texts that a log could not keep as they are.

    Raises
    ------
    LearnOrderError
        One is empty, too long, ends in what arrays of texts drop, or is no Unicode.
    """
    for value in ids:
        if not isinstance(value, str):
            continue
        bad = not value or "\0" in value or len(value) > LONGEST_ID
        if bad or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise LearnOrderError(
                f"import: an id of split {split!r} is {value[:60]!a}, of {len(value):,} "
                f"letters. An id has 1 to {LONGEST_ID:,} letters that UTF-8 can write, none NUL. "
                "Rename it."
            )


class Positions:
    """Different values, whole numbers or texts, in the order of their first appearance."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._index: Any = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, column: Column) -> NDArray[np.int64]:
        """Position of each value; new ones come last.

        Raises
        ------
        LearnOrderError
            It is no whole number or text, or some are whole numbers and others texts.
        """
        import pandas as pd

        if isinstance(column.values, Words):
            codes, words = column.words()
            return self.take(words)[codes]
        values = column.plain()
        if values.dtype.kind == "f":
            column.refuse(np.ones(len(values), dtype=bool), "It is a whole number or a text")
        if self._index is None:
            self._index = pd.Index(values[:0], dtype=values.dtype)
        elif len(values) and values.dtype.kind != self._index.dtype.kind:
            raise LearnOrderError(
                f"import: {column.what} is {values[0]!r} in {column.where}, of type "
                f"{type(values.tolist()[0]).__name__}, while others are of type "
                f"{type(self.values[0]).__name__}, as {self.values[0]!r}. All have one type. "
                "Convert them."
            )
        try:
            found = self._index.get_indexer(values)
        except UnicodeEncodeError:
            column.not_unicode(values)
        if (found < 0).any():
            self.values += pd.unique(values[found < 0]).tolist()
            self._index = pd.Index(
                np.array([*self.values, None], dtype=object)[:-1]
                if values.dtype.kind == "O"
                else self.values,
                dtype=values.dtype,
            )
            found = self._index.get_indexer(values)
        return np.asarray(found, dtype=np.int64)

    def as_ids(self, split: str, typed: bool) -> NDArray[Any]:
        """Return the ids: int64, or texts.

        Parameters
        ----------
        split
            Of which, for messages.
        typed
            Whether the source tells numbers from texts. Where it does not, ids that are all spelled
            as whole numbers are numbers.
        """
        if not self.values or isinstance(self.values[0], int):
            return np.array(self.values, dtype=np.int64)
        check_ids(split, self.values)
        ids = self.values if typed else ids_as_written(self.values)
        return np.array(ids, dtype=np.str_ if isinstance(ids[0], str) else np.int64)


class Classes:
    """What labels and predictions name: class ids, or names of classes, never both.

    Parameters
    ----------
    names
        The names by class id, where they are known from elsewhere.
    """

    def __init__(self, names: Sequence[str] | None) -> None:
        self.names = None if names is None else list(names)
        self._found = Positions()
        self._of_labels: set[int] = set()
        """Codes of the names that labels have."""
        self._highest = -1
        self._first = ""

    def take(self, column: Column, *, labels: bool) -> NDArray[np.int64]:
        """Codes, which `resolve` turns into class ids when everything has been seen.

        Parameters
        ----------
        column
            Class ids or names.
        labels
            Whether it is of labels, as opposed to predictions.

        Raises
        ------
        LearnOrderError
            A value is missing, is no class id or name, or some are ids and others names.
        """
        codes, values = column.distinct()
        texts = values.dtype.kind == "O"
        if self._first and texts != (self._first == "names"):
            raise LearnOrderError(
                f"import: {column.what} in {column.where} has {'names' if texts else 'class ids'}, "
                f"while {self._first} came before. Labels and predictions are all class ids or "
                "all names. Convert them."
            )
        self._first = "names" if texts else "class ids"
        if texts:
            blank = np.array([not value.strip() for value in values], dtype=bool)
            if blank.any():
                column.refuse(blank[codes], "It is a class id or the name of a class")
            known = self.names or ()
            none = np.array([is_missing(v) and v not in known for v in values], dtype=bool)
            if none.any():
                column.missing(none[codes])
            of_values = Column(column.what, column.where, column.first_row, values)
            places = self._found.take(of_values)
            if labels:
                self._of_labels.update(places.tolist())
            return places[codes]
        self._check_ids(column, codes, values)
        return values.astype(np.int64)[codes]

    def _check_ids(self, column: Column, codes: NDArray[np.int64], values: NDArray[Any]) -> None:
        if values.dtype.kind == "f":
            column.refuse(np.ones(len(codes), dtype=bool), "It is a class id, a whole number")
        most = MOST_UNNAMED if self.names is None else len(self.names)
        bad = (values < 0) | (values >= most)
        if bad.any():
            why = "without class names" if self.names is None else f"for {most} class names"
            column.refuse(bad[codes], f"Class ids are whole numbers from 0 to {most - 1:,} {why}")
        self._highest = max(self._highest, int(values.max(initial=-1)))

    def resolve(self) -> tuple[list[str], NDArray[np.int64] | None, str | None]:
        """Names by class id, class ids by code (None where codes are ids), and what to tell.

        Raises
        ------
        LearnOrderError
            A name is none of those known, some look like ids and others do not, or predictions and
            labels write one differently.
        """
        if self._first != "names":
            names = self.names or [str(k) for k in range(self._highest + 1)]
            return names, None, None
        found = self._found.values
        if self.names is not None and set(found) <= set(self.names):
            places = {name: k for k, name in enumerate(self.names)}
            return self.names, np.array([places[v] for v in found], dtype=np.int64), None
        numeric = [WHOLE.fullmatch(value) is not None for value in found]
        if all(numeric):
            return self._resolve_numbers([int(value) for value in found])
        pointed = [WITH_POINT.fullmatch(value) for value in found]
        if self.names is None and all(
            one or whole for one, whole in zip(pointed, numeric, strict=True)
        ):
            first = next(value for value, one in zip(found, pointed, strict=True) if one)
            names, ids, _ = self._resolve_numbers([int(value.partition(".")[0]) for value in found])
            return names, ids, f"class ids are written as {first!r}, ...: read as whole numbers"
        if self.names is not None:
            unknown = next(v for v in found if v not in self.names)
            raise LearnOrderError(
                f"import: the class {unknown!r} occurs and is none of the "
                f"{len(self.names)} class names. {nearest(unknown, self.names[:50])}"
            )
        if any(numeric):
            id_, name = found[numeric.index(True)], found[numeric.index(False)]
            raise LearnOrderError(
                f"import: labels or predictions are {id_!r}, a class id, and {name!r}, a name. "
                "They are all class ids or all names. Correct them, or give the class names."
            )
        self._refuse_other_spelling()
        names = sorted(found)
        places = {name: k for k, name in enumerate(names)}
        ids = np.array([places[v] for v in found], dtype=np.int64)
        return names, ids, "classes are given by name; their ids are the places in sorted order"

    def _refuse_other_spelling(self) -> None:
        """Refuse a name that only predictions have and that is a label but for case and spaces."""
        found = self._found.values
        labels = {found[k].strip().casefold(): found[k] for k in sorted(self._of_labels)}
        for k, name in enumerate(found):
            label = labels.get(name.strip().casefold())
            if label is not None and k not in self._of_labels:
                raise LearnOrderError(
                    f"import: predictions name the class {name!r}, labels {label!r}, and no label "
                    "is written as the prediction is. They would be two classes. Write them "
                    "alike, or give the names of all classes with --class-names."
                )

    def _resolve_numbers(
        self, ids: list[int]
    ) -> tuple[list[str], NDArray[np.int64] | None, str | None]:
        most = MOST_UNNAMED if self.names is None else len(self.names)
        if max(ids) >= most:
            raise LearnOrderError(
                f"import: the class id {max(ids)} occurs. Class ids go from 0 to {most - 1:,} "
                f"{'without class names' if self.names is None else 'for that many class names'}. "
                "Number the classes anew, or name them."
            )
        names = self.names or [str(k) for k in range(max(ids) + 1)]
        return names, np.array(ids, dtype=np.int64), None
