"""How a share of votes is distributed over the examples, through training, beside its nulls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from learnorder.report.figures.drawing import (
    BLUE,
    COLOURS,
    COLUMN,
    DASHES,
    FONT,
    TWO_COLUMNS,
    drawn,
    guides,
    percent_axis,
)
from learnorder.report.lattice import bin_centres, merge_width, merged
from learnorder.schema import Scores

NULLS = ("null: all equally hard", "null: only classes differ")
"""Names of the two nulls; colour and dash are the same wherever they are drawn."""


@dataclass(frozen=True)
class Panel:
    """Distribution of a score at one epoch, and what independence would give.

    Attributes
    ----------
    title
        What stands above it.
    counts
        ``(R + 1,)`` number of examples at each share of votes.
    equal_difficulty, class_conditional
        ``(R + 1,)`` expected numbers, or None where there is no null.
    """

    title: str
    counts: NDArray[np.int64]
    equal_difficulty: Scores | None = None
    class_conditional: Scores | None = None


@drawn
def distribution_figure(panels: Sequence[Panel], score: str, columns: int) -> Figure:
    """Distribution of a share of votes through training, one panel for each epoch."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = _panel_grid(rows, columns)
    for i, axes in enumerate(grid):
        if i < len(panels):
            _panel(axes, panels[i], "observed")
        else:
            axes.set_axis_off()
        if i % columns == 0:
            axes.set_ylabel("share of examples")
    figure.supxlabel(score, fontsize=FONT, y=0.01, va="bottom")
    handles, names = grid[0].get_legend_handles_labels()
    in_line = 3 if columns > 2 else 1
    figure.legend(
        handles, names, loc="upper left", bbox_to_anchor=(0, 1), ncols=in_line, borderpad=0.2
    )
    return figure


def _panel_grid(rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Figure and axes placed by hand: a solver would draw everything twice to find the same."""
    left, right, bottom, gap_x, gap_y = 0.5, 0.08, 0.36, 0.4, 0.4
    width, each_y, top = (TWO_COLUMNS, 0.95, 0.42) if columns > 2 else (COLUMN, 0.95, 0.72)
    each_x = (width - left - right - (columns - 1) * gap_x) / columns
    height = top + bottom + rows * each_y + (rows - 1) * gap_y
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=bottom / height,
        top=1 - top / height,
        wspace=gap_x / each_x,
        hspace=gap_y / each_y,
    )
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _panel(axes: Axes, panel: Panel, label: str) -> None:
    """Bars of the observed shares, lines of the nulls."""
    n_votes, n = len(panel.counts) - 1, int(panel.counts.sum())
    width = merge_width(n_votes)
    centres = bin_centres(n_votes, width)
    bar = 0.92 * width / n_votes
    axes.add_collection(_bars(centres, merged(panel.counts, width) / n, bar, label))
    for i, null in enumerate((panel.equal_difficulty, panel.class_conditional), start=1):
        if null is not None:
            axes.plot(
                centres,
                merged(null, width) / n,
                color=COLOURS[i],
                linestyle=DASHES[i],
                label=NULLS[i - 1],
            )
    axes.autoscale_view()
    axes.set_title(panel.title)
    axes.set_xlim(-0.55 * max(bar, 0.06), 1 + 0.55 * max(bar, 0.06))
    axes.set_ylim(bottom=0)
    axes.set_xticks((0, 0.5, 1), ("0", "½", "1"))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    percent_axis(axes.yaxis)
    guides(axes)


def _bars(centres: Scores, heights: Scores, width: float, label: str) -> PolyCollection:
    """Bars that stand on 0, drawn at once: as single ones they would take most of the time."""
    left, right, foot = centres - width / 2, centres + width / 2, np.zeros_like(heights)
    corners = [(left, foot), (left, heights), (right, heights), (right, foot)]
    each = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
    return PolyCollection(list(each), facecolor=BLUE, alpha=0.85, linewidth=0, label=label)
