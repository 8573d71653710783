"""Files with a JSON object in each line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from learnorder.errors import LearnOrderError
from learnorder.exchange.safe import memory_limit


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers, from 1, and objects.

    Raises
    ------
    LearnOrderError
        A line is no JSON object, has a key twice, or is longer than the memory allows.
    """
    # a line may hold the answers of one network to all examples
    most = memory_limit() // 16
    with path.open("rb") as file:
        number = 0
        while line := file.readline(most + 1):
            number += 1
            if len(line) > most:
                _refuse(path, number, f"over {most:,} bytes")
            if line.strip():
                yield number, parse(line, path, number)


def parse(line: bytes, path: Path, number: int) -> dict[str, Any]:
    """Object of a line.

    Raises
    ------
    LearnOrderError
        It is none.
    """
    try:
        found = json.loads(line.decode(), object_pairs_hook=_object)
        if not isinstance(found, dict):
            raise TypeError(f"it is of type {type(found).__name__}")
    except (ValueError, TypeError, RecursionError) as error:
        _refuse(path, number, " ".join(str(error).split())[:120])
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        raise ValueError(f"the key {repeated!r} occurs twice")
    return found


def _refuse(path: Path, number: int, reason: str) -> NoReturn:
    raise LearnOrderError(
        f"import: line {number:,} of {path} is no JSON object ({reason}). Each line is one. Check "
        "the file; it may have been cut off."
    )
