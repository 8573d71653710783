"""Agreement beyond what each replicate's own habits make: Conger's kappa, with an interval.

Fleiss' kappa takes its chance from the classes of all replicates together. Where each has its own
favourite classes it falls below 0, though they agree by more than these favourites would have it.
"""

from __future__ import annotations

import numpy as np

from learnorder.claims.evidence import Measured
from learnorder.measures.intervals import Interval, example_component, ratio_interval, too_few
from learnorder.schema import Predictions, Scores


def conger_kappa(votes: Predictions, threshold: float | None = None) -> Measured:
    """Agreement of pairs of replicates beyond the chance of their own shares of classes.

    1: all pairs agree always. 0: as if each drew its classes by its own shares. Its interval is
    built on the logarithm of 1 - kappa, from replicates by the jackknife and from examples by their
    influence. What belongs to a replicate and an example together counts twice, which errs wide.

    Parameters
    ----------
    votes
        ``(replicate, example)`` integers, the predicted classes.
    threshold
        What a rule holds the interval against.

    References
    ----------
    conger1980
    """
    if len(votes) < 2:
        reason = "kappa compares pairs of replicates; there is 1 replicate"
        return Measured(None, undefined=reason, threshold=threshold)
    chosen = votes[..., np.newaxis] == np.unique(votes)
    differing, by_chance = _differing(chosen)
    if by_chance == 0:
        reason = "all votes are in one category, so chance alone would agree always"
        return Measured(None, undefined=reason, threshold=threshold)
    ends = _interval(chosen, differing, by_chance)
    value = 1 - differing / by_chance
    if isinstance(ends, str):
        return Measured(value, undefined=ends, threshold=threshold)
    return Measured(value, ends, threshold=threshold)


def _interval(chosen: Scores, differing: float, by_chance: float) -> Interval | str:
    n_replicates, n_examples, _ = chosen.shape
    if few := too_few(n_replicates, n_examples):
        return few
    without = np.array([_differing(np.delete(chosen, r, axis=0)) for r in range(n_replicates)]).T
    if not without.all():
        return "all replicates, or all but one, vote alike on every example: no spread to estimate"
    examples = example_component([_influence(chosen, differing, by_chance)])
    return ratio_interval(differing, by_chance, (without[0], without[1]), 0.0, examples)


def _differing(chosen: Scores) -> tuple[float, float]:
    """Share of pairs that vote differently, as seen and by chance."""
    n = len(chosen)
    alike = (chosen.sum(axis=0, dtype=np.int64) ** 2).sum(axis=-1).mean() - n
    share = chosen.mean(axis=1)
    by_chance = (share.sum(axis=0) ** 2).sum() - (share**2).sum()
    return 1 - alike / (n * (n - 1)), 1 - by_chance / (n * (n - 1))


def _influence(chosen: Scores, differing: float, by_chance: float) -> Scores:
    """Derivative of the logarithm of 1 - kappa in the weight of each example, ``(example,)``."""
    n = len(chosen)
    votes = chosen.sum(axis=0, dtype=np.int64)
    differing_at = 1 - ((votes**2).sum(axis=-1) - n) / (n * (n - 1)) - differing
    share = chosen.mean(axis=1)
    others = share.sum(axis=0) - share
    met = np.einsum("rec,rc->e", chosen, others)
    chance_at = -2 * (met / (n * (n - 1)) - (1 - by_chance))
    return np.asarray(differing_at / differing - chance_at / by_chance)
