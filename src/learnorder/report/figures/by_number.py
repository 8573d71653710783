"""Reliability of the order by number of replicates, and what is aimed at."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from learnorder.report.figures.by_epoch import Curve, draw_line
from learnorder.report.figures.drawing import INK, column_axes, drawn, legend_above
from learnorder.schema import Scores


@drawn
def by_number_figure(n: Scores, curves: list[Curve], n_now: int, target: float) -> Figure:
    """Reliability by number of replicates; a mark at the number there are, a line at the target."""
    figure, axes = column_axes()
    for i, curve in enumerate(curves):
        draw_line(axes, n, curve, i)
    axes.axhline(target, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), label=f"{target:g}")
    axes.axvline(n_now, color=INK, linewidth=0.7, alpha=0.5, label=f"now: {n_now}")
    low = min([0.0, *(float(c.low.min()) for c in curves if c.low is not None)])
    axes.set_ylim(max(low, -0.25), 1.02)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axes.set_xlabel("replicates")
    axes.set_ylabel("reliability of the order")
    legend_above(axes)
    return figure
