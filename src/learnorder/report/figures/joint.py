"""How many examples have each pair of values: exact counts as shades, on a logarithmic scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from learnorder.report.figures.drawing import BLUE, COLUMN, INK, drawn
from learnorder.schema import Scores

SIDE, LEFT, BOTTOM, TOP = 1.97, 0.6, 0.42, 0.26
"""Inches: of the square of cells, and of the room beside it; right of it, for millions in full."""

HEIGHT = BOTTOM + SIDE + TOP

BOX = (LEFT / COLUMN, TOP / HEIGHT, SIDE / COLUMN, SIDE / HEIGHT)
"""Left, top, width and height of the square of cells, as shares of the figure."""


@dataclass(frozen=True)
class Side:
    """One side of the square: what is counted, and where its first and last cell are centred."""

    name: str
    low: float = 0.0
    high: float = 1.0

    def reach(self, n_cells: int) -> tuple[float, float]:
        """Outer ends of the first and last cell."""
        half = 0.5 * (self.high - self.low) / max(n_cells - 1, 1)
        return self.low - half, self.high + half


@drawn
def joint_figure(
    counts: NDArray[np.int64], across: Side, up: Side, *, diagonal: bool = True
) -> Figure:
    """Number of examples in each cell ``(cell across, cell up)``; the diagonal is equality."""
    figure = Figure(figsize=(COLUMN, HEIGHT))
    left, top, width, height = BOX
    axes = figure.add_axes((left, 1 - top - height, width, height))
    most = int(counts.max())
    scale = np.log(most) if most > 1 else 1.0
    share = np.where(counts > 0, np.maximum(np.log(np.maximum(counts, 1)) / scale, 1e-3), 0.0)
    if diagonal:
        axes.plot((0, 1), (0, 1), color=INK, alpha=0.35, linewidth=0.6, linestyle=(0, (3, 2)))
    axes.imshow(
        _shades(share.T),
        origin="lower",
        extent=(*across.reach(counts.shape[0]), *up.reach(counts.shape[1])),
        aspect="auto",
        interpolation="none",
    )
    for side, label, ticks in (
        (across, axes.set_xlabel, axes.set_xticks),
        (up, axes.set_ylabel, axes.set_yticks),
    ):
        label(side.name)
        n_cells = counts.shape[0 if side is across else 1]
        ticks(np.linspace(side.low, side.high, min(max(n_cells, 2), 5)))
    _scale(axes, most)
    return figure


def _shades(share: Scores) -> NDArray[np.float64]:
    """One hue whose opacity grows with the share, so that it reads on light and dark pages."""
    rgba = np.empty((*share.shape, 4))
    rgba[..., :3] = np.array([int(BLUE[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    rgba[..., 3] = np.where(share > 0, 0.3 + 0.7 * share, 0.0)
    return rgba


def _scale(axes: Axes, most: int) -> None:
    """The key of the shades, from one example to the fullest cell."""
    key = axes.inset_axes((1.05, 0.0, 0.045, 1.0))
    ramp = np.linspace(1e-3, 1.0, 128)[:, None]
    key.imshow(_shades(ramp), origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    top = np.log(most) if most > 1 else 1.0
    ticks = sorted({1, most, *(10**k for k in range(1, 9) if 10**k * 2 <= most)})
    key.set_yticks([float(np.log(tick) / top) for tick in ticks], [f"{tick:,}" for tick in ticks])
    key.set_xticks([])
    key.yaxis.tick_right()
    key.set_title("examples", loc="left", pad=6)
