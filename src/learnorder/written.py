"""Numbers, and missing values, as tables without types write them: one rule for every reader."""

from __future__ import annotations

import re
from collections.abc import Sequence

WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
"""A whole number from 0 up as a program writes it; 007 is a text, or it would be the same as 7."""

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
"""The same of either sign."""


def ids_as_written(texts: Sequence[str]) -> list[int] | list[str]:
    """Ids as numbers where every text is a number's own spelling, as they are otherwise.

    Examples
    --------
    >>> ids_as_written(["12", "-3", "0"]), ids_as_written(["12", "007"])
    ([12, -3, 0], ['12', '007'])
    """
    if all(INTEGER.fullmatch(text) for text in texts):
        return [int(text) for text in texts]
    return list(texts)


def is_missing(text: str) -> bool:
    """Whether a text is what pandas and numpy write for a value that is not there.

    An empty cell is for the reader to judge; NA and None are names of classes.

    Examples
    --------
    >>> [is_missing(text) for text in ("NaN", "<NA>", "NA", "")]
    [True, True, False, False]
    """
    return text.strip().casefold() in ("nan", "<na>")


def number_of(text: str) -> float:
    """Return the number a text spells, NaN where it spells none.

    Examples
    --------
    >>> number_of("-1e3"), number_of("1_000"), number_of("wide")
    (-1000.0, nan, nan)
    """
    try:
        # as float() reads it, but neither 1_000 nor digits of other scripts
        return float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        return float("nan")
