"""Measures by name: plain values for JSON, flat rows for tables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.measures.logits import logits_of, numbers_of

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures.agreement import accuracy
from learnorder.measures.catalogue import CATALOGUE
from learnorder.measures.summary import summarise
from learnorder.measures.values import flat_rows, measure_values, value_rows

LABELS = np.arange(40) % 4


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(3)
    right = rng.random((5, 3, 40)) < np.linspace(0.2, 1, 40)
    right[:, 1] = True
    predictions = np.where(right, LABELS, (LABELS + 1) % 4)
    numbers = numbers_of(logits_of(predictions, 4, rng), LABELS)
    return lo.from_arrays(predictions, LABELS, epochs=[0.5, 1, 2], **numbers)


@pytest.mark.parametrize("measure", CATALOGUE, ids=lambda measure: measure.name)
def test_every_measure_gives_json_and_rows_of_plain_cells(log, measure):
    values = measure_values(log, [measure.name])
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    rows = value_rows(values)
    assert len(rows) == (np.size(values[measure.name]["values"]) if measure.dims else 1)
    assert all(isinstance(c, int | float | str | None) for row in rows for c in row.values())
    assert len({tuple(row) for row in rows}) == 1


def test_rows_hold_the_values_of_the_array(log):
    rows = value_rows(measure_values(log, ["accuracy"]))
    array = accuracy(log)
    assert [row["accuracy"] for row in rows] == array.values.ravel().tolist()
    assert [(row["replicate"], row["epoch"]) for row in rows[:2]] == [(0, 0.5), (0, 1.0)]


def test_an_undefined_epoch_has_its_reason_in_its_row(log):
    values = measure_values(log, ["bimodality", "fleiss_kappa"])
    assert values["bimodality"]["values"][1] is None
    assert set(values["bimodality"]["undefined"]) == {"1"}
    first, second, _ = value_rows(values)
    assert first["undefined"] == ""
    assert second["bimodality"] is None
    assert second["undefined"].startswith("bimodality: TP-agreement is 1 for every example")
    assert "fleiss_kappa: all votes are in one category" in second["undefined"]


def test_epochs_that_lie_close_keep_their_own_reasons():
    predictions = np.broadcast_to(LABELS, (2, 2, 40))
    close = lo.from_arrays(predictions, LABELS, epochs=[1000.0001, 1000.0002])
    assert len(measure_values(close, ["bimodality"])["bimodality"]["undefined"]) == 2


def test_reliability_is_one_row_with_the_ends_of_its_intervals(log):
    values = measure_values(log, ["reliability"])["reliability"]
    found = lo.reliability(log)
    assert values["values"]["reliability"] == found.value
    assert values["values"]["reliability_ci"] == list(found.ci)
    (row,) = value_rows({"reliability": values})
    assert (row["reliability_low"], row["reliability_high"]) == found.ci
    assert "undefined" not in row


def test_reliability_of_two_replicates_says_why_it_has_no_interval(log):
    values = measure_values(log.isel(replicate=[0, 1]), ["reliability"])
    (row,) = value_rows(values)
    assert row["reliability"] is not None
    assert row["reliability_low"] is row["reliability_high"] is None
    assert "reliability_ci: an interval needs 3 replicates; there are 2" in row["undefined"]


def test_the_rows_of_a_summary_go_into_parquet_and_come_back(log, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for part in (log, log.isel(epoch=[0]), log.isel(replicate=[0])):
        rows = flat_rows(summarise(part)["per_epoch"])
        parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
        assert parquet.read_table(tmp_path / "rows.parquet").to_pylist() == rows


def test_measures_of_different_dims_are_refused_by_name(log):
    with pytest.raises(LearnOrderError, match=r"accuracy \(replicate, epoch\)"):
        value_rows(measure_values(log, ["bimodality", "accuracy"]))
