"""Ids that the recorder takes, through a log and a table."""

from __future__ import annotations

import numpy as np
import pytest

import learnorder as lo


@pytest.mark.parametrize(
    "ids", [[3, 1, 2], ["b", " ", "c"], np.array([2, 0, 1], dtype="u1"), (2**59, 5, 0)]
)
def test_ids_that_are_recorded_come_back_through_csv(ids, tmp_path):
    with lo.Recorder(
        tmp_path / "a.zarr", seed=0, labels={"test": [0, 1, 1]}, ids={"test": ids}
    ) as recorder:
        recorder.record(1, "test", [0, 0, 1])
    lo.export_log(tmp_path / "a.zarr", "csv", tmp_path / "a.csv")
    lo.import_log(tmp_path / "a.csv", tmp_path / "b.zarr")
    found = lo.open_log(tmp_path / "b.zarr")["test"]
    assert found.example.values.tolist() == list(ids)
