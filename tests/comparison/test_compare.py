"""Correlations between orders: identities, oracles, degenerate input, coverage."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

from learnorder.comparison.compare import compare
from learnorder.comparison.correlation import Correlation, correlate, prepare_order
from learnorder.comparison.halves import Halves, splits
from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import order
from learnorder.measures.scores import ScoreTable

N_CLASSES = 4
NO_HALVES = Halves.none("not looked at")


def drawn_log(rng, label, easy, n_replicates=5, n_epochs=6):
    """Networks that learn example x for good once progress passes its difficulty."""
    progress = np.linspace(-1, 2, n_epochs)[None, :, None] + rng.normal(
        0, 0.3, (n_replicates, 1, 1)
    )
    noise = 0.7 * rng.normal(size=(n_replicates, 1, len(label)))
    right = progress + easy + noise > 0
    return from_arrays(
        np.where(right, label, (label + 1) % N_CLASSES),
        label,
        class_names=[str(k) for k in range(N_CLASSES)],
    )


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(17)
    label = rng.integers(0, N_CLASSES, 300)
    easy = rng.normal(size=300) + 0.5 * label
    other = 0.8 * easy + 0.6 * rng.normal(size=300)
    return {
        "mlp": drawn_log(rng, label, easy),
        "cnn": drawn_log(rng, label, other, n_replicates=4),
        "far": drawn_log(rng, label, rng.normal(size=300), n_replicates=3),
    }


@pytest.fixture(scope="module")
def found(logs):
    return compare(logs)


def test_every_two_collections_are_a_pair(found):
    assert [(p.a, p.b) for p in found.pairs] == [("mlp", "cnn"), ("mlp", "far"), ("cnn", "far")]


def test_correlations_are_those_of_scipy(logs, found):
    for pair in found.pairs:
        a, b = (order.accessibility(logs[name]).values for name in (pair.a, pair.b))
        assert pair.pearson == pytest.approx(stats.pearsonr(a, b).statistic, rel=1e-12)
        assert pair.spearman == pytest.approx(stats.spearmanr(a, b).statistic, rel=1e-12)
        np.testing.assert_allclose(found.accessibility[pair.a].values, a)


def test_the_ceiling_is_the_geometric_mean_of_the_reliabilities_and_corrects_pearson(logs, found):
    for pair in found.pairs:
        a, b = order.reliability(logs[pair.a]), order.reliability(logs[pair.b])
        assert pair.noise_ceiling == pytest.approx(math.sqrt(a.value * b.value))
        assert pair.corrected == pytest.approx(pair.pearson / pair.noise_ceiling, rel=1e-12)
        within = pair.within_class
        ceiling = math.sqrt(a.within_class * b.within_class)
        assert within.noise_ceiling == pytest.approx(ceiling)
        assert within.corrected == pytest.approx(within.pearson / ceiling, rel=1e-12)


def test_corrected_is_a_ratio_of_covariances_between_different_replicates(logs, found):
    a, b = (order.accessibility_per_replicate(logs[name]).values for name in ("mlp", "cnn"))
    between = np.cov(a, b)[: len(a), len(a) :].mean()
    own = [np.cov(s)[~np.eye(len(s), dtype=bool)].mean() for s in (a, b)]
    assert found.pairs[0].corrected == pytest.approx(between / math.sqrt(own[0] * own[1]))


def test_within_class_is_the_correlation_after_centring_each_class(logs, found):
    label = logs["mlp"]["label"].values
    means = [order.accessibility(logs[name]).values for name in ("mlp", "cnn")]
    centred = [m - np.array([m[label == k].mean() for k in range(N_CLASSES)])[label] for m in means]
    within = found.pairs[0].within_class
    assert within.pearson == pytest.approx(np.corrcoef(*centred)[0, 1], rel=1e-12)
    ranks = []
    for m in means:
        rank = np.zeros(len(m))
        for k in range(N_CLASSES):
            share = stats.rankdata(m[label == k]) / (label == k).sum()
            rank[label == k] = share - share.mean()
        ranks.append(rank)
    assert within.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1], rel=1e-12)
    assert within.pearson < found.pairs[0].pearson


def test_one_class_makes_within_class_the_same_as_overall():
    rng = np.random.default_rng(3)
    easy, label = rng.normal(size=80), np.zeros(80, dtype=int)
    one = {name: drawn_log(rng, label, easy) for name in ("a", "b")}
    pair = compare(one).pairs[0]
    assert set(pair.undefined) == {"beyond_baselines"}
    for field in fields(Correlation):
        if field.name != "undefined":
            assert getattr(pair.within_class, field.name) == getattr(pair, field.name)


@pytest.mark.parametrize(("n", "n_splits"), [(2, 1), (3, 3), (5, 15), (6, 10), (7, 20), (10, 20)])
def test_every_split_into_halves_is_looked_at_or_some_that_are_far_apart(n, n_splits):
    found = list(splits(n))
    assert len({tuple(sorted((tuple(a), tuple(b)))) for a, b in found}) == len(found) == n_splits
    assert all(len(a) == len(b) == n // 2 and not set(a) & set(b) for a, b in found)
    assert found == list(splits(n))


def test_spearman_between_halves_of_an_even_collection(logs, found):
    scores = order.accessibility_per_replicate(logs["cnn"]).values
    ways = [([0, 1], [2, 3]), ([0, 2], [1, 3]), ([1, 2], [3, 0])]
    halves = [
        stats.spearmanr(scores[a].mean(0).round(12), scores[b].mean(0).round(12)).statistic
        for a, b in ways
    ]
    assert found.pairs[0].spearman_halves_b == pytest.approx(np.mean(halves), rel=1e-12)


def test_swapping_a_pair_swaps_nothing_but_the_names(logs, found):
    swapped = compare({"cnn": logs["cnn"], "mlp": logs["mlp"]}).pairs[0]
    pair = found.pairs[0]
    for name in ("pearson", "spearman", "noise_ceiling", "corrected"):
        assert getattr(swapped, name) == pytest.approx(getattr(pair, name), rel=1e-12)
    assert swapped.pearson_ci == pytest.approx(pair.pearson_ci, rel=1e-9)
    assert swapped.corrected_ci == pytest.approx(pair.corrected_ci, rel=1e-9)


def test_order_of_examples_does_not_matter(logs, found):
    shuffle = np.random.default_rng(1).permutation(300)
    again = compare({name: log.isel(example=shuffle) for name, log in logs.items()})
    assert again.pairs[0].spearman == pytest.approx(found.pairs[0].spearman, rel=1e-12)
    assert again.pairs[0].corrected_ci == pytest.approx(found.pairs[0].corrected_ci, rel=1e-9)


def mean_off_diagonal(scores):
    covariance = np.cov(scores)
    return covariance[~np.eye(len(covariance), dtype=bool)].mean()


def corrected(a, b):
    between = np.cov(a, b)[: len(a), len(a) :].mean()
    return between / math.sqrt(mean_off_diagonal(a) * mean_off_diagonal(b))


def pearson(a, b, n_a=5, n_b=4):
    """Pearson of means over n_a and n_b replicates, estimated from however many there are."""
    between = np.cov(a, b)[: len(a), len(a) :].mean()
    for scores, n in ((a, n_a), (b, n_b)):
        own = np.trace(np.cov(scores)) / len(scores)
        between /= math.sqrt((own + (n - 1) * mean_off_diagonal(scores)) / n)
    return between


@pytest.mark.parametrize("name", ["corrected", "pearson"])
def test_intervals_are_those_of_recomputing_without_each_part(logs, found, recomputed, name):
    pair = found.pairs[0]
    statistic = {"corrected": corrected, "pearson": pearson}[name]
    ceiling = {"corrected": pair.noise_ceiling, "pearson": 1.0}[name]
    a, b = (order.accessibility_per_replicate(logs[n]).values for n in ("mlp", "cnn"))
    value, half = recomputed(statistic, a, b, slope=ceiling / (1 - pair.pearson**2))
    expected = np.tanh(math.atanh(value * ceiling) + np.array([-half, half])) / ceiling
    interval = getattr(pair, f"{name}_ci")
    np.testing.assert_allclose(interval, expected, atol=0.02 * np.ptp(expected))


def test_interval_components_are_those_of_deleting_and_of_perturbing(logs):
    """Deleting a replicate from the moments is deleting it from the scores."""
    scores = order.accessibility_per_replicate(logs["mlp"]).values
    moment = prepare_order("mlp", ScoreTable.of(scores), None, NO_HALVES).moment
    for r in range(len(scores)):
        covariance = np.cov(np.delete(scores, r, axis=0))
        off = covariance[~np.eye(len(covariance), dtype=bool)].mean()
        assert moment.covariance_without[r] == pytest.approx(off, rel=1e-10)
        assert moment.variance_without[r] == pytest.approx(np.trace(covariance) / 4, rel=1e-10)
    assert moment.variance_at.mean() == pytest.approx(moment.variance, rel=1e-12)
    assert moment.covariance_at.mean() == pytest.approx(moment.covariance, rel=1e-12)


def test_replicates_in_both_collections_leave_intervals_and_correction_undefined(logs):
    mlp = logs["mlp"]
    found = compare({"all": mlp, "some": mlp.isel(replicate=[1, 2, 3])})
    pair = found.pairs[0]
    assert "seeds 1, 2, 3" in found.notes[0]
    assert {"pearson_ci", "corrected", "corrected_ci"} <= set(pair.undefined)
    assert pair.pearson is not None
    assert compare({"a": mlp, "same": mlp}).pairs[0].pearson == pytest.approx(1)


def test_json_has_the_fixed_keys_and_a_reason_for_every_null(logs):
    single = logs["mlp"].isel(replicate=[0])
    record = compare({**logs, "single": single}).to_dict()
    text = json.dumps(record, allow_nan=False)
    keys = {"pearson", "pearson_ci", "spearman", "noise_ceiling", "corrected", "corrected_ci"}
    parts = [*record["collections"], *record["pairs"]]
    parts += [pair["within_class"] for pair in record["pairs"]]
    parts += [pair[key] for pair in record["pairs"] for key in ("containment", "late_gains")]
    parts += [at for pair in record["pairs"] for at in pair["containment"]["along"] or []]
    for scope in ("pair", "within_class"):
        scopes = [p if scope == "pair" else p[scope] for p in record["pairs"]]
        parts += [overlap for found in scopes for overlap in found["overlap"]]
    parts.append(record)
    for part in parts:
        assert {key for key, value in part.items() if value is None} == set(part["undefined"])
    for pair in record["pairs"]:
        assert keys | {"a", "b"} <= set(pair)
        assert keys <= set(pair["within_class"])
    assert json.loads(text) == record
    assert record["collections"][0]["n_replicates"] == 5


def test_a_single_replicate_has_a_correlation_and_no_ceiling(logs):
    pair = compare({"mlp": logs["mlp"], "single": logs["cnn"].isel(replicate=[0])}).pairs[0]
    assert 0 < pair.pearson < 1
    assert "reliability of 'single' is undefined" in pair.undefined["noise_ceiling"]
    assert pair.undefined["pearson_ci"] == "an interval needs 3 replicates; there are 1"
    assert "'single' has 1 replicate" in pair.undefined["spearman_halves_b"]


def test_a_constant_order_is_undefined_by_name(logs):
    label = logs["mlp"]["label"].values
    names = logs["mlp"].attrs["class_names"]
    always = from_arrays(np.tile(label, (3, 6, 1)), label, class_names=names)
    pair = compare({"mlp": logs["mlp"], "always": always}).pairs[0]
    for name in ("pearson", "pearson_ci", "spearman", "corrected", "within_class"):
        reasons = pair.within_class.undefined if name == "within_class" else pair.undefined
        assert "'always' does not differ" in reasons["pearson" if name == "within_class" else name]


def test_no_shared_order_leaves_nothing_to_correct_for():
    rng = np.random.default_rng(23)
    label = np.zeros(60, dtype=int)
    noise = {k: from_arrays(rng.integers(0, 2, (3, 1, 60)), label) for k in "ab"}
    for pair in compare(noise).pairs:
        alphas = [order.reliability(noise[k]).value for k in "ab"]
        assert min(alphas) < 0
        assert "no shared order" in pair.undefined["corrected"]
        assert pair.pearson_ci[0] < pair.pearson < pair.pearson_ci[1]


@pytest.mark.parametrize("differing", [False, True], ids=["alike", "differing"])
@pytest.mark.parametrize("n_replicates", [5, 10])
def test_intervals_of_a_pair_cover_the_population_values(n_replicates, differing):
    """Two orders that correlate 0.8, seen through replicates of their own gain and noise."""
    rng = np.random.default_rng(24)
    n_examples, repeats, truth = 200, 200, 0.8
    # Mean variance and covariance of replicates; gain 1 +- spread, noise variance 1 on average.
    spread = 0.2 if differing else 0.0
    of_mean = (1 + spread**2 + 1 + n_replicates - 1) / n_replicates
    inside = np.zeros(2)
    for _ in range(repeats):
        first = rng.normal(size=n_examples)
        second = truth * first + 0.6 * rng.normal(size=n_examples)
        orders = []
        for name, common in (("a", first), ("b", second)):
            gain = rng.normal(1, spread, (n_replicates, 1))
            level = rng.uniform(0.5, 1.5, (n_replicates, 1)) if differing else 1.0
            noise = np.sqrt(level) * rng.normal(size=(n_replicates, n_examples))
            scores = ScoreTable.of(gain * common + noise)
            orders.append(prepare_order(name, scores, None, NO_HALVES))
        pair = correlate(*orders)
        for i, (ci, value) in enumerate(
            [(pair.pearson_ci, truth / of_mean), (pair.corrected_ci, truth)]
        ):
            inside[i] += ci[0] <= value <= ci[1]
    assert (inside / repeats >= 0.9).all()


def test_a_prediction_that_was_not_recorded_names_the_log(logs):
    name, log = next(iter(logs.items()))
    damaged = log.copy(deep=True)
    damaged["prediction"][0, 0, 3] = 255
    with pytest.raises(LearnOrderError, match=f"^compare: log '{name}': .* not recorded .*seed"):
        compare({**logs, name: damaged})
