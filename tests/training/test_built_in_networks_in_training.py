"""Built-in networks are trained to the same bytes, whatever came before and if stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learnorder.datasets.dataset import Dataset
from learnorder.training.architectures import known_architectures
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.choice import settle
from learnorder.training.grid import recording_grid
from learnorder.training.inputs import encode
from learnorder.training.loop import Group, train_replicate
from learnorder.training.spec import TrainingSpec

SMALL = {
    "mlp": {"width": 16, "dropout": True},
    "lenet": {"width": 4, "dropout": True},
    "st-vgg": {"width": 4},
    "alexnet": {"width": 4},
    "inception": {"width": 2},
    "vgg-16": {"width": 4},
    "vgg-19": {"width": 2},
    "resnet-18": {"width": 4},
    "resnet-50": {"width": 2},
    "densenet": {"depth": 10, "growth": 4},
    "bilstm": {"hidden": 5},
    "bilstm-attention": {"hidden": 5},
    "transformer": {"width": 8, "heads": 2},
}
NETWORKS = [entry for entry in known_architectures() if not entry.is_learner]
WORDS = ["good", "bad", "fine", "poor", "great", "awful", "dull", "bright"]


@pytest.fixture(scope="module")
def tensors() -> dict[str, TrainingTensors]:
    random = np.random.default_rng(0)
    labels = np.arange(40) % 3
    images = random.integers(0, 255, (40, 16, 16)).astype(np.uint8)
    texts = [" ".join(random.choice(WORDS, n % 7)) for n in range(40)]
    data = {
        "image": Dataset.from_arrays(images[:28], labels[:28], images[28:], labels[28:]),
        "text": Dataset.from_arrays(texts[:28], labels[:28], texts[28:], labels[28:]),
    }
    return {kind: TrainingTensors.from_inputs(encode(d, max_tokens=8)) for kind, d in data.items()}


def records_of(records):
    return [(r.epoch, {k: v.tobytes() for k, v in r.predictions.items()}) for r in records]


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_resumed_after_an_epoch_or_never_stopped_is_the_same(entry, tensors):
    chosen = TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": entry.name, "options": SMALL.get(entry.name, {})},
            "optimizer": {"name": "adam"},
            "training": {"epochs": 2, "batch_size": 10},
            "recording": {"probability": True},
        }
    )
    data = tensors["text" if "text" in entry.kinds else "image"]
    grid = recording_grid(chosen, data.n_train)
    whole = Group(chosen, data, [1], Execution())
    first = whole.advance_to(grid[0])
    assert whole.can_be_captured()
    resumed = Group(chosen, data, [1], Execution(), whole.states())
    second = whole.advance_to(grid[1])
    torch.manual_seed(4)
    again = resumed.advance_to(grid[1])
    assert records_of(again) == records_of(second)
    for split, values in second[0].of_label["probability"].items():
        assert again[0].of_label["probability"][split].tobytes() == values.tobytes()
    assert records_of(train_replicate(chosen, data, 1)) == records_of(first + second)


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_only_stacks_of_dense_layers_are_grouped_without_being_asked(entry, tensors):
    chosen = TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": entry.name, "options": SMALL.get(entry.name, {})},
            "training": {"batch_size": 10},
        }
    )
    data = tensors["text" if "text" in entry.kinds else "image"]
    dense = entry.name in ("linear", "deep-linear")
    assert settle(chosen, data).executor == ("grouped" if dense else "sequential")


def test_dropout_alone_keeps_an_mlp_from_being_grouped(tensors):
    for dropout, executor in ((False, "grouped"), (True, "sequential")):
        options = {"width": 16, "dropout": dropout}
        chosen = TrainingSpec.from_tables(
            {
                "dataset": {"name": "arrays"},
                "architecture": {"name": "mlp", "options": options},
                "training": {"batch_size": 10},
            }
        )
        assert settle(chosen, tensors["image"]).executor == executor
