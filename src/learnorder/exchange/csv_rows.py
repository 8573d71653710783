"""Rows of CSV files, plain or compressed with gzip."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from learnorder.errors import LearnOrderError, count_of
from learnorder.exchange.column import Words
from learnorder.exchange.csv_lines import plain, plain_columns
from learnorder.exchange.safe import MOST_LINE
from learnorder.exchange.tables import Table

GZIP = b"\x1f\x8b"
ROWS = 1 << 17
"""Rows that are held as text at once."""

BLOCK, LARGEST_BLOCK = 1 << 22, 1 << 25
"""Bytes of plain lines that are taken apart at once."""

ROWS_OF_MANY = 1 << 15
"""Rows of a table of many columns, if a cell and its comma take a byte each, that are at once."""


def csv_table(path: Path) -> Table:
    """Open a CSV file in UTF-8 with a header; its rows are read later.

    Raises
    ------
    LearnOrderError
        It has no header, or one of a single column, or is no text.
    """
    header = read_header(path)
    _refuse_one_column(header, path)
    return Table(str(path), header, lambda names: _batches(path, names), typed=False)


def refuse_unreadable(path: Path, most: int) -> None:
    """Say why a file that is named as CSV is none, if its first ``most`` bytes show it.

    Raises
    ------
    LearnOrderError
        It was cut off, is no text in UTF-8, or its cells are not separated by commas.
    """
    try:
        with _open(path) as file:
            start = file.read(most)
    except (OSError, EOFError, zlib.error) as error:
        _refuse(path, error)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _refuse(path, "it is UTF-16")
    if (place := start.find(b"\0")) >= 0:
        _refuse(path, f"byte {place + 1:,} is NUL, which is in no text")
    try:
        # a character may go on beyond what is looked at
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError as error:
        _refuse(path, f"byte {error.start + 1:,} is {start[error.start]:#04x}, which is no UTF-8")
    _refuse_one_column(read_header(path), path)


def read_header(path: Path) -> list[str]:
    """Names of the columns.

    Raises
    ------
    LearnOrderError
        There is none.
    """
    try:
        with _open(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            header = next(csv.reader(text, strict=True), [])
    except (csv.Error, UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
        _refuse(path, error)
    if not header:
        raise LearnOrderError(
            f"import: {path} is empty. A table has a header and rows. Check the file."
        )
    if any("\0" in name for name in header):
        raise LearnOrderError(
            f"import: {path} is no text. A CSV file is text in UTF-8. Check the file, or name its "
            "format."
        )
    return header


def _batches(path: Path, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    header = read_header(path)
    place_of = {name: place for place, name in enumerate(header)}
    places = [place_of[name] for name in names]
    done, odd = 0, None
    try:
        with io.BufferedReader(_open(path)) as file:
            if plain(file.readline()) is not None:
                for lines, begun in _whole_lines(file, len(header)):
                    columns = plain_columns(lines, len(header), places)
                    if columns is None:
                        # whole lines are handed over
                        odd = lines + begun + (file.readline() if begun else b"")
                        break
                    yield dict(zip(names, columns, strict=True))
                    done += len(columns[0])
                else:
                    return
            rows = _parsed(path, file, odd)
            while batch := list(islice(rows, ROWS)):
                _refuse_ragged(batch, header, done, path)
                cells = list(zip(*batch, strict=True))
                yield {n: _words(cells[place]) for n, place in zip(names, places, strict=True)}
                done += len(batch)
    except (csv.Error, UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
        _refuse(path, error)


def _whole_lines(file: IO[bytes], n_columns: int) -> Iterator[tuple[bytes, bytes]]:
    """Many lines at once, the last with an end if it has none, and what is read of the next."""
    at_once = min(max(BLOCK, ROWS_OF_MANY * n_columns), LARGEST_BLOCK)
    begun = b""
    while block := file.read(at_once):
        begun += block
        end = begun.rfind(b"\n") + 1
        if end:
            lines, begun = begun[:end], begun[end:]
            yield lines, begun
    if begun:
        yield begun + b"\n", b""


def _parsed(path: Path, file: IO[bytes], odd: bytes | None) -> Iterator[list[str]]:
    """Rows as `csv` reads them: from these lines on, or all below the header."""
    if odd is None:
        file.close()
        texts: list[IO[str]] = [io.TextIOWrapper(_open(path), "utf-8-sig", newline="")]
    else:
        parts: list[IO[bytes]] = [io.BytesIO(odd), file]
        texts = [io.TextIOWrapper(part, "utf-8", newline="") for part in parts]
    with ExitStack() as stack:
        reader = csv.reader(chain.from_iterable(map(stack.enter_context, texts)), strict=True)
        if odd is None:
            next(reader)
        yield from filter(None, reader)


def _words(cells: Sequence[str]) -> Words:
    """Cells as what occurs among them, which is much less than there are."""
    import pandas as pd

    codes, words = pd.factorize(np.array([*cells, None], dtype=object)[:-1])
    return Words(codes.astype(np.int64, copy=False), words)


def _refuse_one_column(header: list[str], path: Path) -> None:
    """Refuse a header of one cell: no table has fewer columns than an id and a prediction."""
    if len(header) == 1:
        others = {"semicolons": ";", "tabs": "\t"}
        between = next((f", with {name} in it" for name, c in others.items() if c in header[0]), "")
        _refuse(path, f"its header is one cell, {header[0][:60]!r}{between}")


def _refuse_ragged(rows: list[list[str]], header: list[str], done: int, path: Path) -> None:
    """Refuse rows with more or fewer cells than the header."""
    if set(map(len, rows)) != {len(header)}:
        at = next(i for i, row in enumerate(rows) if len(row) != len(header))
        raise LearnOrderError(
            f"import: row {done + at + 1:,} of {path} has {count_of(len(rows[at]), 'cell')}, the "
            f"header has {len(header)}. All rows have as many. Correct it; the file may have been "
            "cut off."
        )


def _open(path: Path) -> Any:
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP
    # closed by whoever reads them
    return _Lines(gzip.open(path, "rb") if compressed else path.open("rb"), path)


class _Lines(io.RawIOBase):
    """A stream of text that refuses a line which could fill the memory."""

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream, self._path, self._since_end = stream, path, 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        content = self._stream.read(len(into))
        end = content.rfind(b"\n")
        self._since_end = len(content) - end if end >= 0 else self._since_end + len(content)
        if self._since_end > MOST_LINE:
            raise LearnOrderError(
                f"import: {self._path} has a line of over {MOST_LINE:,} bytes. That is no row of a "
                "table. Check the file."
            )
        into[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _refuse(path: Path, error: Exception | str) -> NoReturn:
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        # its position is within what was decoded at once
        reason = f"byte {error.object[error.start]:#04x} is no UTF-8"
    raise LearnOrderError(
        f"import: {path} cannot be read as CSV ({reason}). It is text in UTF-8, its cells "
        'separated by commas and quoted with ", or that compressed with gzip. Save it again.'
    ) from (error if isinstance(error, Exception) else None)
