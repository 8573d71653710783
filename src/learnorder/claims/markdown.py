"""Text of result files as Markdown: whatever it holds, it is text on the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from learnorder.report.claim.rows import one_line

SPECIAL = re.compile(r"[\\`*_\[\]{}|~$#]")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def text(raw: str) -> str:
    r"""Escape a text from a file: no mark-up, no link, no line of its own.

    Examples
    --------
    >>> text("<b> a|b `c`\n[d](http://e)")
    '&lt;b&gt; a\\|b \\`c\\` \\[d\\](http\\://e)'
    """
    escaped = SPECIAL.sub(r"\\\g<0>", one_line(raw))
    for letter, entity in ENTITIES.items():
        escaped = escaped.replace(letter, entity)
    # renderers make links of bare addresses
    return re.sub(r"(?i)www\.", r"www\.", escaped.replace("://", r"\://"))


def code(raw: str) -> str:
    """A name in a file as code; one that cannot stand there as text."""
    line = one_line(raw)
    return text(line) if re.search(r"[`|<>&]", line) else f"`{line}`"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table of cells that are Markdown already, and an empty one behind."""
    lines = [_line(head), _line(["---"] * len(head)), *map(_line, rows)]
    return [*lines, ""]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
