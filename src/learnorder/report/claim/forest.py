"""A panel for each part of a rule: every subject with interval, null and threshold."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from learnorder.report.claim.rows import (
    Row,
    common_threshold,
    cut,
    level_of,
    names_of,
    parts_of,
    shown,
    side_of,
    title_of,
    width_of,
)
from learnorder.report.figures.drawing import BLUE, INK, ORANGE, PURPLE

WIDTH = 7.2
"""Inches: two columns of a journal."""

SMALL = 7.0
"""Points of names and marks."""

ROW = 0.165
"""Inches between rows."""

LOOKS: Mapping[str, tuple[str, str, str]] = {
    "holds": (BLUE, "o", BLUE),
    "does not hold": (ORANGE, "s", ORANGE),
    "inconclusive": (PURPLE, "D", "none"),
}
"""Colour, marker and filling of a verdict: told apart without colour too."""

DASHED = (0, (4, 2))
BY_ROW = "threshold by row"
LEGEND_COLUMNS = 4
RIGHT, GAP = 1.0, 0.24
"""Inches for the column of verdicts, and between panels."""


@dataclass(frozen=True)
class Forest:
    """What the panels show, and the room they take in inches."""

    claim: str
    level: str
    rows: Sequence[Row]
    n_rows: int
    parts: Sequence[str]
    labels: Sequence[str]

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Forest:
        """Choose rows and panels of a result."""
        rows = shown(result["measures"])
        labels = [cut(name, 46) for name in names_of(rows)]
        return cls(
            result["claim"], level_of(result), rows, len(result["measures"]), parts_of(rows), labels
        )

    @property
    def left(self) -> float:
        """Room for the names of rows and studies."""
        rows = [width_of(label, SMALL) for label in self.labels]
        studies = [1.1 * width_of(study, SMALL) for _, study in _studies(self.rows)]
        return 0.24 + max([*rows, *studies])

    @property
    def each(self) -> float:
        """Width of a panel."""
        n = max(len(self.parts), 1)
        return (WIDTH - self.left - RIGHT - GAP * (n - 1) - 0.1) / n

    def title(self, part: str) -> list[str]:
        """What stands above a panel, line by line."""
        lines = textwrap.wrap(cut(title_of(part), 90), max(int(self.each / 0.062), 8))[:5]
        return [*lines, _threshold_in_words(self.rows, part)]

    @property
    def head(self) -> float:
        """Room for legend and titles."""
        lines = max((len(self.title(part)) for part in self.parts), default=1)
        return 0.22 + 0.15 * -(-len(_handles(self)) // LEGEND_COLUMNS) + 0.125 * lines + 0.12

    @property
    def height(self) -> float:
        """All of it, with the axis below."""
        studies = len(list(_studies(self.rows)))
        return self.head + ROW * (len(self.rows) + studies) + 0.38


def draw_forest(figure: Figure, forest: Forest) -> None:
    """Draw the panels at the top of a figure, with their legend."""
    whole = figure.get_figheight()
    body = ROW * (len(forest.rows) + len(list(_studies(forest.rows))))
    bottom = whole - forest.head - body
    places = _places(forest.rows)
    for i, part in enumerate(forest.parts or [""]):
        at = (forest.left + i * (forest.each + GAP), bottom, forest.each, body)
        axes = figure.add_axes(_share(at, whole))
        _panel(axes, forest, part, places)
        if i == 0:
            _labels(axes, forest, places)
    at = (WIDTH - RIGHT, bottom, RIGHT - 0.04, body)
    _verdicts(figure.add_axes(_share(at, whole)), forest, places)
    _legend(figure, forest)


def _share(inches: tuple[float, float, float, float], height: float) -> Any:
    """A place as a share of the figure."""
    left, bottom, width, tall = inches
    return (left / WIDTH, bottom / height, width / WIDTH, tall / height)


def _studies(rows: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """Yield each run of rows of one study: its first row, and its name."""
    for i, row in enumerate(rows):
        if i == 0 or row["study"] != rows[i - 1]["study"]:
            yield i, cut(row["study"], 46)


def _places(rows: Sequence[Row]) -> list[float]:
    """Height of each row, with one left free above each study for its name."""
    starts = {i for i, _ in _studies(rows)}
    places, at = [], 0.0
    for i in range(len(rows)):
        at += i in starts
        places.append(at)
        at += 1
    return places


def _labels(axes: Axes, forest: Forest, places: Sequence[float]) -> None:
    """Name rows, and studies above them at the edge of the figure."""
    axes.set_yticks(places, forest.labels, fontsize=SMALL)
    axes.tick_params(axis="y", length=0)
    for i, study in _studies(forest.rows):
        axes.text(
            (0.06 - forest.left) / forest.each,
            places[i] - 1,
            study,
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=SMALL,
            fontweight="bold",
        )


def _panel(axes: Axes, forest: Forest, part: str, places: Sequence[float]) -> None:
    """One part of the rule in all rows."""
    low, high = _limits(forest.rows, part)
    common = common_threshold(forest.rows, part)
    axes.set_xlim(low, high)
    axes.set_ylim(places[-1] + 0.7, -0.6)
    axes.hlines(places, low, high, color=INK, alpha=0.1, linewidth=0.5)
    if common is not None:
        axes.axvline(common, color=INK, linestyle=DASHED, linewidth=0.9)
    for row, place in zip(forest.rows, places, strict=True):
        _row(axes, row, part, place, draw_threshold=common is None)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ticks = min(max(3, int(forest.each / 0.35)), 6)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 5, 10], min_n_ticks=2))
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.grid(axis="x", color=INK, alpha=0.12, linewidth=0.6)
    axes.set_axisbelow(True)
    title = "\n".join(forest.title(part))
    axes.set_title(title, loc="left", fontsize=SMALL, linespacing=1.15, pad=4)


def _threshold_in_words(rows: Sequence[Row], part: str) -> str:
    common = common_threshold(rows, part)
    if common is not None:
        return f"{side_of(rows, part)} {common:.3g}"
    if any(part in r["because"] and r["measures"][part]["threshold"] is not None for r in rows):
        return BY_ROW
    return ""


def _row(axes: Axes, row: Row, part: str, place: float, *, draw_threshold: bool) -> None:
    """Null, threshold, interval and value of a part in one row."""
    found = row["measures"].get(part)
    if found is None or found["value"] is None:
        if found is not None or not row["measures"]:
            at, low = axes.get_xlim()[0], 0.02
            at += low * (axes.get_xlim()[1] - at)
            axes.text(at, place, "undefined", va="center", fontsize=SMALL - 0.5, style="italic")
        return
    judged = part in row["because"]
    if found["null"]:
        _null(axes, found["null"], place)
    if draw_threshold and judged and found["threshold"] is not None:
        ends = [place - 0.4, place + 0.4]
        axes.plot([found["threshold"]] * 2, ends, color=INK, linewidth=1.1)
    if judged:
        colour, marker, filling = LOOKS[row["because"][part]]
    else:
        colour, marker, filling = INK, "x", "none"
    style: dict[str, Any] = {"color": colour, "clip_on": False, "alpha": 1 if judged else 0.45}
    if found["ci"]:
        axes.plot(found["ci"], [place, place], linewidth=1.4 if judged else 0.8, **style)
    axes.plot(
        found["value"], place, marker, markersize=4.0, markerfacecolor=filling, zorder=3, **style
    )


def _null(axes: Axes, ends: Sequence[float], place: float) -> None:
    """A grey band, or a grey mark where it has no width."""
    low, high = ends
    # as wide as it is; only one without any width is made to be seen
    extra = 0.015 * (axes.get_xlim()[1] - axes.get_xlim()[0]) if low == high else 0.0
    axes.fill_between(
        [low - extra, high + extra], place - 0.4, place + 0.4, color=INK, alpha=0.25, linewidth=0
    )


def _limits(rows: Sequence[Row], part: str) -> tuple[float, float]:
    """From 0 to 1, wider where data are; of gains, from 0 to as far as they go."""
    numbers: list[float | None] = [0.0] if part.endswith("gain") else [0.0, 1.0]
    for row in rows:
        found = row["measures"].get(part)
        if found is not None:
            numbers += [found["value"], found["threshold"] if part in row["because"] else None]
            numbers += [*(found["ci"] or ()), *(found["null"] or ())]
    known = [n for n in numbers if n is not None]
    low, high = min(known), max(known)
    pad = 0.02 * (high - low) or 0.05
    return low - pad, high + pad


def _verdicts(axes: Axes, forest: Forest, places: Sequence[float]) -> None:
    """The last column: what all parts together say of each row."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(places[-1] + 0.7, -0.6)
    for row, place in zip(forest.rows, places, strict=True):
        colour, marker, filling = LOOKS[row["verdict"]]
        axes.plot(0.07, place, marker, color=colour, markersize=4.0, markerfacecolor=filling)
        axes.text(0.17, place, row["verdict"], va="center", fontsize=SMALL)
    axes.set_title("verdict of the row", loc="left", fontsize=SMALL, pad=4)


def _handles(forest: Forest) -> list[Line2D]:
    """Keys of everything that is drawn, and of nothing else."""
    verdicts = {row["verdict"] for row in forest.rows}
    verdicts |= {verdict for row in forest.rows for verdict in row["because"].values()}
    handles = [
        Line2D([], [], color=c, marker=m, markerfacecolor=f, linewidth=1.4, markersize=4, label=v)
        for v, (c, m, f) in LOOKS.items()
        if v in verdicts
    ]
    every = [(row, part, row["measures"].get(part)) for row in forest.rows for part in forest.parts]
    seen = [
        (row, part, found) for row, part, found in every if found and found["value"] is not None
    ]
    if any(part not in row["because"] for row, part, _ in seen):
        look: dict[str, Any] = {"alpha": 0.45, "linewidth": 0.8, "markersize": 4, "marker": "x"}
        handles.append(Line2D([], [], color=INK, label="not asked for in this row", **look))
    if any(found["null"] for *_, found in seen):
        handles.append(Line2D([], [], color=INK, alpha=0.25, linewidth=6, label="null"))
    words = {_threshold_in_words(forest.rows, part) for part in forest.parts}
    if words - {"", BY_ROW}:
        look = {"linewidth": 0.9, "linestyle": DASHED}
        handles.append(Line2D([], [], color=INK, label="threshold", **look))
    if BY_ROW in words:
        look = {"marker": "|", "markersize": 7, "linestyle": "none", "markeredgewidth": 1.1}
        handles.append(Line2D([], [], color=INK, label="threshold of the row", **look))
    return handles


def _legend(figure: Figure, forest: Forest) -> None:
    figure.legend(
        handles=_handles(forest),
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=LEGEND_COLUMNS,
        fontsize=SMALL,
        borderpad=0.3,
        columnspacing=1.4,
        title=f"value, with {forest.level} interval where there is one, by verdict of that part:",
        title_fontsize=SMALL,
        alignment="left",
    )
