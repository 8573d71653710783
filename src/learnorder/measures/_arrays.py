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


def first_learned(prediction: Predictions, label: Labels, epochs: Scores) -> Scores:
    """Earliest of these epochs at which a replicate is right, or inf: ``(replicate, example)``."""
    when = np.where(correct(prediction, label), epochs[:, np.newaxis], np.inf)
    first: Scores = when.min(axis=1)
    return first


def stably_learned(prediction: Predictions, label: Labels, epochs: Scores) -> Scores:
    """Earliest of these epochs from which on a replicate is right to the end, or inf."""
    wrong_later = np.flip(np.logical_or.accumulate(np.flip(~correct(prediction, label), 1), 1), 1)
    from_then: Scores = np.where(wrong_later, np.inf, epochs[:, np.newaxis]).min(axis=1)
    return from_then


def forgetting_events(prediction: Predictions, label: Labels) -> Scores:
    """Times that right is followed by wrong, inf where never right; NaN for one epoch."""
    right = correct(prediction, label)
    if right.shape[1] == 1:
        return np.full((right.shape[0], right.shape[2]), np.nan)
    events = (right[:, :-1] & ~right[:, 1:]).sum(axis=1)
    return np.where(right.any(axis=1), events, np.inf)


def never_learned(prediction: Predictions, label: Labels) -> Scores:
    """Share of replicates that are right at no epoch, ``(example,)``."""
    share: Scores = (~correct(prediction, label).any(axis=1)).mean(axis=0)
    return share


def vote_entropy(prediction: Predictions, n_classes: int) -> Scores:
    """Entropy of the predicted classes over replicates, in nats, ``(epoch, example)``."""
    entropy = np.zeros(prediction.shape[1:])
    for class_id in range(n_classes):
        share = (prediction == class_id).mean(axis=0)
        entropy -= share * np.log(np.where(share > 0, share, 1))
    return entropy


def ambiguity(prediction: Predictions) -> Scores:
    """Share of examples on which a replicate differs from the first one, ``(epoch,)``."""
    share: Scores = (prediction != prediction[0]).any(axis=0).mean(axis=1)
    return share


def difficulty(share: Scores) -> float:
    """Variance over examples of the share of replicates that are right, ``(example,)``."""
    return float(share.var())


def kohavi_wolpert(share: Scores) -> float:
    """Mean over examples of p (1 - p)."""
    return float((share * (1 - share)).mean())


def kuncheva_entropy(share: Scores, n_replicates: int) -> float:
    """Mean minority, as a share of the largest that >= 2 replicates can have."""
    minority = n_replicates * np.minimum(share, 1 - share)
    return float(minority.mean() / (n_replicates - np.ceil(n_replicates / 2)))


def generalised_diversity(share: Scores, n_replicates: int) -> float:
    """One less p(2) / p(1), where a replicate fails at least once: drawn at random, k fail."""
    one = 1 - share
    two = one * (n_replicates * one - 1) / (n_replicates - 1)
    return float(1 - two.mean() / one.mean())


def coincident_failure_diversity(share: Scores, n_replicates: int) -> float:
    """Mean share of the others that are right, where a replicate fails."""
    failed = share[share < 1]
    return float((n_replicates * failed / (n_replicates - 1)).mean())


def trivial_share(share: Scores) -> float:
    """Share of examples that all replicates have right."""
    return float((share == 1).mean())


def impossible_share(share: Scores) -> float:
    """Share of examples that no replicate has right."""
    return float((share == 0).mean())


def jaccard_correct(share: Scores) -> float:
    """Number of examples that all have right, over the number that any has right."""
    return float((share == 1).sum() / (share > 0).sum())


def disagreement(one: Votes, other: Votes) -> float:
    """Share of examples for which two replicates predict different classes; ``(example,)`` each."""
    return float((one != other).mean())


def corrected_disagreement(one: Votes, other: Votes, label: Labels) -> float:
    """Disagreement over the error rate of either, mean of both; both are wrong somewhere."""
    per_error = [disagreement(one, other) / (votes != label).mean() for votes in (one, other)]
    return float(np.mean(per_error))


def normalised_disagreement(one: Votes, other: Votes, label: Labels) -> float:
    """Disagreement, 0 where it is the least and 1 where it is the most two error rates allow."""
    q, p = (one != label).mean(), (other != label).mean()
    least, most = abs(q - p), min(q + p, 1)
    return float((disagreement(one, other) - least) / (most - least))


def cohen_kappa(one: Votes, other: Votes) -> float:
    """Cohen's kappa of two columns of votes that are not both of one same category."""
    observed = (one == other).mean()
    by_chance = sum((one == k).mean() * (other == k).mean() for k in np.union1d(one, other))
    return float((observed - by_chance) / (1 - by_chance))


def same_wrong_share(one: Votes, other: Votes, label: Labels) -> float:
    """Share of the examples that both have wrong, and there are some, for which they agree."""
    both_wrong = (one != label) & (other != label)
    return float((one == other)[both_wrong].mean())


def q_statistic(one: Correct, other: Correct) -> float:
    """Yule's Q of two columns of right and wrong, where it exists."""
    alike = (one & other).sum() * (~one & ~other).sum()
    apart = (one & ~other).sum() * (~one & other).sum()
    return float((alike - apart) / (alike + apart))
