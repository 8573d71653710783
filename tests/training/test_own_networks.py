"""Networks of the user's own, with what makes a stack of them another thing than each alone."""

from __future__ import annotations

import random
import sys
from collections import OrderedDict
from math import prod
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError
from learnorder.training.cost import probe
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.choice import settle
from learnorder.training.inputs import encode
from learnorder.training.loop import Group, train_replicate
from learnorder.training.networks import initial_network
from learnorder.training.spec import TrainingSpec


@pytest.fixture(scope="module")
def tensors() -> TrainingTensors:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.uint8)
    data = Dataset.from_arrays(images[:300], labels[:300], images[300:400], labels[300:400])
    return TrainingTensors.from_inputs(encode(data))


def repeated(input_shape, n_classes):
    """One activation in two places."""
    relu, size = nn.ReLU(), prod(input_shape)
    layers = nn.Linear(size, 32), relu, nn.Linear(32, 32), relu, nn.Linear(32, n_classes)
    return nn.Sequential(nn.Flatten(), *layers)


def activated_last(input_shape, n_classes):
    """One activation in two places, the second of them the end."""
    relu = nn.ReLU()
    dense = nn.Linear(prod(input_shape), 32), relu, nn.Linear(32, n_classes), relu
    return nn.Sequential(nn.Flatten(), *dense)


def named(input_shape, n_classes):
    """Names as people give them; one is the number of another place."""
    layers = nn.Linear(prod(input_shape), 32), nn.ReLU(), nn.Linear(32, n_classes)
    return nn.Sequential(OrderedDict(zip("ab03", (nn.Flatten(), *layers), strict=True)))


class Dense(nn.Module):
    """Two layers, and whatever those below do in between."""

    def __init__(self, input_shape, n_classes):
        super().__init__()
        self.hidden = nn.Linear(prod(input_shape), 32)
        self.out = nn.Linear(32, n_classes)

    def forward(self, images):
        return self.out(self.between(functional.relu(self.hidden(images.flatten(1)))))


class Dropping(Dense):
    """Draws inside a function, where no layer shows it."""

    def between(self, values):
        return functional.dropout(values, 0.3, self.training)


class Masked(Dense):
    """Keeps a random tensor as an attribute, of each network its own."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape, n_classes)
        self.mask = torch.randn(32)

    def between(self, values):
        return values * self.mask


class Counting(Dense):
    """Goes by how often it was called."""

    count = 0

    def between(self, values):
        self.count += self.training
        return values / (1 + 0.1 * self.count)


class DrawingElsewhere(Dense):
    """Draws from Python and from NumPy."""

    def between(self, values):
        return values * random.random() * np.random.rand() if self.training else values


class WithGenerator(Dense):
    """Draws from a generator of its own."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape, n_classes)
        self.random = np.random.default_rng(0)
        self.settings = {"activation": functional.relu, "sizes": [32], "path": None}

    def between(self, values):
        return values * self.random.random() if self.training else values


class Configured(WithGenerator):
    """Keeps the same things and leaves them as they are."""

    def between(self, values):
        return self.settings["activation"](values)


class DrawingSeldom(Dense):
    """Draws from Python, which shows in the numbers once in a while."""

    def between(self, values):
        return values * (2 if self.training and random.random() < 0.02 else 1)


class DrawingToEvaluate(Dense):
    """Draws from NumPy where it is evaluated."""

    def between(self, values):
        return values if self.training else values * np.random.rand()


class Scaled(Dense):
    """Has a weight without dimensions."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape, n_classes)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def between(self, values):
        return values * self.scale


class BranchingToEvaluate(Dense):
    """Goes by its numbers, which vmap cannot do, where it is evaluated."""

    def between(self, values):
        return values if self.training or values.sum() > 0 else -values


class KeepingTheBatch(Dense):
    """Its buffer has the form of the last batch."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape, n_classes)
        self.register_buffer("last", torch.zeros(1))

    def between(self, values):
        self.last = values.detach().clone()
        return values


class Caching(Dense):
    """Keeps a tensor that it made while it was evaluated, and trains on it."""

    cache = None

    def between(self, values):
        if self.cache is None or not self.training:
            self.cache = torch.ones(values.shape[1]) * 2
        return values * self.cache


class UnseededBuffer(Dense):
    """A permutation that no seed fixes, in a buffer that PyTorch's state leaves out."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape, n_classes)
        drawn = torch.from_numpy(np.random.default_rng().permutation(32))
        self.register_buffer("places", drawn, persistent=False)

    def between(self, values):
        return values[:, self.places]


class UnseededAttribute(Dense):
    """The same in a plain attribute."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape, n_classes)
        self.places = np.random.default_rng().permutation(32)

    def between(self, values):
        return values[:, self.places]


class WithoutStatistics(Dense):
    """Normalises by the batch, in evaluation too."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape, n_classes)
        self.between = nn.BatchNorm1d(32, track_running_stats=False)


def drawn_by_numpy(input_shape, n_classes):
    network = Configured(input_shape, n_classes)
    with torch.no_grad():
        network.out.weight.copy_(torch.from_numpy(np.random.randn(n_classes, 32)))
    return network


KEPT: list[nn.Module] = []


def kept(input_shape, n_classes):
    """Make the same network every time."""
    if not KEPT:
        KEPT.append(repeated(input_shape, n_classes))
    return KEPT[0]


def unseeded(input_shape, n_classes):
    network = repeated(input_shape, n_classes)
    with torch.no_grad():
        drawn = np.random.default_rng().normal(size=n_classes)
        network[-1].bias.copy_(torch.from_numpy(drawn))
    return network


FACTORIES = (
    *(repeated, activated_last, named, drawn_by_numpy, kept, unseeded),
    *(Dropping, Masked, Counting, DrawingElsewhere, WithGenerator, Configured),
    *(DrawingSeldom, DrawingToEvaluate, Scaled, BranchingToEvaluate, KeepingTheBatch, Caching),
    *(UnseededBuffer, UnseededAttribute, WithoutStatistics),
)


@pytest.fixture(autouse=True)
def _module_of_them(monkeypatch):
    module = ModuleType("own")
    for factory in FACTORIES:
        setattr(module, factory.__name__, factory)
    monkeypatch.setitem(sys.modules, "own", module)


def spec(factory, tables=None, **execution):
    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": f"own:{factory.__name__}"},
            "training": {"epochs": 2, "batch_size": 25},
            "execution": execution,
            **(tables or {}),
        }
    )


def predicted(chosen, tensors, seed, execution=None):
    records = train_replicate(chosen, tensors, seed, execution)
    return np.concatenate([r.predictions["train"] for r in records])


@pytest.mark.parametrize("factory", [repeated, activated_last, named])
def test_grouped_computes_the_network_that_is_there(tensors, factory):
    chosen = spec(factory)
    execution = settle(chosen, tensors)
    assert execution.executor == "grouped"
    grouped, alone = (
        Group(chosen, tensors, [3, 4], execution),
        initial_network(chosen, tensors.inputs, 4),
    )
    part = slice(0, 100)
    with grouped.executor.evaluation(0), torch.inference_mode():
        ours = grouped.executor.logits("train", part)[1]
        torch.testing.assert_close(ours, alone.eval()(tensors.splits["train"][part]))
    agree = predicted(chosen, tensors, 4, execution) == predicted(chosen, tensors, 4)
    assert agree.mean() > 0.99


def test_probe_passes_over_an_executor_that_cannot_run_the_network(tensors):
    assert settle(spec(Dropping, executor="probe"), tensors).executor == "sequential"


def test_wished_executor_that_cannot_run_the_network_says_so_in_one_line(tensors):
    with pytest.raises(
        LearnOrderError, match=r"'vmap' cannot run the network of 'own:Dropping' \("
    ):
        settle(spec(Dropping, executor="vmap"), tensors)


def test_what_one_network_keeps_for_itself_is_not_given_to_its_neighbours(tensors):
    assert settle(spec(Masked, executor="probe"), tensors).executor == "sequential"
    with pytest.raises(LearnOrderError, match="other bytes in another place of its group"):
        settle(spec(Masked, executor="vmap"), tensors)


@pytest.mark.parametrize(
    ("factory", "can_be"), [(Counting, False), (WithGenerator, False), (Configured, True)]
)
def test_network_that_changes_more_than_arrays_is_not_captured(tensors, factory, can_be):
    chosen = spec(factory)
    group = Group(chosen, tensors, [0], Execution.of(chosen))
    assert group.can_be_captured()
    group._train(group.per_epoch)
    assert group.can_be_captured() == can_be


@pytest.mark.parametrize("factory", [DrawingElsewhere, drawn_by_numpy])
def test_draws_from_numpy_and_python_are_fixed_by_the_seed_too(tensors, factory):
    before = random.getstate(), np.random.get_state()[1].tobytes()
    first = predicted(spec(factory), tensors, 7)
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == before
    random.seed(5)
    np.random.seed(5)
    assert np.array_equal(predicted(spec(factory), tensors, 7), first)
    assert not np.array_equal(predicted(spec(factory), tensors, 8), first)


def test_callable_that_makes_no_new_network_is_refused(tensors):
    with pytest.raises(LearnOrderError, match=r"'own:kept' returned the same network, or layers"):
        probe(spec(kept), tensors, None)


def test_callable_that_draws_what_no_seed_fixes_is_refused(tensors):
    with pytest.raises(LearnOrderError, match=r"'own:unseeded' gave '5\.bias' two values for one"):
        probe(spec(unseeded), tensors, None)


@pytest.mark.parametrize("factory", [UnseededBuffer, UnseededAttribute])
def test_what_no_seed_fixes_is_found_wherever_a_network_keeps_it(tensors, factory):
    with pytest.raises(LearnOrderError, match="gave 'places' two values for one seed"):
        probe(spec(factory), tensors, None)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("factory", [DrawingElsewhere, DrawingSeldom, DrawingToEvaluate])
def test_vmap_refuses_a_network_that_draws_where_no_seed_of_a_slot_reaches(tensors, factory, width):
    with pytest.raises(LearnOrderError, match=r"draws from random or numpy\.random"):
        settle(spec(factory, executor="vmap", width=width), tensors)
    assert settle(spec(factory, executor="probe"), tensors).executor == "sequential"


def test_counting_network_is_not_captured_by_vmap_either(tensors):
    chosen = spec(Counting)
    group = Group(chosen, tensors, [0, 1], Execution("vmap", 2))
    assert group.can_be_captured()
    group._train(group.per_epoch)
    assert not group.can_be_captured()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_weight_without_dimensions_goes_on_where_it_was(tensors, optimizer):
    chosen = spec(Scaled, {"optimizer": {"name": optimizer}})
    execution = Execution("vmap", 4)
    whole, first = (Group(chosen, tensors, [3, 5], execution) for _ in range(2))
    first._train(first.per_epoch)
    second = Group(chosen, tensors, [3, 5], execution, first.states())
    for group in (whole, second):
        while group.step < 2 * group.per_epoch:
            group._train(group.step + group.per_epoch)
    for slot in range(2):
        ours, theirs = second.executor.capture(slot), whole.executor.capture(slot)
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_executor_that_cannot_evaluate_the_network_is_passed_over(tensors):
    assert settle(spec(BranchingToEvaluate, executor="probe"), tensors).executor == "sequential"
    with pytest.raises(LearnOrderError, match="is trained one replicate at a time"):
        settle(spec(BranchingToEvaluate, width=4), tensors)


def test_buffer_of_another_form_is_no_state_to_go_on_from(tensors):
    chosen = spec(KeepingTheBatch)
    group = Group(chosen, tensors, [0], Execution.of(chosen))
    assert group.can_be_captured()
    group._train(group.per_epoch)
    assert not group.can_be_captured()


def test_network_may_train_on_what_it_kept_of_an_evaluation(tensors):
    assert len(predicted(spec(Caching, {"recording": {"initial": True}}), tensors, 0)) == 3 * 300


def test_last_batch_of_one_is_refused_for_a_normalisation_without_statistics_too(tensors):
    chosen = spec(WithoutStatistics, {"training": {"epochs": 1, "batch_size": 13}})
    with pytest.raises(LearnOrderError, match=r"a single example .*'between'.*batch_size = 12\."):
        probe(chosen, tensors, None)
