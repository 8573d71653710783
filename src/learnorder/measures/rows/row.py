"""What the catalogue says of each measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal[
    "higher is easier", "lower is easier", "higher is more alike", "lower is more alike", "none"
]


@dataclass(frozen=True)
class Measure:
    """One row of the catalogue.

    Attributes
    ----------
    name
        What it is called everywhere.
    summary
        The quantity, in one line.
    function
        Takes one split of a log.
    dims
        Dims of what the function returns; empty: one value (with its interval).
    range
        Lowest and highest value in words.
    direction
        What a higher value means.
    degenerate
        When it is undefined, or says nothing.
    source
        Keys of docs/references.bib.
    needs
        What the split must hold beside predictions.
    """

    name: str
    summary: str
    function: Callable[..., Any]
    dims: tuple[str, ...]
    range: str
    direction: Direction
    degenerate: str
    source: tuple[str, ...]
    needs: tuple[str, ...]
