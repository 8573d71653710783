"""The definitions: every measure in readable numpy, on plain arrays that are already checked.

This file is the reference; ``_kernels`` holds twins that give the same numbers in bounded memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learnorder.schema import Correct, Labels, Predictions, Scores

Votes = NDArray[np.integer]

ROUNDING = 1e-12
"""Share of the kurtosis below which what is left after subtraction is rounding."""


def correct(prediction: Predictions, label: Labels) -> Correct:
    """Whether each replicate was right, ``(replicate, epoch, example)``."""
    right: Correct = prediction == label
    return right


def tp_agreement(prediction: Predictions, label: Labels) -> Scores:
    """Share of replicates that are right, ``(epoch, example)``."""
    share: Scores = correct(prediction, label).mean(axis=0)
    return share


def agreement(prediction: Predictions, n_classes: int) -> Scores:
    """Largest share of replicates that predict one same class, ``(epoch, example)``."""
    votes = [(prediction == class_id).mean(axis=0) for class_id in range(n_classes)]
    share: Scores = np.max(votes, axis=0)
    return share


def accuracy(prediction: Predictions, label: Labels) -> Scores:
    """Share of examples that are right, ``(replicate, epoch)``."""
    share: Scores = correct(prediction, label).mean(axis=2)
    return share


def accessibility(prediction: Predictions, label: Labels, weights: Scores) -> Scores:
    """Weighted mean over epochs of being right, for each replicate: ``(replicate, example)``."""
    weighted = weights[:, np.newaxis] * correct(prediction, label)
    mean: Scores = weighted.sum(axis=1) / weights.sum()
    return mean


def bimodality(scores: Scores) -> float:
    """Kurtosis - skewness**2 - 1 of scores that are not all equal, from population moments."""
    deviation = scores - scores.mean()
    second, third, fourth = (float((deviation**k).mean()) for k in (2, 3, 4))
    return pearson_index(second, third, fourth)


def pearson_index(second: float, third: float, fourth: float) -> float:
    """Kurtosis - skewness**2 - 1 from central moments; never below 0, which two points have."""
    kurtosis = fourth / second**2
    index = kurtosis - third**2 / second**3 - 1
    return index if index > ROUNDING * kurtosis else 0.0


def bimodality_null_class(accuracy_by_class: Scores, class_share: Scores) -> float:
    """Bimodality when the examples of a class differ by chance alone.

    ``accuracy_by_class`` is ``(replicate, class_id)``. Within a class the number of replicates that
    are right is then Poisson-binomial; the classes mix.
    """
    return bimodality_of_mixture(poisson_binomial(accuracy_by_class), class_share)


def poisson_binomial(chance: Scores) -> Scores:
    """Mean and central moments 2 to 4 of the number of successes, ``(moment, class_id)``.

    ``chance`` is ``(replicate, class_id)``; cumulants are sums over replicates.
    """
    p, q = chance, 1 - chance
    second = (p * q).sum(axis=0)
    third = (p * q * (q - p)).sum(axis=0)
    fourth = (p * q * (1 - 6 * p * q)).sum(axis=0) + 3 * second**2
    return np.stack([p.sum(axis=0), second, third, fourth])


def poisson_binomial_shares(chance: Scores) -> Scores:
    """Chance of 0..R successes, ``(count, class_id)``, from ``(replicate, class_id)`` chances.

    One replicate more is a sum of two terms that are not negative, so nothing cancels.
    """
    shares = np.zeros((len(chance) + 1, chance.shape[1]))
    shares[0] = 1
    for n, p in enumerate(chance, start=1):
        before = shares[:n].copy()
        shares[:n] *= 1 - p
        shares[1 : n + 1] += before * p
    return shares


def bimodality_of_mixture(moments: Scores, class_share: Scores) -> float:
    """Bimodality of a mixture of classes with these means and central moments."""
    mean, second, third, fourth = moments
    shift = mean - class_share @ mean
    variance = class_share @ (second + shift**2)
    skewed = class_share @ (third + 3 * shift * second + shift**3)
    tailed = class_share @ (fourth + 4 * shift * third + 6 * shift**2 * second + shift**4)
    return pearson_index(float(variance), float(skewed), float(tailed))


def fleiss_kappa(votes: Votes, n_categories: int) -> float:
    """Fleiss' kappa of ``(replicate, example)`` votes from >= 2 replicates in >= 2 categories."""
    n_replicates = len(votes)
    share = np.array([(votes == category).mean(axis=0) for category in range(n_categories)])
    differing = n_replicates / (n_replicates - 1) * (1 - (share**2).sum(axis=0))
    by_chance = 1 - (share.mean(axis=1) ** 2).sum()
    return float(1 - differing.mean() / by_chance)
