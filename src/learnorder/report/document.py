"""The page as a whole, cut to its size: what does not fit is left out, and the page says what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from markupsafe import Markup

from learnorder.errors import LearnOrderError
from learnorder.report.examples import Selectable, as_script, selectable
from learnorder.report.gallery import Gallery, gallery_of
from learnorder.report.measured import Measured
from learnorder.report.page import fill_page
from learnorder.report.section import Part, Picture, Section, Table
from learnorder.report.sections.answer import Answer
from learnorder.report.sections.provenance import Provenance
from learnorder.report.sections.references import references_of
from learnorder.report.sheets import Sheets

DEFAULT_MOST_BYTES = 5_000_000
"""A mail takes it, and a phone opens it."""

STATIC_SHARE = 0.7
"""Of the page, for figures and galleries; the rest is for selecting among all examples."""

CARDS = (12, 6, 3, 2, 1)
"""Cards for each question, fewer and fewer until they fit."""

MOST_CARDS = 320
"""Cards on a page that many collections share, about: more are not looked at."""

NAMING = 4096
"""Bytes kept free to name what does not fit."""

QUESTIONS = 8
"""Rows of a gallery, about, with those of the classes."""


@dataclass(frozen=True)
class Content:
    """Everything the page says, but for single examples.

    Attributes
    ----------
    names
        Of the collections.
    answers, notes, table, left_out
        What it begins with.
    sections
        In order.
    provenance
        Of each collection.
    """

    names: tuple[str, ...]
    answers: Sequence[Answer]
    notes: Sequence[str]
    table: Table | None
    left_out: Mapping[str, str]
    sections: Sequence[Section]
    provenance: Sequence[Provenance]

    def pictures(self) -> Iterator[Picture]:
        """Every figure."""
        for section in self.sections:
            yield from section.pictures()


def fit(content: Content, found: Sequence[Measured], most_bytes: int) -> str:
    """The page in at most ``most_bytes``; ``found`` are the splits whose examples it shows.

    Raises
    ------
    LearnOrderError
        Not even the text fits.
    """
    n_static = int(most_bytes * (STATIC_SHARE if found else 1.0))
    content, notes = _fit_pictures(content, n_static)
    galleries, sheets, most = _fit_galleries(content, found, n_static)
    values = _values(content, galleries, sheets, most, notes)
    if found:
        empty = fill_page(_with_selectable(values, Selectable({"splits": []}, (), ())))
        room = most_bytes - len(empty.encode()) - NAMING
        page = fill_page(_with_selectable(values, selectable(found, sheets, room)))
        if len(page.encode()) > most_bytes:
            page = fill_page({**values, "left_out": [*notes, "selecting among all examples"]})
    else:
        page = fill_page(values)
    if len(page.encode()) > most_bytes:
        raise LearnOrderError(
            f"render_report: not even its text fits into {most_bytes:,} bytes "
            f"({len(page.encode()):,}). Allow more, or report on fewer logs at once."
        )
    return page


def _fit_pictures(content: Content, n_bytes: int) -> tuple[Content, list[str]]:
    """Content with as many figures as fit, the first of every section before the second ones."""
    kept: set[int] = set()  # names of files may be equal: some letters cannot stand in them
    room = n_bytes - len(fill_page(_values(_keeping(content, kept), (), Sheets(), 0, [])).encode())
    queues = [list(section.pictures()) for section in content.sections]
    left = []
    for layer in range(max(map(len, queues), default=0)):
        for queue in queues:
            if layer < len(queue):
                if queue[layer].n_bytes <= room:
                    room -= queue[layer].n_bytes
                    kept.add(id(queue[layer]))
                else:
                    left.append(queue[layer].title)
    if not left:
        return content, []
    named = f"{len(left)} figures, to keep this page small; all of them can be written as files"
    return _keeping(content, kept), [named]


def _keeping(content: Content, kept: set[int]) -> Content:
    """The content with these figures alone."""

    def part_of(part: Part) -> Part:
        return replace(part, pictures=[p for p in part.pictures if id(p) in kept])

    sections = [
        replace(section, parts=[part_of(part) for part in section.parts])
        for section in content.sections
    ]
    return replace(content, sections=sections)


def _fit_galleries(
    content: Content, found: Sequence[Measured], n_bytes: int
) -> tuple[list[Gallery], Sheets, int]:
    """Galleries with as many cards for each question as fit; the last try is the smallest."""
    galleries: list[Gallery] = []
    sheets, most = Sheets(), 0
    enough = MOST_CARDS // (QUESTIONS * max(len(found), 1))
    for most in [n for n in CARDS if n <= max(enough, 1)] if found else ():
        sheets = Sheets()
        galleries = [gallery_of(m, sheets, most) for m in found]
        page = fill_page(_values(content, galleries, sheets, most, []))
        if len(page.encode()) <= n_bytes:
            break
    return galleries, sheets, most


def _values(
    content: Content,
    galleries: Sequence[Gallery],
    sheets: Sheets,
    most: int,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Everything the template names."""
    anchors = [section.anchor for section in content.sections]
    anchors += ["examples"] if galleries else []
    return {
        "title": "Learning order: " + ", ".join(content.names),
        "software": version("learnorder"),
        "content": content,
        "galleries": galleries,
        "sheets": list(sheets),
        "most": most,
        "references": references_of(anchors, labelled=content.table is not None),
        "labelled": content.table is not None,
        "left_out": list(notes),
        "payload": None,
    }


def _with_selectable(values: dict[str, Any], chosen: Selectable) -> dict[str, Any]:
    return {
        **values,
        "sheets": [*values["sheets"], *chosen.sheets],
        "left_out": [*values["left_out"], *chosen.left_out],
        "payload": Markup(as_script(chosen.payload)),
    }
