"""Quantities through training: accuracy with its spread, and any other lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from learnorder.report.figures.drawing import (
    COLOURS,
    DASHES,
    INK,
    PERCENT_LEFT,
    column_axes,
    drawn,
    legend_above,
    percent_axis,
)
from learnorder.schema import Scores

MOST_MARKERS = 30
"""Points of a line up to which each is marked."""

MOST_THIN_LINES = 100
"""Replicates up to which each has a line of its own."""


@dataclass(frozen=True)
class Curve:
    """One line, with an optional band; undefined values are NaN, and gaps."""

    name: str
    values: Scores
    low: Scores | None = None
    high: Scores | None = None


def epoch_axis(axes: Axes, epochs: Scores) -> None:
    """Label the horizontal axis; one epoch alone gets room on both sides."""
    axes.set_xlabel("epoch")
    whole = bool(np.all(np.asarray(epochs) % 1 == 0))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=whole))
    if len(epochs) == 1:
        axes.set_xlim(float(epochs[0]) - 1, float(epochs[0]) + 1)
    elif not np.isfinite(axes.dataLim.intervalx).all():  # nothing is drawn that would set them
        axes.set_xlim(float(epochs[0]), float(epochs[-1]))


def draw_line(axes: Axes, x: Scores, curve: Curve, i: int) -> None:
    """A curve with markers (few points) and its band, in the i-th colour and dash."""
    colour = COLOURS[i % len(COLOURS)]
    axes.plot(
        x,
        curve.values,
        color=colour,
        linestyle=DASHES[i % len(DASHES)],
        marker="o" if len(x) <= MOST_MARKERS else None,
        label=curve.name,
    )
    if curve.low is not None and curve.high is not None:
        axes.fill_between(x, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)


@drawn
def accuracy_figure(
    splits: Mapping[str, tuple[Scores, Scores]], limits: tuple[float, float]
) -> Figure:
    """Accuracy by epoch: for each split ``(epochs, accuracy (replicate, epoch))``.

    Mean over replicates, a band of one standard deviation, and a thin line for each replicate;
    ``limits`` of the vertical axis are the same for all collections of a page.
    """
    figure, axes = column_axes(left=PERCENT_LEFT)
    for i, (name, (epochs, accuracy)) in enumerate(splits.items()):
        colour = COLOURS[i % len(COLOURS)]
        mean = accuracy.mean(axis=0)
        spread = accuracy.std(axis=0, ddof=1) if len(accuracy) > 1 else np.zeros_like(mean)
        if len(accuracy) <= MOST_THIN_LINES:
            axes.plot(epochs, accuracy.T, color=colour, alpha=0.25, linewidth=0.4)
        draw_line(axes, epochs, Curve(name, mean, mean - spread, mean + spread), i)
        epoch_axis(axes, epochs)
    axes.set_ylim(*limits)
    percent_axis(axes.yaxis)
    axes.set_ylabel("accuracy")
    legend_above(axes)
    return figure


@drawn
def curves_figure(
    epochs: Scores, curves: Sequence[Curve], label: str, limits: tuple[float, float] | None = None
) -> Figure:
    """Several quantities of one kind by epoch; undefined epochs are gaps."""
    figure, axes = column_axes()
    for i, curve in enumerate(curves):
        draw_line(axes, epochs, curve, i)
    epoch_axis(axes, epochs)
    axes.set_ylabel(label)
    if all(np.isnan(curve.values).all() for curve in curves):
        axes.text(0.5, 0.5, "undefined at every epoch", transform=axes.transAxes, ha="center")
    if limits is not None:
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, limits[0]), max(high, limits[1]))
    axes.axhline(0.0, color=INK, linewidth=0.5, alpha=0.5)
    legend_above(axes)
    return figure
