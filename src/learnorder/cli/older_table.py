"""Which file a table may replace: one that was written with the same columns, and no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import IO

from learnorder.errors import LearnOrderError

LONGEST_HEAD = 1 << 20
"""Bytes in which the names of the columns are looked for."""


def refuse_other_file(path: Path, content: memoryview) -> None:
    """Refuse to put a table in the place of a file that is none with its columns.

    An empty file has nothing to lose, and is replaced.

    Parameters
    ----------
    path
        Where the table goes, ending in its format.
    content
        The table.

    Raises
    ------
    LearnOrderError
        There is such a file.
    """
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        older = _columns(path.suffix.lower(), file)
    if older is None or older != _columns(path.suffix.lower(), BytesIO(content)):
        listed = f"a table of {', '.join(map(str, older))}" if older else "no table"
        raise LearnOrderError(
            f"output: {path} is there and is {f'{listed:.200}'}, not the table to be written. Only "
            "an older table with the same columns is replaced. Give another name, or remove it."
        )


def _columns(suffix: str, file: IO[bytes]) -> list[str] | None:
    """Names of the columns of a table as `learnorder.cli.output` writes it; None of other files."""
    try:
        if suffix == ".parquet":
            return _of_parquet(file)
        line = file.readline(LONGEST_HEAD)
        if suffix == ".csv":
            return next(csv.reader([line.decode()], strict=True), None)
        if suffix == ".json":
            # a line with the bracket, then one for each row
            if line != b"[\n":
                return None
            line = file.readline(LONGEST_HEAD).rstrip().removesuffix(b",")
        row = json.loads(line)
    except (ValueError, csv.Error, RecursionError):
        return None
    return list(row) if isinstance(row, dict) else None


def _of_parquet(file: IO[bytes]) -> list[str] | None:
    from pyarrow import ArrowException
    from pyarrow.parquet import read_schema

    try:
        names: Sequence[str] = read_schema(file).names
    except (ArrowException, OSError):
        return None
    return list(names)
