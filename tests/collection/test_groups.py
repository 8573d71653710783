"""Replicates trained side by side: each is what it would be in any other group."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learnorder.collection import group as group_module
from learnorder.collection.group import Task, train_group
from learnorder.collection.plan import make_plan
from learnorder.collection.prepare import prepare
from learnorder.collection.settled import kept_execution
from learnorder.collection.train import train_collection
from learnorder.errors import LearnOrderError, SpecDiffers
from learnorder.log.creation import create_log
from learnorder.log.layout import resume_file
from learnorder.log.reader import open_log
from learnorder.training import loop
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors import recording
from learnorder.training.executors.choice import slots_agree
from learnorder.training.grid import recording_grid
from learnorder.training.loop import Group
from learnorder.training.spec import TrainingSpec

SEEDS = range(6)
OF_LABEL = {"probability": True, "margin": True, "error_norm": True}


def dense_spec(**tables):
    """Dense network with two hidden layers, in groups of 4; every group but one is not full."""
    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": "mlp", "options": {"depth": 2, "width": 33}},
            "execution": {"executor": "grouped", "width": 4},
            "recording": {"early": "log", **OF_LABEL},
            "training": {"epochs": 3, "batch_size": 25, **tables.pop("training", {})},
            **tables,
        }
    )


def by_seed(path):
    """Raw bytes of everything that is recorded, by seed, split and quantity."""
    log = open_log(path)
    assert set(log.header.quantities) == {"prediction", *OF_LABEL}
    return {
        (int(seed), split, quantity): log[split][quantity].values[i].tobytes()
        for split in log
        for quantity in log.header.quantities
        for i, seed in enumerate(log[split].seed.values)
    }


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def precision(request):
    return request.param


@pytest.fixture(scope="module")
def reference(tmp_path_factory, digits, precision, train_here):
    """Groups of four and two, in one process."""
    path = tmp_path_factory.mktemp("groups") / "one.zarr"
    spec = dense_spec(training={"precision": precision})
    train_here(path, spec, digits, SEEDS, Execution("grouped", 4, precision))
    return path


def test_other_groups_in_another_order_by_two_workers_give_the_same_bytes(
    tmp_path, reference, digits, precision, train_here
):
    spec, path = dense_spec(training={"precision": precision}), tmp_path / "log.zarr"
    execution = Execution("grouped", 4, precision)
    train_here(path, spec, digits, [5], execution)  # alone
    train_collection(spec, [4, 2, 0, 3, 1], out=path, dataset=digits, workers=2)  # 3 and 2
    assert open_log(path).execution == execution.to_json()
    assert by_seed(path) == by_seed(reference)


def test_seeds_differ_from_each_other(reference):
    first, second, *_ = open_log(reference)["train"].prediction.values
    assert not np.array_equal(first, second)


def make_task(digits, tmp_path, spec):
    prepared = prepare(spec, digits)
    tensors = TrainingTensors.from_inputs(prepared.encoded())
    execution = Execution("grouped", 4, spec.training.precision)
    path = tmp_path / "log.zarr"
    create_log(path, prepared.new_log(execution))
    grid = recording_grid(prepared.spec, tensors.n_train)
    return path, Task(prepared.spec, prepared.identity, tensors, grid, execution)


class Interrupted(BaseException):
    """As abrupt as a signal."""


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_interrupted_after_any_commit_a_group_goes_on_to_the_same_bytes(
    tmp_path, digits, monkeypatch, optimizer
):
    monkeypatch.setattr(group_module, "SAVE_STATE_SECONDS", 0.0)
    spec = dense_spec(optimizer={"name": optimizer, "learning_rate": 0.003})
    (tmp_path / "whole").mkdir()
    whole, task = make_task(digits, tmp_path / "whole", spec)
    seeds, events = [0, 1, 2], []
    train_group(whole, seeds, task, lambda *event: events.append(event))
    assert [event for event, *_ in events].count("finished") == 3
    n_commits, expected = len(seeds) * len(task.grid), by_seed(whole)
    resumed = 0
    for stop in range(2, n_commits, 7):
        folder = tmp_path / str(stop)
        folder.mkdir()
        path, task = make_task(digits, folder, spec)
        left = iter(range(stop))

        def interrupt(event, seed, reason, left=left):
            if event == "recorded" and next(left, None) is None:
                raise Interrupted

        with pytest.raises(Interrupted):
            train_group(path, seeds, task, interrupt)
        resumed += sum(resume_file(path, seed).exists() for seed in seeds)
        # the others it meets now are not those it was begun with
        train_group(path, [1, 3], task, lambda *_: None)
        train_group(path, [2, 0], task, lambda *_: None)
        found = by_seed(path)
        assert {key: found[key] for key in expected} == expected, stop
    assert resumed > 0


def test_states_at_different_steps_go_on_each_from_its_own(tmp_path, digits, monkeypatch):
    monkeypatch.setattr(group_module, "SAVE_STATE_SECONDS", 0.0)
    path, task = make_task(digits, tmp_path, dense_spec(training={"epochs": 4}))
    for seed, epochs in ((0, 1), (1, 2)):
        points = sum(point.epoch <= epochs for point in task.grid)
        left = iter(range(points))

        def interrupt(event, seed, reason, left=left):
            if event == "recorded" and next(left, None) is None:
                raise Interrupted

        with pytest.raises(Interrupted):
            train_group(path, [seed], task, interrupt)
    begun = []

    class Watched(Group):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            begun.append((tuple(self.seeds), self.step // self.per_epoch))

    monkeypatch.setattr(loop, "Group", Watched)
    train_group(path, [0, 1, 2], task, lambda *_: None)
    assert begun == [((2,), 0), ((0,), 1), ((1,), 2)]
    assert {r.status for r in open_log(path).replicates} == {"finished"}


def test_neighbour_that_diverges_changes_nothing(digits):
    spec = dense_spec()
    tensors = TrainingTensors.from_inputs(prepare(spec, digits).encoded())
    execution, point = Execution("grouped", 4), recording_grid(spec, tensors.n_train)[-1]
    alone = Group(spec, tensors, [0, 1], execution)
    beside = Group(spec, tensors, [0, 1], execution)
    for weights in beside.executor._weights.parameters():
        weights.data[1] *= 1e30
    (expected, _), (found,) = alone.advance_to(point), beside.advance_to(point)
    assert list(beside.diverged) == [1]
    assert (found.seed, expected.seed) == (0, 0)
    for split, classes in expected.predictions.items():
        assert classes.tobytes() == found.predictions[split].tobytes()
        for quantity, values in expected.of_label.items():
            assert values[split].tobytes() == found.of_label[quantity][split].tobytes()


def test_grouped_learns_what_sequential_learns(digits):
    spec = dense_spec(recording=OF_LABEL)
    tensors = TrainingTensors.from_inputs(prepare(spec, digits).encoded())
    point = recording_grid(spec, tensors.n_train)[-1]
    (grouped,) = Group(spec, tensors, [3], Execution("grouped", 4)).advance_to(point)
    (single,) = Group(spec, tensors, [3], Execution()).advance_to(point)
    for split in ("train", "test"):
        for quantity, most in (("probability", 2e-3), ("margin", 2e-2), ("error_norm", 2e-3)):
            one, other = (r.of_label[quantity][split].astype(float) for r in (grouped, single))
            assert np.abs(one - other).max() < most
        assert (grouped.predictions[split] == single.predictions[split]).mean() > 0.98


@pytest.mark.parametrize("features", [1, 3, 17, 64])
@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_place_in_the_group_does_not_matter_whatever_the_sizes(features, batch_size):
    from learnorder.datasets.dataset import Dataset

    random = np.random.default_rng(0)
    x, y = random.normal(size=(97, features)), random.integers(0, 5, 97)
    data = Dataset.from_arrays(x[:70], y[:70], x[70:], y[70:])
    spec = dense_spec(training={"batch_size": batch_size})
    tensors = TrainingTensors.from_inputs(prepare(spec, data).encoded())
    for width in (2, 8):
        assert slots_agree(spec, tensors, Execution("grouped", width))


def test_numbers_that_would_depend_on_the_place_are_found_where_they_are_recorded(
    digits, monkeypatch
):
    def by_place(found):
        return found.margin() + torch.arange(4.0)[:, None]

    monkeypatch.setitem(recording._QUANTITIES, "margin", by_place)
    tensors = TrainingTensors.from_inputs(prepare(dense_spec(), digits).encoded())
    execution = Execution("grouped", 4)
    assert not slots_agree(dense_spec(), tensors, execution)
    assert slots_agree(dense_spec(recording={"probability": True}), tensors, execution)


def test_log_goes_on_as_it_was_begun(tmp_path, digits, train_here):
    path = tmp_path / "log.zarr"
    train_collection(dense_spec(), [0], out=path, dataset=digits, workers=1)
    auto = dense_spec(execution={"executor": "auto"})
    plan = make_plan(path, prepare(auto, digits), [0, 1])
    assert (plan.pending, kept_execution(path).executor) == ([1], "grouped")
    assert open_log(path).execution == Execution("grouped", 4).to_json()
    other = dense_spec(execution={"executor": "sequential"})
    with pytest.raises(SpecDiffers, match=r"execution\.executor is 'grouped' in the log and 'seq"):
        train_collection(other, [2], out=path, dataset=digits, workers=1)


@pytest.mark.parametrize(
    ("begun", "now", "message"),
    [
        ({}, {"margin": True}, r"recording\.margin is False in the log and True now"),
        (OF_LABEL, {**OF_LABEL, "error_norm": False}, r"error_norm is True in .* and False now"),
    ],
)
def test_log_that_records_something_else_is_not_gone_on_with(tmp_path, digits, begun, now, message):
    path = tmp_path / "log.zarr"
    create_log(path, prepare(dense_spec(recording=begun), digits).new_log(Execution()))
    with pytest.raises(SpecDiffers, match=message):
        make_plan(path, prepare(dense_spec(recording=now), digits), [0])


def test_network_that_cannot_be_grouped_says_why(tmp_path, digits, networks, probe_here):
    spec = dense_spec(architecture={"name": "own_networks:with_dropout"})
    with pytest.raises(LearnOrderError, match=r"because it has a layer of type Conv2d\."):
        train_collection(spec, [0], out=tmp_path / "log.zarr", dataset=digits, workers=1)
    spec = dense_spec(architecture={"name": "own_networks:with_dropout"}, execution={"width": 3})
    with pytest.raises(LearnOrderError, match=r"execution\.width = 3, and the network of"):
        train_collection(spec, [0], out=tmp_path / "log.zarr", dataset=digits, workers=1)
    assert not (tmp_path / "log.zarr").exists()
