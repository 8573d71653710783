"""What is trained: datasets, a network for each, and the records that are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import nn

from learnorder.collection.prepare import prepare
from learnorder.datasets.registry import load_dataset
from learnorder.schema import Labels
from learnorder.training.architectures import build
from learnorder.training.inputs import NetworkInputs, to_tensors
from learnorder.training.spec import TrainingSpec

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
    initial
        Stands for it in the heads of tables.
    options
        Of `load_dataset`, beside the limit.
    architecture
        Of images.
    split
        Whose examples are trained on; of texts, since those of images are prepared from ``train``.
    label_of
        From names of classes to those that are asked for; None: as they are.
    """

    title: str
    dataset: str
    limit: int | None
    epochs: int
    optimizer: str
    learning_rate: float
    width: int
    batch_size: int = 64
    initial: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    architecture: str = "lenet"
    split: str = "train"
    label_of: Callable[[str], str] | None = None

    @property
    def records(self) -> tuple[float, ...]:
        """Epochs after which all examples are predicted."""
        return (*EARLY, *range(1, self.epochs + 1))

    def about(self) -> dict[str, object]:
        """Say what it is, for the log; without what is as usual, as logs of before have it."""
        of_tables = ("title", "initial", "label_of")
        usual = {"options": {}, "architecture": "lenet", "split": "train"}
        return {
            name: value
            for name, value in vars(self).items()
            if name not in of_tables and usual.get(name) != value
        }

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


SEEN: Mapping[str, Setup] = {
    "fashion-mnist": Setup(
        "Fashion-MNIST", "fashion-mnist", 5000, 12, "sgd", 0.02, 16, initial="F"
    ),
    "cifar10": Setup("CIFAR-10", "cifar10-subset", 5000, 12, "sgd", 0.02, 16, initial="C"),
    "newsgroups": Setup("20 Newsgroups", "20newsgroups", None, 10, "adam", 0.001, 128, initial="N"),
}
"""The datasets of the first rule: one it was chosen on, two it was tested on."""

GROUPS = [
    "aquatic_mammals",
    "fish",
    "flowers",
    "food_containers",
    "fruit_and_vegetables",
    "household_electrical_devices",
    "household_furniture",
    "insects",
    "large_carnivores",
    "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes",
    "large_omnivores_and_herbivores",
    "medium_mammals",
    "non-insect_invertebrates",
    "people",
    "reptiles",
    "trees",
    "vehicles_1",
    "vehicles_2",
]
"""Of CIFAR-100, all but the small mammals, which are a dataset of their own here."""


def topic(group: str) -> str:
    """First part of a newsgroup's name, such as ``sci``."""
    return group.partition(".")[0]


FRESH: Mapping[str, Setup] = {
    "cifar100-groups": Setup(
        "CIFAR-100, 19 groups",
        "cifar100-subset",
        5000,
        12,
        "sgd",
        0.02,
        16,
        initial="G",
        options={"label_column": "coarse_label", "classes": GROUPS},
    ),
    "small-mammals": Setup(
        "small mammals", "small-mammals", None, 20, "sgd", 0.02, 16, initial="M"
    ),
    "digits": Setup(
        "digits", "digits", None, 20, "sgd", 0.02, 128, initial="D", architecture="mlp"
    ),
    "topics": Setup(
        "topics of newsgroups",
        "20newsgroups",
        None,
        10,
        "adam",
        0.001,
        128,
        initial="T",
        split="test",
        label_of=topic,
    ),
}
"""The datasets of the second rule, on which nothing was looked at before it was written down."""

SMALL: Mapping[str, Setup] = {
    f"{name}-small": replace(SEEN[name], title=f"{SEEN[name].title}, small", limit=2000)
    for name in ("fashion-mnist", "cifar10")
}
"""Seen datasets at the size at which the second rule was chosen."""

SETUPS: Mapping[str, Setup] = {**SEEN, **FRESH, **SMALL}


@cache
def load(setup: Setup) -> Problem:
    """Read the data of a setup; once in a process."""
    return _texts(setup) if setup.dataset == "20newsgroups" else _images(setup)


def _texts(setup: Setup) -> Problem:
    dataset = load_dataset(setup.dataset, train_limit=setup.limit, test_limit=setup.limit)
    examples = dataset.splits[setup.split]
    words = TfidfVectorizer(max_features=VOCABULARY, sublinear_tf=True, min_df=2)
    rows = words.fit_transform(list(examples.inputs)).toarray().astype(np.float32)
    labels = _relabelled(np.asarray(examples.examples.labels), dataset.class_names, setup)
    n_classes = int(labels.max()) + 1

    def network() -> nn.Module:
        hidden = nn.Linear(rows.shape[1], setup.width)
        return nn.Sequential(hidden, nn.ReLU(), nn.Linear(setup.width, n_classes))

    ids = [str(i) for i in examples.examples.ids]
    return Problem(torch.from_numpy(rows), labels, ids, network, n_classes)


def _relabelled(labels: NDArray[np.int64], names: Sequence[str], setup: Setup) -> NDArray[np.int64]:
    """Labels of the classes that a setup asks for, numbered in the order of their names."""
    if setup.label_of is None:
        return labels
    asked_for = [setup.label_of(name) for name in names]
    of_class = np.unique(asked_for, return_inverse=True)[1]
    return np.asarray(of_class[labels])


def _images(setup: Setup) -> Problem:
    limits = {"train_limit": setup.limit} if setup.limit else {}
    spec = TrainingSpec.from_tables(
        {
            "dataset": {"name": setup.dataset, **limits, **setup.options},
            "architecture": {"name": setup.architecture},
        }
    )
    prepared = prepare(spec, None)
    inputs: NetworkInputs = prepared.encoded()
    labels = np.asarray(inputs.labels["train"])

    def network() -> nn.Module:
        return build(setup.architecture, inputs.shape, inputs.n_classes, {"width": setup.width})

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
