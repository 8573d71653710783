"""What a page is made of: sections of parts, and in each part pictures, tables and notes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from learnorder.report.figures.drawing import Drawing
from learnorder.report.page import data_uri
from learnorder.report.tables import Cell
from learnorder.report.visible import visible


@dataclass(frozen=True)
class Axis:
    """One side of a figure on which examples can be selected.

    Attributes
    ----------
    column
        Name of the whole number that each example has, as in the columns of the page's examples.
    step
        How many of these numbers share a cell; the first cell begins at 0.
    n_cells
        Cells along this side.
    """

    column: str
    step: int
    n_cells: int


@dataclass(frozen=True)
class Plane:
    """Where in a picture the cells lie, and what they count.

    Attributes
    ----------
    split
        Whose examples.
    box
        Left, top, width and height of the cells, as shares of the picture.
    across, up
        The sides.
    """

    split: str
    box: tuple[float, float, float, float]
    across: Axis
    up: Axis

    def as_json(self) -> str:
        """It as the page's script reads it; names as the page shows them."""
        sides = [
            {"column": visible(axis.column), "step": axis.step, "cells": axis.n_cells}
            for axis in (self.across, self.up)
        ]
        return json.dumps({"split": visible(self.split), "box": self.box, "sides": sides})


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it, with everything that is said of it.

    Attributes
    ----------
    name
        Of its files, without ending; unique on a page.
    drawing
        The figure.
    title
        Which collection and split.
    reading
        One sentence that follows from its numbers.
    alt
        It in words, for those who do not see it.
    kind
        ``"column"``, ``"wide"`` or ``"square"``.
    narrow
        The same for a phone, where that differs.
    plane
        Where it has cells that select examples.
    """

    name: str
    drawing: Drawing
    title: str
    reading: str
    alt: str
    kind: str = "column"
    narrow: Drawing | None = None
    plane: Plane | None = None

    @cached_property
    def src(self) -> str:
        """As the page shows it: an address that needs no network."""
        return data_uri(self.drawing.svg(paths=False).encode(), "image/svg+xml")

    @cached_property
    def narrow_src(self) -> str | None:
        """As a phone shows it, where that differs."""
        if self.narrow is None:
            return None
        return data_uri(self.narrow.svg(paths=False).encode(), "image/svg+xml")

    @property
    def n_bytes(self) -> int:
        """Room it takes on the page, about."""
        return len(self.src) + len(self.narrow_src or "") + len(self.alt) + 400


@dataclass(frozen=True)
class Head:
    """Heading of a column of a table."""

    text: str
    number: bool = True


@dataclass(frozen=True)
class Line:
    """A line of a table: its name, and below it nothing else or a line of the same name."""

    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Table:
    """Numbers; folded away under ``fold`` where that is given."""

    heads: Sequence[Head]
    lines: Sequence[Line]
    fold: str = ""


@dataclass(frozen=True)
class Part:
    """What a section says of one split, or of all."""

    heading: str = ""
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """One question of the page.

    Attributes
    ----------
    anchor
        Its id.
    nav
        Its name in the list of sections.
    title
        Its heading.
    text
        How to read it, paragraph by paragraph.
    parts
        What there is to see.
    """

    anchor: str
    nav: str
    title: str
    text: Sequence[str]
    parts: Sequence[Part] = field(default=())

    def pictures(self) -> Iterator[Picture]:
        """All of them, in the order of the page."""
        for part in self.parts:
            yield from part.pictures
