"""How values read, and objects show themselves in a notebook: a small table, all of it escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

MOST_ROWS = 20
"""Rows that a notebook shows; the object itself has all."""


def as_text(value: object) -> str:
    """A value for reading: three decimals if any, no negative zero, pairs as an interval.

    Examples
    --------
    >>> as_text(0.98765), as_text((-0.0002, 1.0)), as_text(None), as_text(3)
    ('0.988', '0.000 to 1', 'undefined', '3')
    """
    if value is None:
        return "undefined"
    if isinstance(value, float):
        return f"{value:zg}" if value.is_integer() else f"{value:z.3f}"
    if isinstance(value, list | tuple):
        return " to ".join(map(as_text, value))
    return str(value)


def as_html(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A title above a table; of many rows the first ones, and how many more there are.

    Examples
    --------
    >>> as_html("<b>", ["a"], [[1]])
    '<p><b>&lt;b&gt;</b></p><table><tr><th>a</th></tr><tr><td>1</td></tr></table>'
    """
    rows = list(rows)

    def line(cells: Iterable[object], tag: str) -> str:
        inner = "".join(f"<{tag}>{escape(as_text(cell))}</{tag}>" for cell in cells)
        return f"<tr>{inner}</tr>"

    body = "".join(line(row, "td") for row in rows[:MOST_ROWS])
    more = f"<p>and {len(rows) - MOST_ROWS:,} more</p>" if len(rows) > MOST_ROWS else ""
    head = line(heads, "th") if heads else ""
    return f"<p><b>{escape(title)}</b></p><table>{head}{body}</table>{more}"
