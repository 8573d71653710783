"""Independent implementations, other formulas and simulation give the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from learnorder.log.labelled import from_arrays
from learnorder.measures import agreement, order
from learnorder.measures.scores import ScoreTable


@pytest.fixture(scope="module")
def log():
    rng = np.random.default_rng(11)
    shape, n_classes = (6, 4, 200), 7
    label = rng.integers(0, n_classes, shape[2])
    easy = rng.beta(0.8, 0.5, shape[2]) * 0.9
    prediction = np.where(rng.random(shape) < easy, label, rng.integers(0, n_classes, shape))
    return from_arrays(prediction, label, epochs=[0, 0.5, 1, 3])


@pytest.mark.parametrize("of", ["correct", "prediction"])
def test_kappa_is_that_of_statsmodels(log, of):
    votes = log["prediction"].values
    if of == "correct":
        votes = (votes == log["label"].values).astype(int)
    ours = agreement.fleiss_kappa(log, of=of)
    for e in range(votes.shape[1]):
        table, _ = aggregate_raters(votes[:, e].T)
        assert float(ours[e]) == pytest.approx(fleiss_kappa(table), abs=1e-12)


def test_bimodality_is_that_of_scipy_moments(log):
    share = agreement.tp_agreement(log).values
    expected = stats.kurtosis(share, axis=1, fisher=False) - stats.skew(share, axis=1) ** 2 - 1
    np.testing.assert_allclose(agreement.bimodality(log).values, expected, rtol=1e-10)


def test_agreement_is_the_count_of_the_mode_of_scipy(log):
    expected = stats.mode(log["prediction"].values, axis=0).count / log.sizes["replicate"]
    np.testing.assert_array_equal(agreement.agreement(log).values, expected)


def test_reliability_is_the_icc_of_a_two_way_analysis_of_variance(log):
    scores = order.accessibility_per_replicate(log).values
    n_replicates, n_examples = scores.shape
    grand = scores.mean()
    examples = n_replicates * ((scores.mean(axis=0) - grand) ** 2).sum() / (n_examples - 1)
    residual = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + grand
    error = (residual**2).sum() / ((n_examples - 1) * (n_replicates - 1))
    assert order.reliability(log).value == pytest.approx((examples - error) / examples, rel=1e-12)


def test_reliability_is_the_mean_of_split_halves_stepped_up():
    """Cronbach's alpha is the mean over all halvings of 4 cov(a, b) / var(a + b), exactly."""
    from itertools import combinations

    rng = np.random.default_rng(3)
    scores = rng.normal(size=60) + rng.normal(size=(6, 60))
    halves = []
    for half in combinations(range(6), 3):
        a = scores[list(half)].sum(axis=0)
        b = scores.sum(axis=0) - a
        halves.append(4 * np.cov(a, b)[0, 1] / (a + b).var(ddof=1))
    found = order.reliability_of(ScoreTable.of(scores), np.zeros(60, dtype=np.int64))
    assert found.value == pytest.approx(np.mean(halves), rel=1e-12)


def test_within_class_is_reliability_of_scores_centred_by_hand(log):
    scores = order.accessibility_per_replicate(log).values
    label = log["label"].values
    centred = scores.copy()
    for class_id in np.unique(label):
        members = label == class_id
        centred[:, members] -= scores[:, members].mean(axis=1, keepdims=True)
    covariance = centred @ centred.T
    expected = 6 / 5 * (1 - np.trace(covariance) / covariance.sum())
    assert order.reliability(log).within_class == pytest.approx(expected, rel=1e-12)


def test_interval_of_reliability_is_near_the_exact_one_of_normal_scores():
    """Feldt (1965): for normal scores, (1 - alpha) / (1 - estimate) follows an F distribution."""
    rng = np.random.default_rng(8)
    n_replicates, n_examples = 20, 400
    scores = rng.normal(size=n_examples) + rng.normal(size=(n_replicates, n_examples))
    found = order.reliability_of(ScoreTable.of(scores), np.zeros(n_examples, dtype=np.int64))
    df = (n_examples - 1, (n_examples - 1) * (n_replicates - 1))
    exact = [1 - (1 - found.value) * stats.f.ppf(p, *df) for p in (0.975, 0.025)]
    width = exact[1] - exact[0]
    assert found.ci[0] == pytest.approx(exact[0], abs=0.25 * width)
    assert found.ci[1] == pytest.approx(exact[1], abs=0.25 * width)


@pytest.mark.parametrize("n_replicates", [1, 2, 5, 30])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.97])
def test_equal_difficulty_null_is_the_bimodality_of_the_binomial(n_replicates, p):
    skewness, excess = stats.binom.stats(n_replicates, p, moments="sk")
    log = from_arrays(np.zeros((n_replicates, 1, 2), dtype=int), [0, 1])
    expected = excess + 3 - skewness**2 - 1
    assert float(agreement.bimodality_null(log)[0]) == pytest.approx(expected, abs=1e-9)


def test_class_conditional_null_is_what_simulation_under_it_gives():
    rng = np.random.default_rng(4)
    n_replicates, n_classes, n_examples = 8, 4, 400
    label = np.repeat(np.arange(n_classes), [40, 160, 120, 80])
    accuracy = np.clip(rng.normal([[0.95, 0.3, 0.7, 0.5]], 0.15, (8, 4)), 0.02, 0.98)
    right = rng.random((n_replicates, n_examples)) < accuracy[:, label]
    log = from_arrays(np.where(right, label, (label + 1) % n_classes)[:, None], label)
    null = float(agreement.bimodality_null(log, kind="class-conditional")[0])

    observed = np.array([[r[label == k].mean() for k in range(n_classes)] for r in right])
    drawn = np.concatenate(
        [(rng.random((n_replicates, n_examples)) < observed[:, label]).sum(0) for _ in range(2000)]
    )
    simulated = stats.kurtosis(drawn, fisher=False) - stats.skew(drawn) ** 2 - 1
    assert null == pytest.approx(simulated, abs=0.01)
    assert abs(null - (2 - 2 / n_replicates)) > 0.1


def test_class_conditional_null_is_the_equal_difficulty_one_where_no_class_or_network_differs():
    label = np.repeat([0, 1], 10)
    right = np.array([np.tile(np.arange(10) < 6, 2)] * 5)
    log = from_arrays(np.where(right, label, 1 - label)[:, None], label)
    by_class = float(agreement.bimodality_null(log, kind="class-conditional")[0])
    assert by_class == pytest.approx(2 - 2 / 5, abs=1e-12)


@pytest.mark.parametrize("of", ["correct", "prediction"])
def test_interval_of_kappa_is_that_of_recomputing_without_each_part(log, recomputed, of):
    votes = log["prediction"].values[:, 2]
    if of == "correct":
        votes = (votes == log["label"].values).astype(int)

    def scale(part):
        return np.log(1 - fleiss_kappa(aggregate_raters(part.T, n_cat=7)[0]))

    value, half = recomputed(scale, votes)
    expected = 1 - np.exp([value + half, value - half])
    found = agreement.fleiss_kappa_interval(log, of=of).values[2]
    np.testing.assert_allclose(found, expected, atol=0.02 * np.diff(expected)[0])


def test_interval_of_reliability_is_that_of_recomputing_without_each_part(log, recomputed):
    def scale(part):
        covariance = np.cov(part)
        n = len(covariance)
        mean = covariance[~np.eye(n, dtype=bool)].mean()
        variance = np.trace(covariance) / n
        # The reliability of a mean over 6, whatever the number it is estimated from.
        return np.log((variance - mean) / (variance + 5 * mean))

    value, half = recomputed(scale, order.accessibility_per_replicate(log).values)
    expected = 1 - np.exp([value + half, value - half])
    width = expected[1] - expected[0]
    np.testing.assert_allclose(order.reliability(log).ci, expected, atol=0.02 * width)
