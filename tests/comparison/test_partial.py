"""What orders have in common beyond class and baselines: oracles, known truth, degenerate input."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import statsmodels.api as sm

from learnorder.comparison.compare import compare
from learnorder.comparison.partial import beyond_baselines
from learnorder.log.labelled import from_arrays
from learnorder.measures import order
from learnorder.measures.residuals import baseline_ranks, rank_terms
from learnorder.measures.scores import ScoreTable

N_CLASSES = 3


def terms_of(*baselines):
    return rank_terms([rank for values in baselines for rank in baseline_ranks(values, (None,))])


def drawn_log(rng, label, easy, n_replicates=5, **more):
    progress = np.linspace(-1, 2, 6)[None, :, None] + rng.normal(0, 0.3, (n_replicates, 1, 1))
    noise = 0.7 * rng.normal(size=(n_replicates, 1, len(label)))
    return from_arrays(
        np.where(progress + easy + noise > 0, label, (label + 1) % N_CLASSES),
        label,
        class_names=[str(k) for k in range(N_CLASSES)],
        **more,
    )


def partial_correlation(a, b, baseline, label):
    """Of two tables of scores, with class and one baseline held fixed."""
    found = beyond_baselines({"a": a, "b": b}, label, {"known": baseline}, {("a", "b"): None})
    return found["a", "b"]


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(17)
    label = rng.integers(0, N_CLASSES, 300)
    known = rng.normal(size=300)
    easy = 0.7 * known + 0.5 * rng.normal(size=300) + 0.4 * label
    other = 0.8 * known + 0.6 * rng.normal(size=300)
    baselines = {"known": known, "unrelated": rng.normal(size=300)}
    return {
        "mlp": drawn_log(rng, label, easy, baselines=baselines),
        "cnn": drawn_log(rng, label, other, 4, baselines=baselines),
        "old": drawn_log(rng, label, easy, 3),
    }


def design(log):
    label = log["label"].values
    terms = terms_of(log["known"].values, log["unrelated"].values)
    return np.hstack([label[:, None] == np.arange(N_CLASSES), terms]).astype(float)


def test_it_is_the_correlation_of_residuals_of_statsmodels(logs):
    x = design(logs["mlp"])
    pair = compare({name: logs[name] for name in ("mlp", "cnn")}).pairs[0]
    means = [order.accessibility(logs[name]).values for name in ("mlp", "cnn")]
    rest = [sm.OLS(m, x).fit().resid for m in means]
    beyond = pair.beyond_baselines
    assert beyond.pearson == pytest.approx(np.corrcoef(*rest)[0, 1], rel=1e-10)
    # the same from the coefficient of one order in the regression of the other
    fit = sm.OLS(means[0], np.column_stack([x, means[1]])).fit()
    t = fit.tvalues[-1]
    assert beyond.pearson == pytest.approx(t / math.sqrt(t**2 + fit.df_resid), rel=1e-8)


def test_the_ceiling_is_that_of_what_is_left(logs):
    x = design(logs["mlp"])
    product, shared = 1.0, []
    rests = []
    for name in ("mlp", "cnn"):
        scores = order.accessibility_per_replicate(logs[name]).values
        rest = np.array([sm.OLS(s, x).fit().resid for s in scores])
        rests.append(rest)
        matrix = rest @ rest.T
        n = len(rest)
        product *= n / (n - 1) * (1 - np.trace(matrix) / matrix.sum())
        shared.append(matrix[~np.eye(n, dtype=bool)].mean())
    beyond = compare({name: logs[name] for name in ("mlp", "cnn")}).pairs[0].beyond_baselines
    assert beyond.noise_ceiling == pytest.approx(math.sqrt(product), rel=1e-9)
    assert beyond.corrected == pytest.approx(beyond.pearson / beyond.noise_ceiling, rel=1e-12)
    between = (rests[0] @ rests[1].T).mean()
    assert beyond.corrected == pytest.approx(between / math.sqrt(shared[0] * shared[1]), rel=1e-9)
    assert beyond.corrected_ci[0] < beyond.corrected < beyond.corrected_ci[1]
    assert beyond.pearson_ci[0] < beyond.pearson < beyond.pearson_ci[1]


def test_with_nothing_held_fixed_but_class_it_is_the_correlation_within_class(logs):
    a, b = (
        ScoreTable.of(order.accessibility_per_replicate(logs[name]).values)
        for name in ("mlp", "cnn")
    )
    pair = compare({name: logs[name] for name in ("mlp", "cnn")}).pairs[0]
    label, constant = logs["mlp"]["label"].values, np.zeros(300)
    for groups, expected in ((label, pair.within_class), (np.zeros_like(label), pair)):
        found = partial_correlation(a, b, constant, groups)
        assert found.pearson == pytest.approx(expected.pearson, rel=1e-12)
        assert found.corrected == pytest.approx(expected.corrected, rel=1e-12)
        assert found.corrected_ci == pytest.approx(expected.corrected_ci, rel=1e-9)


def test_orders_that_share_a_baseline_alone_have_nothing_beyond_it():
    rng = np.random.default_rng(3)
    known, label = rng.normal(size=4_000), np.zeros(4_000, dtype=int)
    own = rng.normal(size=(3, 4_000))
    a = ScoreTable.of(known + own[0] + rng.normal(size=(5, 4_000)))
    b = ScoreTable.of(known + own[1] + rng.normal(size=(6, 4_000)))
    c = ScoreTable.of(known + own[0] + own[2] + rng.normal(size=(4, 4_000)))
    apart = partial_correlation(a, b, known, label)
    assert apart.corrected_ci[0] < 0.02
    assert apart.corrected == pytest.approx(0, abs=0.06)
    alike = partial_correlation(a, c, known, label)
    assert alike.corrected == pytest.approx(math.sqrt(0.5), abs=0.04)
    assert alike.corrected_ci[0] < math.sqrt(0.5) < alike.corrected_ci[1]


def test_the_interval_holds_the_truth():
    rng = np.random.default_rng(11)
    held, n_draws, label = 0, 300, np.zeros(300, dtype=int)
    for _ in range(n_draws):
        known, own, other = rng.normal(size=(3, 300))
        signal = 0.6 * own + 0.8 * other
        a = ScoreTable.of(known + own + 1.5 * rng.normal(size=(5, 300)))
        b = ScoreTable.of(0.5 * known + signal + 1.5 * rng.normal(size=(5, 300)))
        low, high = partial_correlation(a, b, known, label).corrected_ci
        held += low <= 0.6 <= high
    assert held >= 0.92 * n_draws


def test_a_log_without_baselines_takes_those_of_the_other(logs):
    pair = compare({"old": logs["old"], "mlp": logs["mlp"]}).pairs[0]
    swapped = compare({"mlp": logs["mlp"], "old": logs["old"]}).pairs[0]
    assert pair.beyond_baselines.pearson == pytest.approx(swapped.beyond_baselines.pearson)


def test_without_any_baseline_it_is_undefined_with_the_reason(logs):
    plain = logs["mlp"].drop_vars(["known", "unrelated"])
    record = compare({"a": plain, "b": logs["old"]}).to_dict()
    (pair,) = record["pairs"]
    assert pair["beyond_baselines"] is None
    assert "has no baselines" in pair["undefined"]["beyond_baselines"]


def test_json_has_the_keys_and_every_null_its_reason(logs):
    short = {name: logs[name].isel(replicate=slice(0, 2)) for name in ("mlp", "cnn")}
    few = {name: logs[name].isel(example=slice(0, 6)) for name in ("mlp", "cnn")}
    same = {"a": logs["mlp"], "b": logs["mlp"]}
    for some in (logs, short, few, same):
        record = json.loads(json.dumps(compare(some).to_dict(), allow_nan=False))
        for pair in record["pairs"]:
            beyond = pair["beyond_baselines"]
            keys = {"pearson", "pearson_ci", "noise_ceiling", "corrected", "corrected_ci"}
            assert set(beyond) == {*keys, "undefined"}
            assert {k for k in keys if beyond[k] is None} == set(beyond["undefined"])
    assert "share replicates" in compare(same).pairs[0].beyond_baselines.undefined["corrected"]
