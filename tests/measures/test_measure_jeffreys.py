"""Intervals of single examples: those of others, at the ends too, and how often they hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures.jeffreys import (
    accessibility_interval,
    jeffreys_bounds,
    tp_agreement_interval,
)
from learnorder.measures.order import accessibility


def right_log(right, **options):
    """A log in which the label is 1, from ``(replicate, epoch, example)`` correctness."""
    right = np.asarray(right)
    return from_arrays(right.astype(int), np.ones(right.shape[2], dtype=int), **options)


@pytest.mark.parametrize("n_replicates", [1, 2, 7, 100])
def test_every_count_has_the_interval_of_statsmodels_but_at_the_ends(n_replicates):
    counts = np.arange(n_replicates + 1)
    right = counts > np.arange(n_replicates)[:, np.newaxis]
    found = tp_agreement_interval(right_log(right[:, np.newaxis]))
    assert found.dims == ("epoch", "example", "bound")
    assert found["bound"].values.tolist() == ["low", "high"]
    expected = np.transpose(proportion_confint(counts, n_replicates, method="jeffreys"))
    expected[0, 0], expected[-1, 1] = 0, 1
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-9)
    np.testing.assert_allclose(found.values[0], 1 - found.values[0, ::-1, ::-1], atol=1e-12)


@pytest.mark.parametrize(
    ("n_replicates", "mean", "least"),
    [(1, 0.979, 0.85), (3, 0.963, 0.88), (5, 0.958, 0.89), (10, 0.953, 0.86), (100, 0.95, 0.87)],
)
def test_over_all_chances_the_interval_holds_95_percent_or_more(n_replicates, mean, least):
    chance = np.linspace(0.0002, 0.9998, 2500)
    counts = np.arange(n_replicates + 1)
    low, high = jeffreys_bounds(counts / n_replicates, n_replicates).T
    inside = (low[:, None] <= chance) & (chance <= high[:, None])
    covered = (stats.binom.pmf(counts[:, None], n_replicates, chance) * inside).sum(axis=0)
    assert covered.mean() == pytest.approx(mean, abs=0.001)
    assert least < covered.min() < 0.95


def test_recording_more_epochs_adds_no_trials():
    rng = np.random.default_rng(0)
    once = rng.random((6, 1, 40)) < 0.5
    alone, often = right_log(once), right_log(np.repeat(once, 7, axis=1))
    expected = tp_agreement_interval(alone).values[0]
    for log in (alone, often):
        np.testing.assert_allclose(accessibility_interval(log).values, expected, atol=1e-9)


def test_accessibility_between_counts_has_an_interval_between_theirs():
    rng = np.random.default_rng(1)
    log = right_log(rng.random((4, 5, 60)) < 0.6, epochs=[0, 0.5, 1, 3, 7])
    for weights in ("equal", "time"):
        value = accessibility(log, weights).values
        found = accessibility_interval(log, weights).values
        low, high = stats.beta.ppf([[0.025], [0.975]], value * 4 + 0.5, (1 - value) * 4 + 0.5)
        inner = (value > 0) & (value < 1)
        np.testing.assert_allclose(found[inner], np.stack([low, high], axis=1)[inner], rtol=1e-9)
        assert (found[:, 0] <= value).all()
        assert (found[:, 1] >= value).all()


def test_always_and_never_reach_the_ends_whatever_the_weights():
    right = np.zeros((3, 4, 2), dtype=bool)
    right[..., 1] = True
    log = right_log(right, epochs=[0.1, 0.3, 0.7, 1.1])
    for weights in ("equal", "time"):
        never, always = accessibility_interval(log, weights).values
        assert never[0] == 0 < never[1] < 1
        assert 0 < always[0] < always[1] == 1


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3], ids=["always or never", "a little", "much"])
def test_the_interval_of_accessibility_errs_towards_wide(spread):
    """Replicates learn an example at times that differ; the mean of their population is known."""
    rng = np.random.default_rng(2)
    n_replicates, n_epochs, n_examples = 8, 10, 4000
    at = rng.random(n_examples)
    if spread == 0:  # as far from each other as scores can be
        right = np.repeat(rng.random((n_replicates, 1, n_examples)) < at, n_epochs, axis=1)
        truth = at
    else:
        grid = np.arange(1, n_epochs + 1)[:, None] / n_epochs
        learned = rng.normal(at, spread, (n_replicates, 1, n_examples))
        right = learned <= grid
        truth = stats.norm.cdf((grid - at) / spread).mean(axis=0)
    low, high = accessibility_interval(right_log(right)).values.T
    covered = ((low <= truth) & (truth <= high)).mean()
    assert covered >= 0.94
    assert (covered < 0.97) == (spread == 0)


def test_what_is_no_input_is_refused_by_name():
    unlabelled = from_arrays([[[0, 1]]])
    with pytest.raises(LearnOrderError, match=r"^tp_agreement_interval: the split"):
        tp_agreement_interval(unlabelled)
    with pytest.raises(LearnOrderError, match=r"^accessibility_interval: no epoch after training"):
        accessibility_interval(right_log([[[0, 1]]], epochs=[0]))
