"""The benchmark of measures runs, and its simulations know the true values."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from benchmarks import coverage, measuring, plain_measures
from benchmarks.coverage import QUICK, Found, known, shown, simulate
from benchmarks.measuring import SECTIONS
from benchmarks.populations import POPULATIONS, SAME_EASE, drawn
from benchmarks.processes import Outcome, run_operation
from benchmarks.sizes import Size

import learnorder as lo
from learnorder.measures import order
from learnorder.measures.scores import ScoreTable

BY_NAME = {population.name: population for population in POPULATIONS}


def in_this_process(name, *, one_core=False, **arguments):
    """Do what the benchmark lets a fresh process do, which takes a second to start."""
    module, function = name.split(":")
    given = json.loads(json.dumps(arguments, default=str))
    start = time.perf_counter()
    answer = getattr(import_module(f"benchmarks.{module}"), function)(**given)
    return Outcome(time.perf_counter() - start, 1 << 20, json.loads(json.dumps(answer)))


def test_every_section_runs_in_its_quick_form(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measuring, "run_operation", in_this_process)
    results, scratch = tmp_path / "RESULTS.md", tmp_path / "scratch"
    order = ["--quick", "--write", "--results", results, "--scratch", scratch]
    monkeypatch.setattr(sys, "argv", ["bench-measures", *map(str, order)])
    measuring.main()
    written = results.read_text()
    assert all(f"<!-- {name} -->" in written for name in SECTIONS)
    assert all(f"**{population.name}**" in written for population in POPULATIONS)
    assert list(scratch.iterdir()) == []


def test_operations_run_in_processes_of_their_own(tmp_path):
    path = tmp_path / "arrays"
    run_operation("measure_operations:draw", path=path, size=vars(Size(3, 2, 300, 4)))
    here = run_operation("measure_operations:compare", one_core=True, path=path)
    peer = run_operation("measure_operations:loop", path=path, resamples=2, wanted=10)
    assert here["pearson"] == pytest.approx(peer["pearson"], rel=1e-9)
    assert 20 << 20 < here["peak_bytes"] < 1 << 30


@pytest.mark.parametrize("name", ["moderate", "aside: nothing shared, own skill"])
def test_true_values_are_those_of_one_very_large_collection(name):
    population = BY_NAME[name]
    truth = known(population, (150, 20, 300))
    values = truth.whole.values(6)
    error = truth.error(6)
    (pairs,) = drawn(population, 300, 3000, 1, seed=5)
    scores = pairs.a[0]
    groups = np.array_split(np.random.default_rng(0).permutation(300), 50)
    alphas = [order.reliability_of(ScoreTable.of(scores[g]), np.zeros(3000, int)) for g in groups]
    off = np.array([a.value for a in alphas])
    spread = 4 * (error["reliability"] + off.std() / np.sqrt(50)) + 0.01
    assert off.mean() == pytest.approx(values["reliability"], abs=spread)
    right = pairs.right[0]
    logs = [lo.from_arrays(right[g][:, None].astype(int), np.ones(3000, int)) for g in groups]
    kappas = np.array([float(lo.fleiss_kappa(log)[0]) for log in logs])
    spread = 4 * (error["kappa"] + kappas.std() / np.sqrt(50)) + 0.005
    assert kappas.mean() == pytest.approx(values["kappa"], abs=spread)


def test_where_examples_are_alike_the_corrected_correlation_is_their_share():
    truth = known(BY_NAME["chance only"], (300, 10, 300))
    value = truth.whole.values(10)["corrected, within class"]
    assert value == pytest.approx(SAME_EASE, abs=4 * truth.error(10)["corrected, within class"])


def test_intervals_cover_about_what_they_say_in_a_short_simulation():
    """Wide bounds: 60 collections of each of two populations, at two standard errors and more."""
    design = replace(QUICK, replicates=(5,), examples=(300,), repetitions=60, truth=(150, 20, 300))
    chosen = [BY_NAME[name] for name in ("chance only", "moderate")]
    found = simulate(design, chosen).found
    for of_population in found.values():
        for quantity in coverage.QUANTITIES:
            assert of_population[quantity].defined == 60
            assert of_population[quantity].coverage > 0.85


def test_what_is_off_the_target_is_bold():
    assert shown(Found(1000, 931, 1.0), 5) == "93.1"
    assert shown(Found(1000, 929, 1.0), 5) == "**92.9**"
    assert shown(Found(1000, 980, 1.0), 10) == "**98.0**"
    assert shown(Found(1000, 800, 1.0), 4) == "80.0"
    assert shown(Found(0, 0, 1.0), 5) == "–"


def test_the_plain_loop_puts_nothing_shared_far_above_nothing():
    """Why it is a peer for speed only: copies of a replicate agree with themselves."""
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 8, 200))
    low, high = plain_measures.resampled(a, b, 30)
    assert low[0] > 0.1
    assert (low <= high).all()
