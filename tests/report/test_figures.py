"""Figures: the same numbers give the same bytes, in the page's ink, whatever the user has set."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from learnorder.report import figures

EPOCHS = np.arange(1.0, 6.0)
PANELS = [
    figures.Panel("epoch 1", np.array([3, 2, 1]), np.array([2.0, 2.0, 2.0]), np.array([3.0, 2, 1]))
]
DRAWINGS: dict[str, Callable[[], str]] = {
    "accuracy": lambda: figures.accuracy_figure({"train": (EPOCHS, np.full((3, 5), 0.5))}, (0, 1)),
    "accuracy of one replicate and epoch": lambda: figures.accuracy_figure(
        {"train": (EPOCHS[:1], np.full((1, 1), 0.5))}, (0, 1)
    ),
    "curves with gaps": lambda: figures.curves_figure(
        EPOCHS, [figures.Curve("a", np.array([np.nan, 0.1, np.nan, 0.3, 0.4]))], "kappa", (0, 1)
    ),
    "curves undefined everywhere": lambda: figures.curves_figure(
        EPOCHS, [figures.Curve("a", np.full(5, np.nan))], "kappa", (0, 1)
    ),
    "distribution": lambda: figures.distribution_figure(PANELS * 5, "TP-agreement", 6),
    "distribution, narrow": lambda: figures.distribution_figure(PANELS * 5, "TP-agreement", 2),
    "distribution of many replicates": lambda: figures.distribution_figure(
        [figures.Panel("epoch 1", np.arange(1001))], "agreement", 6
    ),
    "joint": lambda: figures.joint_figure(np.diag([1, 5, 2000]), "a", "b"),
    "joint of one example": lambda: figures.joint_figure(np.array([[1]]), "a", "b"),
    "joint with hostile names": lambda: figures.joint_figure(np.eye(3, dtype=int), "$-->", "<&\\"),
}


@pytest.fixture(params=DRAWINGS)
def draw(request: pytest.FixtureRequest) -> Callable[[], str]:
    return DRAWINGS[request.param]


def test_drawing_is_well_formed_and_follows_the_ink_of_the_page(draw: Callable[[], str]) -> None:
    svg = draw()
    assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert "currentColor" in svg
    assert figures.INK not in svg
    assert "prefers-color-scheme:dark" in svg


def test_drawing_asks_for_nothing_from_a_network(draw: Callable[[], str]) -> None:
    svg = re.sub(r'xmlns(:\w+)?="[^"]*"', "", draw())
    assert "http" not in svg
    assert "<script" not in svg


def test_same_numbers_give_the_same_bytes(draw: Callable[[], str]) -> None:
    assert draw() == draw()


def test_a_users_settings_change_nothing_and_stay_as_they_were() -> None:
    draw = DRAWINGS["distribution"]
    plain = draw()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": "other"}):
        mine = dict(mpl.rcParams)
        assert draw() == plain
        assert dict(mpl.rcParams) == mine


def test_bars_are_as_high_as_the_counts() -> None:
    svg = figures.distribution_figure([figures.Panel("", np.array([5, 0, 1]))], "x", 1)
    paths = re.findall(rf'<path d="([^"]*)"[^>]*style="fill: {figures.BLUE}', svg)
    corners = [[float(y) for y in re.findall(r"[ML] \S+ (\S+)", path)] for path in paths]
    heights = [max(ys) - min(ys) for ys in corners][-3:] if len(corners) == 3 else corners[:3]
    bars = [max(ys) - min(ys) for ys in corners]
    assert bars[0] == pytest.approx(5 * bars[2], rel=1e-4), heights
    assert bars[1] == pytest.approx(0, abs=1e-4)
