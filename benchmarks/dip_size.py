"""How often the dip test refuses one peak, and how often it sees two: a simulation.

Run from the top folder::

    python -m benchmarks.dip_size

The seed fixes every number. The table is in docs/measures.md. Columns under "uniform" are what
draws from equal shares of all counts would give, which is Hartigan's reference.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from learnorder.measures import dip
from learnorder.measures.dip import dips, p_value_of
from learnorder.measures.permutations import N_DRAWS

N_UNIFORM = 999
"""Draws from equal shares, the same for a whole row."""

SIZES = {5: 1000, 10: 10_000, 30: 3000, 100: 10_000}
"""Examples, by the number of replicates."""


@dataclass(frozen=True)
class Population:
    """Shares of examples that 0..R replicates have right; ``peaks``: 1 or 2."""

    name: str
    peaks: int
    shares: np.ndarray


def mixed(counts: np.ndarray, *parts: tuple[float, float, float]) -> np.ndarray:
    """Mixture of (weight, a, b): chances from Beta(a, b), seen through the replicates."""
    return sum(w * stats.betabinom.pmf(counts, counts[-1], a, b) for w, a, b in parts)


def populations(n_replicates: int) -> Iterator[Population]:
    """One-peaked and two-peaked ones."""
    counts = np.arange(n_replicates + 1)
    flat = np.full(len(counts), 1 / len(counts))
    for share in (0.0, 0.03, 0.1, 0.3, 0.8):
        shares = (1 - share) * flat
        shares[-1] += share
        name = f"flat, and {share:g} known to all" if share else "flat"
        yield Population(name, 1, shares)
    middle = 0.9 * flat
    middle[n_replicates // 2] += 0.1
    yield Population("flat, and 0.1 in the middle", 1, middle)
    yield Population("Beta(2, 2)", 1, mixed(counts, (1, 2, 2)))
    yield Population("Beta(5, 1)", 1, mixed(counts, (1, 5, 1)))
    yield Population("Beta(3, 0.2), J", 1, mixed(counts, (1, 3, 0.2)))
    yield Population("binomial 0.9", 1, stats.binom.pmf(counts, n_replicates, 0.9))
    yield Population("Beta(0.8, 0.8), U", 2, mixed(counts, (1, 0.8, 0.8)))
    yield Population("0.1 Beta(1, 9) + 0.9 Beta(9, 1)", 2, mixed(counts, (0.1, 1, 9), (0.9, 9, 1)))
    rare = mixed(counts, (0.02, 0.5, 9), (0.98, 9, 0.5))
    yield Population("0.02 Beta(0.5, 9) + 0.98 Beta(9, 0.5)", 2, rare)


def row(population: Population, n_examples: int, n_simulations: int, seed: int) -> list[str]:
    """One line of the table."""
    rng = np.random.default_rng([seed, n_examples, len(population.shares)])
    shares = population.shares / population.shares.sum()
    found = rng.multinomial(n_examples, shares, n_simulations)
    distances = np.array(dips(found))
    flat = rng.multinomial(n_examples, np.full(len(shares), 1 / len(shares)), N_UNIFORM)
    reference = np.sort(dips(flat))
    below = np.searchsorted(reference, distances - 1e-9)
    uniform = (1 + N_UNIFORM - below) / (1 + N_UNIFORM)
    own = np.ones(n_simulations)
    for number in np.flatnonzero(distances):
        own[number] = p_value_of(found[number], distances[number], N_DRAWS, int(number))
    cells = [f"{np.mean(p <= level):.3f}" for p in (own, uniform) for level in (0.05, 0.2)]
    n_replicates = len(shares) - 1
    return [population.name, str(population.peaks), str(n_replicates), str(n_examples), *cells]


HEAD = ["shares", "peaks", "networks", "examples"]
HEAD += ["p <= 0.05", "p <= 0.2", "uniform: p <= 0.05", "p <= 0.2"]


def table(n_simulations: int, seed: int, sizes: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Lines of the table in Markdown; sizes are replicates and examples."""
    for line in (HEAD, ["---"] * len(HEAD)):
        yield f"| {' | '.join(line)} |"
    for n_replicates, n_examples in sizes:
        for population in populations(n_replicates):
            yield f"| {' | '.join(row(population, n_examples, n_simulations, seed))} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="dip-size", description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000, help="collections in each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replicates", type=int, nargs="*", default=list(SIZES), choices=SIZES)
    parser.add_argument(
        "--wider", type=float, default=dip.WIDER, help="radius of the tube, in dips"
    )
    given = parser.parse_args()
    dip.WIDER = given.wider
    sizes = [(n_replicates, SIZES[n_replicates]) for n_replicates in given.replicates]
    for line in table(given.simulations, given.seed, sizes):
        print(line, flush=True)


if __name__ == "__main__":
    main()
