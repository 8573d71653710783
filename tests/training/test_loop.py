"""One replicate: fixed by spec, data and seed; undisturbed by anything around it."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from torch.nn import functional

from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.grid import GridPoint, check_batch_size, grid_after, recording_grid
from learnorder.training.inputs import encode
from learnorder.training.loop import Diverged, Group, train_replicate
from learnorder.training.spec import TrainingSpec
from learnorder.training.streams import order


@pytest.fixture(scope="module")
def tensors() -> TrainingTensors:
    """Digits enlarged to 16 by 16 pixels, so that the network with dropout reads them."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    large = np.kron(images.reshape(-1, 8, 8), np.ones((2, 2))).astype(np.uint8) * 15
    data = Dataset.from_arrays(large[:96], labels[:96], large[96:120], labels[96:120])
    return TrainingTensors.from_inputs(encode(data))


def spec(**tables):
    training = {"epochs": 2, "batch_size": 24} | tables.pop("training", {})
    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": "st-vgg"},
            "optimizer": {"learning_rate": 0.02},
            "augmentation": {"flip": True, "crop": 1},
            "training": training,
            **tables,
        }
    )


def replicate(chosen, tensors, state=None):
    """Return a group of seed 0 alone."""
    return Group(chosen, tensors, [0], Execution.of(chosen), {0: state} if state else None)


def trajectory(records):
    return {
        r.epoch: {split: classes.tobytes() for split, classes in r.predictions.items()}
        for r in records
    }


def test_same_seed_gives_the_same_bytes_whatever_came_before(tensors):
    first = trajectory(train_replicate(spec(), tensors, 3))
    list(train_replicate(spec(), tensors, 4))
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    assert trajectory(train_replicate(spec(), tensors, 3)) == first
    assert trajectory(train_replicate(spec(), tensors, 5)) != first


def test_replicates_in_turn_do_not_disturb_each_other(tensors):
    alone = [trajectory(train_replicate(spec(), tensors, seed)) for seed in (0, 1)]
    streams = [train_replicate(spec(), tensors, seed) for seed in (0, 1)]
    interleaved = list(zip(*streams, strict=True))
    assert [trajectory(records) for records in zip(*interleaved, strict=True)] == alone


def test_training_leaves_the_global_random_streams_alone(tensors):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    list(train_replicate(spec(), tensors, 0))
    assert torch.equal(torch.get_rng_state(), before)


def test_recording_inside_an_epoch_does_not_change_training(tensors):
    plain = trajectory(train_replicate(spec(), tensors, 0))
    often = trajectory(
        train_replicate(spec(recording={"early": "log", "initial": True}), tensors, 0)
    )
    assert set(often) > set(plain)
    assert {epoch: often[epoch] for epoch in plain} == plain


@pytest.mark.parametrize("optimizer", [{"name": "sgd"}, {"name": "adamw"}])
def test_captured_state_continues_bit_for_bit(tensors, optimizer):
    chosen = spec(training={"epochs": 3}, optimizer={**optimizer, "learning_rate": 0.003})
    grid = recording_grid(chosen, tensors.n_train)
    whole = replicate(chosen, tensors)
    records = whole.advance_to(grid[0])
    state = whole.states()[0]
    records += [whole.advance_to(point)[0] for point in grid[1:]]
    resumed = replicate(chosen, tensors, state)
    assert grid_after(grid, resumed.step) == grid[1:]
    again = [resumed.advance_to(point)[0] for point in grid[1:]]
    assert trajectory(again) == trajectory(records[1:])


class Keeper(torch.nn.Module):
    """Draws at random in eval mode too, and keeps a mean that PyTorch does not save."""

    def __init__(self, input_shape, n_classes):
        super().__init__()
        self.linear = torch.nn.Linear(16 * 16, n_classes)
        self.register_buffer("mean", torch.zeros(16 * 16), persistent=False)

    def forward(self, images):
        flat = functional.dropout(images.flatten(1), 0.3, training=True)
        if self.training:
            self.mean.mul_(0.9).add_(flat.mean(0), alpha=0.1)
        return self.linear(flat - 3 * self.mean)


class Hoarder(Keeper):
    """Keeps something that is no array."""

    def get_extra_state(self):
        return object()


@pytest.fixture
def own(monkeypatch):
    """Offer the networks above as a module of the user's own."""
    module = ModuleType("own_of_loop")
    module.keeper, module.hoarder = Keeper, Hoarder
    monkeypatch.setitem(sys.modules, "own_of_loop", module)


def test_network_that_draws_in_evaluation_gives_the_same_bytes_too(tensors, own):
    drawing = spec(architecture={"name": "own_of_loop:keeper"})
    first = trajectory(train_replicate(drawing, tensors, 3))
    torch.manual_seed(99)
    assert trajectory(train_replicate(drawing, tensors, 3)) == first


def test_captured_state_has_buffers_that_are_not_saved_with_the_weights(tensors, own):
    chosen = spec(architecture={"name": "own_of_loop:keeper"})
    grid = recording_grid(chosen, tensors.n_train)
    whole = replicate(chosen, tensors)
    whole.advance_to(grid[0])
    assert whole.can_be_captured()
    resumed = replicate(chosen, tensors, whole.states()[0])
    assert trajectory(resumed.advance_to(grid[1])) == trajectory(whole.advance_to(grid[1]))


def test_network_with_more_than_arrays_is_not_captured(tensors, own):
    hoarding = spec(architecture={"name": "own_of_loop:hoarder"})
    assert not replicate(hoarding, tensors).can_be_captured()


def test_state_of_another_network_is_refused(tensors):
    choices = {"augmentation": {}, "architecture": {"name": "mlp", "options": {"width": 8}}}
    state = replicate(spec(**choices), tensors).states()[0]
    choices["architecture"] = {"name": "mlp", "options": {"width": 9}}
    with pytest.raises(LearnOrderError, match="the network has another"):
        replicate(spec(**choices), tensors, state)


def test_learns_something(tensors):
    easy = spec(architecture={"name": "mlp"}, training={"epochs": 8}, augmentation={})
    *_, last = train_replicate(easy, tensors, 0)
    labels = tensors.inputs.labels["test"]
    assert (last.predictions["test"] == labels).mean() > 0.7


def test_bfloat16_trains_and_differs_only_a_little(tensors):
    choices = {"architecture": {"name": "mlp"}, "augmentation": {}}
    full = list(train_replicate(spec(**choices), tensors, 0))[-1].predictions["train"]
    half = spec(**choices, training={"precision": "bfloat16"})
    reduced = list(train_replicate(half, tensors, 0))[-1].predictions["train"]
    assert (full == reduced).mean() > 0.9


def test_divergence_is_named_with_seed_and_epoch(tensors):
    wild = spec(optimizer={"learning_rate": 1e20})
    with pytest.raises(Diverged, match="replicate 2 diverged in epoch 1") as raised:
        list(train_replicate(wild, tensors, 2))
    assert raised.value.epoch == 1.0


def test_batch_larger_than_the_data_is_refused():
    with pytest.raises(LearnOrderError, match=r"batch_size = 500.*\(96 examples\)"):
        check_batch_size(spec(training={"batch_size": 500}), 96)


def test_grid_after_keeps_the_point_before_training():
    grid = [GridPoint(0, 0, 0.0), GridPoint(1, 5, 1.0)]
    assert grid_after(grid, 0) == grid
    assert grid_after(grid, 5) == []


def test_order_is_shuffled_in_every_epoch_fixed_for_a_seed_or_that_of_the_source():
    def orders(kind):
        return {(seed, epoch): order(seed, epoch, 50, kind) for seed in (1, 2) for epoch in (0, 1)}

    found = {kind: orders(kind) for kind in ("shuffled", "fixed", "source")}
    for by_place in found.values():
        assert all(torch.equal(o.sort().values, torch.arange(50)) for o in by_place.values())
    shuffled, fixed, source = found.values()
    assert len({tuple(o.tolist()) for o in shuffled.values()}) == 4
    for seed in (1, 2):
        assert torch.equal(fixed[seed, 0], fixed[seed, 1])
        assert torch.equal(fixed[seed, 0], shuffled[seed, 0])
    assert not torch.equal(fixed[1, 0], fixed[2, 0])
    assert all(torch.equal(o, torch.arange(50)) for o in source.values())
    assert torch.equal(order(1, 1, 50), shuffled[1, 1])


@pytest.mark.parametrize("kind", ["shuffled", "fixed", "source"])
def test_batches_come_in_the_order_of_the_spec(tensors, monkeypatch, kind):
    chosen = spec(training={"order": kind, "batch_size": 40}, architecture={"name": "linear"})
    group = replicate(chosen, tensors)
    seen = []
    monkeypatch.setattr(group.executor, "step", lambda positions: seen.append(positions[0]))
    group.advance_to(recording_grid(chosen, tensors.n_train)[-1])
    expected = [order(0, epoch, tensors.n_train, kind) for epoch in (0, 1)]
    assert torch.equal(torch.cat(seen), torch.cat(expected))


def test_fixed_order_begins_as_the_shuffled_one_and_then_differs(tensors):
    plain = {"architecture": {"name": "linear"}, "augmentation": {}}
    shuffled, fixed = (
        trajectory(train_replicate(spec(**plain, training={"order": kind}), tensors, 0))
        for kind in ("shuffled", "fixed")
    )
    assert shuffled[1.0] == fixed[1.0]
    assert shuffled[2.0] != fixed[2.0]
