"""A figure as something that can be drawn again in every format, always to the same bytes.

On the page letters are paths and one ink colour follows the reader's scheme (dark ink on light
pages, light ink on dark ones). In files for papers the ink is black and the letters are letters
where the format has them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK = "#010203"
"""Stands for the page's text colour, and is as good as black; ``currentColor`` on the page."""

BLUE, ORANGE, GREEN, PURPLE = "#2f7fc4", "#d9650a", "#0e9c77", "#b2679c"
"""Okabe and Ito's hues at a lightness that keeps 3:1 on white and on the dark page."""

COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.5)), "-.")
"""Beside the colours, so that lines are told apart without them."""

COLUMN, TWO_COLUMNS = 3.4, 7.0
"""Inches: the widths of figures in a journal. The page shows them larger."""

FONT = 7.5
"""Points of all letters at these widths."""

BELOW, LINE = 0.36, 0.155
"""Inches below axes for ticks and a label, and for a line of a legend."""

PERCENT_LEFT = 0.68
"""Inches left of axes whose ticks are per cent with up to two decimals."""

DOTS = 300
"""Per inch, in files of pixels and where a layer of a drawing is pixels."""

FORMATS = ("svg", "pdf", "png")

INK_STYLE = "svg{color:#1d2127}@media (prefers-color-scheme:dark){svg{color:#e3e6ea}}"

LETTER_STYLE = "text{font-family:'DejaVu Sans',Verdana,sans-serif}"
"""Fonts as wide as the one that places were computed for, or narrower: nothing runs over."""

LETTERS = {True: "path", False: "none"}
"""How matplotlib calls letters as paths, and letters as text."""

RULES = {
    "svg.fonttype": "path",
    "svg.hashsalt": "learnorder",
    "pdf.fonttype": 42,
    "font.size": FONT,
    "axes.titlesize": FONT,
    "axes.titley": 1.0,  # no search for room: nothing of ours stands above axes but their title
    "axes.labelsize": FONT,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "legend.fontsize": FONT,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.2,
    "ytick.major.size": 2.2,
    "xtick.major.pad": 2.5,
    "ytick.major.pad": 2.5,
    "axes.labelpad": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 2.4,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}

NO_DATE = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
    "png": {"Software": None},
}
"""What matplotlib would write into a file by itself: who, with what, when."""

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class Drawing:
    """A figure before it is drawn; ``make`` gives it under our own rules."""

    make: Callable[[], Figure]

    def figure(self) -> Figure:
        """As matplotlib has it."""
        with _our_rules():
            return self.make()

    def svg(self, *, paths: bool = True) -> str:
        """SVG text without date, program name and prologue, in the page's ink.

        With letters as ``paths`` it looks the same everywhere; as text it is less than half as
        large, and takes the fonts of the reader.
        """
        with _our_rules(), matplotlib.rc_context({"svg.fonttype": LETTERS[paths]}):
            text = _written(self.make(), "svg").decode()
        text = _compact(text[text.index("<svg") :]).replace(INK, "currentColor")
        text = re.sub(r" font-family: [^;\"]*;", "", text)  # once, in the style, is enough
        text = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", text)
        end = text.index(">") + 1
        style = INK_STYLE if paths else INK_STYLE + LETTER_STYLE
        return f"{text[:end]}<style>{style}</style>{text[end:]}"

    def save(self, place: Path) -> list[Path]:
        """Write ``place`` with each of `FORMATS` as its ending, for papers and slides."""
        paths = [place.with_name(f"{place.name}.{ending}") for ending in FORMATS]
        with _our_rules():
            figure = self.make()
            for path, ending in zip(paths, FORMATS, strict=True):
                content = _written(figure, ending)
                whole = _compact(content.decode()).encode() if ending == "svg" else content
                path.write_bytes(whole)
        return paths


def drawn(make: Callable[Arguments, Figure]) -> Callable[Arguments, Drawing]:
    """Turn a function that makes a figure into one that gives it as a `Drawing`."""

    @wraps(make)
    def draw(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Drawing:
        return Drawing(lambda: make(*args, **kwargs))

    return draw


@contextmanager
def _our_rules() -> Iterator[None]:
    """A user's matplotlib settings change nothing here, and stay as they were."""
    with matplotlib.style.context(["default", RULES]):
        yield


def _written(figure: Figure, ending: str) -> bytes:
    """The file's bytes; pixels stand on white, since few programs show them on anything else."""
    file = io.BytesIO()
    paper = "white" if ending == "png" else "none"
    figure.savefig(file, format=ending, metadata=NO_DATE[ending], dpi=DOTS, facecolor=paper)
    return file.getvalue()


def _compact(svg: str) -> str:
    """The same picture in fewer bytes: no comments, no indents, thousandths of a point."""
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")
    return re.sub(r"\d+\.\d{4,}", lambda number: f"{float(number[0]):.3f}", svg)


def column_axes(height: float = 2.2, left: float = 0.54) -> tuple[Figure, Axes]:
    """One pair of axes as wide as a column, with light horizontal guides.

    Placed by hand, ``left`` and other inches around them: a solver would draw everything twice.
    """
    figure = Figure(figsize=(COLUMN, height))
    box = (left / COLUMN, BELOW / height, (COLUMN - left - 0.06) / COLUMN, 0.5)
    axes = figure.add_axes(box)
    guides(axes)
    return figure, axes


def guides(axes: Axes) -> None:
    """Light horizontal guides behind the data."""
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.5)
    axes.set_axisbelow(True)


def percent_axis(axis: Axis) -> None:
    """Write shares along an axis in per cent."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))


def legend_above(axes: Axes) -> None:
    """Names of the lines above the axes, where they hide nothing; the axes take what is left."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes belong to no figure")
    handles, names = axes.get_legend_handles_labels()
    room = int(66 * figure.get_figwidth() / COLUMN)
    n_columns = max(1, min(len(names), room // (max(map(len, names), default=0) + 6)))
    above = LINE * -(-len(names) // n_columns) + 0.1
    place, height = axes.get_position(), figure.get_figheight()
    axes.set_position((place.x0, place.y0, place.width, 1 - above / height - place.y0))
    if names:
        figure.legend(
            handles,
            names,
            loc="upper left",
            bbox_to_anchor=(0, 1),
            ncols=n_columns,
            handlelength=2.0,
            columnspacing=1.0,
            borderpad=0.1,
            borderaxespad=0.1,
        )
