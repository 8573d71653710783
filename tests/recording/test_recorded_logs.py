"""A recorded log is a log: every command and measure works with it."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
from click.testing import CliRunner
from forks import fork
from tests.recording.here import LABELS, classes, record, refused

import learnorder as lo
from learnorder.cli import main
from learnorder.log.files import remove
from learnorder.log.verify import verify_log
from learnorder.log.writer import ROOM, ReplicateWriter


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Record a log of 4 replicates and 3 epochs, in which networks learn in one order."""
    return learned(tmp_path_factory.mktemp("recorded") / "mlp.zarr", 0)


def learned(path, shift, seeds=range(4)):
    labels = {"train": np.arange(90) % 3, "test": np.arange(60) % 3}
    for seed in seeds:
        rng = np.random.default_rng([shift, seed])
        with lo.Recorder(
            path,
            seed=seed,
            labels=labels,
            as_seen="train",
            about={"learning_rate": 0.1},
            examples={"test": [f"text {i}" for i in range(60)]},
        ) as recorder:
            for epoch in (1, 2, 3):
                for split, given in labels.items():
                    known = rng.random(len(given)) * epoch / 2 > np.linspace(0, 1, len(given))
                    wrong = (given + rng.integers(1, 3, len(given))) % 3
                    recorder.record(epoch, split, np.where(known, given, wrong))
    return path


def run(*arguments, status=0):
    done = CliRunner().invoke(main, [str(word) for word in arguments])
    assert done.exit_code == status, done.output
    return done


def test_info_says_where_it_comes_from(recorded):
    text = run("info", recorded).output
    assert "recorded from outside" in text
    assert "learning_rate 0.1" in text
    assert "split train, while training" in text
    found = json.loads(run("info", recorded, "--json").stdout)
    assert found["spec"] == {
        "recorder": {"as_seen": ["train"]},
        "about": {"learning_rate": 0.1},
    }
    assert found["as_seen"] == ["train"]
    assert found["provenance"]["numpy"] == np.__version__
    assert [r["epochs"] for r in found["replicates"]] == [{"train": 3, "test": 3}] * 4


def test_it_is_measured_compared_ranked_and_reported(recorded, tmp_path):
    other = learned(tmp_path / "cnn.zarr", 9)
    found = json.loads(run("measure", recorded, "--json").stdout)
    assert found["n_replicates"] == 4
    assert found["order"]["reliability"] > 0.5
    told = run("measure", recorded, "--split", "train", "-m", "accuracy").stderr
    assert "predictions of split train were collected while training" in told
    assert "collected while" not in run("measure", recorded, "-m", "accuracy").stderr
    (pair,) = json.loads(run("compare", recorded, other, "--json").stdout)["pairs"]
    assert pair["pearson"] > 0.5
    run("report", recorded, "--out", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "text 0" in page
    assert "as_seen" in page
    assert "learning_rate" in page


def test_it_is_verified_compacted_cleaned_and_merged(recorded, tmp_path):
    parts = [learned(tmp_path / f"part{i}.zarr", 0, [2 * i, 2 * i + 1]) for i in (0, 1)]
    run("merge", *parts, "--out", tmp_path / "merged.zarr")
    wanted = lo.open_log(recorded)["test"].prediction
    merged = lo.open_log(tmp_path / "merged.zarr")["test"].prediction
    assert np.array_equal(wanted, merged)
    run("compact", tmp_path / "merged.zarr")
    run("gc", tmp_path / "merged.zarr")
    run("verify", tmp_path / "merged.zarr")
    assert np.array_equal(wanted, lo.open_log(tmp_path / "merged.zarr")["test"].prediction)
    learned(tmp_path / "merged.zarr", 0, [4])  # and goes on
    assert lo.open_log(tmp_path / "merged.zarr")["test"].sizes["replicate"] == 5
    victim = next((tmp_path / "part0.zarr").rglob("c.1.0"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert victim.name in run("verify", tmp_path / "part0.zarr", status=1).output


def test_logs_of_other_training_are_not_merged(recorded, begin, path, tmp_path):
    with begin() as recorder:
        record(recorder, [1])
    with lo.Recorder(tmp_path / "b.zarr", seed=1, labels=LABELS, about={"lr": 2}) as recorder:
        record(recorder, [1])
    done = run("merge", path, tmp_path / "b.zarr", "--out", tmp_path / "c.zarr", status=1)
    assert "about.lr is None in the first and 2 in the second" in done.output


def test_interrupted_replicates_say_how_to_go_on(begin, path):
    recorder = begin()
    record(recorder, [1])
    recorder.close()
    assert "a recorder of the same seed goes on" in run("info", path).output
    assert "recorder up to finish()" in run("measure", path, status=1).output


def test_train_refuses_a_recorded_log(recorded, tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text('[dataset]\nname = "digits"\n[architecture]\nname = "linear"\n')
    done = run("train", spec, "--out", recorded, status=1)
    assert "`learnorder train` did not write it" in done.output


def test_compacted_replicates_take_more_epochs(begin, path):
    with begin() as recorder:
        record(recorder, [1, 2])
    run("compact", path)
    with begin() as recorder:
        assert recorder.last_epoch == 2
        record(recorder, [2, 3])
    run("compact", path)
    assert verify_log(path).intact
    found = lo.open_log(path)["train"].prediction[0]
    assert np.array_equal(found, [classes(e, "train") for e in (1, 2, 3)])


def killed_between_lanes(path):
    """Let a process record two epochs and die between the splits of the third."""

    def act(acknowledge):
        recorder = lo.Recorder(path, seed=0, labels=LABELS)
        record(recorder, [1, 2])
        real = ReplicateWriter._commit

        def die(self, lane, *given):
            if lane.name == "test":
                os.kill(os.getpid(), signal.SIGKILL)
            real(self, lane, *given)

        ReplicateWriter._commit = die
        record(recorder, [3])

    assert fork(act).wait() == -signal.SIGKILL
    epochs = {s: lo.open_log(path, unfinished=True)[s].sizes["epoch"] for s in LABELS}
    assert epochs == {"train": 3, "test": 2}


@pytest.mark.parametrize("next_epochs", [[3], [4, 5], []])
def test_half_an_epoch_of_a_killed_process_gives_way(begin, path, next_epochs):
    killed_between_lanes(path)
    recorder = begin()
    assert recorder.last_epoch == 2
    for epoch in next_epochs:  # of a network that predicts otherwise
        for split in LABELS:
            recorder.record(epoch, split, classes(epoch + 8, split))
    recorder.finish()
    log = lo.open_log(path)
    for split in LABELS:
        assert log[split].epoch.values.tolist() == [1, 2, *next_epochs]
        for epoch in next_epochs:
            found = log[split].prediction.sel(epoch=epoch)[0]
            assert np.array_equal(found, classes(epoch + 8, split))
    assert verify_log(path).intact
    run("gc", path)
    assert verify_log(path).intact
    assert verify_log(path).orphans == []


def test_lost_records_are_told_and_nothing_is_taken_for_half_an_epoch(begin, path):
    recorder = begin()
    record(recorder, [1, 2, 3, 4])
    recorder.close()
    (folder,) = path.glob("replicates/r0000/attempt-*/commits/test")
    kept = (folder / "000001.json").read_bytes()
    remove(folder / "000001.json")
    with pytest.raises(lo.LogDamaged, match=r"000001\.json is missing"):
        begin()
    (folder / "000001.json").write_bytes(kept)
    for name in ("000002.json", "000003.json"):
        remove(folder / name)
    with pytest.raises(lo.LogDamaged, match=r"test/000002\.json is missing"):
        begin()


def test_more_epochs_than_a_segment_has_room_for(begin, path, monkeypatch):
    assert ROOM > 1000
    monkeypatch.setattr("learnorder.log.writer.ROOM", 2)
    first = begin()
    record(first, [1])
    first.close()
    with begin() as recorder:
        record(recorder, range(2, 7))
    segments = sorted(p.name.split("-")[1] for p in path.glob("replicates/r0000/*/segment-*"))
    assert segments == ["0", "1", "3", "5"]
    assert lo.open_log(path)["test"].epoch.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert verify_log(path).intact
    run("compact", path)
    assert lo.open_log(path)["test"].sizes["epoch"] == 6


def test_in_memory_of_this_process(begin):
    pytest.importorskip("upath")
    place = "memory://recorded/runs.zarr"
    with lo.Recorder(place, seed=0, labels=LABELS) as recorder:
        record(recorder, [1])
    with refused("has epochs up to 1"):
        lo.Recorder(place, seed=0, labels=LABELS, resume=False)
    assert lo.open_log(place)["test"].sizes["epoch"] == 1
