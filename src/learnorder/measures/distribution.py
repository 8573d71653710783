"""Bimodality and its nulls, from sums over the examples of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _arrays
from learnorder.measures.sweep import ClassTotals
from learnorder.measures.tiles import cuts
from learnorder.schema import Scores

CLASSES = 1 << 20
"""Chances, of all replicates and some classes, whose moments are taken at once."""


def bimodality_of(histogram: NDArray[np.int64]) -> float | str:
    """Bimodality where ``histogram[c]`` examples are right in c of R replicates, or why not."""
    counts = np.flatnonzero(histogram)
    n_replicates = len(histogram) - 1
    if len(counts) == 1:
        share = counts[0] / n_replicates
        return f"TP-agreement is {share:.4g} for every example: no distribution to describe"
    weight = histogram[counts] / histogram.sum()
    deviation = counts - weight @ counts
    return _arrays.pearson_index(*(float(weight @ deviation**k) for k in (2, 3, 4)))


def equal_difficulty_null(n_replicates: int) -> float:
    """Bimodality of a binomial, whatever its chance."""
    return 2 - 2 / n_replicates


def unequal_accuracy_nulls(right: NDArray[np.int64], n_examples: int) -> list[float | str]:
    """Null of each epoch, or why there is none, from ``(replicate, epoch)`` right answers."""
    size, share = np.array([n_examples]), np.ones(1)
    return [_class_null(at_epoch[:, np.newaxis], size, share) for at_epoch in right.T]


def class_nulls(totals: ClassTotals) -> list[float | str]:
    """Class-conditional null of each epoch, or why there is none."""
    present = np.flatnonzero(totals.size)
    size = totals.size[present]
    share = size / size.sum()
    return [
        _class_null(totals.right[:, e, present], size, share) for e in range(totals.right.shape[1])
    ]


def count_shares(chance: Scores) -> Scores:
    """Chance that 0..R replicates are right, ``(column, R + 1)``, from ``(replicate, column)``."""
    return _arrays.poisson_binomial_shares(chance).T


def class_count_shares(totals: ClassTotals) -> list[Scores]:
    """Share of examples that 0..R replicates have right by chance in their class, at each epoch."""
    n_replicates, n_epochs = totals.right.shape[:2]
    present = np.flatnonzero(totals.size)
    found = [np.zeros(n_replicates + 1) for _ in range(n_epochs)]
    for part in cuts(slice(0, len(present)), max(1, CLASSES // (n_replicates + 1))):
        size = totals.size[present[part]]
        for e, shares in enumerate(found):
            chance = totals.right[:, e, present[part]] / size
            shares += size / totals.size.sum() @ count_shares(chance)
    return found


def _class_null(
    right: NDArray[np.integer[Any]], size: NDArray[np.int64], share: Scores
) -> float | str:
    """Null at one epoch from ``(replicate, class_id)`` right answers, in classes there are."""
    known = (right == size).sum(axis=0)
    if ((right == 0) | (right == size)).all() and known.min() == known.max():
        of_what = "the examples" if len(size) == 1 else "each class"
        return (
            f"every replicate is right on all or on none of {of_what}, and TP-agreement would be "
            f"{known[0] / len(right):.4g} for every example: no distribution to describe"
        )
    parts = cuts(slice(0, len(size)), max(1, CLASSES // len(right)))
    moments = [_arrays.poisson_binomial(right[:, part] / size[part]) for part in parts]
    return _arrays.bimodality_of_mixture(np.concatenate(moments, axis=1), share)
