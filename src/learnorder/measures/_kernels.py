"""Fast twins of ``_arrays``: the same numbers, a block at a time, so that memory stays bounded.

A log of 100 replicates, 100 epochs and 60,000 examples is 600 MB of predictions; one float or
boolean copy of it would not fit beside it on an ordinary machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _arrays
from learnorder.schema import Correct, Labels, Predictions, Scores

Counts = NDArray[np.int64]

BLOCK = 1 << 22
"""Elements of the largest temporary array, about 32 MB as int64: fast, and small beside any log."""


FEW = 4
"""Up to here one pass over the votes for each category is faster than counting in one pass."""


def tp_counts(prediction: Predictions, label: Labels) -> Counts:
    """Count the replicates that are right, ``(epoch, example)``."""
    narrow = _narrow(label, prediction)
    counts = np.zeros(prediction.shape[1:], dtype=np.int32)
    for replicate in prediction:
        for epoch, predicted in enumerate(replicate):
            counts[epoch] += predicted == narrow
    return counts.astype(np.int64)


def _narrow(label: Labels, prediction: Predictions) -> NDArray[np.integer]:
    """Labels in the type of the predictions: comparing equal types is several times faster."""
    fits = label.max(initial=0) <= np.iinfo(prediction.dtype).max and label.min(initial=0) >= 0
    return label.astype(prediction.dtype) if fits else label


def tp_agreement(prediction: Predictions, label: Labels) -> Scores:
    """Share of replicates that are right, ``(epoch, example)``."""
    share: Scores = tp_counts(prediction, label) / len(prediction)
    return share


def accuracy(prediction: Predictions, label: Labels) -> Scores:
    """Share of examples that are right, ``(replicate, epoch)``."""
    narrow = _narrow(label, prediction)
    counts = [[np.count_nonzero(p == narrow) for p in replicate] for replicate in prediction]
    share: Scores = np.array(counts) / len(label)
    return share


def accessibility(prediction: Predictions, label: Labels, weights: Scores) -> Scores:
    """Weighted mean over epochs of being right, for each replicate: ``(replicate, example)``."""
    narrow = _narrow(label, prediction)
    total = np.zeros((prediction.shape[0], prediction.shape[2]))
    for row, replicate in zip(total, prediction, strict=True):
        for weight, predicted in zip(weights, replicate, strict=True):
            row += weight * (predicted == narrow)
    total /= weights.sum()
    return total


def agreement(prediction: Predictions, n_classes: int, block: int = BLOCK) -> Scores:
    """Largest share of replicates that predict one same class, ``(epoch, example)``."""
    n_replicates, n_epochs, n_examples = prediction.shape
    share = np.empty((n_epochs, n_examples))
    for epoch in range(n_epochs):
        share[epoch] = largest_vote(prediction[:, epoch], n_classes, block)
    share /= n_replicates
    return share


def largest_vote(votes: Predictions, n_categories: int, block: int = BLOCK) -> Counts:
    """Count the votes for the category most voted for, ``(example,)``."""
    n_replicates, n_examples = votes.shape
    # Counting costs one cell per category, sorting one per replicate: take the smaller.
    width = min(n_categories, 4 * n_replicates)
    step = max(1, block // max(width, n_replicates))
    largest = np.empty(n_examples, dtype=np.int64)
    for start in range(0, n_examples, step):
        part = votes[:, start : start + step]
        if n_categories <= width:
            largest[start : start + step] = vote_counts(part, n_categories).max(axis=1)
        else:
            largest[start : start + step] = _longest_run(np.sort(part, axis=0))
    return largest


def vote_counts(votes: Predictions | Correct, n_categories: int) -> Counts:
    """Count the votes for each category, ``(example, category)``."""
    n_examples = votes.shape[1]
    if n_categories <= FEW:
        each = [np.count_nonzero(votes == category, axis=0) for category in range(n_categories)]
        return np.stack(each, axis=1)
    cell = np.arange(n_examples) * n_categories + votes
    counts = np.bincount(cell.ravel(), minlength=n_examples * n_categories)
    return counts.reshape(n_examples, n_categories)


def _longest_run(ordered: Predictions) -> Counts:
    """Length of the longest run of equal values in each column of sorted columns."""
    run = np.ones(ordered.shape[1], dtype=np.int64)
    longest = run.copy()
    for before, after in pairwise(ordered):
        run = np.where(before == after, run + 1, 1)
        np.maximum(longest, run, out=longest)
    return longest


def bimodality(counts: Counts) -> float:
    """Bimodality of ``counts / n_replicates``, from the histogram; counts are not all equal."""
    value, times = np.unique(counts, return_counts=True)
    weight = times / times.sum()
    deviation = value - weight @ value
    variance, third, fourth = (float(weight @ deviation**k) for k in (2, 3, 4))
    return _arrays.pearson_index(variance, third, fourth)


def class_accuracy(prediction: Predictions, label: Labels, n_classes: int) -> Scores:
    """Share right of each class at one epoch, ``(replicate, class_id)``; 0 for an absent class."""
    size = np.maximum(np.bincount(label, minlength=n_classes), 1)
    right = [np.bincount(label[p == label], minlength=n_classes) for p in prediction]
    share: Scores = np.array(right) / size
    return share


@dataclass(frozen=True)
class VoteMoments:
    """What Fleiss' kappa and its interval need to know about the votes at one epoch.

    Attributes
    ----------
    matches
        ``(replicate,)``, over all examples, how many other replicates voted the same.
    squares
        ``(example,)``, the sum over categories of squared vote counts.
    share
        ``(replicate, category)``, the share of a replicate's votes that went to a category.
    typical
        ``(example,)``, the mean overall share of the categories voted for.
    """

    matches: Counts
    squares: Counts
    share: Scores
    typical: Scores


def vote_moments(
    votes: Predictions | Correct, n_categories: int, block: int = BLOCK
) -> VoteMoments:
    """Moments of ``(replicate, example)`` votes at one epoch."""
    n_replicates, n_examples = votes.shape
    share = np.array([np.bincount(v, minlength=n_categories) for v in votes]) / n_examples
    overall = share.mean(axis=0)
    matches = np.zeros(n_replicates, dtype=np.int64)
    squares = np.empty(n_examples, dtype=np.int64)
    typical = np.empty(n_examples)
    step = max(1, block // max(n_categories, n_replicates))
    for start in range(0, n_examples, step):
        part = votes[:, start : start + step]
        counts = vote_counts(part, n_categories)
        column = np.arange(part.shape[1]) * n_categories
        matches += [counts.take(column + vote).sum() - len(column) for vote in part]
        squares[start : start + step] = (counts**2).sum(axis=1)
        typical[start : start + step] = counts @ overall / n_replicates
    return VoteMoments(matches, squares, share, typical)


def fleiss_kappa(votes: Predictions | Correct, n_categories: int, block: int = BLOCK) -> float:
    """Fleiss' kappa of ``(replicate, example)`` votes from >= 2 replicates in >= 2 categories."""
    moments = vote_moments(votes, n_categories, block)
    n_replicates = len(votes)
    pairs = n_replicates * (n_replicates - 1)
    differing = (n_replicates**2 - moments.squares.mean()) / pairs
    by_chance = 1 - (moments.share.mean(axis=0) ** 2).sum()
    return float(1 - differing / by_chance)
