"""Fast twins of the measures against their definitions, and the largest vote against its peers."""

from __future__ import annotations

import statistics
import time
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from learnorder.log.labelled import from_arrays
from learnorder.measures import _arrays, agreement

N_CLASSES = 10
RNG = np.random.default_rng(0)
PREDICTION = RNG.integers(0, N_CLASSES, (20, 5, 10_000)).astype(np.uint8)
LABEL = RNG.integers(0, N_CLASSES, 10_000)
LOG = from_arrays(PREDICTION, LABEL, class_names=[str(k) for k in range(N_CLASSES)])

DEFINITION_AND_FAST = {
    "tp_agreement": (
        lambda: _arrays.tp_agreement(PREDICTION, LABEL),
        lambda: agreement.tp_agreement(LOG).values,
    ),
    "agreement": (
        lambda: _arrays.agreement(PREDICTION, N_CLASSES),
        lambda: agreement.agreement(LOG).values,
    ),
}


@pytest.mark.parametrize("layer", [0, 1], ids=["definition", "fast"])
@pytest.mark.parametrize("measure", DEFINITION_AND_FAST)
def test_a_measure(benchmark, measure, layer):
    benchmark.group = f"{measure} 20 x 5 x 10,000"
    result = benchmark(DEFINITION_AND_FAST[measure][layer])
    np.testing.assert_allclose(result, DEFINITION_AND_FAST[measure][0](), rtol=1e-15)


def by_scipy(votes):
    return stats.mode(votes, axis=0).count


def by_sorting(votes):
    """Numpy's sort, then the longest run of equal values."""
    ordered = np.sort(votes, axis=0)
    run = np.ones(ordered.shape[1:], dtype=np.uint8)
    longest = run.copy()
    for before, after in pairwise(ordered):
        run = np.where(before == after, run + np.uint8(1), np.uint8(1))
        np.maximum(longest, run, out=longest)
    return longest


@pytest.mark.parametrize("n_replicates", [20, 100])
@pytest.mark.parametrize(("dtype", "n_classes"), [(np.uint8, 10), (np.uint16, 1000)])
def test_the_largest_vote_against_its_peers(benchmark, capsys, dtype, n_classes, n_replicates):
    """Seconds of one core, in turn, so that what disturbs one disturbs the others."""
    rng = np.random.default_rng(0)
    # The peers' times do not depend on the number of examples; fewer keep a plain test run short.
    n_examples, repeats = (100_000, 5) if benchmark.enabled else (2_000, 1)
    label = rng.integers(0, n_classes, n_examples)
    shape = (n_replicates, 1, n_examples)
    guess = rng.integers(0, n_classes, shape)
    votes = np.where(rng.random(shape) < 0.7, label, guess).astype(dtype)
    log = from_arrays(votes, label, class_names=[str(k) for k in range(n_classes)])
    ways = {
        "agreement": lambda: np.rint(agreement.agreement(log).values * n_replicates),
        "scipy.stats.mode": lambda: by_scipy(votes),
        "numpy's sort and runs": lambda: by_sorting(votes),
    }
    seconds = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.process_time()
            found = way()
            seconds[name].append(time.process_time() - start)
            assert np.array_equal(found, by_scipy(votes))
    benchmark.extra_info |= {name: statistics.median(took) for name, took in seconds.items()}
    benchmark.group = f"largest vote, {n_replicates} x {n_examples:,}, {n_classes} classes"
    benchmark.pedantic(ways["agreement"], rounds=repeats)
    if benchmark.enabled:
        with capsys.disabled():
            own = benchmark.extra_info["agreement"]
            times = [f"{name} {took / own:.1f}" for name, took in benchmark.extra_info.items()]
            print(f"\n{benchmark.group}, times as long: {', '.join(times)}")
