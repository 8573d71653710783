"""Columns of a ranking as rows: of JSON, with reasons for what is undefined, and of flat tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.measures.split import UNDEFINED
from learnorder.measures.values import flat_row

BLOCK: Final = 4096
"""Rows that are made at once."""


@dataclass(frozen=True)
class Column:
    """One column, in the order of its rows.

    Attributes
    ----------
    values
        ``(row,)``, or ``(row, bound)`` for an interval.
    undefined
        ``(row,)``, where there is no value; None: there is one everywhere.
    reason
        Why there is none there.
    names
        What the values, whole numbers, stand for; None: themselves.
    """

    values: NDArray[Any]
    undefined: NDArray[np.bool_] | None = None
    reason: str = ""
    names: tuple[str, ...] | None = field(default=None, repr=False)

    def taken(self, positions: NDArray[np.int64]) -> Column:
        """The same of some rows."""
        undefined = None if self.undefined is None else self.undefined[positions]
        return Column(self.values[positions], undefined, self.reason, self.names)

    def plain(self) -> list[Any]:
        """Plain values; None where undefined."""
        values: list[Any] = self.values.tolist()
        if self.names is not None:
            values = [self.names[i] if i >= 0 else None for i in values]
        if self.undefined is not None and self.undefined.any():
            pairs = zip(values, self.undefined.tolist(), strict=True)
            values = [None if missing else value for value, missing in pairs]
        return values


@dataclass(frozen=True)
class Table:
    """Some examples in an order, and the columns that are shown of them.

    Attributes
    ----------
    columns
        Of all examples, by name.
    positions
        ``(row,)``, which examples, in the order of the rows.
    """

    columns: Mapping[str, Column]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.positions)

    def with_column(self, name: str, values: NDArray[Any]) -> Table:
        """The same with one more column, ``(example,)``."""
        return Table({**self.columns, name: Column(values)}, self.positions)

    def only(self, wanted: NDArray[np.bool_]) -> Table:
        """The rows of the examples that are wanted, ``(example,)``."""
        return Table(self.columns, self.positions[wanted[self.positions]])

    def first(self, most: int) -> Table:
        """The first rows."""
        return Table(self.columns, self.positions[:most])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows made block by block; ``rank`` counts them from 1."""
        for start in range(0, len(self.positions), BLOCK):
            here = self.positions[start : start + BLOCK]
            taken = {name: column.taken(here) for name, column in self.columns.items()}
            reasons = _reasons(taken, len(here))
            plain = (column.plain() for column in taken.values())
            for i, values in enumerate(zip(*plain, strict=True)):
                row = dict(zip(taken, values, strict=True))
                yield {"rank": start + i + 1, **row, UNDEFINED: reasons[i]}

    def flat_rows(self) -> Iterator[dict[str, Any]]:
        """Rows of which every cell is a number, a text or None; see `flat_row`."""
        given = (c.undefined for c in self.columns.values() if c.undefined is not None)
        explained = any(bool(undefined[self.positions].any()) for undefined in given)
        return (flat_row(row, explained) for row in self.rows())


def _reasons(columns: Mapping[str, Column], n_rows: int) -> list[dict[str, str]]:
    """For each row, why what it lacks is not there."""
    reasons: list[dict[str, str]] = [{} for _ in range(n_rows)]
    for name, column in columns.items():
        missing = [] if column.undefined is None else np.flatnonzero(column.undefined).tolist()
        for i in missing:
            reasons[i][name] = column.reason
    return reasons
