"""Initial weights by name have the spread that the name promises, and come from the seed."""

from __future__ import annotations

from math import sqrt
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError
from learnorder.training.architectures.normalised import NormalisedConv2d
from learnorder.training.initialisation import initialise
from learnorder.training.inputs import NetworkInputs, encode
from learnorder.training.networks import check_reproducible, initial_network
from learnorder.training.spec import Initialisation, TrainingSpec

NAMES = [name for name in get_args(Initialisation) if name != "default"]


@pytest.fixture(scope="module")
def inputs() -> NetworkInputs:
    images = np.random.default_rng(0).integers(0, 255, (40, 16, 16)).astype(np.uint8)
    labels = np.arange(40) % 4
    return encode(Dataset.from_arrays(images[:30], labels[:30], images[30:], labels[30:]))


def network_of(inputs, initialisation, seed=0, name="resnet-8"):
    spec = TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": name, "initialisation": initialisation},
        }
    )
    check_reproducible(spec, inputs)
    return initial_network(spec, inputs, seed)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("he-normal", sqrt(2 / 400)),
        ("he-uniform", sqrt(2 / 400)),
        ("xavier-normal", sqrt(2 / (400 + 600))),
        ("xavier-uniform", sqrt(2 / (400 + 600))),
        ("normal", 0.05),
    ],
)
def test_deviation_and_form_are_those_of_the_name(name, deviation):
    torch.manual_seed(0)
    layer = nn.Linear(400, 600)
    initialise(nn.Sequential(layer), name, "own")
    weight = layer.weight.detach()
    assert abs(weight.std() / deviation - 1) < 0.01
    assert abs(weight.mean()) < deviation / 50
    # a uniform number is never further than sqrt(3) deviations away, one in twelve normal ones is
    assert ((weight.abs() > 1.74 * deviation).float().mean() > 0.05) == ("uniform" not in name)
    assert not layer.bias.any()


def test_inputs_of_a_convolution_are_counted_with_its_kernel():
    torch.manual_seed(0)
    layer = NormalisedConv2d(64, 128, 3, 1)
    initialise(layer, "he-normal", "own")
    assert abs(layer.convolution.weight.std() / sqrt(2 / (64 * 9)) - 1) < 0.02


def test_orthogonal_keeps_lengths():
    torch.manual_seed(0)
    narrow, wide, kernel = nn.Linear(50, 30), nn.Linear(30, 50), nn.Conv2d(3, 8, 3)
    initialise(nn.ModuleList([narrow, wide, kernel]), "orthogonal", "own")
    torch.testing.assert_close(narrow.weight @ narrow.weight.T, torch.eye(30), rtol=0, atol=1e-5)
    torch.testing.assert_close(wide.weight.T @ wide.weight, torch.eye(30), rtol=0, atol=1e-5)
    rows = kernel.weight.flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(8), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_normalisations_recurrent_and_frozen_weights_stay(name):
    network = nn.ModuleList(
        [nn.Embedding(5, 3), nn.LayerNorm(4), nn.BatchNorm1d(4), nn.LSTM(3, 4), nn.Linear(4, 2)]
    )
    frozen = nn.Linear(3, 3).requires_grad_(False)
    network.append(frozen)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    initialise(network, name, "own")
    changed = {k for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {"4.weight", "4.bias"}


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_and_the_stream_around_is_left_alone(inputs, name):
    stream = torch.get_rng_state()
    first, again, other = (network_of(inputs, name, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), stream)
    weights = [network[-1].weight for network in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], network_of(inputs, "default", 3)[-1].weight)


def test_default_draws_and_changes_nothing():
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    stream = torch.get_rng_state()
    initialise(network, "default", "own")
    assert torch.equal(torch.get_rng_state(), stream)
    assert torch.equal(network.weight, before)


def test_what_it_cannot_be_given_to_is_refused():
    with pytest.raises(LearnOrderError, match=r"'normal' would change nothing.* 'own' has no conv"):
        initialise(nn.Embedding(3, 2), "normal", "own")
    computed = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)))
    with pytest.raises(LearnOrderError, match="cannot be given to '0' of 'own'"):
        initialise(computed, "normal", "own")
