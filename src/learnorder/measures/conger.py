"""Agreement beyond what each replicate's own habits make: Conger's kappa, with an interval.

Fleiss' kappa takes its chance from the classes of all replicates together. Where each has its own
favourite classes it falls below 0, though they agree by more than these favourites would have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from learnorder.measures.intervals import Interval, example_component, ratio_interval, too_few
from learnorder.measures.kappa import NO_PAIRS, VOTE_ALIKE, all_in
from learnorder.schema import Labels, Predictions, Scores


@dataclass(frozen=True)
class CongerKappa:
    """Conger's kappa with its interval.

    Attributes
    ----------
    value
        At most 1; None: undefined.
    ci
        95 % interval of ``value``; None: undefined.
    undefined
        Why there is no value, or no interval.
    """

    value: float | None
    ci: Interval | None = None
    undefined: str | None = None


def conger_kappa(votes: Predictions, group: Labels | None = None) -> CongerKappa:
    """Agreement of pairs of replicates beyond the chance of their own shares of categories.

    1: all pairs agree always. 0: as if each drew its categories by its own shares. With groups of
    examples, by its own shares in each group: what is owed to some groups being answered otherwise
    than others is taken off too. Its interval is built on the logarithm of 1 - kappa, from
    replicates by the jackknife and from examples by their influence. What belongs to a replicate
    and an example together counts twice, which errs wide.

    Parameters
    ----------
    votes
        ``(replicate, example)`` integers, the category each votes for.
    group
        ``(example,)``, the group each belongs to, such as its class; without it all are one.

    References
    ----------
    conger1980
    """
    if len(votes) < 2:
        return CongerKappa(None, undefined=NO_PAIRS)
    chosen = votes[..., np.newaxis] == np.unique(votes)
    groups = np.zeros(votes.shape[1]) if group is None else group
    member = np.unique(groups, return_inverse=True)[1]
    pairs = _pairs_of(chosen, member)
    if pairs.by_chance == 0:
        where = "one category" if group is None else "one category in each class"
        return CongerKappa(None, undefined=all_in(where))
    ends = _interval(pairs, chosen, member)
    value = 1 - pairs.differing / pairs.by_chance
    if isinstance(ends, str):
        return CongerKappa(value, undefined=ends)
    return CongerKappa(value, ends)


@dataclass(frozen=True)
class _Pairs:
    """Pairs of replicates that vote differently, as seen and by chance.

    Attributes
    ----------
    votes
        ``(example, category)``, how many vote for it.
    share
        ``(group, replicate, category)``, of the votes of a replicate in a group.
    size
        ``(group,)``, its share of the examples.
    """

    votes: NDArray[np.int64]
    share: Scores
    size: Scores

    @property
    def n_pairs(self) -> int:
        """Ordered pairs of different replicates."""
        n_replicates: int = self.share.shape[1]
        return n_replicates * (n_replicates - 1)

    @cached_property
    def differing_at(self) -> Scores:
        """``(example,)``, share of pairs that vote differently."""
        alike = (self.votes**2).sum(axis=-1) - self.share.shape[1]
        return np.asarray(1 - alike / self.n_pairs)

    @cached_property
    def alike_by_chance(self) -> Scores:
        """``(group,)``, share of pairs that would vote alike, drawing by their own shares."""
        alike = (self.share.sum(axis=1) ** 2).sum(axis=-1) - (self.share**2).sum(axis=(1, 2))
        return np.asarray(alike / self.n_pairs)

    @property
    def differing(self) -> float:
        """Share of pairs that vote differently."""
        return float(self.differing_at.mean())

    @property
    def by_chance(self) -> float:
        """The same by chance."""
        return float(self.size @ (1 - self.alike_by_chance))

    def without(self, replicate: int, chosen: NDArray[np.bool_]) -> _Pairs:
        """The same without a replicate, which has ``chosen (example, category)``."""
        return _Pairs(self.votes - chosen, np.delete(self.share, replicate, axis=1), self.size)


def _pairs_of(chosen: NDArray[np.bool_], member: NDArray[np.intp]) -> _Pairs:
    """Count ``(replicate, example, category)`` votes of examples that are members of groups."""
    size = np.bincount(member)
    share = [[np.bincount(member, weights=one) / size for one in of.T] for of in chosen]
    votes = chosen.sum(axis=0, dtype=np.int64)
    return _Pairs(votes, np.moveaxis(np.array(share), -1, 0), size / size.sum())


def _interval(pairs: _Pairs, chosen: NDArray[np.bool_], member: NDArray[np.intp]) -> Interval | str:
    if few := too_few(*chosen.shape[:2]):
        return few
    left = [pairs.without(r, of_one) for r, of_one in enumerate(chosen)]
    differing, by_chance = np.array([(one.differing, one.by_chance) for one in left]).T
    if not (differing.all() and by_chance.all()):
        return VOTE_ALIKE
    examples = example_component([_influence(pairs, chosen, member)])
    return ratio_interval(pairs.differing, pairs.by_chance, (differing, by_chance), 0.0, examples)


def _influence(pairs: _Pairs, chosen: NDArray[np.bool_], member: NDArray[np.intp]) -> Scores:
    """Derivative of the logarithm of 1 - kappa in the weight of each example, ``(example,)``.

    An example gives its group more weight, and pulls the shares of its group towards its votes.
    """
    others = pairs.share.sum(axis=1, keepdims=True) - pairs.share
    met = sum((of * others[member, r]).sum(axis=-1) for r, of in enumerate(chosen))
    alike = pairs.alike_by_chance[member]
    chance_at = (1 - alike) - pairs.by_chance - 2 * (met / pairs.n_pairs - alike)
    seen_at = pairs.differing_at - pairs.differing
    return np.asarray(seen_at / pairs.differing - chance_at / pairs.by_chance)
