"""What is trained: three datasets, a network for each, and the records that are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import nn

from learnorder.collection.prepare import prepare
from learnorder.datasets.registry import load_dataset
from learnorder.schema import Labels
from learnorder.training.architectures import build
from learnorder.training.inputs import NetworkInputs, to_tensors
from learnorder.training.spec import TrainingSpec

N_NETWORKS = 10
"""Trained on all examples, from seeds 0 up."""

N_FOLDS, N_PARTITIONS = 5, 2
"""Others are trained on all but a fold; each partition into folds has one network for each fold."""

EARLY = (0.25, 0.5)
"""Records within the first epoch."""

VOCABULARY = 5000


@dataclass(frozen=True)
class Setup:
    """A dataset and the network that learns it.

    Attributes
    ----------
    title
        For tables.
    dataset, limit
        What is loaded, and how many training examples.
    epochs, batch_size, optimizer, learning_rate
        Of training.
    width
        Of the network: channels of the first convolution, or hidden units.
    """

    title: str
    dataset: str
    limit: int | None
    epochs: int
    optimizer: str
    learning_rate: float
    width: int
    batch_size: int = 64

    @property
    def records(self) -> tuple[float, ...]:
        """Epochs after which all examples are predicted."""
        return (*EARLY, *range(1, self.epochs + 1))

    def about(self) -> dict[str, object]:
        """Say what it is, for the log."""
        return {name: value for name, value in vars(self).items() if name != "title"}

    def quick(self) -> Setup:
        """Return it so small that it only shows whether everything runs."""
        return replace(self, limit=300, epochs=2)


@dataclass(frozen=True)
class Problem:
    """What a setup is once the data is loaded.

    Attributes
    ----------
    inputs
        ``(example, ...)``, what the network reads.
    labels
        ``(example,)``, those of the dataset.
    ids
        ``(example,)``.
    network
        Makes a network, whose weights are drawn from PyTorch's generator.
    n_classes
        Number of classes.
    """

    inputs: torch.Tensor
    labels: Labels
    ids: list[str]
    network: Callable[[], nn.Module]
    n_classes: int

    @property
    def features(self) -> np.ndarray:
        """``(example, feature)``, what noise is made to depend on."""
        return np.ascontiguousarray(self.inputs.reshape(len(self.inputs), -1).numpy())


SETUPS: Mapping[str, Setup] = {
    "fashion-mnist": Setup("Fashion-MNIST", "fashion-mnist", 5000, 12, "sgd", 0.02, 16),
    "cifar10": Setup("CIFAR-10", "cifar10-subset", 5000, 12, "sgd", 0.02, 16),
    "newsgroups": Setup("20 Newsgroups", "20newsgroups", None, 10, "adam", 0.001, 128),
}


@cache
def load(setup: Setup) -> Problem:
    """Read the data of a setup."""
    is_text = setup.dataset == "20newsgroups"
    limits = {"train_limit": setup.limit} if setup.limit else {}
    if not is_text:
        return _images(setup, limits)
    examples = load_dataset(setup.dataset, **limits).train
    words = TfidfVectorizer(max_features=VOCABULARY, sublinear_tf=True, min_df=2)
    rows = words.fit_transform(list(examples.inputs)).toarray().astype(np.float32)
    labels = np.asarray(examples.examples.labels)
    n_classes = int(labels.max()) + 1

    def network() -> nn.Module:
        hidden = nn.Linear(rows.shape[1], setup.width)
        return nn.Sequential(hidden, nn.ReLU(), nn.Linear(setup.width, n_classes))

    ids = [str(i) for i in examples.examples.ids]
    return Problem(torch.from_numpy(rows), labels, ids, network, n_classes)


def _images(setup: Setup, limits: Mapping[str, int]) -> Problem:
    spec = TrainingSpec.from_tables(
        {"dataset": {"name": setup.dataset, **limits}, "architecture": {"name": "lenet"}}
    )
    prepared = prepare(spec, None)
    inputs: NetworkInputs = prepared.encoded()
    labels = np.asarray(inputs.labels["train"])

    def network() -> nn.Module:
        return build("lenet", inputs.shape, inputs.n_classes, {"width": setup.width})

    ids = [str(i) for i in prepared.dataset.train.examples.ids]
    return Problem(to_tensors(inputs, "train"), labels, ids, network, inputs.n_classes)


def fold_of(n_examples: int, seed: int) -> np.ndarray:
    """Which of the examples, ``(example,)`` bool, the network of this seed is not trained on.

    Seeds 0 to 4 are the folds of the first partition, 5 to 9 those of the second.
    """
    partition, fold = divmod(seed, N_FOLDS)
    order = np.random.default_rng([partition, 0xF01D]).permutation(n_examples)
    held_out = np.zeros(n_examples, dtype=bool)
    held_out[order[fold::N_FOLDS]] = True
    return held_out
