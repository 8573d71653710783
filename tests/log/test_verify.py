"""`verify` names every damaged or lost file, and cries wolf over none."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from learnorder.cli import main
from learnorder.errors import LearnOrderError
from learnorder.log import layout
from learnorder.log.creation import plan_replicates
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions


def predictions(index: int) -> EpochPredictions:
    """Predictions for the sizes of the tiny log."""
    votes = {name: np.full(n, index % 3, np.uint8) for name, n in (("train", 40), ("test", 24))}
    return EpochPredictions(7, index, index + 1.0, votes)


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    place = random.Random(str(file.name)).randrange(len(content) * 8)
    content[place // 8] ^= 1 << place % 8
    file.write_bytes(content)


DAMAGES = {
    "flipped bit": flip_a_bit,
    "truncated": lambda f: f.write_bytes(f.read_bytes()[:-1]),
    "missing": lambda f: f.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_of_a_finished_log_is_named(tiny_log, tmp_path, damage):
    files = [p for p in tiny_log.rglob("*") if p.is_file() and p.name != "claim"]
    assert len(files) > 60
    copy = tmp_path / "copy.zarr"
    shutil.copytree(tiny_log, copy)
    for file in files:
        damaged = copy / file.relative_to(tiny_log)
        DAMAGES[damage](damaged)
        try:
            found = verify_log(copy)
        except LearnOrderError as error:
            assert damaged.name == "zarr.json", error  # the header: nothing else can be checked
            assert str(copy) in str(error)
        else:
            named = [p.file for p in found.problems]
            folder = str(damaged.parent.parent)
            assert str(damaged) in named or folder in named or _commits(damaged) in named, damaged
        damaged.write_bytes(file.read_bytes())
    assert not verify_log(copy).problems


def _commits(file: Path) -> str:
    """A damaged commit record is named with the folder of its split."""
    return str(file.parent)


def test_intact_log_is_read_whole_and_called_intact(tiny_log):
    found = verify_log(tiny_log)
    assert (found.problems, found.unfinished, found.orphans) == ([], [], [])
    assert (found.n_replicates, found.n_epochs) == (3, 3 * 3)
    done = CliRunner().invoke(main, ["verify", str(tiny_log)])
    assert done.exit_code == 0
    assert "9 committed epochs of 3 replicates read, all as they were written" in done.output


def test_command_exits_1_and_names_the_file(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    chunk = sorted(copy.glob("replicates/r0001/attempt-*/segment-*/test/c.*"))[0]
    flip_a_bit(chunk)
    done = CliRunner().invoke(main, ["verify", str(copy)])
    assert done.exit_code == 1
    assert f"{chunk}: differs from the checksum" in done.output
    content = json.loads(CliRunner().invoke(main, ["verify", str(copy), "--json"]).output)
    assert content["intact"] is False
    assert content["problems"][0]["file"] == str(chunk)
    with pytest.raises(LearnOrderError):
        open_log(copy)["test"].prediction.values  # noqa: B018


def test_live_interrupted_and_planned_replicates_are_no_damage(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    plan_replicates(copy, [9])
    with ReplicateWriter(copy, 7, [1.0, 2.0, 3.0], {}) as writer:
        writer.write(predictions(0))
        assert (verify_log(copy).problems, verify_log(copy).unfinished) == ([], [7])
    found = verify_log(copy)
    assert (found.problems, found.unfinished) == ([], [7])


def test_lost_declaration_of_a_finished_replicate_is_noticed(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    (outcome,) = copy.glob("replicates/r0002/attempt-*/outcome.json")
    outcome.unlink()
    (problem,) = verify_log(copy).problems
    assert problem.file == str(outcome)
    assert "Train again" in problem.problem


def test_longer_and_resumed_logs_stay_intact(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    for n_epochs in (2, 3, 5):
        with ReplicateWriter(copy, 7, [e + 1.0 for e in range(n_epochs)], {}) as writer:
            for index in range(n_epochs):
                writer.write(predictions(index))
            writer.finish()
        assert verify_log(copy).problems == []
    assert len(list(copy.glob("replicates/r0007/attempt-*/manifest-*.json"))) == 1


def test_left_overs_of_killed_processes_are_told_and_harmless(tiny_log, tmp_path):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    (copy / "replicates/r0000/zarr.json.0123.partial").write_text("half")
    shutil.copytree(
        copy / "examples", copy / "replicates/r0000/attempt-dead"
    )  # any folder without commits
    found = verify_log(copy)
    assert found.problems == []
    assert len(found.orphans) == 2


@pytest.mark.parametrize("value", [-1, 3])
def test_predictions_outside_the_classes_are_refused_whatever_their_type(tiny_log, tmp_path, value):
    copy = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, copy)
    votes = {"train": np.full(40, value), "test": np.zeros(24, np.int64)}
    with (
        ReplicateWriter(copy, 7, [1.0], {}) as writer,
        pytest.raises(LearnOrderError, match=f"predicts class {value} at epoch 1"),
    ):
        writer.write(EpochPredictions(7, 0, 1.0, votes))


def test_header_that_appears_while_it_is_looked_for_is_no_damage(tiny_log, monkeypatch):
    real, missed = layout.read_bytes, []

    def late(path):
        if not missed:
            missed.append(path)
            raise FileNotFoundError(path)
        return real(path)

    expected = layout.read_header(tiny_log)
    monkeypatch.setattr(layout, "read_bytes", late)
    assert layout.read_header(tiny_log) == expected
    assert missed
