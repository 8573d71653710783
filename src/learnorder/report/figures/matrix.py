"""Collections against each other: a square of correlations, each written in its cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from learnorder.report.figures.drawing import BLUE, COLUMN, FONT, INK, ORANGE, TWO_COLUMNS, drawn
from learnorder.report.tables import number
from learnorder.schema import Scores

ONE_COLUMN = 5
"""Collections up to which the square fits a column."""


@drawn
def matrix_figure(values: Scores, names: Sequence[str]) -> Figure:
    """A square of correlations: above its diagonal overall, below it within class.

    ``values`` is ``(collection, collection)``, NaN where undefined and on the diagonal. Blue is
    positive, orange negative; the stronger the shade, the closer to 1 or -1, and beyond.
    """
    n = len(names)
    width = COLUMN if n <= ONE_COLUMN else TWO_COLUMNS
    left = 0.12 + 0.062 * max(len(name) for name in names)
    cell = (width - left - 0.1) / n
    tall = min(cell, 0.42)
    height = 0.42 + tall * n + 0.08
    figure = Figure(figsize=(width, height))
    box = (left / width, 0.08 / height, (width - left - 0.1) / width, tall * n / height)
    axes = figure.add_axes(box, xlim=(0, n), ylim=(n, 0))
    digits = 2 if cell < 0.5 else 3
    for row, column in np.ndindex(n, n):
        value = float(values[row, column])
        known = bool(np.isfinite(value))
        if row != column:
            shade = 0.85 * min(abs(value), 1.0) if known else 0.0
            colour = BLUE if not known or value >= 0 else ORANGE
            axes.add_patch(
                Rectangle((column, row), 1, 1, facecolor=colour, alpha=shade, edgecolor="none")
            )
            text = number(value, digits) if known else "–"
            axes.text(column + 0.5, row + 0.52, text, ha="center", va="center", fontsize=FONT - 0.5)
    axes.plot((0, n), (0, n), color=INK, linewidth=0.5, alpha=0.6)
    ticks = np.arange(n) + 0.5
    axes.set_yticks(ticks, names)
    axes.set_xticks(ticks, names if n <= ONE_COLUMN else [str(i + 1) for i in range(n)])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if n <= ONE_COLUMN:
        axes.set_xticks(ticks, [name[: max(4, int(cell / 0.062))] for name in names])
    return figure
