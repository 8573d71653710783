"""Intervals hold the population value about as often as they say, for few replicates.

Populations whose value is known exactly; 200 collections each. The bounds leave three standard
errors of the simulation around what 1,000 collections showed.
"""

from __future__ import annotations

import numpy as np
import pytest

from learnorder.log.labelled import from_arrays
from learnorder.measures import agreement, order
from learnorder.measures.scores import ScoreTable

REPEATS = 200


def gain_and_noise(rng, n_replicates, differing):
    """Each replicate has its own share of the common order, and its own amount of deviation."""
    if not differing:
        return np.ones((n_replicates, 1)), np.ones((n_replicates, 1))
    gain = rng.normal(1, 0.2, (n_replicates, 1))
    return gain, np.exp(rng.normal(-0.2, 0.25, (n_replicates, 1)))


def difficulty(rng, n_examples, skewed):
    return rng.exponential(size=n_examples) if skewed else rng.normal(size=n_examples)


def true_alpha(n_replicates, differing):
    variance = 2.0
    if differing:
        variance = 1.0 + 0.2**2 + np.exp(2 * (-0.2) + 2 * 0.25**2)
    return n_replicates / (variance + n_replicates - 1)


@pytest.mark.parametrize("skewed", [False, True], ids=["normal", "skewed"])
@pytest.mark.parametrize("differing", [False, True], ids=["alike", "differing"])
@pytest.mark.parametrize("n_replicates", [5, 10])
def test_interval_of_reliability_covers_the_population_value(n_replicates, differing, skewed):
    rng = np.random.default_rng(20)
    truth, n_examples, inside = true_alpha(n_replicates, differing), 300, 0
    label = np.arange(n_examples) % 3
    for _ in range(REPEATS):
        gain, noise = gain_and_noise(rng, n_replicates, differing)
        common = difficulty(rng, n_examples, skewed)
        scores = gain * common + noise * rng.normal(size=(n_replicates, n_examples))
        scores += label
        found = order.reliability_of(ScoreTable.of(scores), label)
        assert found.ci[0] < found.value < found.ci[1]
        inside += found.within_class_ci[0] <= truth <= found.within_class_ci[1]
    assert 0.89 <= inside / REPEATS <= 1


@pytest.mark.parametrize("differing", [False, True], ids=["alike", "differing"])
@pytest.mark.parametrize("n_replicates", [5, 10])
def test_interval_of_kappa_covers_the_population_value(n_replicates, differing):
    """A replicate follows the common answer with chance f, so kappa is the square of mean f."""
    rng = np.random.default_rng(21)
    n_examples, inside = 300, 0
    for _ in range(REPEATS):
        common = rng.random(n_examples) < 0.8
        follows = np.full(n_replicates, 0.6)
        if differing:
            follows = rng.uniform(0.4, 0.8, n_replicates)
        follow = rng.random((n_replicates, n_examples)) < follows[:, None]
        right = np.where(follow, common, rng.random((n_replicates, n_examples)) < 0.8)
        log = from_arrays(right[:, None].astype(int), np.ones(n_examples, dtype=int))
        low, high = agreement.fleiss_kappa_interval(log).values[0]
        inside += low <= 0.36 <= high
    assert 0.89 <= inside / REPEATS <= 1


def test_more_examples_do_not_make_up_for_few_replicates():
    """What differs between replicates stays uncertain, with thirty times as many examples too."""
    rng = np.random.default_rng(22)
    gain, noise = gain_and_noise(rng, 5, differing=True)
    widths = []
    for n_examples in (1_000, 30_000):
        scores = gain * rng.normal(size=n_examples) + noise * rng.normal(size=(5, n_examples))
        low, high = order.reliability_of(
            ScoreTable.of(scores), np.zeros(n_examples, dtype=np.int64)
        ).ci
        widths.append(high - low)
    assert widths[1] > 0.5 * widths[0]
