"""How often the nulls of a shared order hold replicates that share none: a simulation.

Replicates are right independently of each other, on each example with their own accuracy; the
interval of 95 % is to hold the observed value in 95 % of collections, and the p value to be at most
0.05 in 5 %. Run from the top folder::

    python -m benchmarks.null_coverage

The seed fixes every number. The table is in docs/measures.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from learnorder.measures.null_moments import alpha_null, kappa_null
from learnorder.measures.permutations import (
    N_DRAWS,
    OF_COUNTS,
    TAIL,
    Groups,
    Null,
    drawn_histograms,
    null_of,
)
from learnorder.measures.scores import ScoreTable
from learnorder.measures.shuffles import drawn_alpha_null

UNEQUAL = (0.3, 0.99)
"""Lowest and highest accuracy where they are unequal, spread evenly."""


@dataclass(frozen=True)
class Case:
    """Replicates that share nothing; ``accuracy`` None: each has its own."""

    n_replicates: int
    n_examples: int
    accuracy: float | None

    @property
    def n_draws(self) -> int:
        """Fewer where they are dear; with 39 as with 199, 95 % is what is to be held exactly."""
        return N_DRAWS if self.n_replicates <= 10 else TAIL - 1

    @property
    def accuracies(self) -> np.ndarray:
        """Of each replicate."""
        low, high = UNEQUAL if self.accuracy is None else (self.accuracy, self.accuracy)
        return np.linspace(low, high, self.n_replicates)

    def right(self, rng: np.random.Generator) -> np.ndarray:
        """Who is right on what, ``(replicate, example)``."""
        shape = (self.n_replicates, self.n_examples)
        return rng.random(shape) < self.accuracies[:, np.newaxis]

    def __str__(self) -> str:
        return (
            f"{UNEQUAL[0]:g} to {UNEQUAL[1]:g}" if self.accuracy is None else f"{self.accuracy:g}"
        )


ACCURACIES = (0.3, 0.5, 0.7, 0.9, 0.99, None)
CASES = [
    Case(n_replicates, n_examples, accuracy)
    for n_replicates in (5, 10, 100)
    for n_examples in (500, 5000)
    for accuracy in ACCURACIES
]


def nulls_of_counts(case: Case, rng: np.random.Generator) -> Iterator[tuple[str, Null]]:
    """Nulls of kappa and bimodality for one collection; the draws are the same for both."""
    right = case.right(rng)
    histogram = np.bincount(right.sum(axis=0), minlength=case.n_replicates + 1)
    groups = Groups.all_in_one(right.sum(axis=1), case.n_examples)
    drawn = np.vstack([histogram, drawn_histograms(groups, case.n_draws, rng)])
    for name in ("fleiss_kappa", "bimodality"):
        of = OF_COUNTS[name]
        # A collection without a value is none to count.
        if not isinstance(of.value(histogram), str):
            yield name, null_of(of.values(drawn), lower=of.lower)
    moments = kappa_null(histogram, groups)
    if isinstance(moments, Null):
        yield "moments", moments


def nulls_of_orders(case: Case, rng: np.random.Generator) -> Iterator[tuple[str, Null]]:
    """Nulls of reliability for one collection: each example is learned when chance has it."""
    shape = (case.n_replicates, case.n_examples)
    learned = rng.geometric(1 / (1 + 10 * case.accuracies[:, np.newaxis]), shape)
    scores = ScoreTable.of(np.minimum(learned, 20).astype(np.uint8))
    moments = alpha_null(scores)
    assert isinstance(moments, Null), "orders differ"
    yield "moments", moments
    if case.n_replicates <= 10:
        drawn = drawn_alpha_null(scores, None, case.n_draws, int(rng.integers(1 << 32)))
        assert isinstance(drawn, Null), "orders differ in every draw"
        yield "reliability", drawn


class Counted:
    """How often intervals held the value, and p values were at most 0.05."""

    def __init__(self) -> None:
        self.n, self.inside, self.small = 0, 0, 0

    def add(self, null: Null) -> None:
        """Take one collection in."""
        self.n += 1
        self.inside += null.low <= null.observed <= null.high
        self.small += null.p_value <= 0.05

    def cells(self) -> list[str]:
        """Shares, as in the table."""
        return [f"{self.inside / self.n:.3f}", f"{self.small / self.n:.3f}"] if self.n else ["", ""]


Nulls = Callable[[Case, np.random.Generator], Iterator[tuple[str, Null]]]


def row(case: Case, n_simulations: int, seed: int, nulls: Nulls, names: Sequence[str]) -> list[str]:
    """One line of a table."""
    kind = 0 if case.accuracy is None else round(100 * case.accuracy)
    rng = np.random.default_rng([seed, case.n_replicates, case.n_examples, kind])
    counted = {name: Counted() for name in names}
    for _ in range(n_simulations):
        for name, null in nulls(case, rng):
            counted[name].add(null)
    shares = [cell for each in counted.values() for cell in each.cells()]
    return [str(case.n_replicates), str(case.n_examples), str(case), *shares]


COUNTS = {"fleiss_kappa": "kappa, draws", "moments": "kappa, moments", "bimodality": "bimodality"}
ORDERS = {"reliability": "reliability, draws", "moments": "reliability, moments"}


def table(n_simulations: int, seed: int, cases: Sequence[Case], orders: bool) -> Iterator[str]:
    """Lines of a table in Markdown: nulls of counts, or of orders."""
    names = ORDERS if orders else COUNTS
    head = ["networks", "examples", "learning" if orders else "accuracy"]
    head += [word for title in names.values() for word in (f"{title}: held", "p <= 0.05")]
    for line in (head, ["---"] * len(head)):
        yield f"| {' | '.join(line)} |"
    for case in cases:
        nulls = nulls_of_orders if orders else nulls_of_counts
        yield f"| {' | '.join(row(case, n_simulations, seed, nulls, tuple(names)))} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="null-coverage", description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000, help="collections in each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replicates", type=int, nargs="*", default=[5, 10, 100])
    given = parser.parse_args()
    cases = [case for case in CASES if case.n_replicates in given.replicates]
    for line in table(given.simulations, given.seed, cases, orders=False):
        print(line, flush=True)
    print()
    some = [case for case in cases if case.accuracy in (0.5, None)]
    for line in table(given.simulations, given.seed, some, orders=True):
        print(line, flush=True)


if __name__ == "__main__":
    main()
