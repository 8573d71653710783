"""One column of rows as what it means: whole numbers, numbers, texts; anything else is refused.

Tables say things in many types. A column becomes int64, float64, or objects that are all ``str``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.written import WHOLE, number_of

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Words:
    """Values that repeat a few words: a code for each row, -1 where there is none."""

    codes: NDArray[np.int64]
    words: NDArray[Any]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, place: int) -> Any:
        code = int(self.codes[place])
        return self.words[code] if code >= 0 else None

    def take(self, places: NDArray[np.intp]) -> Words:
        """Return those of some rows."""
        return Words(self.codes[places], self.words)


@dataclass(frozen=True)
class Column:
    """Values of one meaning in a batch of rows.

    Attributes
    ----------
    what
        The meaning and the name, for messages.
    where
        The file or frame.
    first_row
        Number of the first row, from 1; a header is not counted.
    values
        One for each row, of any type.
    rows
        Which rows of the batch, where they are not all.
    """

    what: str
    where: str
    first_row: int
    values: Any
    rows: NDArray[np.intp] | None = None

    def at(self, chosen: NDArray[np.intp]) -> Column:
        """Return the same of some rows."""
        if len(chosen) == len(self.values):
            return self
        rows = chosen if self.rows is None else self.rows[chosen]
        values = self.values
        some = values.take(chosen) if isinstance(values, Words) else np.asarray(values)[chosen]
        return replace(self, values=some, rows=rows)

    def row(self, place: int) -> int:
        """Number of a row, from 1."""
        return self.first_row + (place if self.rows is None else int(self.rows[place]))

    def there(self, *, blank_is_missing: bool) -> NDArray[np.intp]:
        """Places of the values that are there: no null, no NaN, and no empty text."""
        if isinstance(self.values, Words):
            blank = self.values.words == "" if blank_is_missing else False
            absent = np.append(np.zeros(len(self.values.words), dtype=bool) | blank, True)
            return np.flatnonzero(~absent[self.values.codes])
        array = np.asarray(self.values)
        if array.dtype.kind == "f":
            return np.flatnonzero(~np.isnan(array))
        if array.dtype.kind == "O":
            gone = [_is_missing(v) for v in array]
            if blank_is_missing:
                gone = [g or v == "" for g, v in zip(gone, array, strict=True)]
            return np.flatnonzero(~np.array(gone, dtype=bool))
        return np.arange(len(array))

    def plain(self) -> NDArray[Any]:
        """Return int64, finite or infinite float64, or objects that are all texts.

        Raises
        ------
        LearnOrderError
            The type is another, types are mixed, a value is missing, or a number has over 63 bits.
        """
        if isinstance(self.values, Words):
            codes, words = self.words()
            return words.plain()[codes]
        array = np.asarray(self.values)
        if array.dtype.kind == "U":
            return array.astype(object)
        if array.dtype.kind == "O":
            return self._objects(array)
        if array.dtype.kind == "f":
            floats = array.astype(np.float64, copy=False)
            if np.isnan(floats).any():
                self.missing(np.isnan(floats))
            return floats
        if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
            self.refuse(array > np.iinfo(np.int64).max, "Whole numbers are at most 2**63 - 1")
        if array.dtype.kind in "iu":
            return array.astype(np.int64, copy=False)
        raise LearnOrderError(
            f"import: {self.what} in {self.where} is of type {array.dtype}. Columns hold whole "
            "numbers, numbers or texts. Convert it."
        )

    def _objects(self, array: NDArray[Any]) -> NDArray[Any]:
        kinds = {type(value) for value in array}
        if kinds <= {str, np.str_}:
            return array
        none = np.array([_is_missing(v) for v in array], dtype=bool)
        if none.any():
            self.missing(none)
        if all(issubclass(kind, int | np.integer) and kind is not bool for kind in kinds):
            try:
                return np.array([int(value) for value in array], dtype=np.int64)
            except OverflowError:
                self.refuse(np.array([abs(v) >= 2**63 for v in array]), "It has 63 bits at most")
        if all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds):
            return array.astype(np.float64)
        first = {kind: next(v for v in array if type(v) is kind) for kind in kinds}
        shown = ", ".join(
            sorted(f"{str(value)[:40]!r} ({kind.__name__})" for kind, value in first.items())
        )
        raise LearnOrderError(
            f"import: {self.what} in {self.where} has the types {shown}. A column has one, whole "
            "numbers, numbers or texts. Convert it."
        )

    def words(self) -> tuple[NDArray[np.int64], Column]:
        """Places into the words that occur, and these; of values that are `Words`.

        Raises
        ------
        LearnOrderError
            A row has none.
        """
        codes = self.values.codes
        if (codes < 0).any():
            self.missing(codes < 0)
        used = np.flatnonzero(np.bincount(codes, minlength=len(self.values.words)))
        places = np.empty(len(self.values.words), dtype=np.int64)
        places[used] = np.arange(len(used))
        return places[codes], replace(self, values=self.values.words[used], rows=None)

    def distinct(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Positions into the different values, and these, in the order of first appearance."""
        import pandas as pd

        if isinstance(self.values, Words):
            places, words = self.words()
            return places, words.plain()
        plain = self.plain()
        try:
            codes, values = pd.factorize(plain)
        except UnicodeEncodeError:
            self.not_unicode(plain)
        return codes.astype(np.int64, copy=False), np.asarray(values)

    def whole(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """As `distinct`, the values whole numbers from 0 up.

        Raises
        ------
        LearnOrderError
            One is not.
        """
        codes, values = self.distinct()
        if values.dtype.kind == "O":
            bad = np.array([WHOLE.fullmatch(text) is None for text in values], dtype=bool)
        else:
            bad = values < 0 if values.dtype.kind == "i" else np.ones(len(values), dtype=bool)
        if bad.any():
            self.refuse(bad[codes], "It is a whole number from 0 up")
        return codes, values.astype(np.int64)

    def numbers(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """As `distinct`, the values numbers.

        Raises
        ------
        LearnOrderError
            One is not.
        """
        codes, values = self.distinct()
        if values.dtype.kind != "O":
            return codes, values.astype(np.float64)
        numbers = np.array([number_of(text) for text in values], dtype=np.float64)
        if np.isnan(numbers).any():
            self.refuse(np.isnan(numbers)[codes], "It is a number")
        return codes, numbers

    def refuse(self, bad: Mask, rule: str) -> NoReturn:
        """Refuse the first value that is bad."""
        at = int(np.argmax(bad))
        value = self.values[at]
        shown = value.item() if isinstance(value, np.generic) else value
        raise LearnOrderError(
            f"import: {self.what} is {_written(shown)} in row {self.row(at):,} of "
            f"{self.where}. {rule}. Correct it."
        )

    def not_unicode(self, texts: NDArray[Any]) -> NoReturn:
        """Refuse a text with half a character in it."""
        bad = [any("\ud800" <= letter <= "\udfff" for letter in text) for text in texts]
        self.refuse(np.array(bad), "Texts are what UTF-8 can write")

    def missing(self, bad: Mask) -> NoReturn:
        """Refuse rows without a value."""
        raise LearnOrderError(
            f"import: {self.what} is missing (NaN or null) in row "
            f"{self.row(int(np.argmax(bad))):,} of {self.where}, the first of "
            f"{int(bad.sum()):,}. Every row has every value. Fill them, or drop the rows."
        )


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN of any type, or NA of pandas, whose comparison says neither."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True


def _written(value: Any) -> str:
    """Value as a terminal can show it."""
    text = repr(str(value)[:80])
    return text if text.isprintable() else ascii(text)
