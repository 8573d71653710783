"""Rows of a claim's figure and page: which are shown, and what they are called."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from matplotlib.font_manager import findfont, get_font
from matplotlib.textpath import TextPath

Row = Mapping[str, Any]
"""A finding, as a result file has it."""

MOST_ROWS = 60
"""In a figure. What holds is left out first, and named by the page's table all the same."""


TITLES: Mapping[str, str] = {
    "order": "reliability of one replicate's order, within class",
    "corrected": "corrected correlation within class, matched by accuracy",
    "kappa": "kappa of correctness within class, each replicate halfway",
    "fleiss kappa halfway": "Fleiss' kappa of correctness, each replicate halfway",
    "containment": "containment of the weaker in the stronger, halfway",
    "learned gain": "late gain of the stronger, beyond one more of the weaker",
    "accuracy gain": "difference in accuracy at the end",
    "accuracy": "accuracy that every replicate has at the end",
    "agreement": "mean agreement, after the last epoch",
    "order of types": "reliability of one replicate's order of types of examples",
    "order and accuracy": "partial rank correlation of shared order and test accuracy",
    "kappa and accuracy": "partial rank correlation of kappa and test accuracy",
    "conger kappa": "Conger's kappa of predictions, after the last epoch",
    "fleiss kappa": "Fleiss' kappa of predictions, after the last epoch",
}
"""What a measure is called above its panel."""


def one_line(text: str) -> str:
    r"""Return text in one line, with control characters written out.

    Examples
    --------
    >>> one_line("a\n b\x1b[31m")
    'a b\\x1b[31m'
    """
    line = " ".join(text.split())
    return "".join(c if unicodedata.category(c)[0] != "C" else ascii(c)[1:-1] for c in line)


def names_of(rows: Sequence[Row]) -> list[str]:
    """Name each row within its study: collections without their dataset, where that is enough."""
    short = [_named(row, short=True) for row in rows]
    taken = Counter((row["study"], name) for row, name in zip(rows, short, strict=True))
    return [
        name if taken[row["study"], name] == 1 else _named(row, short=False)
        for row, name in zip(rows, short, strict=True)
    ]


def _named(row: Row, *, short: bool) -> str:
    names = row["subject"].split(" and ")
    if short:
        names = [name.rpartition("/")[2] or name for name in names]
    return one_line(f"{' and '.join(names)}, {row['split']}")


def shown(rows: Sequence[Row]) -> list[Row]:
    """Rows that a figure has room for, in their order."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    kept = sorted(range(len(rows)), key=lambda i: (rows[i]["verdict"] == "holds", i))[:MOST_ROWS]
    return [rows[i] for i in sorted(kept)]


def parts_of(rows: Sequence[Row]) -> list[str]:
    """Measures that the rule rests on, in any row."""
    return list(dict.fromkeys(part for row in rows for part in row["because"]))


def common_threshold(rows: Sequence[Row], part: str) -> float | None:
    """The threshold of a part of the rule, if it is one in all rows."""
    found = {row["measures"][part]["threshold"] for row in rows if part in row["because"]} - {None}
    return float(found.pop()) if len(found) == 1 else None


def side_of(rows: Sequence[Row], part: str) -> str:
    """What the rule asks of a part: to lie above its threshold, or below; older files do not say.

    Examples
    --------
    >>> rows = [{"because": {"kappa": "holds"}, "measures": {"kappa": {"side": "below"}}}]
    >>> side_of(rows, "kappa")
    'asked: below'
    """
    found = {row["measures"][part].get("side") for row in rows if part in row["because"]} - {None}
    return f"asked: {found.pop()}" if len(found) == 1 else "threshold"


def title_of(part: str) -> str:
    """What a measure is."""
    return TITLES.get(part, part)


def level_of(result: Mapping[str, Any]) -> str:
    """Coverage of the intervals of a result, in words.

    Examples
    --------
    >>> level_of({}), level_of({"level": 1 - 0.05 / 14})
    ('95 %', '99.6 %')
    """
    return f"{100 * result.get('level', 0.95):.3g} %"


def cut(text: str, most: int) -> str:
    """Return text that is no longer than it may be, in letters that the figure's font has.

    What differs between names often stands at their end, so the middle goes.

    Examples
    --------
    >>> cut("bag-of-embeddings, test", 16)
    'bag-of-em…, test'
    """
    known = _letters()
    line = "".join(c if ord(c) in known else "?" for c in one_line(text))
    behind = (most - 1) * 2 // 5
    return line if len(line) <= most else f"{line[: most - 1 - behind]}…{line[-behind:]}"


@lru_cache(maxsize=1024)
def width_of(text: str, size: float) -> float:
    """Width of a line in inches."""
    return float(TextPath((0, 0), text, size=size).get_extents().width) / 72 if text else 0.0


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())
