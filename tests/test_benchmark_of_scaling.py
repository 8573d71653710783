"""The simulation of many replicates is of the real loop and the real log."""

from __future__ import annotations

import pytest
from benchmarks import scaling

from learnorder.log.reader import Log
from learnorder.log.verify import verify_log


@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_simulated_nodes_finish_every_replicate_or_it_is_counted(tmp_path, monkeypatch, lost):
    monkeypatch.setattr(scaling, "LOST", lost)
    monkeypatch.setattr(scaling, "WORKERS", 4)
    failed = scaling._simulate(20, tmp_path / "log.zarr")
    finished = [r for r in Log(tmp_path / "log.zarr").replicates if r.status == "finished"]
    assert len(finished) == 20 - failed
    assert lost > 0 or failed == 0
    assert verify_log(tmp_path / "log.zarr").intact


def test_rows_of_the_simulation_say_whether_it_stays_flat(tmp_path):
    rows = scaling.many((5, 10), tmp_path).rows
    assert [row.goal is not None for row in rows] == [False, False, True]
