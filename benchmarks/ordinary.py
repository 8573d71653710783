"""The peer of the training engine: the loop that a PyTorch tutorial shows, and the machine's peak.

Initial weights, data and hyper-parameters are those of the product; the rest is what a user would
write: networks of PyTorch's own layers, a DataLoader over all examples in memory, and an evaluation
pass over each split after every epoch. One process, all cores as PyTorch's threads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from benchmarks.flops import count
from benchmarks.plain_networks import as_a_user_writes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from learnorder.collection.prepare import prepare
from learnorder.log.cores import available_cores
from learnorder.training.architectures import build
from learnorder.training.inputs import NetworkInputs, to_tensors
from learnorder.training.spec import TrainingSpec
from learnorder.training.streams import Purpose, torch_seed

WARM_UP_BATCHES = 4

PEAK_SIZE = 2048
"""Rows and columns of the matrices whose product is the peak."""


def train(tables: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Train one replicate, warm; say what an epoch takes and how many operations it is."""
    torch.set_num_threads(available_cores())
    spec = TrainingSpec.from_tables(tables)
    inputs = prepare(spec, None).encoded()
    warm_up = OrdinaryLoop(spec, inputs, batches=WARM_UP_BATCHES)
    warm_up.train()
    warm_up.predict()
    loop = OrdinaryLoop(spec, inputs)
    predictions = []
    start = time.perf_counter()
    for _ in range(epochs):
        loop.train()
        predictions.append(loop.predict())
    seconds = (time.perf_counter() - start) / epochs
    right = predictions[-1]["test"] == inputs.labels["test"]
    return {
        "rate": 1 / seconds,
        "flops": _flops(spec, inputs),
        "accuracy": float(np.mean(right)),
        "threads": torch.get_num_threads(),
    }


class OrdinaryLoop:
    """One replicate in training; with ``batches``, on so many batches of each split at most."""

    def __init__(
        self, spec: TrainingSpec, inputs: NetworkInputs, batches: int | None = None
    ) -> None:
        choice, size = spec.optimizer, spec.training.batch_size
        self.network = _network(spec, inputs)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=choice.learning_rate, momentum=choice.momentum
        )
        self.loss_of = nn.CrossEntropyLoss()
        splits = {name: _dataset(inputs, name) for name in inputs.splits}
        self.shuffled = DataLoader(splits["train"], batch_size=size, shuffle=True)
        self.in_order = {name: DataLoader(s, batch_size=size) for name, s in splits.items()}
        self.batches = batches

    def train(self) -> float:
        """Train for an epoch; the loss is read after each step, to be shown."""
        self.network.train()
        total = 0.0
        for inputs, labels in islice(self.shuffled, self.batches):
            self.optimizer.zero_grad()
            loss = self.loss_of(self.network(inputs), labels)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return total

    def predict(self) -> dict[str, np.ndarray]:
        """Predict every example of every split."""
        self.network.eval()
        with torch.no_grad():
            return {name: self._classes(loader) for name, loader in self.in_order.items()}

    def _classes(self, loader: DataLoader) -> np.ndarray:
        batches = islice(loader, self.batches)
        return torch.cat([self.network(inputs).argmax(1) for inputs, _ in batches]).numpy()


def _network(spec: TrainingSpec, inputs: NetworkInputs) -> nn.Module:
    torch.manual_seed(torch_seed(0, Purpose.INITIALISATION))
    network = build(
        spec.architecture.name,
        inputs.shape,
        inputs.n_classes,
        spec.architecture.options,
        embedding=inputs.embedding,
    )
    return as_a_user_writes(spec.architecture.name, network, inputs.shape.shape[-1])


def _dataset(inputs: NetworkInputs, split: str) -> TensorDataset:
    labels = torch.from_numpy(np.array(inputs.labels[split], dtype=np.int64))
    return TensorDataset(to_tensors(inputs, split).contiguous(), labels)


def _flops(spec: TrainingSpec, inputs: NetworkInputs) -> int:
    example = to_tensors(inputs, "test")[:1]
    n_predicted = sum(len(stored) for stored in inputs.splits.values())
    work = count(_network(spec, inputs), example)
    return work.of_an_epoch(len(inputs.splits["train"]), n_predicted)


def peak() -> dict[str, float]:
    """Floating-point operations a second of a matrix product, on all cores, the best of several."""
    torch.set_num_threads(available_cores())
    return {
        name: max(_product(dtype) for _ in range(8))
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
    }


def _product(dtype: torch.dtype) -> float:
    a, b = (torch.randn(PEAK_SIZE, PEAK_SIZE).to(dtype) for _ in range(2))
    start = time.perf_counter()
    torch.mm(a, b)
    return 2 * PEAK_SIZE**3 / (time.perf_counter() - start)
