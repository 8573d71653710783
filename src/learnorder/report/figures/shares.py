"""Shares with their intervals, one below the other, overall and within class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from learnorder.report.figures.drawing import BLUE, INK, ORANGE, column_axes, drawn, legend_above

ROW = 0.24
"""Inches between names."""

Found = tuple[float | None, Sequence[float] | None]
"""A share and its interval, each None where undefined."""


@dataclass(frozen=True)
class Row:
    """One name with its share overall, and within class where there is one."""

    name: str
    overall: Found
    within: Found | None = None


@drawn
def shares_figure(rows: Sequence[Row], label: str) -> Figure:
    """Dots with 95 % intervals; 0 and 1 are always in sight."""
    left = 0.1 + 0.062 * max(len(row.name) for row in rows)
    figure, axes = column_axes(0.65 + ROW * len(rows), left)
    for found, offset, colour, marker, name in (
        ([row.overall for row in rows], -0.13, BLUE, "o", "overall"),
        ([row.within for row in rows], 0.13, ORANGE, "s", "within class"),
    ):
        shown = [
            (i + offset, f[0], f[1])
            for i, f in enumerate(found)
            if f is not None and f[0] is not None
        ]
        if not shown:
            continue
        places, shares, _ = zip(*shown, strict=True)
        axes.plot(shares, places, marker, color=colour, markersize=3, label=name)
        for place, _, ci in shown:
            if ci is not None:
                axes.plot(ci, (place, place), color=colour, linewidth=1)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -0.03), max(high, 1.03))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(np.arange(len(rows)), [row.name for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.axvline(0.0, color=INK, linewidth=0.5, alpha=0.5)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=INK, alpha=0.12, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(label)
    legend_above(axes)
    return figure
