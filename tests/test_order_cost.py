"""The benchmark of what an order costs, and the study of stopping when it looks good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import optional_stopping, order_cost
from benchmarks.optional_stopping import Population, measured

import learnorder as lo
from learnorder.measures.designs import CostModel
from learnorder.schema import DIMS

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    os.environ.get("LEARNORDER_LONG") != "1", reason="of a benchmark, takes long: make test-long"
)
SIZE = order_cost.Size(reference=20, cheap=8, draws=6)


def synthetic(n_epochs=6, n_examples=800):
    rng = np.random.default_rng(0)
    shape = (SIZE.reference + SIZE.cheap, 1, n_examples)
    own = rng.normal(size=n_examples) + 0.6 * rng.normal(size=shape)
    probability = 1 / (1 + np.exp(-2 * (own + np.log(np.arange(1, n_epochs + 1))[:, None] - 1)))
    labels = np.arange(n_examples) % 4
    right = rng.random(probability.shape) < probability
    log = lo.from_arrays(np.where(right, labels, (labels + 1) % 4), labels)
    return log.assign(probability=(DIMS, probability.astype(np.float16)))


def test_designs_are_chosen_and_shown_on_seeds_apart_from_each_other_and_from_the_full_order():
    by, on = order_cost.halves(SIZE)
    assert set(by.reference.ravel()) == set(on.reference.ravel()) == set(range(20))
    assert set(by.pool.ravel()) == set(range(20, 24))
    assert set(on.pool.ravel()) == set(range(24, 28))


def test_a_row_says_what_the_cheapest_order_costs():
    log = synthetic()
    by_prediction, by_probability = order_cost.rows(log, "x", CostModel(800, 1000), SIZE)
    assert by_prediction[:3] == ["x", "test", "prediction"]
    assert len(by_prediction) == len(by_probability) == len(order_cost.HEAD)
    one = [float(cells[3]) for cells in (by_prediction, by_probability)]
    right = (log["prediction"] == log["label"]).values
    full = right[:20].mean((0, 1))
    each = [np.corrcoef(right[r, 0], full)[0, 1] for r in range(24, 28)]
    assert min(each) - 0.001 <= one[0] <= max(each) + 0.001
    assert one[1] > one[0] + 0.1
    design, correlation, cost, share, most = by_probability[-5:]
    assert float(correlation.split()[0]) > 0.87
    n, epochs = design.split(",")[0].split(" x ")
    assert float(cost.split()[0]) <= int(n) * float(epochs) + 0.005
    assert cost.endswith("of 120")
    whole = log.isel(replicate=slice(0, 20))
    sure = lo.accessibility(whole, of="probability")
    assert most == f"{np.corrcoef(lo.accessibility(whole), sure)[0, 1]:.3f}"
    assert by_prediction[-1] == "1.000"
    assert share == f"1/{120 / float(cost.split()[0]):.0f}"


def test_a_goal_that_is_not_reached_is_said(monkeypatch):
    monkeypatch.setattr(order_cost, "GOAL", 0.9999)
    for cells in order_cost.rows(synthetic(), "x", CostModel(800, 1000), SIZE):
        assert cells[-5:-1] == ["none", "", "", ""]


@pytest.mark.slow
def test_the_quick_form_runs_and_goes_on_from_what_is_there(tmp_path):
    command = [sys.executable, "-m", "benchmarks.order_cost", "digits", "--quick", "--workers", "2"]
    for trained in (14, 0):
        done = subprocess.run(
            [*command, "--scratch", str(tmp_path)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"digits: {trained} of 14 trained now" in done.stderr
        table = [line for line in done.stdout.splitlines() if line.startswith("| digits")]
        assert len(table) == 4


@pytest.mark.parametrize("differing", [False, True])
def test_the_true_reliability_of_a_population_is_what_it_says(differing):
    population = Population(0.9, 10, differing)
    assert population.truth(10) == pytest.approx(0.9)
    rng = np.random.default_rng(0)
    found = [measured(population.scores(rng, 10)).value for _ in range(300)]
    assert np.median(found) == pytest.approx(0.9, abs=0.01)


def test_the_study_of_stopping_prints_a_line_for_each_population():
    lines = list(optional_stopping.table(n_simulations=2, seed=0))
    assert len(lines) == 2 + len(optional_stopping.POPULATIONS)
    assert all(line.count("|") == len(optional_stopping.HEAD) + 1 for line in lines)
    assert lines == list(optional_stopping.table(n_simulations=2, seed=0))
