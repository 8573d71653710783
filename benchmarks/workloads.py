"""What the benchmark of training trains: six networks on real data, and what is asked of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Workload:
    """A network on a dataset, and how much of it is trained to be timed.

    Attributes
    ----------
    title
        For the heading.
    architecture, dataset, folder, learning_rate
        What is trained; ``folder`` is where the data lies under ``LEARNORDER_DATA``.
    n_train, n_test
        Examples.
    seeds, epochs
        What the engine trains at a time.
    ordinary_epochs
        What the ordinary loop trains at a time, of one replicate.
    least
        Times as fast as the ordinary loop, in the order of `PRECISIONS`.
    max_tokens
        Tokens of a text.
    """

    title: str
    architecture: str
    dataset: str
    folder: str
    learning_rate: float
    n_train: int
    n_test: int
    seeds: int
    epochs: int
    ordinary_epochs: int
    least: tuple[float, float]
    max_tokens: int = 50

    def tables(self, precision: str) -> dict[str, Any]:
        """Return the tables of its spec."""
        return {
            "dataset": {
                "name": self.dataset,
                "train_limit": self.n_train,
                "test_limit": self.n_test,
                "max_tokens": self.max_tokens,
            },
            "architecture": {"name": self.architecture},
            "optimizer": {"name": "sgd", "learning_rate": self.learning_rate, "momentum": 0.9},
            "training": {"epochs": self.epochs, "batch_size": 128, "precision": precision},
        }

    @property
    def has_data(self) -> bool:
        """Whether its data is here."""
        return (Path(os.environ.get("LEARNORDER_DATA", "")) / self.folder).is_dir()

    def quick(self) -> Workload:
        """Return it so small that it only shows whether everything runs."""
        return replace(self, n_train=256, n_test=64, seeds=2, epochs=2, ordinary_epochs=1)


_fashion = ("fashion-mnist", "fashion-mnist")

WORKLOADS: Mapping[str, Workload] = {
    "w1": Workload(
        "linear on Fashion-MNIST", "linear", *_fashion, 0.1, 10_000, 2000, 32, 20, 10, (9, 14)
    ),
    "w2": Workload(
        "mlp on Fashion-MNIST", "mlp", *_fashion, 0.05, 10_000, 2000, 32, 4, 6, (2.5, 3.6)
    ),
    "w3": Workload(
        "lenet on Fashion-MNIST", "lenet", *_fashion, 0.02, 10_000, 2000, 2, 6, 2, (2.1, 2.9)
    ),
    "w4": Workload(
        "st-vgg on small mammals",
        "st-vgg",
        "small-mammals",
        "cifar100_small_mammals",
        0.01,
        2500,
        500,
        2,
        2,
        1,
        (1.4, 2.4),
    ),
    "w5": Workload(
        "resnet-8 on CIFAR-10",
        "resnet-8",
        "cifar10-subset",
        "cifar10_subset",
        0.02,
        2500,
        500,
        2,
        4,
        2,
        (1.6, 2.6),
    ),
    "w6": Workload(
        "bilstm on 20 Newsgroups",
        "bilstm",
        "20newsgroups",
        "20newsgroups",
        0.1,
        2500,
        500,
        4,
        6,
        5,
        (1.3, 2.0),
    ),
}
