"""What replicates show by chance: the examples of each are shuffled, independently of the others.

So each replicate keeps its accuracy, overall or in each class, and only the order goes that it
shares with the others. For what depends on the counts of right replicates alone, no example is
shuffled: a replicate that is right on so many examples, at random places, takes as many of those
with each count as a multivariate hypergeometric draw says, which costs what there are counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.measures import distribution, diversity, kappa
from learnorder.measures.found import Found
from learnorder.measures.tiles import cuts
from learnorder.schema import Scores

TAIL = 40
"""One in so many draws lies beyond each end of an interval of 95 %."""

N_DRAWS = 5 * TAIL - 1
"""With 199 draws and the observed value, exactly 95 % of 200 alike lie within the interval."""

DRAWN = 1 << 22
"""Counts of all draws that are made at once."""

ONE_REPLICATE = "replicates are compared; there is 1 replicate"


@dataclass(frozen=True)
class Null:
    """A value beside what it would be if replicates shared no order.

    Attributes
    ----------
    observed
        The value.
    mean, low, high
        Of the value under the null: its mean, and the ends of an interval of 95 %.
    p_value
        Chance that it says at least as much under the null.
    """

    observed: float
    mean: float
    low: float
    high: float
    p_value: float


def check_draws(caller: str, n_draws: int) -> None:
    """Refuse fewer draws than an interval of 95 % needs."""
    if isinstance(n_draws, bool) or not isinstance(n_draws, Integral):
        raise LearnOrderError(
            f"{caller}: n_draws is {n_draws!r}. It is a number of draws, {TAIL - 1} or more. "
            f"Take {N_DRAWS}."
        )
    if n_draws < TAIL - 1:
        raise LearnOrderError(
            f"{caller}: {n_draws} draws are too few. An interval of 95 % leaves one draw beyond "
            f"each end, of {TAIL - 1} or more. Take {N_DRAWS}."
        )


def check_seed(caller: str, seed: int) -> None:
    """Refuse what keys no draw."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise LearnOrderError(
            f"{caller}: the seed is {seed!r}. A seed is an integer of at least 0. Use another seed."
        )


def null_of(values: Scores, *, lower: bool = False) -> Null:
    """Null from a value and its draws, in this order; ``lower``: low values say more.

    The interval leaves as many draws beyond each end that a value like them is within in 95 % of
    cases or a little more; exactly 95 % where the draws and one are a multiple of 40.

    Examples
    --------
    >>> null_of(np.array([150.0, *range(199)])).p_value
    0.25
    """
    observed, draws = float(values[0]), np.sort(values[1:])
    beyond = (len(draws) + 1) // TAIL
    extreme = draws <= observed if lower else draws >= observed
    return Null(
        observed=observed,
        mean=float(draws.mean()),
        low=float(draws[beyond - 1]),
        high=float(draws[-beyond]),
        p_value=float((1 + extreme.sum()) / (1 + len(draws))),
    )


@dataclass(frozen=True)
class Groups:
    """Right answers at one epoch in the groups of examples that are shuffled each by itself.

    Attributes
    ----------
    right
        ``(replicate, group)``, examples a replicate has right.
    size
        ``(group,)``, examples there are, at least 1.
    """

    right: NDArray[np.int64]
    size: NDArray[np.int64]

    @classmethod
    def all_in_one(cls, right: NDArray[np.int64], n_examples: int) -> Groups:
        """One group, from ``(replicate,)`` right answers."""
        return cls(right[:, np.newaxis], np.array([n_examples]))

    @classmethod
    def of_classes(cls, right: NDArray[np.unsignedinteger], size: NDArray[np.int64]) -> Groups:
        """Classes that have examples, from ``(replicate, class_id)`` right answers."""
        present = np.flatnonzero(size)
        return cls(right[:, present].astype(np.int64), size[present])

    def canonical(self) -> Groups:
        """The same whatever the order of replicates and the names of classes.

        Groups are shuffled independently, so which replicate is which in each does not matter.
        """
        right = np.sort(self.right, axis=0)
        order = np.lexsort((*right, self.size))
        return Groups(right[:, order], self.size[order])

    def parts(self, n_draws: int) -> Iterator[Groups]:
        """Groups whose draws are made at once."""
        step = max(1, DRAWN // (n_draws * (len(self.right) + 1)))
        for part in cuts(slice(0, len(self.size)), step):
            yield Groups(self.right[:, part], self.size[part])


def drawn_histograms(groups: Groups, n_draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Examples that 0..R replicates have right in each draw, ``(draw, R + 1)``."""
    n_replicates = len(groups.right)
    histograms = np.zeros((n_draws, n_replicates + 1), dtype=np.int64)
    for part in groups.canonical().parts(n_draws):
        counts = np.zeros((n_replicates + 1, n_draws, len(part.size)), dtype=np.int64)
        counts[0] = part.size
        for n_before, added in enumerate(part.right):
            _add_replicate(counts[: n_before + 2], added, rng)
        histograms += counts.sum(axis=2).T
    return histograms


def _add_replicate(
    counts: NDArray[np.int64], added: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """Let one more replicate be right on ``added`` examples of each group, at random places.

    ``counts`` is ``(count, draw, group)``, the last count empty. How many of the examples with each
    count it takes is drawn count by count, each from what is left: the multivariate hypergeometric
    distribution by its marginals. From the highest down, so that none is moved twice.
    """
    still = np.broadcast_to(added, counts.shape[1:]).copy()
    others = counts.sum(axis=0)
    for c in range(len(counts) - 2, -1, -1):
        here = counts[c]
        if not here.any():
            continue
        others -= here
        taken = rng.hypergeometric(here, others, still)
        still -= taken
        counts[c + 1] += taken
        here -= taken


@dataclass(frozen=True)
class OfCounts:
    """A statistic of the counts of right replicates.

    Attributes
    ----------
    value
        Of a histogram, or why there is none.
    lower
        Whether low values say that an order is shared.
    """

    value: Callable[[NDArray[np.int64]], Found]
    lower: bool = False

    def values(self, histograms: NDArray[np.int64]) -> Scores:
        """Of each row; 0 of a row that has none.

        That is where TP-agreement is constant, and bimodality as low as can be.
        """
        found = map(self.value, histograms)
        return np.array([0.0 if isinstance(value, str) else value for value in found])


OF_COUNTS = {
    "fleiss_kappa": OfCounts(kappa.correct_kappa),
    "difficulty": OfCounts(diversity.variance),
    "bimodality": OfCounts(distribution.bimodality_of, lower=True),
}
"""What needs no more than a histogram of counts."""


def counts_null(
    of: OfCounts, histogram: NDArray[np.int64], groups: Groups, n_draws: int, seed: int
) -> Null | str:
    """Null of a statistic at one epoch, from draws, or why there is none.

    ``histogram`` has the examples that 0..R replicates have right.
    """
    observed = ONE_REPLICATE if len(groups.right) < 2 else of.value(histogram)
    if isinstance(observed, str):
        return observed
    drawn = drawn_histograms(groups, n_draws, np.random.default_rng(seed))
    return null_of(of.values(np.vstack([histogram, drawn])), lower=of.lower)
