"""Parts of a variance, and what becomes of them: by hand, and against the table that is kept."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import learnorder as lo
from learnorder.comparison.compare import compare
from learnorder.measures.intervals import (
    COVERED,
    ENOUGH_REPLICATES,
    Component,
    component_of_sums,
    example_component,
    few_replicates,
    replicate_component,
    t_interval,
)
from learnorder.measures.order import reliability_of
from learnorder.measures.scores import ScoreTable
from learnorder.measures.summary import summarise

RESULTS = Path(__file__).parents[2] / "benchmarks" / "RESULTS.md"
OUTSIDE = ("aside: heavy tails", "aside: two kinds of replicates")
"""Populations whose intervals cannot know what they have not seen."""


def test_without_cells_the_variance_from_replicates_is_the_jackknife_of_a_mean():
    values = np.random.default_rng(0).normal(size=7)
    without = np.array([np.delete(values, r).mean() for r in range(7)])
    found = replicate_component(without, 0.0)
    assert found.variance == pytest.approx(values.var(ddof=1) / 7)
    # The variance of a sample variance is (2 / (n - 1) + excess kurtosis / n) of its square.
    degrees = 2 / (2 / 6 + 1 / 7)
    assert 2 * found.variance**2 / found.error == pytest.approx(degrees)
    half = stats.t.ppf(0.975, degrees) * stats.sem(values)
    interval = t_interval(values.mean(), [found], 7)
    assert interval == pytest.approx((values.mean() - half, values.mean() + half))


def test_cells_are_taken_off_and_what_may_be_chance_counts_by_its_probability():
    without = np.array([0.0, 1.0, 2.0, 3.0])
    whole = replicate_component(without, 0.0).variance
    part = replicate_component(without, whole / 4)
    assert part.variance == pytest.approx(0.75 * whole)
    sure = stats.chi2.cdf(3 * 4, 3)
    assert part.error == pytest.approx((2 / 3 + 1 / 4) * (sure**2 * whole) ** 2)
    nothing = replicate_component(without, 4 * whole)
    assert nothing.variance == 0
    assert 0 < nothing.error < 0.1 * part.error


def test_few_examples_of_much_influence_leave_few_degrees_of_freedom():
    rng = np.random.default_rng(1)
    even, uneven = rng.normal(size=400), rng.standard_t(3, size=400)
    degrees = []
    for influence in (even, uneven):
        found = example_component([influence[:150], influence[150:]])
        assert found.variance == pytest.approx((influence**2).sum() / 400**2)
        assert found.error == pytest.approx((influence**2).var() / 400**3)
        degrees.append(2 * found.variance**2 / found.error)
    assert degrees[0] == pytest.approx(400, rel=0.3)
    assert degrees[1] < 0.5 * degrees[0]


def test_equal_influences_are_certain_and_give_the_normal_quantile():
    found = component_of_sums(100, 100.0, 100.0)
    assert found == Component(0.01, 0.0)
    low, high = t_interval(1.0, [found], 3)
    assert (low, high) == pytest.approx((1 - 0.1959964, 1 + 0.1959964))


def test_there_are_as_many_degrees_of_freedom_as_if_replicates_were_all():
    doubtful = Component(1.0, 50.0)
    low, high = t_interval(0.0, [doubtful], 5)
    assert high == pytest.approx(stats.t.ppf(0.975, 2 / (2 / 4 + 1 / 5)))
    assert low == -high


def test_pure_noise_is_hardly_wider_than_it_need_be():
    """What is chance counted twice, it would be 1.7 times as wide."""
    rng = np.random.default_rng(3)
    n_examples, label = 400, np.zeros(400, dtype=np.int64)
    found = [
        reliability_of(ScoreTable.of(rng.normal(size=(10, n_examples))), label) for _ in range(200)
    ]
    spread = np.std([f.value for f in found])
    widths = [f.ci[1] - f.ci[0] for f in found]
    assert 1 < np.median(widths) / (2 * 1.96 * spread) < 1.3


def table_of_coverage() -> dict[tuple[str, int], list[float]]:
    """Coverage in RESULTS.md by population and number of replicates."""
    text = RESULTS.read_text().partition("<!-- coverage -->")[2].partition("<!--")[0]
    found: dict[tuple[str, int], list[float]] = {}
    for part in text.split("\n\n**")[1:]:
        name = part.partition("**")[0]
        head, _, *lines = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in part.splitlines()
            if line.startswith("|")
        ]
        for line in lines:
            for column, cell in zip(head, line, strict=True):
                if column.isdigit():
                    numbers = [float(x) for x in re.findall(r"\d+\.\d", cell)]
                    found.setdefault((name, int(column)), []).extend(numbers)
    return found


@pytest.mark.parametrize("n_replicates", COVERED)
def test_what_is_said_of_few_replicates_is_what_the_simulation_found(n_replicates):
    found = [
        value
        for (name, n), values in table_of_coverage().items()
        if n == n_replicates and name not in OUTSIDE
        for value in values
    ]
    assert len(found) > 100
    assert COVERED[n_replicates] == pytest.approx((min(found), max(found)), abs=1)


def test_from_enough_replicates_on_coverage_is_about_what_it_says():
    """The table that is kept: what is claimed in docs/measures.md of it."""
    for (name, n_replicates), values in table_of_coverage().items():
        if n_replicates < ENOUGH_REPLICATES or name.startswith("aside"):
            continue
        low, high = (92.5, 98.5) if n_replicates < 10 or "nothing" in name else (93, 97.5)
        assert low <= min(values), name
        assert max(values) <= high, name


def log_of(n_replicates):
    rng = np.random.default_rng(n_replicates)
    label = np.arange(40) % 2
    right = rng.normal(size=40) + rng.normal(size=(n_replicates, 3, 40)) > 0
    return lo.from_arrays(np.where(right, label, 1 - label), label)


@pytest.mark.parametrize("n_replicates", [2, 3, 4, 5])
def test_intervals_of_few_replicates_come_with_a_note(n_replicates):
    log = log_of(n_replicates)
    note = few_replicates(n_replicates)
    assert (note is not None) == (n_replicates in (3, 4))
    assert lo.reliability(log).note == note
    assert summarise(log)["notes"] == ([note] if note else [])
    found = compare({"few": log, "many": log_of(9)})
    assert list(found.notes) == ([note] if note else [])
    if note:
        assert f"from {n_replicates} replicates cannot keep to 95 %" in note
