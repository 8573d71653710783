"""What the weaker knows and the stronger knows too, along training at matched accuracy."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from learnorder.report.figures.by_epoch import Curve, draw_line
from learnorder.report.figures.drawing import (
    PERCENT_LEFT,
    column_axes,
    drawn,
    legend_above,
    percent_axis,
)
from learnorder.schema import Scores


@drawn
def containment_figure(level: Scores, curves: list[Curve]) -> Figure:
    """Shares by level of accuracy; the level is what both collections have reached there."""
    figure, axes = column_axes(left=PERCENT_LEFT)
    for i, curve in enumerate(curves):
        draw_line(axes, level, curve, i)
    low, _ = axes.get_ylim()
    axes.set_ylim(max(low, 0.0), 1.0 + 0.02 * (1.0 - max(low, 0.0)))
    axes.set_xlabel("accuracy of both")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    axes.set_ylabel("of what the weaker knows")
    legend_above(axes)
    return figure
