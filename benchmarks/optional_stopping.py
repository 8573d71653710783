"""What stopping when the interval looks good does to the interval: a simulation.

Collections grow by the rule of ``learnorder train --until-reliability X``, from 5 replicates on,
and their true reliability is known. Run from the top folder::

    python -m benchmarks.optional_stopping
    python -m benchmarks.optional_stopping --of LOG

The seed fixes every number. The table is in docs/planning.md. The second line says how far the
networks of a log differ, to be held against those that are simulated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from learnorder.collection.until import MIN_REPLICATES, round_size
from learnorder.log.reader import open_log
from learnorder.measures.order import Reliability, reliability_of
from learnorder.measures.planning import needed_for
from learnorder.measures.scores import ScoreTable

N_EXAMPLES = 500
MOST = 300
"""Replicates at which a simulated collection ends, whatever its interval."""


@dataclass(frozen=True)
class Spread:
    """How networks differ other than by chance.

    Attributes
    ----------
    name
        In the table.
    gain
        Standard deviation of how well each knows the common order.
    noise
        Standard deviation of the logarithm of how far each is from it.
    """

    name: str
    gain: float
    noise: float


ALIKE = Spread("alike", 0.0, 0.0)
DIFFERING = Spread("differing", 0.2, 0.25)
NOISY = Spread("differing, noise 0.5", 0.2, 0.5)


@dataclass(frozen=True)
class Population:
    """Networks of which ``enough`` together have exactly the reliability ``wanted``."""

    wanted: float
    enough: int
    spread: Spread
    workers: int = 2

    @property
    def ratio(self) -> float:
        """Mean variance of a network's scores over their mean covariance."""
        return self.enough * (1 / self.wanted - 1) + 1

    def truth(self, n_replicates: int) -> float:
        """Reliability of the mean of so many."""
        return n_replicates / (self.ratio + n_replicates - 1)

    def scores(self, rng: np.random.Generator, n_replicates: int) -> np.ndarray:
        """Scores of so many networks, ``(replicate, example)``."""
        shape = (n_replicates, 1)
        gain, noise = np.ones(shape), np.ones(shape)
        if self.spread is not ALIKE:
            gain = rng.normal(1, self.spread.gain, shape)
            # of mean square 1
            noise = np.exp(rng.normal(-(self.spread.noise**2), self.spread.noise, shape))
        own_variance = self.ratio - (1 + self.spread.gain**2)
        own = noise * np.sqrt(own_variance) * rng.normal(size=(n_replicates, N_EXAMPLES))
        return gain * rng.normal(size=N_EXAMPLES) + own


@dataclass(frozen=True)
class Ended:
    """One collection at its end; ``truth`` is the reliability of so many of its population."""

    n_replicates: int
    value: float
    low: float
    high: float
    truth: float


POPULATIONS = [
    Population(wanted, enough, spread)
    for spread in (ALIKE, DIFFERING)
    for wanted, enough in ((0.9, 6), (0.9, 15), (0.95, 10), (0.95, 25), (0.95, 60), (0.98, 40))
]
WORST = [
    Population(wanted, enough, spread, workers)
    for wanted, enough in ((0.9, 6), (0.95, 10))
    for spread, workers in ((DIFFERING, 1), (NOISY, 2), (NOISY, 1))
]
"""Where few are enough: with the smallest rounds, and networks more different than real ones."""


def measured(scores: np.ndarray) -> Reliability:
    """Reliability of all networks at hand."""
    return reliability_of(ScoreTable.of(scores), np.zeros(scores.shape[1], dtype=np.int64))


def ended(population: Population, scores: np.ndarray) -> Ended:
    """Say where a collection of these networks stands."""
    found = measured(scores)
    assert found.value is not None, "scores differ"
    assert found.ci is not None, "networks differ"
    return Ended(len(scores), found.value, *found.ci, population.truth(len(scores)))


def grow(population: Population, rng: np.random.Generator) -> Ended:
    """Add networks until the rule says stop."""
    every, n = population.scores(rng, MOST), MIN_REPLICATES
    while True:
        needed = needed_for(measured(every[:n]), population.wanted)
        add = round_size(needed, population.wanted, population.workers, MOST - n)
        if add == 0:
            return ended(population, every[:n])
        n += add


def row(population: Population, n_simulations: int, seed: int) -> list[str]:
    """One line of the table."""
    rng = np.random.default_rng([seed, population.enough, round(1000 * population.wanted)])
    stopped = [grow(population, rng) for _ in range(n_simulations)]
    middle = round(float(np.median([end.n_replicates for end in stopped])))
    fixed = [ended(population, population.scores(rng, middle)) for _ in range(n_simulations)]
    n_low, n_high = np.percentile([end.n_replicates for end in stopped], [5, 95])
    return [
        f"{population.wanted:g}",
        str(population.enough),
        population.spread.name,
        str(population.workers),
        f"{middle} ({n_low:.0f} to {n_high:.0f})",
        f"{covered(stopped):.3f}",
        f"{covered(fixed):.3f}",
        f"{np.mean([end.low > end.truth for end in stopped]):.3f}",
        f"{np.mean([end.truth < population.wanted for end in stopped]):.3f}",
        f"{np.mean([end.value - end.truth for end in stopped]):+.4f}",
        f"{np.mean([end.truth - population.wanted for end in stopped]):+.4f}",
    ]


def covered(ends: list[Ended]) -> float:
    """Share of intervals that hold the true value."""
    return float(np.mean([end.low <= end.truth <= end.high for end in ends]))


def spread_of(scores: np.ndarray) -> Spread:
    """How far real networks differ, by ``(replicate, example)``, chance included."""
    gains, residues = [], []
    for own, others in zip(scores, (scores.sum(0) - scores) / (len(scores) - 1), strict=True):
        gains.append(np.cov(own, others)[0, 1] / others.var(ddof=1))
        residues.append((own - gains[-1] * others).std())
    return Spread("of a log", float(np.std(gains, ddof=1)), float(np.log(residues).std(ddof=1)))


HEAD = [
    "X",
    "enough",
    "networks",
    "workers",
    "stopped at (5 % to 95 %)",
    "coverage",
    "coverage, fixed number",
    "truth below the interval",
    "truth below X",
    "mean error of the estimate",
    "mean overshoot",
]


def table(
    n_simulations: int, seed: int, populations: Sequence[Population] = (*POPULATIONS, *WORST)
) -> Iterator[str]:
    """Lines of the table in Markdown."""
    for line in (HEAD, ["---"] * len(HEAD)):
        yield f"| {' | '.join(line)} |"
    for population in populations:
        yield f"| {' | '.join(row(population, n_simulations, seed))} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="optional-stopping", description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000, help="collections in each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worst", action="store_true", help="only the rows of the worst cases")
    parser.add_argument("--of", metavar="LOG", help="say how far the networks of a log differ")
    given = parser.parse_args()
    if given.of is not None:
        log = open_log(given.of)["test"]
        found = spread_of((log["prediction"] == log["label"]).mean("epoch").values)
        print(f"{len(log['replicate'])} networks: gain {found.gain:.2f}, noise {found.noise:.2f}")
        return
    populations = WORST if given.worst else (*POPULATIONS, *WORST)
    for line in table(given.simulations, given.seed, populations):
        print(line, flush=True)


if __name__ == "__main__":
    main()
