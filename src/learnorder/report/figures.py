"""The figures: numbers in, one SVG text out; nothing here reads a log.

Every figure is drawn by matplotlib with letters as paths and one ink colour that follows the page
(dark ink on light pages, light ink on dark ones). The same numbers give the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from learnorder.report.lattice import bin_centres, merge_width, merged
from learnorder.schema import Scores

INK = "#010203"
"""Stands for the page's text colour; replaced by ``currentColor`` in the finished SVG."""

BLUE, ORANGE, GREEN, PURPLE = "#2f7fc4", "#d9650a", "#0e9c77", "#b2679c"
"""Okabe and Ito's hues at a lightness that keeps 3:1 on white and on the dark page."""

COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.5)), "-.")

NULLS = ("null: all equally hard", "null: only classes differ")
"""Names of the two nulls; colour and dash are the same wherever they are drawn."""

INK_STYLE = (
    "<style>svg{color:#1d2127}@media (prefers-color-scheme:dark){svg{color:#e3e6ea}}</style>"
)

RULES = {
    "svg.fonttype": "path",
    "svg.hashsalt": "learnorder",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.5,
    "lines.markersize": 3.0,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}

Arguments = ParamSpec("Arguments")


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


@dataclass(frozen=True)
class Curve:
    """One line over epochs, with an optional band."""

    name: str
    values: Scores
    low: Scores | None = None
    high: Scores | None = None


def _svg(figure: Figure) -> str:
    """SVG text without date, program name and prologue, in the page's ink."""
    file = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=nothing)
    text = file.getvalue()
    text = _compact(text[text.index("<svg") :]).replace(INK, "currentColor")
    end = text.index(">") + 1
    return text[:end] + INK_STYLE + text[end:]


def _compact(svg: str) -> str:
    """The same picture in fewer bytes: no comments, no indents, thousandths of a point."""
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")
    return re.sub(r"\d+\.\d{4,}", lambda number: f"{float(number[0]):.3f}", svg)


def drawn(make: Callable[Arguments, Figure]) -> Callable[Arguments, str]:
    """Draw under our own rules, so that a user's matplotlib settings change nothing."""

    @wraps(make)
    def draw(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        with matplotlib.style.context(["default", RULES]):
            return _svg(make(*args, **kwargs))

    return draw


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    """One pair of axes with light horizontal guides."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    guides(axes)
    return figure, axes


def guides(axes: Axes) -> None:
    """Light horizontal guides behind the data."""
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)


def _percent_axis(axes: Axes) -> None:
    """Write shares on the vertical axis in per cent."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g} %"))


def _epoch_axis(axes: Axes, epochs: Scores) -> None:
    """Label the horizontal axis; one epoch alone gets room on both sides."""
    axes.set_xlabel("epoch")
    whole = bool(np.all(np.asarray(epochs) % 1 == 0))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=whole))
    if len(epochs) == 1:
        axes.set_xlim(float(epochs[0]) - 1, float(epochs[0]) + 1)


def _line(axes: Axes, epochs: Scores, curve: Curve, i: int) -> None:
    """A curve with markers (few epochs) and its band."""
    colour = COLOURS[i % len(COLOURS)]
    marker = "o" if len(epochs) <= 30 else None
    axes.plot(
        epochs,
        curve.values,
        color=colour,
        linestyle=DASHES[i % len(DASHES)],
        marker=marker,
        label=curve.name,
    )
    if curve.low is not None and curve.high is not None:
        axes.fill_between(epochs, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)


def _legend(axes: Axes) -> None:
    """Names of the lines above the axes, where they hide nothing."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.1, 1),
        ncols=3,
        handlelength=2.0,
        columnspacing=1.2,
        borderpad=0.2,
    )


@drawn
def accuracy_figure(
    splits: Mapping[str, tuple[Scores, Scores]], limits: tuple[float, float]
) -> Figure:
    """Accuracy by epoch: for each split ``(epochs, accuracy (replicate, epoch))``.

    Mean over replicates, a band of one standard deviation, and a thin line for each replicate;
    ``limits`` of the vertical axis are the same for all collections of a page.
    """
    figure, axes = _axes(4.8, 2.7)
    for i, (name, (epochs, accuracy)) in enumerate(splits.items()):
        colour = COLOURS[i % len(COLOURS)]
        mean = accuracy.mean(axis=0)
        spread = accuracy.std(axis=0, ddof=1) if len(accuracy) > 1 else np.zeros_like(mean)
        if len(accuracy) <= 100:
            axes.plot(epochs, accuracy.T, color=colour, alpha=0.25, linewidth=0.5)
        _line(axes, epochs, Curve(name, mean, mean - spread, mean + spread), i)
        _epoch_axis(axes, epochs)
    axes.set_ylim(*limits)
    _percent_axis(axes)
    axes.set_ylabel("accuracy")
    _legend(axes)
    return figure


@drawn
def curves_figure(
    epochs: Scores, curves: Sequence[Curve], label: str, limits: tuple[float, float] | None = None
) -> Figure:
    """Several quantities of one kind by epoch; undefined epochs are gaps."""
    figure, axes = _axes(4.8, 2.7)
    for i, curve in enumerate(curves):
        _line(axes, epochs, curve, i)
    _epoch_axis(axes, epochs)
    axes.set_ylabel(label)
    if all(np.isnan(curve.values).all() for curve in curves):
        axes.text(0.5, 0.5, "undefined at every epoch", transform=axes.transAxes, ha="center")
    if limits is not None:
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, limits[0]), max(high, limits[1]))
    axes.axhline(0.0, color=INK, linewidth=0.6, alpha=0.5)
    _legend(axes)
    return figure


def _null_line(
    axes: Axes, centres: Scores, expected: Scores, width: int, n: int, i: int, label: str
) -> None:
    """Outline of an expected distribution over the bars."""
    share = merged(expected, width) / n
    axes.plot(centres, share, color=COLOURS[i], linestyle=DASHES[i], linewidth=1.6, label=label)


def _panel(axes: Axes, panel: Panel, label: str) -> None:
    """Bars of the observed shares, lines of the nulls."""
    n_votes, n = len(panel.counts) - 1, int(panel.counts.sum())
    width = merge_width(n_votes)
    centres = bin_centres(n_votes, width)
    bar = 0.92 * width / n_votes
    axes.bar(centres, merged(panel.counts, width) / n, bar, color=BLUE, alpha=0.85, label=label)
    if panel.equal_difficulty is not None:
        _null_line(axes, centres, panel.equal_difficulty, width, n, 1, NULLS[0])
    if panel.class_conditional is not None:
        _null_line(axes, centres, panel.class_conditional, width, n, 2, NULLS[1])
    axes.set_title(panel.title)
    axes.set_xlim(-0.55 * max(bar, 0.06), 1 + 0.55 * max(bar, 0.06))
    axes.set_ylim(bottom=0)
    axes.set_xticks((0, 0.5, 1), ("0", "½", "1"))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    _percent_axis(axes)
    guides(axes)


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
    figure.supxlabel(score, fontsize=8.5, y=0.0, va="bottom")
    handles, names = grid[0].get_legend_handles_labels()
    in_line = 3 if columns > 2 else 1
    figure.legend(
        handles, names, loc="upper left", bbox_to_anchor=(0, 1), ncols=in_line, borderpad=0.2
    )
    return figure


def _panel_grid(rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Figure and axes placed by hand: a solver would draw everything twice to find the same."""
    left, right, bottom, gap_x, gap_y = 0.62, 0.12, 0.42, 0.52, 0.5
    each_x, each_y = (1.05, 1.2) if columns > 2 else (1.35, 1.1)
    top = 0.55 if columns > 2 else 0.95
    width = max(left + right + columns * each_x + (columns - 1) * gap_x, 3.4)
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


def _shades(share: Scores) -> NDArray[np.float64]:
    """One hue whose opacity grows with the share, so that it reads on light and dark pages."""
    rgba = np.empty((*share.shape, 4))
    rgba[..., :3] = np.array([int(BLUE[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    rgba[..., 3] = np.where(share > 0, 0.3 + 0.7 * share, 0.0)
    return rgba


def _scale(figure: Figure, axes: Axes, most: int) -> None:
    """The key of the shades, from one example to the fullest cell."""
    key = axes.inset_axes((1.04, 0.0, 0.045, 1.0))
    ramp = np.linspace(1e-3, 1.0, 128)[:, None]
    key.imshow(_shades(ramp), origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    top = np.log(most) if most > 1 else 1.0
    ticks = sorted({1, most, *(10**k for k in range(1, 9) if 10**k * 2 <= most)})
    key.set_yticks([float(np.log(tick) / top) for tick in ticks], [f"{tick:,}" for tick in ticks])
    key.set_xticks([])
    key.yaxis.tick_right()
    key.set_title("examples", loc="left")


@drawn
def joint_figure(counts: NDArray[np.int64], a: str, b: str) -> Figure:
    """Number of examples at each pair of accessibilities ``(bin of a, bin of b)``, log colour."""
    figure = Figure(figsize=(4.2, 3.4), layout="constrained")
    axes = figure.subplots()
    most = int(counts.max())
    top = np.log(most) if most > 1 else 1.0
    filled = np.maximum(counts, 1)
    share = np.where(counts > 0, np.maximum(np.log(filled) / top, 1e-3), 0.0)
    half_a, half_b = (0.5 / max(n - 1, 1) for n in counts.shape)
    extent = (-half_a, 1 + half_a, -half_b, 1 + half_b)
    axes.plot((0, 1), (0, 1), color=INK, alpha=0.35, linewidth=0.7, linestyle=(0, (3, 2)))
    axes.imshow(
        _shades(share.T), origin="lower", extent=extent, aspect="equal", interpolation="none"
    )
    for set_label, name in ((axes.set_xlabel, a), (axes.set_ylabel, b)):
        set_label(f"accessibility, {name}")
    axes.set_xticks((0, 0.25, 0.5, 0.75, 1))
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1))
    _scale(figure, axes, most)
    return figure
