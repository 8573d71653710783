"""Labels changed on purpose, to see what the order owes to them: noise, or shuffling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from learnorder.datasets.dataset import Dataset
from learnorder.datasets.sampling import refuse_seed
from learnorder.errors import LearnOrderError
from learnorder.schema import Labels

NOISE_DRAW = 0x4015E
SHUFFLE_DRAW = 0x54F1E
"""Keep the two draws apart from each other and from every other draw made with the same seed."""


def treat_labels(
    dataset: Dataset, *, noise: float = 0.0, shuffle: bool = False, seed: int = 0
) -> Dataset:
    """Dataset whose training labels were changed once, the true ones kept beside them.

    Other splits stay as they are. With neither noise nor shuffling nothing changes.

    Parameters
    ----------
    dataset
        Any dataset.
    noise
        Share of training examples in [0, 1] that get another class: exactly ``round(noise * n)``
        examples, drawn without replacement, each to one of the other classes with equal chance.
        At 1 no label is the true one.
    shuffle
        Permute the training labels, so that they say nothing about the inputs; how many examples a
        class has stays the same.
    seed
        Determines the draw.

    Raises
    ------
    LearnOrderError
        The noise is outside [0, 1], both treatments are asked for, or the seed is negative.

    Examples
    --------
    >>> plain = Dataset.from_arrays([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1], [[0.5]], [1])
    >>> noisy = treat_labels(plain, noise=0.5)
    >>> int((noisy.train.examples.labels != noisy.train.examples.true_labels).sum())
    2
    """
    refuse_seed(seed, "treat_labels")
    if (
        isinstance(noise, bool)
        or not isinstance(noise, int | float | np.floating)
        or not 0 <= noise <= 1
    ):
        raise LearnOrderError(
            f"treat_labels: noise is {noise!r}. It is a share in [0, 1]. Use such a number."
        )
    if noise and shuffle:
        raise LearnOrderError(
            f"treat_labels: noise={noise!r} together with shuffle. "
            "Shuffled labels are noise already. Choose one of them."
        )
    examples = dataset.train.examples
    labels = examples.labels
    if labels is None or (noise == 0 and not shuffle):
        return dataset
    treated = (
        _shuffled(labels, seed)
        if shuffle
        else _noisy(labels, float(noise), dataset.n_classes, seed)
    )
    true_labels = labels if examples.true_labels is None else examples.true_labels
    changed = replace(examples, labels=treated, true_labels=true_labels)
    return replace(
        dataset, splits={**dataset.splits, "train": replace(dataset.train, examples=changed)}
    )


def _shuffled(labels: Labels, seed: int) -> Labels:
    stream = np.random.SeedSequence([int(seed), SHUFFLE_DRAW])
    return np.random.default_rng(stream).permutation(labels)


def _noisy(labels: Labels, noise: float, n_classes: int, seed: int) -> Labels:
    random = np.random.default_rng(np.random.SeedSequence([int(seed), NOISE_DRAW]))
    changed = random.permutation(len(labels))[: round(float(noise) * len(labels))]
    # A step of 1..C-1 around the circle of classes reaches each other class with equal chance.
    steps = random.integers(1, n_classes, size=len(changed))
    noisy = labels.copy()
    noisy[changed] = (noisy[changed] + steps) % n_classes
    return noisy
