"""`info` explains what is there and what is missing."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from learnorder.cli import main
from learnorder.errors import LogDamaged
from learnorder.log.compact import compact_log
from learnorder.log.creation import plan_replicates
from learnorder.log.description import describe
from learnorder.log.reader import open_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions


@pytest.fixture
def log(tiny_log, tmp_path):
    shutil.copytree(tiny_log, tmp_path / "log.zarr")
    return tmp_path / "log.zarr"


def votes():
    return {name: np.zeros(n, np.uint8) for name, n in (("train", 40), ("test", 24))}


def missing(path):
    return describe(open_log(path))["missing"]


def test_whole_compacted_log_lacks_nothing(log):
    assert missing(log) == [
        "3 finished replicates are not wholly compacted; `learnorder compact` makes that smaller "
        "and quicker to measure"
    ]
    compact_log(log)
    assert missing(log) == []
    assert [r["compacted"] for r in describe(open_log(log))["replicates"]] == [3, 3, 3]


def test_every_kind_of_incomplete_replicate_is_explained(log):
    plan_replicates(log, [20])
    with ReplicateWriter(log, 7, [1.0, 2.0, 3.0, 4.0], {}) as writer:
        writer.write(EpochPredictions(7, 0, 1.0, votes()))
    with ReplicateWriter(log, 8, [1.0], {}) as writer:
        writer.fail("diverged", 1.0, "loss is nan")
    shutil.rmtree(log / "replicates/r0001")
    with ReplicateWriter(log, 9, [1.0, 2.0], {}) as writer:
        writer.write(EpochPredictions(9, 0, 1.0, votes()))
        content = describe(open_log(log))
    states = {r["seed"]: (r["status"], r["planned_epochs"]) for r in content["replicates"]}
    assert states == {
        0: ("finished", 3),
        1: ("lost", None),
        2: ("finished", 3),
        7: ("interrupted", 4),
        8: ("failed", None),
        9: ("running", 2),
        20: ("planned", None),
    }
    text = " ".join(content["missing"])
    assert "1 of 7 replicates is being written by a live process: seed 9" in text
    assert "goes on after the last committed epoch: seed 7" in text
    assert "nothing of them is committed" in text
    assert "failed (loss is nan): seed 8" in text
    assert "lost: what they committed is gone" in text
    assert "r0001 is gone" in text


def test_ragged_epochs_are_told(log):
    with ReplicateWriter(log, 1, [1.0, 2.0, 3.0, 4.0], {}) as writer:
        writer.write(EpochPredictions(1, 3, 4.0, votes()))
        writer.finish()
    assert (
        "finished replicates have 3 to 4 epochs; measures use those that all have. "
        "Fewest: seeds 0, 2"
    ) in missing(log)
    assert open_log(log)["test"].attrs["epochs_left_out"] == [4.0]


def test_command_prints_epochs_done_and_planned(log):
    with ReplicateWriter(log, 7, [1.0, 2.0, 3.0, 4.0], {}) as writer:
        writer.write(EpochPredictions(7, 0, 1.0, votes()))
    text = CliRunner().invoke(main, ["info", str(log)]).output
    assert "1 of 4" in text
    assert "1 of 4 replicates is interrupted" in text


def test_damaged_replicate_hides_no_other_and_stops_measures(log):
    next(log.glob("replicates/r0001/attempt-*/commits/test/000001.json")).write_text("half")
    next(log.glob("replicates/r0002/attempt-*/outcome.json")).unlink()
    content = describe(open_log(log))
    assert [r["status"] for r in content["replicates"]] == ["finished", "finished", "damaged"]
    assert "lost its outcome.json" in content["replicates"][2]["reason"]
    assert any("damaged, and nothing is measured" in sentence for sentence in content["missing"])
    with pytest.raises(LogDamaged, match=r"lost its outcome\.json"):
        open_log(log)["test"]


def test_log_that_lost_its_header_is_damaged_and_no_other_folder(log):
    (log / "zarr.json").unlink()
    for command in ("verify", "info", "measure"):
        done = CliRunner().invoke(main, [command, str(log)])
        assert done.exit_code == 1
        assert "zarr.json is missing, though" in done.stderr
