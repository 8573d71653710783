"""Fewer examples of a dataset, drawn in proportion, or fewer classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import Dataset, Split
from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import Examples, Labels

LIMIT_DRAW = 0x11317
"""Keeps this draw apart from every other draw made with the same seed."""


def limit_examples(
    dataset: Dataset,
    *,
    train_limit: int | None = None,
    test_limit: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Dataset with at most so many examples of train and test, each class in proportion.

    The examples keep the order and the ids of the source. A limit of at least the size of the split
    changes nothing, so limiting twice is limiting once. Further test splits stay whole.

    Parameters
    ----------
    dataset
        Any dataset.
    train_limit, test_limit
        Examples to keep, at least one per class that is there; None keeps all.
    seed
        Determines the draw, with the labels and the limit.

    Raises
    ------
    LearnOrderError
        A limit is smaller than the number of classes, or the seed is negative.
    """
    splits = dict(dataset.splits)
    for number, (name, limit) in enumerate((("train", train_limit), ("test", test_limit))):
        labels = splits[name].examples.labels
        if limit is not None and labels is not None:
            where = f"load_dataset: {name}_limit of {dataset.name!r}"
            kept = drawn_positions(labels, limit, (seed, number), where)
            splits[name] = take(splits[name], kept)
    return replace(dataset, splits=splits)


def select_classes(dataset: Dataset, classes: Sequence[str | int]) -> Dataset:
    """Dataset with the examples of some classes, renumbered in the order given.

    Further test splits without labels stay whole.

    Parameters
    ----------
    dataset
        Any dataset.
    classes
        Names or class ids, at least two, none twice.

    Raises
    ------
    LearnOrderError
        A class is not known or doubled, or a split has no example of any.
    """
    chosen = [class_id_of(dataset, value) for value in classes]
    if len(chosen) < 2 or len(set(chosen)) < len(chosen):
        raise LearnOrderError(
            f"load_dataset: classes {list(classes)!r} of {dataset.name!r} are fewer than two, or "
            "doubled. "
            "A classifier needs two different classes. Name at least two, each once."
        )
    renumbered = np.full(dataset.n_classes, -1, dtype=np.int64)
    renumbered[chosen] = np.arange(len(chosen))
    splits = {
        name: _only_classes(split, renumbered, f"load_dataset: {name} of {dataset.name!r}", classes)
        for name, split in dataset.splits.items()
    }
    names = tuple(dataset.class_names[class_id] for class_id in chosen)
    return replace(dataset, splits=splits, class_names=names)


def take(split: Split, positions: NDArray[np.int64]) -> Split:
    """Split of the examples at these positions, in this order."""
    examples = split.examples
    return Split(
        split.inputs[positions],
        Examples(
            ids=examples.ids[positions],
            labels=None if examples.labels is None else examples.labels[positions],
            true_labels=None if examples.true_labels is None else examples.true_labels[positions],
        ),
    )


def stratified_positions(labels: Labels, limit: int, key: Sequence[int]) -> NDArray[np.int64]:
    """Ascending positions of ``limit`` examples, each class in proportion and at least once.

    Parameters
    ----------
    labels
        One class id per example.
    limit
        Between the number of classes that are there and the number of examples.
    key
        Non-negative integers that determine the draw.
    """
    classes, counts = np.unique(labels, return_counts=True)
    kept = []
    for class_id, quota in zip(classes, _quotas(counts, limit), strict=True):
        stream = np.random.SeedSequence([*key, LIMIT_DRAW, int(class_id)])
        order = np.random.default_rng(stream).permutation(np.flatnonzero(labels == class_id))
        kept.append(order[:quota])
    return np.sort(np.concatenate(kept))


def _quotas(counts: NDArray[np.int64], limit: int) -> list[int]:
    """Largest remainders over whole numbers, with at least one for each class."""
    total = int(counts.sum())
    exact = [limit * int(count) for count in counts]
    quotas = [max(1, share // total) for share in exact]
    while sum(quotas) > limit:
        above_one = (i for i in range(len(quotas)) if quotas[i] > 1)
        quotas[max(above_one, key=lambda i: quotas[i] * total - exact[i])] -= 1
    lacking = [share - q * total for q, share in zip(quotas, exact, strict=True)]
    order = sorted(range(len(quotas)), key=lambda i: (-lacking[i], i))
    for i in order[: limit - sum(quotas)]:
        quotas[i] += 1
    return quotas


def drawn_positions(
    labels: Labels, limit: int, key: tuple[int, int], where: str
) -> NDArray[np.int64]:
    """Ascending positions of at most ``limit`` examples, see `stratified_positions`.

    Raises
    ------
    LearnOrderError
        The limit is smaller than the number of classes, or the seed, first in the key, negative;
        the message starts with ``where``.
    """
    n_classes = len(np.unique(labels))
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < n_classes:
        raise LearnOrderError(
            f"{where} is {limit!r}, with {n_classes} classes. "
            f"Each class keeps at least one example. Use an integer of at least {n_classes}."
        )
    refuse_seed(key[0], where)
    if limit >= len(labels):
        return np.arange(len(labels))
    return stratified_positions(labels, int(limit), key)


def refuse_seed(seed: int, where: str) -> None:
    """Raise where a seed cannot key a draw.

    Raises
    ------
    LearnOrderError
        The seed is no integer, or negative.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise LearnOrderError(
            f"{where}: the seed is {seed!r}. A seed is an integer of at least 0. Use another seed."
        )


def class_id_of(dataset: Dataset, value: str | int) -> int:
    """Class id of a name, or of an id given as such.

    Raises
    ------
    LearnOrderError
        The dataset has no such class.
    """
    if isinstance(value, str) and value in dataset.class_names:
        return dataset.class_names.index(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if 0 <= value < dataset.n_classes:
            return int(value)
        known = f"Class ids of {dataset.name!r} are 0..{dataset.n_classes - 1}."
    else:
        known = nearest(str(value), dataset.class_names)
    raise LearnOrderError(f"load_dataset: unknown class {value!r}. {known} Use one of them.")


def _only_classes(
    split: Split, renumbered: NDArray[np.int64], where: str, classes: Sequence[str | int]
) -> Split:
    labels = split.examples.labels
    if labels is None:
        return split
    kept = take(split, np.flatnonzero(renumbered[labels] >= 0))
    if len(kept) == 0 or kept.examples.labels is None:
        raise LearnOrderError(
            f"{where} has no example of the classes {list(classes)!r}. "
            "Each split with labels has at least one. Choose other classes."
        )
    return Split(kept.inputs, Examples(kept.examples.ids, renumbered[kept.examples.labels]))
