"""Fleiss' kappa and its interval, from sums over the votes at one epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _kernels
from learnorder.measures.intervals import (
    Component,
    Interval,
    component_of_sums,
    ratio_interval,
    too_few,
)
from learnorder.measures.split import Split
from learnorder.measures.sweep import CorrectTotals, sweep
from learnorder.measures.tiles import Tile
from learnorder.measures.votes import PairTotals, VoteTotals
from learnorder.schema import Predictions, Scores

NO_PAIRS = "kappa compares pairs of replicates; there is 1 replicate"

VOTE_ALIKE = "all replicates, or all but one, vote alike on every example: no spread to estimate"


def all_in(where: str) -> str:
    """Reason why kappa is undefined where chance alone would agree always."""
    return f"all votes are in {where}, so chance alone would agree always"


@dataclass(frozen=True)
class Votes:
    """What kappa needs to know about ``(replicate, example)`` votes.

    Attributes
    ----------
    n_replicates, n_examples
        How many vote, and on how many.
    squares
        Sum over categories of squared vote counts, mean over examples.
    share
        ``(category,)``, share of all votes.
    """

    n_replicates: int
    n_examples: int
    squares: float
    share: Scores

    @property
    def differing(self) -> float:
        """Share of pairs of different replicates that vote differently."""
        return (self.n_replicates**2 - self.squares) / self._pairs

    @property
    def by_chance(self) -> float:
        """The same to expect from the overall shares."""
        return float(1 - (self.share**2).sum())

    @property
    def _pairs(self) -> int:
        return self.n_replicates * (self.n_replicates - 1)

    def undefined(self) -> str | None:
        """Reason why kappa is undefined, or None."""
        if self.n_replicates < 2:
            return NO_PAIRS
        if np.count_nonzero(self.share) == 1:
            return all_in("one category")
        return None

    def kappa(self) -> float:
        """Kappa where it is defined."""
        return float(1 - self.differing / self.by_chance)

    def influence(self, squares: NDArray[np.integer], typical: Scores) -> Scores:
        """Influence of examples on the logarithm of the ratio that kappa is made of.

        Parameters
        ----------
        squares
            Of each, the sum over categories of squared vote counts.
        typical
            Of each, the mean overall share of the categories voted for.
        """
        differing_at = (self.n_replicates**2 - squares) / self._pairs - self.differing
        # The chance term is quadratic in the shares, so its derivative carries a factor 2.
        chance_at = -2 * (typical - (self.share**2).sum())
        influence: Scores = differing_at / self.differing - chance_at / self.by_chance
        return influence

    def own_influence(self, company: NDArray[np.integer], share: Scores) -> Scores:
        """What deleting one replicate does to the influence of an example, up to a constant.

        Parameters
        ----------
        company
            Of each cell, a replicate and an example, how many replicates vote as it does.
        share
            Of each, the overall share of its category.
        """
        n = self.n_replicates
        differing = 2 * company / ((n - 1) * (n - 2) * self.differing)
        influence: Scores = differing - 2 * share / ((n - 1) * self.by_chance)
        return influence


def correct_votes(histogram: NDArray[np.int64]) -> Votes:
    """Votes on correctness at one epoch, from how many examples 0..R replicates have right."""
    n_replicates, n_examples = len(histogram) - 1, int(histogram.sum())
    right = np.arange(n_replicates + 1)
    squares = int(histogram @ _binary_squares(right)) / n_examples
    n_right, n_votes = int(histogram @ right), n_replicates * n_examples
    share = np.array([n_votes - n_right, n_right]) / n_votes
    return Votes(n_replicates, n_examples, squares, share)


def class_votes(squares: int, by_class: NDArray[np.int64], n_examples: int) -> Votes:
    """Votes for classes at one epoch, from their sums over examples."""
    n_votes = int(by_class.sum())
    return Votes(n_votes // n_examples, n_examples, squares / n_examples, by_class / n_votes)


@dataclass(frozen=True)
class Leavers:
    """What is left of the votes without each replicate.

    Attributes
    ----------
    matches
        ``(replicate,)``, over all examples, how many other replicates voted the same.
    by_chance
        ``(replicate,)``, share of pairs to vote differently by chance, without that replicate.
    """

    matches: NDArray[np.int64]
    by_chance: Scores


def leavers(matches: NDArray[np.int64], by_category: NDArray[np.int64]) -> Leavers:
    """What is left without each replicate, from its votes for each category, ``(replicate, k)``."""
    total = by_category.sum(axis=0)
    n_left = max(1, int(total.sum() - by_category[0].sum()))
    # Replicate by replicate: with very many classes a second table would be large.
    by_chance = [1 - (((total - own) / n_left) ** 2).sum() for own in by_category]
    return Leavers(matches, np.array(by_chance))


def correct_leavers(
    histogram: NDArray[np.int64], right: NDArray[np.int64], company: NDArray[np.int64]
) -> Leavers:
    """Votes on correctness at one epoch without each replicate.

    ``right`` and ``company`` are ``(replicate,)``: the examples it has right, and over these the
    number of replicates that have them right.
    """
    n_replicates, n_examples = len(right), int(histogram.sum())
    all_right = int(histogram @ np.arange(n_replicates + 1))
    # Where a replicate is right, those with it are the count; where it is wrong, the rest are.
    among_wrong = (n_examples - right) * n_replicates - (all_right - company)
    by_category = np.stack([n_examples - right, right], axis=1)
    return leavers(company + among_wrong - n_examples, by_category)


@dataclass(frozen=True)
class Variances:
    """Variances of the logarithm of the ratio that kappa is made of.

    Attributes
    ----------
    examples
        From examples.
    cells
        From replicates, by what belongs to one of them and one example together.
    """

    examples: Component
    cells: float


def cells_variance(votes: Votes, products: float) -> float:
    """Jackknife variance by cells, whose squared own influence, centred, sums to ``products``."""
    n = votes.n_replicates
    return (n - 1) / n * products / votes.n_examples**2


def correct_variances(votes: Votes, histogram: NDArray[np.int64]) -> Variances:
    """Variances of kappa of correctness, whose influences are functions of counts."""
    n_replicates = votes.n_replicates
    right = np.arange(n_replicates + 1)
    wrong = right[::-1]
    typical = (right * votes.share[1] + wrong * votes.share[0]) / n_replicates
    squares = votes.influence(_binary_squares(right), typical) ** 2
    examples = component_of_sums(
        votes.n_examples, float(histogram @ squares), float(histogram @ squares**2)
    )
    gap = votes.own_influence(right, votes.share[1]) - votes.own_influence(wrong, votes.share[0])
    products = float(histogram @ (right * wrong / n_replicates * gap**2))
    return Variances(examples, cells_variance(votes, products))


def no_interval(votes: Votes, left: Leavers) -> str | None:
    """Reason why kappa has no interval, or None."""
    reason = votes.undefined() or too_few(votes.n_replicates, votes.n_examples)
    if reason:
        return reason
    if not _differing_without(votes, left).all():
        return VOTE_ALIKE
    return None


def kappa_interval(votes: Votes, left: Leavers, found: Variances) -> Interval | str:
    """Interval of kappa, or why there is none, where pairs vote differently."""
    without = (_differing_without(votes, left), left.by_chance)
    interval = ratio_interval(
        votes.differing, votes.by_chance, without, found.cells, found.examples
    )
    if isinstance(interval, str):
        return interval
    low, high = interval
    return max(low, -1 / (votes.n_replicates - 1)), high


class Influence:
    """Sums over examples of powers of their influence on kappa of predictions, at some epochs.

    Parameters
    ----------
    epochs
        Which.
    votes
        Of each, or None where there is nothing to find out.
    """

    def __init__(self, epochs: slice, votes: Sequence[Votes | None]) -> None:
        self.epochs, self._votes = epochs, votes
        self._squared, self._fourth, self._products = np.zeros((3, len(votes)))

    def add(self, tile: Tile) -> None:
        """Take a tile in; it lies within the epochs."""
        for part in tile.parts(_kernels.BLOCK):
            _, squares = _kernels.squared_votes(part.prediction)
            first = part.epochs.start - self.epochs.start
            for e, at_epoch in enumerate(squares, start=first):
                votes = self._votes[e]
                if votes is not None:
                    self._add_epoch(e, votes, part.prediction[:, e - first], at_epoch)

    def variances(self, epoch: int) -> Variances:
        """Variances at an epoch that has votes."""
        votes = self._votes[epoch]
        assert votes is not None, "asked for where there is an interval"
        return Variances(
            component_of_sums(votes.n_examples, self._squared[epoch], self._fourth[epoch]),
            cells_variance(votes, self._products[epoch]),
        )

    def _add_epoch(
        self, epoch: int, votes: Votes, cast: Predictions, squares: NDArray[np.integer]
    ) -> None:
        n_replicates = len(cast)
        typical, total, of_squares = np.zeros((3, cast.shape[1]))
        for vote in cast:
            company = _kernels.tp_counts(cast[:, np.newaxis], vote)[0]
            own = votes.own_influence(company, votes.share[vote])
            typical += votes.share[vote]
            total += own
            of_squares += own**2
        influence = votes.influence(squares, typical / n_replicates) ** 2
        self._squared[epoch] += influence.sum()
        self._fourth[epoch] += influence @ influence
        self._products[epoch] += (of_squares - total**2 / n_replicates).sum()


def kappa_of(votes: Votes) -> float | str:
    """Kappa, or why there is none."""
    return votes.undefined() or votes.kappa()


def correct_kappa(histogram: NDArray[np.int64]) -> float | str:
    """Kappa of correctness, from how many examples 0..R replicates have right, or why not."""
    return kappa_of(correct_votes(histogram))


def prediction_kappas(totals: VoteTotals, n_examples: int) -> list[float | str]:
    """Kappa of predictions at each epoch, or why there is none."""
    sums = zip(totals.squares.tolist(), totals.by_class, strict=True)
    return [kappa_of(class_votes(*each, n_examples)) for each in sums]


def correct_kappa_intervals(totals: CorrectTotals) -> list[Interval | str]:
    """Interval of kappa of correctness at each epoch, or why there is none."""
    found: list[Interval | str] = []
    for e, histogram in enumerate(totals.histogram):
        votes = correct_votes(histogram)
        left = correct_leavers(histogram, totals.right[:, e], totals.company[:, e])
        found.append(
            no_interval(votes, left)
            or kappa_interval(votes, left, correct_variances(votes, histogram))
        )
    return found


def prediction_kappa_intervals(split: Split, epochs: slice) -> list[Interval | str]:
    """Interval of kappa of predictions at some epochs, or why there is none, in two passes."""
    totals, pairs = VoteTotals(split, epochs), PairTotals(split, epochs)
    sweep(split, totals, pairs, epochs=epochs)
    votes, left, reasons = [], [], []
    for e, squares in enumerate(totals.squares.tolist()):
        votes.append(class_votes(squares, totals.by_class[e], split.n_examples))
        left.append(leavers(pairs.matches[:, e], pairs.by_class[:, e]))
        reasons.append(no_interval(votes[e], left[e]))
    del totals, pairs
    needed = [None if reason else v for v, reason in zip(votes, reasons, strict=True)]
    influence = Influence(epochs, needed)
    sweep(split, influence, epochs=epochs)
    return [
        reason or kappa_interval(votes[e], left[e], influence.variances(e))
        for e, reason in enumerate(reasons)
    ]


def _differing_without(votes: Votes, left: Leavers) -> Scores:
    """Share of pairs that vote differently without each replicate, exactly 0 where none does."""
    n_replicates = votes.n_replicates
    pairs = votes.n_examples * (n_replicates - 1) * (n_replicates - 2)
    alike = left.matches.sum() - 2 * left.matches
    differing: Scores = (pairs - alike) / pairs
    return differing


def _binary_squares(right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum of squared votes where so many of all are right; ``right`` is 0..R."""
    squares: NDArray[np.int64] = right**2 + right[::-1] ** 2
    return squares
