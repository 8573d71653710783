"""One replicate in a worker: wherever it is interrupted, it goes on to the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from learnorder.collection import group
from learnorder.collection.group import Task, train_group
from learnorder.collection.prepare import prepare
from learnorder.log.creation import create_log
from learnorder.log.description import describe
from learnorder.log.files import read_record, write_record
from learnorder.log.layout import resume_file
from learnorder.log.reader import open_log
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.grid import recording_grid
from learnorder.training.inputs import save
from learnorder.training.loop import Group

EVERYTHING = {
    "optimizer": {"name": "adam", "learning_rate": 0.003},
    "schedule": {"name": "cosine"},
    "recording": {"early": "log", "initial": True},
}


class Interrupted(BaseException):
    """As abrupt as a signal: nothing in the worker catches it."""


class Events(list):
    """Events of a group; interrupts it after so many recorded points."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after = stop_after

    def __call__(self, event, seed, reason):
        self.append((event, seed, reason))
        if self.stop_after is not None and self.count("recorded") >= self.stop_after:
            raise Interrupted

    def count(self, kind):
        return sum(event == kind for event, _, _ in self)

    def reasons(self):
        return [reason for event, _, reason in self if event == "failed"]


@pytest.fixture
def start(tmp_path, networks, digits, make_spec, monkeypatch):
    """Make a new log and the task of a worker that trains into it."""
    monkeypatch.setattr(group, "SAVE_STATE_SECONDS", 0.0)

    def start(
        name="log",
        architecture="own_networks:with_dropout",
        epochs=3,
        execution=Execution(),  # noqa: B008
        **tables,
    ):
        prepared = prepare(make_spec(architecture, epochs, **tables), digits)
        tensors = TrainingTensors.from_inputs(prepared.encoded())
        grid = recording_grid(prepared.spec, tensors.n_train)
        path = tmp_path / f"{name}.zarr"
        create_log(path, prepared.new_log(execution))
        return path, Task(prepared.spec, prepared.identity, tensors, grid, execution)

    return start


def predictions(path):
    log = open_log(path)
    return {split: log[split].prediction.values.tobytes() for split in log}


def interrupt(path, seed, task, after):
    with pytest.raises(Interrupted):
        train_group(path, [seed], task, Events(stop_after=after))


def test_interrupted_after_any_point_it_goes_on_to_the_same_bytes(start):
    whole, task = start("whole", **EVERYTHING)
    train_group(whole, [0], task, Events())
    kept = 0
    for point in range(1, len(task.grid)):
        path, task = start(f"after-{point}", **EVERYTHING)
        interrupt(path, 0, task, after=point)
        interrupt(path, 0, task, after=1)
        kept += resume_file(path, 0).exists()
        train_group(path, [0], task, Events())
        assert predictions(path) == predictions(whole), point
        assert not resume_file(path, 0).exists()
    assert kept > len(task.grid) // 2


@pytest.mark.parametrize("grid", [{"every": 8}, {"every": "log"}])
def test_states_are_kept_between_points_that_lie_far_apart(start, monkeypatch, grid):
    whole, task = start("whole", epochs=8, recording=grid)
    train_group(whole, [0], task, Events())
    path, task = start("killed", epochs=8, recording=grid)
    advance, epochs = Group._train, []

    def killed_in_the_eighth_epoch(self, until):
        epochs.append(self.step // self.per_epoch)
        if len(epochs) == 8:
            raise Interrupted
        advance(self, until)

    monkeypatch.setattr(Group, "_train", killed_in_the_eighth_epoch)
    with pytest.raises(Interrupted):
        train_group(path, [0], task, Events())
    train_group(path, [0], task, Events())
    assert epochs == [*range(8), 7]
    assert predictions(path) == predictions(whole)


def test_state_of_another_seed_is_not_used(start):
    whole, task = start("whole")
    train_group(whole, [0], task, Events())
    path, task = start("swapped")
    for seed in (0, 1):
        interrupt(path, seed, task, after=2)
    shutil.copy(resume_file(path, 1), resume_file(path, 0))
    train_group(path, [0], task, Events())
    assert predictions(path) == predictions(whole)


def test_replicate_with_every_epoch_committed_is_finished_without_training(start, monkeypatch):
    path, task = start()
    interrupt(path, 0, task, after=len(task.grid))
    assert describe(open_log(path))["replicates"][0]["status"] == "interrupted"
    monkeypatch.setattr(Group, "advance_to", None)
    train_group(path, [0], task, Events())
    assert describe(open_log(path))["replicates"][0]["status"] == "finished"


def test_what_was_finished_stays_finished_when_more_epochs_cannot_be_added(start, digits):
    path, task = start(epochs=2)
    train_group(path, [0], task, Events())
    before = predictions(path)
    (record,) = path.glob("replicates/r0000/attempt-*/commits/test/000000.json")
    content = read_record(record)
    write_record(record, {**content, "crc32": content["crc32"] ^ 1})
    longer = replace(task, grid=[*task.grid, *more_points(task)])
    events = Events()
    train_group(path, [0], longer, events)
    assert "trained again, predicts 'test' otherwise" in events.reasons()[0]
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
    events = Events()
    train_group(path, [0], task, events)
    assert "has become a log of another spec" in events.reasons()[0]
    assert describe(open_log(path))["replicates"] == []


def test_worker_whose_parent_is_gone_takes_the_scratch_folder_with_it(tmp_path, digits, make_spec):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = prepare(make_spec("linear"), digits)
    save(prepared.encoded(), scratch / "inputs")
    task = {"spec": prepared.spec.resolved(), "identity": prepared.identity}
    (scratch / "task.json").write_text(json.dumps(task))
    done = subprocess.run(
        [sys.executable, "-m", "learnorder.collection.worker", str(scratch)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert not scratch.exists()


STEPS = """
import hashlib, sys
import torch
found = hashlib.md5()
for family, options in (("SGD", {"momentum": 0.9}), ("Adam", {}), ("AdamW", {})):
    torch.manual_seed(0)
    network = torch.nn.Linear(64, 10)
    optimizer = getattr(torch.optim, family)(network.parameters(), 0.01, fused=True, **options)
    for step in range(6):
        optimizer.zero_grad()
        network(torch.randn(8, 64)).square().mean().backward()
        optimizer.step()
        if step == 3:
            optimizer.load_state_dict(optimizer.state_dict())
    assert network.weight.requires_grad and torch.is_grad_enabled()
    found.update(network.weight.detach().numpy().tobytes())
print(found.hexdigest(), "torch._dynamo" in sys.modules)
"""
SPARE = "from learnorder.training.plain_optimizers import spare_compiler; spare_compiler()"


def test_optimizers_without_the_compiler_compute_the_same_and_do_not_import_it(capsys):
    exec(STEPS, {})
    plain, _ = capsys.readouterr().out.split()
    done = subprocess.run(
        [sys.executable, "-c", SPARE + STEPS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [plain, "False"]
