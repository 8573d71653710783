"""One replicate in a worker: wherever it is interrupted, it goes on to the same bytes."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys

import pytest

from learnorder.collection import worker
from learnorder.collection.prepare import prepare
from learnorder.collection.worker import Task
from learnorder.errors import LearnOrderError, SpecDiffers
from learnorder.log.creation import create_log
from learnorder.log.description import describe
from learnorder.log.files import read_record, write_record
from learnorder.log.layout import resume_file
from learnorder.log.reader import open_log
from learnorder.training.grid import recording_grid
from learnorder.training.loop import Replicate, TrainingTensors

EVERYTHING = {
    "optimizer": {"name": "adam", "learning_rate": 0.003},
    "schedule": {"name": "cosine"},
    "recording": {"early": "log", "initial": True},
}


class Interrupted(BaseException):
    """As abrupt as a signal: nothing in the worker catches it."""


class Events(io.StringIO):
    """Events of a worker; interrupts it after so many recorded points."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after = stop_after

    def flush(self):
        if self.stop_after is not None and self.n_recorded() >= self.stop_after:
            raise Interrupted

    def n_recorded(self):
        return sum(
            json.loads(line)["event"] == "recorded" for line in self.getvalue().split("\n")[:-1]
        )


@pytest.fixture
def start(tmp_path, networks, digits, make_spec, monkeypatch):
    """Make a new log and the task of a worker that trains into it."""
    monkeypatch.setattr(worker, "SAVE_STATE_SECONDS", 0.0)

    def start(name="log", architecture="own_networks:with_dropout", epochs=3, **tables):
        prepared = prepare(make_spec(architecture, epochs, **tables), digits)
        tensors = TrainingTensors.from_inputs(prepared.encoded())
        grid = recording_grid(prepared.spec, tensors.n_train)
        path = tmp_path / f"{name}.zarr"
        create_log(path, prepared.new_log())
        return path, Task(prepared.spec, prepared.identity, tensors, grid)

    return start


def predictions(path):
    log = open_log(path)
    return {split: log[split].prediction.values.tobytes() for split in log}


def interrupt(path, seed, task, after):
    with pytest.raises(Interrupted):
        worker._train(path, seed, task, Events(stop_after=after))


def test_interrupted_after_any_point_it_goes_on_to_the_same_bytes(start):
    whole, task = start("whole", **EVERYTHING)
    worker._train(whole, 0, task, Events())
    kept = 0
    for point in range(1, len(task.grid)):
        path, task = start(f"after-{point}", **EVERYTHING)
        interrupt(path, 0, task, after=point)
        interrupt(path, 0, task, after=1)
        kept += resume_file(path, 0).exists()
        worker._train(path, 0, task, Events())
        assert predictions(path) == predictions(whole), point
        assert not resume_file(path, 0).exists()
    assert kept > len(task.grid) // 2


def test_state_of_another_seed_is_not_used(start):
    whole, task = start("whole")
    worker._train(whole, 0, task, Events())
    path, task = start("swapped")
    for seed in (0, 1):
        interrupt(path, seed, task, after=2)
    shutil.copy(resume_file(path, 1), resume_file(path, 0))
    worker._train(path, 0, task, Events())
    assert predictions(path) == predictions(whole)


def test_replicate_with_every_epoch_committed_is_finished_without_training(start, monkeypatch):
    path, task = start()
    interrupt(path, 0, task, after=len(task.grid))
    assert describe(open_log(path))["replicates"][0]["status"] == "interrupted"
    monkeypatch.setattr(Replicate, "advance_to", None)
    worker._train(path, 0, task, Events())
    assert describe(open_log(path))["replicates"][0]["status"] == "finished"


def test_what_was_finished_stays_finished_when_more_epochs_cannot_be_added(start, digits):
    path, task = start(epochs=2)
    worker._train(path, 0, task, Events())
    before = predictions(path)
    (record,) = path.glob("replicates/r0000/attempt-*/commits/test/000000.json")
    content = read_record(record)
    write_record(record, {**content, "crc32": content["crc32"] ^ 1})
    longer = Task(task.spec, task.identity, task.tensors, [*task.grid, *more_points(task)])
    with pytest.raises(LearnOrderError, match="trained again, predicts 'test' otherwise"):
        worker._train(path, 0, longer, Events())
    write_record(record, content)
    assert predictions(path) == before


def more_points(task):
    longer = task.spec.model_copy(
        update={"training": task.spec.training.model_copy(update={"epochs": 4})}
    )
    return recording_grid(longer, task.tensors.n_train)[len(task.grid) :]


def test_log_that_has_become_another_is_left_alone(start):
    path, _ = start("log", epochs=2)
    _, task = start("other", epochs=2, optimizer={"learning_rate": 0.5})
    with pytest.raises(SpecDiffers, match="has become a log of another spec"):
        worker._train(path, 0, task, Events())
    assert describe(open_log(path))["replicates"] == []


def test_worker_whose_parent_is_gone_takes_the_scratch_folder_with_it(tmp_path):
    scratch = tmp_path / "scratch"
    (scratch / "inputs").mkdir(parents=True)
    (scratch / "inputs" / "inputs-0.npy").write_bytes(b"much")
    subprocess.run(
        [sys.executable, "-m", "learnorder.collection.worker", str(scratch)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert not scratch.exists()
