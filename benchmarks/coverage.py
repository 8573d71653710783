"""How often intervals hold the value of the population: simulations with a known answer.

Many collections are drawn from a population, the product computes its intervals for each, and the
share that holds the true value is counted. True values are ratios of means that are estimated
without bias, so they are taken from the mean over very many other collections.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import numpy as np
from benchmarks.populations import POPULATIONS, PROGRESS, Collections, Population, drawn
from benchmarks.results import Section

from learnorder.comparison.correlation import Order, correlate_means
from learnorder.measures import _kernels, kappa
from learnorder.measures.moments import deviations
from learnorder.measures.order import order_moments, reliability_of
from learnorder.measures.scores import ScoreTable

NOMINAL, TOLERANCE = 0.95, 0.02
FROM = 5
"""Replicates from which coverage is to be within the tolerance."""

QUANTITIES = (
    "reliability",
    "reliability, within class",
    "kappa",
    "pearson",
    "pearson, within class",
    "corrected",
    "corrected, within class",
)

CORRECTED = QUANTITIES[-2:]
"""What needs an order to be corrected for."""

WIDTH_AT = (10, 2000)
"""Replicates and examples for which the width is shown."""

TRUTH_SEED = 1
SEED = 2


@dataclass(frozen=True)
class Design:
    """What is simulated.

    Attributes
    ----------
    replicates, examples
        Sizes of collections.
    repetitions
        Collections of each size, of each population.
    truth
        Pairs of collections that true values are taken from, and their replicates and examples.
    workers
        Processes.
    """

    replicates: Sequence[int] = (3, 4, 5, 10, 20)
    examples: Sequence[int] = (300, 2000)
    repetitions: int = 1000
    truth: tuple[int, int, int] = (4000, 20, 300)
    workers: int = len(os.sched_getaffinity(0))


QUICK = Design((3, 5), (60,), 6, (40, 6, 60), workers=1)


@dataclass(frozen=True)
class Found:
    """How intervals of one quantity did for collections of one size.

    Attributes
    ----------
    defined
        Intervals there are.
    inside
        Of them, those that hold the true value.
    width
        Median width, as a multiple of what is ideal: 2 x 1.96 standard deviations of the estimate.
    """

    defined: int
    inside: int
    width: float

    @property
    def coverage(self) -> float:
        """Share of intervals that hold the true value."""
        return self.inside / self.defined if self.defined else float("nan")


@dataclass(frozen=True)
class Means:
    """Means over pairs of collections that true values are made of; all are without bias.

    Attributes
    ----------
    moments
        ``(scope, 3)``: variance of a replicate over examples, covariance of two replicates of one
        collection, and of one of each. Scopes: all examples, within class.
    votes
        Share of pairs of replicates that differ in being right; squared accuracy of a replicate;
        product of the accuracies of two; accuracy.
    """

    moments: np.ndarray
    votes: np.ndarray

    def values(self, n_replicates: int) -> dict[str, float]:
        """Each quantity, of collections of so many replicates."""
        found = {}
        for scope, (variance, covariance, between) in zip(
            ("", ", within class"), self.moments, strict=True
        ):
            of_mean = (variance + (n_replicates - 1) * covariance) / n_replicates
            found[f"reliability{scope}"] = covariance / of_mean
            found[f"pearson{scope}"] = between / of_mean
            found[f"corrected{scope}"] = between / covariance if covariance else np.nan
        differing, own, other, accuracy = self.votes
        # Fleiss' chance term also pairs a replicate with itself.
        squared = (own + (n_replicates - 1) * other) / n_replicates
        found["kappa"] = 1 - differing / (2 * (accuracy - squared))
        return found


@dataclass(frozen=True)
class Truth:
    """What is known of a population: means over all pairs of collections, and over parts of them.

    The parts are 20, to say how well the values are known.
    """

    whole: Means
    parts: Sequence[Means]

    def error(self, n_replicates: int) -> dict[str, float]:
        """Return the standard error of each value."""
        values = [part.values(n_replicates) for part in self.parts]
        root = np.sqrt(len(values))
        return {name: float(np.std([v[name] for v in values], ddof=1) / root) for name in values[0]}


def known(population: Population, truth: tuple[int, int, int]) -> Truth:
    """Take the true values from many collections."""
    n_pairs, n_replicates, n_examples = truth
    label = population.label(n_examples)
    parts = [
        _means(pairs, label)
        for pairs in drawn(population, n_replicates, n_examples, n_pairs, TRUTH_SEED)
    ]
    moments, votes = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    cut = np.array_split(np.arange(n_pairs), 20)
    means = [Means(moments[i].mean(axis=0), votes[i].mean(axis=0)) for i in (slice(None), *cut)]
    return Truth(means[0], means[1:])


def _means(pairs: Collections, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(pair, scope, 3)`` and ``(pair, 4)``, see `Means`."""
    n_replicates = pairs.a.shape[1]
    n_pairs = n_replicates * (n_replicates - 1)
    scopes = []
    for groups in (np.zeros_like(label), label):
        member = np.eye(groups.max() + 1)[groups]
        a, b = (x - ((x @ member) / member.sum(axis=0))[..., groups] for x in (pairs.a, pairs.b))
        degrees = len(label) - member.shape[1]
        own = [np.einsum("crx,crx->c", x, x) / degrees for x in (a, b)]
        of_sum = [(x.sum(axis=1) ** 2).sum(axis=1) / degrees for x in (a, b)]
        between = (a.mean(axis=1) * b.mean(axis=1)).sum(axis=1) / degrees
        variance = sum(own) / 2 / n_replicates
        covariance = (sum(of_sum) - sum(own)) / 2 / n_pairs
        scopes.append(np.stack([variance, covariance, between], axis=1))
    count, accuracy = pairs.right.sum(axis=1), pairs.right.mean(axis=2)
    differing = (2 * count * (n_replicates - count)).mean(axis=1) / n_pairs
    own = (accuracy**2).mean(axis=1)
    other = (accuracy.sum(axis=1) ** 2 - n_replicates * own) / n_pairs
    votes = np.stack([differing, own, other, accuracy.mean(axis=1)], axis=1)
    return np.stack(scopes, axis=1), votes


Estimate = tuple[float | None, tuple[float, float] | None]


def estimates(pairs: Collections, i: int, label: np.ndarray) -> dict[str, Estimate]:
    """Each quantity with its interval for one pair of collections, as the product computes it."""
    a, b = (ScoreTable.of(scores[i]) for scores in (pairs.a, pairs.b))
    found = reliability_of(a, label)
    overall, within = (_correlation(a, b, groups) for groups in (None, label))
    return {
        "reliability": (found.value, found.ci),
        "reliability, within class": (found.within_class, found.within_class_ci),
        "kappa": _kappa(pairs.right[i]),
        "pearson": (overall.pearson, overall.pearson_ci),
        "pearson, within class": (within.pearson, within.pearson_ci),
        "corrected": (overall.corrected, overall.corrected_ci),
        "corrected, within class": (within.corrected, within.corrected_ci),
    }


def _correlation(a: ScoreTable, b: ScoreTable, label: np.ndarray | None) -> SimpleNamespace:
    """What needs no ranks; None where there is a reason instead."""
    orders = []
    for name, scores in (("a", a), ("b", b)):
        deviation = deviations(scores, label)
        orders.append(Order(name, deviation, deviation.mean(), order_moments(deviation)))
    found = correlate_means(*orders, None)
    return SimpleNamespace(**{k: None if isinstance(v, str) else v for k, v in found.items()})


def _kappa(right: np.ndarray) -> Estimate:
    """Kappa of correctness of ``(replicate, example)`` votes."""
    ones = np.ones(right.shape[1], dtype=np.int64)
    company = _kernels.company(right[:, np.newaxis].astype(np.uint8), ones)
    histogram = np.bincount(company.counts[0], minlength=len(right) + 1)[np.newaxis]
    totals = SimpleNamespace(histogram=histogram, right=company.right, company=company.company)
    value = kappa.kappa_of(kappa.correct_votes(histogram[0]))
    (interval,) = kappa.correct_kappa_intervals(totals)
    return (
        None if isinstance(value, str) else value,
        None if isinstance(interval, str) else interval,
    )


def simulated(
    population: Population, n_replicates: int, n_examples: int, repetitions: int, truth: Truth
) -> dict[str, Found]:
    """Simulate collections of one size."""
    values = truth.whole.values(n_replicates)
    label = population.label(n_examples)
    found: dict[str, list[Estimate]] = {quantity: [] for quantity in QUANTITIES}
    for pairs in drawn(population, n_replicates, n_examples, repetitions, SEED):
        for i in range(len(pairs.a)):
            for quantity, estimate in estimates(pairs, i, label).items():
                found[quantity].append(estimate)
    return {quantity: _found(found[quantity], values[quantity]) for quantity in QUANTITIES}


def _found(values: Sequence[Estimate], truth: float) -> Found:
    ends = np.array([ci for _, ci in values if ci is not None]).reshape(-1, 2)
    known = [value for value, _ in values if value is not None]
    inside = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).sum()
    ideal = 2 * 1.96 * np.std(known) if known else 0.0
    width = float(np.median(ends[:, 1] - ends[:, 0]) / ideal) if len(ends) and ideal else np.nan
    return Found(len(ends), int(inside), width)


Key = tuple[str, int, int]
"""Population, replicates, examples."""


@dataclass(frozen=True)
class Simulation:
    """What became of a design.

    Attributes
    ----------
    design
        What was simulated.
    truth
        By population.
    found
        How intervals did, by population and size.
    """

    design: Design
    truth: Mapping[str, Truth]
    found: Mapping[Key, Mapping[str, Found]]


def simulate(design: Design, populations: Sequence[Population] = POPULATIONS) -> Simulation:
    """Simulate every population and size, the largest first."""
    sizes = [
        (n_replicates, n_examples)
        for n_examples in sorted(design.examples, reverse=True)
        for n_replicates in sorted(design.replicates, reverse=True)
    ]
    names = [p.name for p in populations]
    tasks = [(known, p, design.truth) for p in populations]
    truth = dict(zip(names, _done(tasks, design.workers), strict=True))
    keys = [(p, *size) for size in sizes for p in populations]
    tasks = [(simulated, *key, design.repetitions, truth[key[0].name]) for key in keys]
    found = {}
    for (population, *size), result in zip(keys, _done(tasks, design.workers), strict=True):
        found[population.name, *size] = result
        print(f"  {len(found)}/{len(keys)} {population.name} {size}", file=sys.stderr, flush=True)
    return Simulation(design, truth, found)


def _done(tasks: Sequence[tuple[Callable[..., Any], Any]], workers: int) -> Iterator[Any]:
    """Results of functions with their arguments, in order; by several processes."""
    if workers == 1:
        yield from (function(*arguments) for function, *arguments in tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(function, *arguments) for function, *arguments in tasks]
        yield from (job.result() for job in jobs)


@dataclass(frozen=True)
class CoverageSection(Section):
    """The table of coverage."""

    simulation: Simulation

    def table(self) -> str:
        """One table for each population."""
        known = self.simulation.truth
        return "\n\n".join(self._of(p) for p in POPULATIONS if p.name in known)

    def _of(self, population: Population) -> str:
        replicates = self.simulation.design.replicates
        head = ["quantity", *map(str, replicates), "width", "true value"]
        lines = [head, ["---"] * len(head), *self._lines(population)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"**{population.name}**: {population.about}.\n\n{table}"

    def _lines(self, population: Population) -> Iterator[list[str]]:
        design, found = self.simulation.design, self.simulation.found
        truth = self.simulation.truth[population.name]
        values, error = truth.whole.values(WIDTH_AT[0]), truth.error(WIDTH_AT[0])
        for quantity in QUANTITIES:
            if quantity in CORRECTED and not population.shared:
                continue
            cells = [
                ", ".join(shown(found[population.name, r, n][quantity], r) for n in design.examples)
                for r in design.replicates
            ]
            at = found.get((population.name, *WIDTH_AT))
            width = f"{at[quantity].width:.2f}" if at else ""
            yield [quantity, *cells, width, f"{values[quantity]:.4f} ± {error[quantity]:.4f}"]


def shown(found: Found, n_replicates: int) -> str:
    """Coverage in per cent, bold where it is off what it should be."""
    if not found.defined:
        return "–"
    off = n_replicates >= FROM and abs(found.coverage - NOMINAL) > TOLERANCE + 1e-9
    text = f"{100 * found.coverage:.1f}"
    return f"**{text}**" if off else text


def coverage(design: Design) -> CoverageSection:
    """Simulate all populations."""
    simulation = simulate(design)
    error = 100 * np.sqrt(NOMINAL * (1 - NOMINAL) / design.repetitions)
    sizes = " and ".join(f"{n:,}" for n in design.examples)
    about = (
        "How often the 95 % intervals hold the value of the population, in per cent, by the number "
        f"of replicates; in each cell for {sizes} examples. {design.repetitions:,} pairs of "
        f"collections of each size, so that a coverage of 95 % is known to ± {error:.1g} (one "
        f"standard error). The target is 93 to 97 from {FROM} replicates up; what is outside is "
        f"bold. *Width*: the median width at {WIDTH_AT[0]} replicates x {WIDTH_AT[1]:,} examples "
        "over that of an interval that knows the standard deviation of the estimate. *True value*: "
        f"that of {WIDTH_AT[0]} replicates with its standard error, from {design.truth[0]:,} other "
        "pairs of collections. Populations named *aside* served to check the intervals, not to "
        f"choose how they are built. Replicates are right or wrong at {len(PROGRESS)} epochs; "
        "`populations.py` draws them."
    )
    return CoverageSection("coverage", "Coverage of the intervals", about, (), simulation)
