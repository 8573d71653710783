"""Values of every example: exact where there is room, in the steps of a figure otherwise."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from learnorder.log.labelled import from_arrays
from learnorder.report.columns import (
    ACCESSIBILITY,
    CONFIDENCE,
    FORGOTTEN,
    VARIABILITY,
    Column,
    columns_of,
)
from learnorder.report.examples import selectable
from learnorder.report.lattice import merge_width
from learnorder.report.measured import Measured, measure_split
from learnorder.report.sheets import Sheets


@pytest.fixture(scope="module")
def measured() -> Measured:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 4000)
    right = rng.random((20, 30, 4000)) < rng.random(4000)
    votes = np.where(right, labels, (labels + 1) % 3)
    return measure_split("mlp", "test", from_arrays(votes, labels, split="test"), None)


def unpacked(record: dict[str, str]) -> np.ndarray:
    kinds = {"u1": np.uint8, "u2": np.uint16, "u4": np.uint32}
    return np.frombuffer(zlib.decompress(base64.b64decode(record["data"])), kinds[record["type"]])


def test_columns_are_the_measures_themselves(measured: Measured) -> None:
    from learnorder.measures.learning import forgetting_events
    from learnorder.measures.order import accessibility

    found = {column.name: column for column in columns_of(measured)}
    order = found[f"{ACCESSIBILITY}, mlp"]
    assert order.votes / order.per == pytest.approx(accessibility(measured.log).values)
    events = forgetting_events(measured.log).values
    events[np.isinf(events)] = 0
    assert (found[f"{FORGOTTEN}, mlp"].votes == events.sum(axis=0)).all()


def test_coarse_columns_stay_in_the_cells_of_a_figure() -> None:
    step = merge_width(600)
    column = Column("accessibility", np.arange(601, dtype=np.uint16), 600, step)
    coarse = column.coarse()
    assert coarse is not None
    assert (coarse.votes // step == column.votes // step).all()
    assert len(np.unique(coarse.votes)) == 601 // step + 1
    assert Column("few", np.arange(21, dtype=np.uint8), 20).coarse() is None


def test_values_of_the_data_map_stay_in_its_cells_however_little_room_there_is() -> None:
    votes, labels = [[[0, 1], [1, 1]], [[0, 0], [0, 1]]], [0, 1]
    chances = np.array([[[0.5, 0.75], [0.25, 1]], [[0.5, 0], [1, 0.5]]])
    log = from_arrays(votes, labels, probabilities=chances, split="test")
    found = {c.name: c for c in columns_of(measure_split("mlp", "test", log, None))}
    for name in (CONFIDENCE, VARIABILITY):
        assert found[f"{name}, mlp"].coarse() is None


def test_a_column_that_does_not_fit_is_there_in_coarser_steps_and_the_page_says_so(
    measured: Measured,
) -> None:
    whole = selectable([measured], Sheets(), 10_000_000)
    sizes = {c["name"]: len(c["data"]["data"]) for c in whole.payload["splits"][0]["columns"]}
    split = whole.payload["splits"][0]
    names = len(split["label"]["data"]) + len(split["ids"]["steps"]["data"])
    room = names + 1000 + int(0.9 * sizes["accessibility, mlp"])
    cut = selectable([measured], Sheets(), room)
    first = cut.payload["splits"][0]["columns"][0]
    assert first["name"] == "accessibility, mlp"
    step = merge_width(600)
    assert measured.order is not None
    assert (unpacked(first["data"]) == measured.order.right // step * step).all()
    assert cut.left_out[0] == "finer steps of “accessibility, mlp” of test"
    assert "trajectories of mlp, test" in cut.left_out
