"""Figures: the same numbers give the same bytes, in the page's ink, whatever the user has set."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from learnorder.report.figures.by_epoch import Curve, accuracy_figure, curves_figure
from learnorder.report.figures.by_number import by_number_figure
from learnorder.report.figures.contained import containment_figure
from learnorder.report.figures.distribution import Panel, distribution_figure
from learnorder.report.figures.drawing import BLUE, COLUMN, INK, TWO_COLUMNS, Drawing
from learnorder.report.figures.joint import BOX, Side, joint_figure
from learnorder.report.figures.matrix import matrix_figure
from learnorder.report.figures.shares import Row, shares_figure

EPOCHS = np.arange(1.0, 6.0)
PANELS = [Panel("epoch 1", np.array([3, 2, 1]), np.array([2.0, 2.0, 2.0]), np.array([3.0, 2, 1]))]
CORRELATIONS = np.array([[np.nan, 0.9, -0.2], [1.02, np.nan, np.nan], [0.5, 0.4, np.nan]])
SHARES = [
    Row("class", (0.3, (0.1, 0.5))),
    Row("norm", (-0.1, None), (0.2, (0.1, 0.3))),
    Row("undefined", (None, None), (None, None)),
]


def joint(counts: np.ndarray, a: str = "a", b: str = "b") -> Drawing:
    return joint_figure(counts, Side(a), Side(b))


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "accuracy": lambda: accuracy_figure({"train": (EPOCHS, np.full((3, 5), 0.5))}, (0, 1)),
    "accuracy of one replicate and epoch": lambda: accuracy_figure(
        {"train": (EPOCHS[:1], np.full((1, 1), 0.5))}, (0, 1)
    ),
    "curves with gaps": lambda: curves_figure(
        EPOCHS, [Curve("a", np.array([np.nan, 0.1, np.nan, 0.3, 0.4]))], "kappa", (0, 1)
    ),
    "curves undefined everywhere": lambda: curves_figure(
        EPOCHS, [Curve("a", np.full(5, np.nan))], "kappa", (0, 1)
    ),
    "distribution": lambda: distribution_figure(PANELS * 5, "TP-agreement", 6),
    "distribution, narrow": lambda: distribution_figure(PANELS * 5, "TP-agreement", 2),
    "distribution of many replicates": lambda: distribution_figure(
        [Panel("epoch 1", np.arange(1001))], "agreement", 6
    ),
    "joint": lambda: joint(np.diag([1, 5, 2000])),
    "joint of one example": lambda: joint(np.array([[1]])),
    "joint with hostile names": lambda: joint(np.eye(3, dtype=int), "$-->", "<&\\"),
    "matrix": lambda: matrix_figure(CORRELATIONS, ["mlp", "lenet", "A"]),
    "matrix of many": lambda: matrix_figure(np.full((12, 12), 0.5), ["network"] * 12),
    "containment": lambda: containment_figure(EPOCHS / 6, [Curve("observed", EPOCHS / 6)]),
    "by number": lambda: by_number_figure(
        EPOCHS, [Curve("reliability", EPOCHS / 6, EPOCHS / 7, EPOCHS / 5.5)], 3, 0.95
    ),
    "shares": lambda: shares_figure(SHARES, "share"),
}


@pytest.fixture(params=DRAWINGS, scope="module")
def drawing(request: pytest.FixtureRequest) -> Drawing:
    return DRAWINGS[request.param]()


@pytest.fixture(scope="module")
def svg(drawing: Drawing) -> str:
    return drawing.svg()


def test_drawing_is_well_formed_and_follows_the_ink_of_the_page(svg: str) -> None:
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert "currentColor" in svg
    assert INK not in svg
    assert "prefers-color-scheme:dark" in svg


def test_drawing_asks_for_nothing_from_a_network(svg: str) -> None:
    plain = re.sub(r'xmlns(:\w+)?="[^"]*"', "", svg)
    assert "http" not in plain
    assert "<script" not in plain


def test_same_numbers_give_the_same_bytes(drawing: Drawing, svg: str) -> None:
    assert drawing.svg() == svg


def test_a_drawing_is_as_wide_as_a_column_or_two(drawing: Drawing) -> None:
    assert drawing.figure().get_figwidth() <= TWO_COLUMNS
    assert drawing.figure().get_figwidth() >= COLUMN


def test_files_are_the_same_each_time_and_say_nothing_of_their_maker(tmp_path: Path) -> None:
    drawing = DRAWINGS["joint"]()
    once, again = (drawing.save(tmp_path / name) for name in ("once", "again"))
    assert [path.name for path in once] == ["once.svg", "once.pdf", "once.png"]
    for a, b in zip(once, again, strict=True):
        assert a.read_bytes() == b.read_bytes()
    assert b"currentColor" not in once[0].read_bytes()
    assert b"matplotlib.org" not in once[0].read_bytes() + once[1].read_bytes()
    with Image.open(once[2]) as image:
        assert image.info.keys() <= {"dpi"}
        assert image.width == pytest.approx(COLUMN * 300, abs=1)
        assert image.getpixel((0, 0))[:3] == (255, 255, 255)


def test_letters_of_a_pdf_are_letters(tmp_path: Path) -> None:
    _, pdf, _ = DRAWINGS["accuracy"]().save(tmp_path / "figure")
    assert b"/FontFile2" in pdf.read_bytes()


def test_cells_lie_where_the_page_takes_them_to_be() -> None:
    figure = DRAWINGS["joint"]().figure()
    place = figure.axes[0].get_position()
    left, top, width, height = BOX
    assert (place.x0, 1 - place.y1) == pytest.approx((left, top))
    assert (place.width, place.height) == pytest.approx((width, height))


def test_a_users_settings_change_nothing_and_stay_as_they_were() -> None:
    draw = DRAWINGS["distribution"]
    plain = draw().svg()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        mine = dict(mpl.rcParams)
        assert draw().svg() == plain
        assert dict(mpl.rcParams) == mine


def test_bars_are_as_high_as_the_counts() -> None:
    figure = distribution_figure([Panel("", np.array([5, 0, 1]))], "x", 1).figure()
    (bars,) = figure.axes[0].collections
    ends = [path.get_extents() for path in bars.get_paths()]
    assert [end.height for end in ends] == pytest.approx([5 / 6, 0, 1 / 6])
    assert [(end.x0 + end.x1) / 2 for end in ends] == pytest.approx([0, 0.5, 1])
    assert figure.axes[0].get_ylim() == (0, pytest.approx(5 / 6 * 1.05))
    assert mpl.colors.to_hex(bars.get_facecolor()[0]) == BLUE


def test_a_matrix_writes_every_known_value_and_says_where_there_is_none() -> None:
    texts = [
        text.get_text()
        for text in matrix_figure(CORRELATIONS, ["a", "b", "c"]).figure().axes[0].texts
    ]
    assert texts == ["0.900", "−0.200", "1.020", "–", "0.500", "0.400"]


@pytest.mark.parametrize(
    "drawing",
    [
        accuracy_figure({"train": (EPOCHS, np.linspace(0.9325, 1, 15).reshape(3, 5))}, (0.92, 1)),
        containment_figure(
            np.linspace(0.9501, 0.9643, 10), [Curve("observed", np.linspace(0.97, 0.99, 10))]
        ),
    ],
    ids=["accuracy", "containment"],
)
def test_letters_lie_inside_the_figure_and_ticks_apart(drawing: Drawing) -> None:
    figure = drawing.figure()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes, renderer = figure.axes[0], canvas.get_renderer()
    assert axes.yaxis.label.get_window_extent(renderer).x0 >= 0
    ticks = [
        tick.label1.get_window_extent(renderer)
        for tick in axes.xaxis.get_major_ticks()
        if axes.get_xlim()[0] <= tick.get_loc() <= axes.get_xlim()[1]
    ]
    assert len(ticks) > 2
    assert all(a.x1 < b.x0 for a, b in pairwise(ticks))


def test_counts_of_millions_are_written_in_full() -> None:
    canvas = FigureCanvasAgg(joint(np.diag([1, 5, 1_281_167])).figure())
    canvas.draw()
    key = canvas.figure.axes[0].child_axes[0]
    words = [label for label in key.get_yticklabels() if label.get_text()]
    assert words[-1].get_text() == "1,281,167"
    ends = [word.get_window_extent(canvas.get_renderer()).x1 for word in [*words, key.title]]
    assert max(ends) <= canvas.figure.bbox.x1


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_panels_fill_one_column_or_two(n: int) -> None:
    width = distribution_figure(PANELS * n, "TP-agreement", 6).figure().get_figwidth()
    assert width == (COLUMN if n <= 2 else TWO_COLUMNS)
