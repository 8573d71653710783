"""One epoch of one replicate: the loop here against the ordinary PyTorch loop, one thread each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from learnorder.datasets.registry import load_dataset
from learnorder.training.grid import GridPoint
from learnorder.training.inputs import encode, to_tensors
from learnorder.training.loop import Replicate, TrainingTensors, initial_network
from learnorder.training.spec import TrainingSpec

ARCHITECTURES = ["linear", "mlp", "resnet-8"]


def spec(architecture):
    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "digits"},
            "architecture": {"name": architecture},
            "training": {"batch_size": 64},
        }
    )


@pytest.fixture(scope="module")
def inputs():
    torch.set_num_threads(1)
    return encode(load_dataset("digits"))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_epoch_here(benchmark, inputs, architecture):
    benchmark.group = f"an epoch and its predictions, digits, {architecture}"
    replicate = Replicate(spec(architecture), TrainingTensors.from_inputs(inputs), 0)

    def epoch():
        step = replicate.step + replicate.per_epoch
        return replicate.advance_to(GridPoint(0, step, step / replicate.per_epoch))

    record = benchmark.pedantic(epoch, rounds=5, warmup_rounds=1)
    assert (record.predictions["test"] == inputs.labels["test"]).mean() > 0.8


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_epoch_of_the_ordinary_loop(benchmark, inputs, architecture):
    benchmark.group = f"an epoch and its predictions, digits, {architecture}"
    network = initial_network(spec(architecture), inputs, 0)
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    splits = {
        name: TensorDataset(to_tensors(inputs, name), torch.from_numpy(np.array(labels)))
        for name, labels in inputs.labels.items()
    }
    train = DataLoader(splits["train"], batch_size=64, shuffle=True)
    loaders = {name: DataLoader(split, batch_size=64) for name, split in splits.items()}

    def epoch():
        network.train()
        for images, labels in train:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
            loss.item()
        network.eval()
        with torch.no_grad():
            return {
                name: torch.cat([network(images).argmax(1) for images, _ in loader]).numpy()
                for name, loader in loaders.items()
            }

    predictions = benchmark.pedantic(epoch, rounds=5, warmup_rounds=1)
    assert (predictions["test"] == inputs.labels["test"]).mean() > 0.8
