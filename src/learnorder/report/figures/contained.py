"""What the weaker knows and the stronger knows too, along training at matched accuracy."""

from __future__ import annotations

from matplotlib.figure import Figure

from learnorder.report.figures.by_epoch import Curve, draw_line
from learnorder.report.figures.drawing import column_axes, drawn, legend_above, percent_axis
from learnorder.schema import Scores


@drawn
def containment_figure(level: Scores, curves: list[Curve]) -> Figure:
    """Shares by level of accuracy; the level is what both collections have reached there."""
    figure, axes = column_axes()
    for i, curve in enumerate(curves):
        draw_line(axes, level, curve, i)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("accuracy of both")
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
    percent_axis(axes)
    axes.set_ylabel("of what the weaker knows")
    legend_above(axes)
    return figure
