"""Below the panels of a claim: quantities by epoch, and conditions by their accuracy."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from learnorder.report.claim.forest import SMALL, WIDTH
from learnorder.report.claim.rows import Row, cut, names_of
from learnorder.report.figures.drawing import BLUE, INK, guides
from learnorder.report.gaps import ends, numbers

COLUMNS = 4
EACH = (1.5, 0.92)
"""Inches of one small panel."""

BETWEEN = (0.16, 0.72)
LEFT, HEAD, FOOT = 0.5, 0.84, 0.42
"""Inches left of the panels, above them for legend and titles, and below."""

SCATTER, FOOT_OF_SCATTER = (3.9, 2.7), 0.67
AXES = {
    "order": "reliability of one replicate's order, within class, at equal accuracies",
    "test": "test accuracy",
    "order_rest": "rank of the reliability of one replicate's order, train accuracy held fixed",
    "kappa_rest": "rank of kappa, train accuracy held fixed",
    "test_rest": "rank of test accuracy, train held fixed",
}
LINE = 0.145
"""Inches between lines of a key."""


@dataclass(frozen=True)
class Quantity:
    """A quantity by epoch, and what it is read against.

    Attributes
    ----------
    column, label, title
        Of the value; ``title`` stands above all panels.
    bands
        Columns with two ends, with colour and name.
    lines
        Columns with one value, with style and name.
    reach
        What the axis always shows, and the most it shows: None is all there is.
    """

    column: str
    label: str
    title: str
    bands: tuple[tuple[str, str, str], ...] = ()
    lines: tuple[tuple[str, str, str], ...] = ()
    reach: tuple[float, float, float | None] = (0.0, 1.0, None)


def kappa_of(claim: str) -> Quantity:
    """Kappa by epoch, of what a claim is about."""
    of = "predictions" if claim == "out-of-sample" else "correctness"
    return Quantity(
        "fleiss_kappa",
        f"kappa of {of}",
        "Fleiss' kappa by epoch:",
        bands=(
            ("fleiss_kappa_ci", BLUE, "95 % interval"),
            ("fleiss_kappa_null_class_ci", INK, "null: only classes differ"),
        ),
    )


BIMODALITY = Quantity(
    "bimodality",
    "bimodality of TP-agreement",
    "Bimodality by epoch (0 where there are two kinds of examples alone, such as known to all and "
    "to none; cut at 4):",
    lines=(
        ("bimodality_null_class", "--", "null: only classes differ"),
        ("bimodality_null", ":", "null: all examples equally hard"),
    ),
    reach=(0.0, 2.5, 4.0),
)


def quantities(claim: str, rows: Sequence[Row]) -> list[tuple[Quantity, list[tuple[Row, str]]]]:
    """Quantities that rows have by epoch, each with its rows and their names."""
    named = list(zip(rows, names_of(rows), strict=True))
    found = [
        (quantity, [(row, name) for row, name in named if quantity.column in row["curves"]])
        for quantity in (kappa_of(claim), BIMODALITY)
    ]
    return [(quantity, having) for quantity, having in found if having]


def with_conditions(rows: Sequence[Row]) -> list[Row]:
    """Rows made of conditions that can be drawn one by one."""
    return [row for row in rows if row["curves"].get("collection")]


def curves_height(n: int) -> float:
    """Inches that so many small panels take."""
    lines = -(-n // COLUMNS)
    return HEAD + lines * (EACH[1] + BETWEEN[1]) - BETWEEN[1] + FOOT if n else 0.0


def conditions_height(rows: Sequence[Row]) -> float:
    """Inches that the conditions of all rows take."""
    return sum(_scatter_height(row) for row in rows)


def _scatter_height(row: Row) -> float:
    panels = len(_panels(row)) * (SCATTER[1] + FOOT_OF_SCATTER)
    return max(panels, LINE * (len(row["curves"]["collection"]) + 1) + FOOT_OF_SCATTER)


def draw_curves(
    figure: Figure, quantity: Quantity, rows: Sequence[tuple[Row, str]], top: float
) -> None:
    """A quantity by epoch of every row, four beside each other on one scale."""
    limits = _limits(quantity, [row for row, _ in rows])
    height = figure.get_figheight()
    handles: dict[str, Artist] = {}
    for i, (row, name) in enumerate(rows):
        line, column = divmod(i, COLUMNS)
        left = LEFT + column * (EACH[0] + BETWEEN[0])
        bottom = top - HEAD - line * (EACH[1] + BETWEEN[1]) - EACH[1]
        axes = figure.add_axes(
            (left / WIDTH, bottom / height, EACH[0] / WIDTH, EACH[1] / height), ylim=limits
        )
        _curve(axes, quantity, row)
        study = textwrap.wrap(cut(row["study"], 54), 29, max_lines=2, break_on_hyphens=False)
        title = "\n".join([*study, cut(name, 29)])
        axes.set_title(title, loc="left", fontsize=SMALL - 0.3, pad=3)
        if column:
            axes.tick_params(labelleft=False)
        if i + COLUMNS >= len(rows):
            axes.set_xlabel("epoch", fontsize=SMALL, labelpad=1)
        handles |= {n: h for h, n in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="upper left",
        bbox_to_anchor=(0, top / height),
        ncols=3,
        fontsize=SMALL,
        borderpad=0.3,
        title=quantity.title,
        title_fontsize=SMALL,
        alignment="left",
    )


def _curve(axes: Axes, quantity: Quantity, row: Row) -> None:
    """A quantity by epoch beside what it is read against."""
    curves = row["curves"]
    epochs = np.array(curves["epoch"], dtype=np.float64)
    marker = "o" if len(epochs) <= 12 else None
    values = numbers(curves[quantity.column])
    look: dict[str, Any] = {"marker": marker, "markersize": 1.8, "linewidth": 1}
    axes.plot(epochs, values, color=BLUE, label=quantity.label, **look)
    for column, colour, name in quantity.bands:
        if column in curves:
            low, high = ends(curves[column]).T
            axes.fill_between(epochs, low, high, color=colour, alpha=0.25, lw=0, label=name)
    for column, style, name in quantity.lines:
        if column in curves:
            line = numbers(curves[column])
            axes.plot(epochs, line, color=INK, linestyle=style, linewidth=0.8, label=name)
    if np.isnan(values).all():
        axes.text(0.04, 0.5, "undefined", transform=axes.transAxes, fontsize=SMALL, style="italic")
    axes.set_xlim(min(0.0, *epochs) if len(epochs) else 0.0, max(1.0, *epochs) * 1.03)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=SMALL - 0.5)
    guides(axes)


def _limits(quantity: Quantity, rows: Sequence[Row]) -> tuple[float, float]:
    """What the axis always shows, wider where a value or an end of a band lies beyond."""
    *always, most = quantity.reach
    drawn = [part for row in rows for part in _drawn(quantity, row)]
    all_of_them = np.concatenate([always, *drawn])
    low, high = float(np.nanmin(all_of_them)), float(np.nanmax(all_of_them))
    high = high if most is None else min(high, most)
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _drawn(quantity: Quantity, row: Row) -> Iterator[NDArray[np.float64]]:
    curves = row["curves"]
    yield numbers(curves[quantity.column])
    for column, *_ in quantity.bands:
        yield ends(curves.get(column, [])).ravel()
    for column, *_ in quantity.lines:
        yield numbers(curves.get(column, []))


def draw_conditions(figure: Figure, row: Row, top: float) -> float:
    """Conditions by what they share and test accuracy, numbered; return where the next may begin.

    As the rule takes them: ranks, of which what train accuracy explains is taken off.
    """
    height = figure.get_figheight()
    at = top
    for x, y in _panels(row):
        place = (0.62 / WIDTH, (at - 0.12 - SCATTER[1]) / height)
        axes = figure.add_axes((*place, SCATTER[0] / WIDTH, SCATTER[1] / height))
        _conditions(axes, row["curves"], x, y)
        at -= SCATTER[1] + FOOT_OF_SCATTER
    _key(figure, row["curves"], top - 0.12)
    return top - _scatter_height(row)


def _panels(row: Row) -> tuple[tuple[str, str], ...]:
    """Columns that are drawn; as they are, where no ranks are left."""
    if row["curves"].get("test_rest"):
        return ("order_rest", "test_rest"), ("kappa_rest", "test_rest")
    return (("order", "test"),)


def _conditions(axes: Axes, curves: Mapping[str, Sequence[Any]], of_x: str, of_y: str) -> None:
    """One panel of conditions."""
    x, y = numbers(curves[of_x]), numbers(curves[of_y])
    axes.plot(x, y, "o", color=BLUE, markersize=3)
    for number, (point, offset) in enumerate(_beside(axes, x, y), start=1):
        axes.annotate(
            str(number),
            point,
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SMALL,
        )
    reach = "axis from {:.2f} to {:.2f}".format
    axes.set_xlabel(f"{AXES[of_x]}\n({reach(*axes.get_xlim())})", fontsize=SMALL + 0.5)
    axes.set_ylabel(f"{AXES[of_y]}\n({reach(*axes.get_ylim())})", fontsize=SMALL + 0.5)
    axes.tick_params(labelsize=SMALL)
    axes.grid(color=INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)


def _key(figure: Figure, curves: Mapping[str, Sequence[Any]], top: float) -> None:
    """What the numbers stand for, with the accuracy that is held fixed."""
    height = figure.get_figheight()
    columns = (4.85, 6.95)
    lines = [("", "collection", "train accuracy")]
    for i, (name, train) in enumerate(zip(curves["collection"], curves["train"], strict=True)):
        lines.append((str(i + 1), cut(name.rpartition("/")[2], 24), f"{train:.3f}"))
    for i, (number, name, train) in enumerate(lines):
        at = (top - LINE * (i + 0.5)) / height
        style: dict[str, Any] = {"fontsize": SMALL, "va": "center"}
        figure.text((columns[0] - 0.08) / WIDTH, at, number, ha="right", **style)
        figure.text(columns[0] / WIDTH, at, name, **style)
        figure.text(columns[1] / WIDTH, at, train, ha="right", **style)


def _beside(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield each point with the first offset, in points, at which its number hides nothing."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    at = np.column_stack(
        [(x - left) / (right - left) * SCATTER[0], (y - bottom) / (top - bottom) * SCATTER[1]]
    )
    at *= 72
    turns = np.arange(8) * np.pi / 4
    rings = [(reach * np.cos(t), 0.85 * reach * np.sin(t)) for reach in (7, 11, 15) for t in turns]
    taken: list[NDArray[np.float64]] = []
    for own, point in zip(at, zip(x.tolist(), y.tolist(), strict=True), strict=True):

        def hidden(offset: tuple[float, float], own: NDArray[np.float64] = own) -> int:
            centre = own + offset
            points = (np.abs(at - centre) < (6.0, 5.5)).all(axis=1).sum()
            return int(points) + sum(bool((np.abs(t - centre) < (9.5, 7.5)).all()) for t in taken)

        offset = min(rings, key=hidden)
        taken.append(own + offset)
        yield point, offset
