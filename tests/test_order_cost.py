"""What an order costs, what a plan promises, stopping when it looks good, stale statistics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import batch_norm_lag, optional_stopping, order_cost, planned_designs
from benchmarks.optional_stopping import ALIKE, DIFFERING, NOISY, Population, measured
from benchmarks.planned_designs import Networks, designs_from, marked, promises

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
def test_the_quick_form_runs_on_fresh_seeds_and_goes_on_from_what_is_there(tmp_path):
    tables = {}
    for first, trained in ((1000, 14), (0, 14), (1000, 0)):
        command = ["digits", "--quick", "--workers", "2", "--scratch", str(tmp_path)]
        command += [] if first == 1000 else ["--first-seed", str(first)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.order_cost", *command],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"digits: {trained} of 14 trained now" in done.stderr
        assert f"seeds {first} to {first + 13}." in done.stdout
        table = [line for line in done.stdout.splitlines() if line.startswith("| digits")]
        assert len(table) == 4
        assert (tmp_path / "order_cost.md").read_text() == done.stdout
        tables.setdefault(first, table)
        # other seeds in the same log make no difference
        assert tables[first] == table
    assert tables[0] != tables[1000]


def test_what_is_marked_is_held_against_networks_it_was_not_chosen_on():
    rng = np.random.default_rng(0)
    ease = rng.normal(size=600)
    own = ease + 0.3 * rng.normal(size=(60, 1, 600))
    probability = 1 / (1 + np.exp(-6 * (own + np.log(np.arange(1, 7))[:, None] - 1)))
    values = {"prediction": rng.random(probability.shape) < probability, "probability": probability}
    networks = Networks(values, np.arange(1.0, 7.0), CostModel(600, 800))
    made = promises(networks, 10, ("prediction", "probability"), n_plans=5)
    assert [len(kept) for kept in made.values()] == [5, 5]
    for kept in made["lowest"]:
        assert kept.fresh.shape == (planned_designs.FRESH,)
        assert kept.fresh.mean() == pytest.approx(kept.shown, abs=0.03)
    designs = designs_from(networks, np.arange(10), ("prediction",))
    by_mean, by_lowest = marked(designs, "mean"), marked(designs, "lowest")
    assert by_mean.cost <= by_lowest.cost
    lines = list(planned_designs.rows("x", networks, n_plans=2))
    assert {len(line) for line in lines} == {len(planned_designs.HEAD)}
    assert len(lines) == 8
    networks.values["prediction"][:] = rng.random(probability.shape) < 0.5
    nothing = next(planned_designs.rows("x", networks, n_plans=2))
    assert nothing[-5:] == ["0 of 2", "", "", "", ""]


def test_predictions_on_stale_statistics_are_told_from_those_on_fresh_ones():
    rng = np.random.default_rng(0)
    epochs = np.array([0.05, 0.1, 0.2, 0.4, 0.8, 1, 2, 3, 4])
    ease = rng.normal(size=500)
    fresh = ease + 0.5 * rng.normal(size=(6, 9, 500)) > 0
    stale = fresh & (rng.random(fresh.shape) < np.linspace(0.2, 1, 9)[:, None])
    lines = list(batch_norm_lag.rows(epochs, {"running": stale, "reestimated": fresh}))
    assert [line[0] for line in lines] == list(batch_norm_lag.SHOWN)
    assert all(len(line) == len(batch_norm_lag.HEAD) for line in lines)
    assert lines[0][2].startswith(f"{fresh[:, 2].mean():.3f} (")
    assert float(lines[0][4]) < float(lines[0][5]) - 0.1
    assert (lines[-1][1], lines[-1][3]) == (lines[-1][2], "1.00")


def test_how_far_networks_differ_is_found_again():
    population = Population(0.95, 10, DIFFERING)
    scores = population.scores(np.random.default_rng(0), 200)
    found = optional_stopping.spread_of(scores)
    assert found.gain == pytest.approx(DIFFERING.gain, abs=0.05)
    assert found.noise == pytest.approx(DIFFERING.noise, abs=0.05)
    alike = Population(0.95, 10, ALIKE).scores(np.random.default_rng(0), 200)
    assert optional_stopping.spread_of(alike).gain < 0.08


@pytest.mark.parametrize("spread", [ALIKE, DIFFERING, NOISY], ids=lambda s: s.name)
def test_the_true_reliability_of_a_population_is_what_it_says(spread):
    population = Population(0.9, 10, spread)
    assert population.truth(10) == pytest.approx(0.9)
    rng = np.random.default_rng(0)
    found = [measured(population.scores(rng, 10)).value for _ in range(300)]
    assert np.median(found) == pytest.approx(0.9, abs=0.01)


def test_the_study_of_stopping_prints_a_line_for_each_population():
    lines = list(optional_stopping.table(n_simulations=2, seed=0))
    assert len(lines) == 2 + len(optional_stopping.POPULATIONS) + len(optional_stopping.WORST)
    assert all(line.count("|") == len(optional_stopping.HEAD) + 1 for line in lines)
    assert lines == list(optional_stopping.table(n_simulations=2, seed=0))
