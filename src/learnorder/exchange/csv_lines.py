"""Lines of CSV that need no parser, many at once: bytes between commas become words and codes.

Almost every line of a table of predictions is such: a comma ends a cell and a line feed a row, and
quotes, if there are any, stand around cells that need none. So numpy finds all cells of millions of
bytes together. What is not that plain is left to Python's `csv`, which says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from learnorder.exchange.column import Words

LONGEST_CELL = 256
"""Bytes; cells are compared in full, and so longer ones would take long for all."""

WORD = 8
"""Bytes that are compared at once."""

ODD = re.compile(rb'["\x00\r]|\n\n')
"""Quotes that mean something, NUL (which here fills up short cells), ends of line of old, and blank
lines."""

MASKS = np.array([(1 << 8 * n) - 1 for n in range(WORD + 1)], dtype="<u8")
"""What is left of the bytes of a word that belong to a cell of 0 to 8."""


def plain(lines: bytes) -> bytes | None:
    """Whole lines as cells between commas and line feeds alone; None where they are not."""
    lines = lines.replace(b"\r\n", b"\n")
    if b'"' in lines:
        lines = _without_needless_quotes(lines)
    return None if ODD.search(lines) or lines.startswith(b"\n") else lines


def _without_needless_quotes(lines: bytes) -> bytes:
    """Drop the quotes if all stand in pairs around cells without commas and ends of lines."""
    content = np.frombuffer(b"\n" + lines, dtype=np.uint8)
    bounds = (content == ord("\n")) | (content == ord(","))
    quotes = np.flatnonzero(content == ord('"'))
    first, last = quotes[::2], quotes[1::2]
    if len(first) > len(last) or not (bounds[first - 1] & bounds[last + 1]).all():
        return lines
    n_before = np.cumsum(bounds)
    return lines.replace(b'"', b"") if (n_before[first] == n_before[last]).all() else lines


def plain_columns(lines: bytes, n_columns: int, places: Sequence[int]) -> list[Words] | None:
    """Cells of some columns of whole lines, or None where `csv` must look at them.

    Parameters
    ----------
    lines
        At least one, each with its line feed.
    n_columns
        Cells that each row must have.
    places
        The columns that are wanted.

    Returns
    -------
    For each place, what occurs and in which rows.

    Raises
    ------
    UnicodeDecodeError
        A byte is no UTF-8.
    """
    text = plain(lines)
    if text is None:
        return None
    if not text.isascii():
        text.decode()  # also of columns that nobody wants
    content = np.frombuffer(text, dtype=np.uint8)
    is_end = content == ord("\n")
    ends = np.flatnonzero(is_end | (content == ord(",")))
    n_rows = int(np.count_nonzero(is_end))
    if len(ends) != n_rows * n_columns or not is_end[ends[n_columns - 1 :: n_columns]].all():
        return None
    starts = np.concatenate([[0], ends[:-1] + 1])
    found = []
    for place in places:
        words = _words(text, starts[place::n_columns], ends[place::n_columns])
        if words is None:
            return None
        found.append(words)
    return found


def _words(lines: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Words | None:
    """Words of one column in the order of their first appearance; None if one is very long."""
    import pandas as pd

    lengths = ends - starts
    longest = int(lengths.max())
    if longest > LONGEST_CELL:
        return None
    # the eight bytes from each byte on, as one number
    padded = lines + bytes(WORD)
    words: NDArray[np.uint64] = np.ndarray(len(lines), "<u8", padded, strides=(1,))
    codes, _ = pd.factorize(words[starts] & MASKS[np.minimum(lengths, WORD)])
    for offset in range(WORD, longest, WORD):
        here = np.minimum(starts + offset, len(lines) - 1)
        part = words[here] & MASKS[np.clip(lengths - offset, 0, WORD)]
        of_part, distinct = pd.factorize(part)
        # two cells are the same if they are so up to here, and here
        codes, _ = pd.factorize(codes * len(distinct) + of_part)
    first = np.empty(int(codes.max()) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    cells = [
        lines[start:end].decode()
        for start, end in zip(starts[first].tolist(), ends[first].tolist(), strict=True)
    ]
    return Words(codes.astype(np.int64, copy=False), np.array([*cells, None], dtype=object)[:-1])
