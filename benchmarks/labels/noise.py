"""Labels made wrong on purpose, in three ways that the literature uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import Dataset
from learnorder.datasets.label_treatment import treat_labels
from learnorder.schema import Labels

Features = NDArray[np.float32]

SPREAD = 0.1
"""Standard deviation of the chance to be wrong among examples, in instance-dependent noise."""


@dataclass(frozen=True)
class Noise:
    """One way to make labels wrong.

    Attributes
    ----------
    title
        For tables.
    share
        Of the labels, about.
    plant
        From labels, features and the share to labels.
    """

    title: str
    share: float
    plant: Callable[[Labels, Features, float, np.random.Generator], Labels]

    def of(self, labels: Labels, features: Features, seed: int) -> Labels:
        """Labels of which some are wrong, the same for a seed."""
        return self.plant(labels, features, self.share, np.random.default_rng([seed, 0x1ABE1]))


def symmetric(
    labels: Labels, features: Features, share: float, random: np.random.Generator
) -> Labels:
    """Exactly this share gets another class, each of the others with equal chance."""
    seed = int(random.integers(2**31))
    one = np.zeros((len(labels), 1), dtype=np.float32)
    dataset = Dataset.from_arrays(one, labels, one[:1], labels[:1])
    treated = treat_labels(dataset, noise=share, seed=seed)
    return np.asarray(treated.train.examples.labels)


def class_dependent(
    labels: Labels, features: Features, share: float, random: np.random.Generator
) -> Labels:
    """This share of each class gets the class whose mean is nearest to its own."""
    classes = np.unique(labels)
    means = np.stack([features[labels == c].mean(axis=0) for c in classes])
    distances = ((means[:, np.newaxis] - means) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = classes[distances.argmin(axis=1)]
    noisy = labels.copy()
    for of_class, becomes in zip(classes, nearest, strict=True):
        members = np.flatnonzero(labels == of_class)
        noisy[random.permutation(members)[: round(share * len(members))]] = becomes
    return noisy


def instance_dependent(
    labels: Labels, features: Features, share: float, random: np.random.Generator
) -> Labels:
    """Whether and what an example is mistaken for depends on its features; xia2020part.

    Its chance to be wrong is normal around the share, cut to [0, 1]; the wrong class is drawn by
    the softmax of a random projection of its features, one projection for each class.
    """
    n_classes = int(labels.max()) + 1
    scaled = features - features.mean(axis=0)
    scaled /= scaled.std() or 1.0
    chances = _truncated(share, len(labels), random)
    noisy = labels.copy()
    for of_class in range(n_classes):
        members = np.flatnonzero(labels == of_class)
        projection = random.standard_normal((features.shape[1], n_classes)).astype(np.float32)
        logits = scaled[members] @ projection
        logits[:, of_class] = -np.inf
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        cumulated = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
        drawn = (cumulated < random.random((len(members), 1))).sum(axis=1)
        wrong = random.random(len(members)) < chances[members]
        noisy[members[wrong]] = np.minimum(drawn, n_classes - 1)[wrong]
    return noisy


def _truncated(mean: float, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Draws of a normal distribution until all lie in [0, 1]."""
    values = random.normal(mean, SPREAD, n)
    while (outside := (values < 0) | (values > 1)).any():
        values[outside] = random.normal(mean, SPREAD, int(outside.sum()))
    return values


NOISES = {
    "symmetric-5": Noise("symmetric, 5 %", 0.05, symmetric),
    "symmetric-10": Noise("symmetric, 10 %", 0.1, symmetric),
    "symmetric-20": Noise("symmetric, 20 %", 0.2, symmetric),
    "symmetric-40": Noise("symmetric, 40 %", 0.4, symmetric),
    "class-20": Noise("class-dependent, 20 %", 0.2, class_dependent),
    "instance-20": Noise("instance-dependent, 20 %", 0.2, instance_dependent),
}
