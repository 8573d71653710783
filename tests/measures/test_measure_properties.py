"""Identities and invariances that hold for every log."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.logits import ARGUMENTS, logits_of, numbers_of

from learnorder.log.labelled import from_arrays
from learnorder.measures import agreement, order
from learnorder.measures.baselines import Explained
from learnorder.measures.catalogue import CATALOGUE
from learnorder.measures.order import Reliability
from learnorder.measures.split import UNDEFINED
from learnorder.measures.stages import ReliabilityByStage


@st.composite
def logs(draw, min_replicates=1):
    n_classes = draw(st.integers(2, 5))
    shape = (
        draw(st.integers(min_replicates, 6)),
        draw(st.integers(1, 4)),
        draw(st.integers(2, 25)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label = rng.integers(0, n_classes, shape[2])
    easy = rng.beta(0.7, 0.7, shape[2])
    prediction = np.where(rng.random(shape) < easy, label, rng.integers(0, n_classes, shape))
    epochs = np.cumsum(rng.choice([0.5, 1, 2], shape[1]))
    return from_arrays(
        prediction,
        label,
        epochs=list(epochs),
        class_names=[str(k) for k in range(n_classes)],
        **numbers_of(logits_of(prediction, n_classes, rng), label),
    )


def numbers(result) -> np.ndarray:
    """All values of a measure as one array; undefined is NaN."""
    if isinstance(result, Reliability):
        pairs = (result.ci, result.within_class_ci)
        single = [np.nan if v is None else v for v in (result.value, result.within_class)]
        return np.array([*single, *(b for p in pairs for b in (p or (np.nan, np.nan)))])
    if isinstance(result, Explained):
        values = [v for k, v in result.shares().items() if k != UNDEFINED and np.ndim(v) == 0]
        return np.array([np.nan if v is None else v for v in values])
    if isinstance(result, ReliabilityByStage):
        stages = [numbers(stage.reliability) for stage in result.stages or ()]
        return np.concatenate([np.array([np.nan]), *stages])
    return result.values


def rebuilt(log, prediction=None, label=None, seeds=None, ids=None, **of_label):
    return from_arrays(
        log["prediction"].values if prediction is None else prediction,
        log["label"].values if label is None else label,
        epochs=list(log["epoch"].values),
        seeds=seeds,
        ids=ids,
        class_names=log.attrs["class_names"],
        **of_label,
    )


BOUNDS = {
    "tp_agreement": lambda log: (0, 1),
    "agreement": lambda log: (1 / min(log.sizes["replicate"], log.attrs["n_classes"]), 1),
    "accuracy": lambda log: (0, 1),
    "accessibility": lambda log: (0, 1),
    "bimodality": lambda log: (0, np.inf),
    "bimodality_null": lambda log: (0, np.inf),
    "tp_agreement_interval": lambda log: (0, 1),
    "accessibility_interval": lambda log: (0, 1),
    "tp_agreement_null": lambda log: (0, 1),
    "dip": lambda log: (0, 1 / 2 - 1 / (log.sizes["replicate"] + 1)),
    "dip_test": lambda log: (1 / 200, 1),
    "fleiss_kappa": lambda log: (-1 / max(log.sizes["replicate"] - 1, 1), 1),
    "disagreement": lambda log: (0, 1),
    "corrected_disagreement": lambda log: (0, np.inf),
    "normalised_disagreement": lambda log: (0, 1),
    "cohen_kappa": lambda log: (-1, 1),
    "discrepancy": lambda log: (0, 1),
    "error_consistency": lambda log: (-1, 1),
    "error_inconsistency": lambda log: (0, 1),
    "same_wrong_share": lambda log: (0, 1),
    "error_ratio": lambda log: (0, np.inf),
    "q_statistic": lambda log: (-1, 1),
    "correctness_correlation": lambda log: (-1, 1),
    "double_fault": lambda log: (0, 1),
    "reliability": lambda log: (-np.inf, 1),
    "first_learned": lambda log: (log["epoch"].values[0], np.inf),
    "stably_learned": lambda log: (log["epoch"].values[0], np.inf),
    "forgetting_events": lambda log: (0, np.inf),
    "never_learned": lambda log: (0, 1),
    "vote_entropy": lambda log: (
        0,
        np.log(min(log.sizes["replicate"], log.attrs["n_classes"])),
    ),
    "ambiguity": lambda log: (0, 1),
    "difficulty": lambda log: (0, 1 / 4),
    "kohavi_wolpert": lambda log: (0, 1 / 4),
    "kuncheva_entropy": lambda log: (0, 1),
    "generalised_diversity": lambda log: (0, 1),
    "coincident_failure_diversity": lambda log: (0, 1),
    "trivial_share": lambda log: (0, 1),
    "impossible_share": lambda log: (0, 1),
    "jaccard_correct": lambda log: (0, 1),
    "explained": lambda log: (-np.inf, np.inf),
    "confidence": lambda log: (0, 1),
    "variability": lambda log: (0, 0.5),
    "aleatoric": lambda log: (0, 0.25),
    "aum": lambda log: (-np.inf, np.inf),
    "el2n": lambda log: (0, np.sqrt(2)),
    "jensen_shannon_label": lambda log: (0, 1),
    "reliability_by_stage": lambda log: (-np.inf, 1),
}


@pytest.mark.parametrize("measure", CATALOGUE, ids=lambda m: m.name)
@settings(deadline=None, max_examples=10)
@given(log=logs())
def test_values_lie_in_the_range_of_the_catalogue_or_are_nan_for_a_reason(measure, log):
    result = measure.function(log)
    values = numbers(result)
    low, high = BOUNDS[measure.name](log)
    defined = values[~np.isnan(values)]
    assert (defined >= low - 1e-9).all()
    assert (defined <= high + 1e-9).all()
    check_reasons(measure, result)


def check_reasons(measure, result):
    """Nothing is NaN without a reason, and there is no reason where nothing is."""
    if isinstance(result, ReliabilityByStage):
        assert (result.stages is None) == ("stages" in result.undefined)
        results = [stage.reliability for stage in result.stages or ()]
    else:
        results = [result] if isinstance(result, Reliability) else []
    for found in results:
        names = ("value", "ci", "within_class", "within_class_ci")
        missing = {name for name in names if getattr(found, name) is None}
        assert missing == set(found.undefined)
    if isinstance(result, Reliability | ReliabilityByStage):
        return
    if isinstance(result, Explained):
        shares = result.shares()
        reasons = shares.pop(UNDEFINED)
        assert {name for name, value in shares.items() if value is None} == set(reasons)
        return
    missing = result.isnull()
    assert result.dims == measure.dims
    where = {measure.name}
    if "epoch" in result.dims:
        undefined = missing.any(set(missing.dims) - {"epoch"})
        where = {float(e) for e in result["epoch"].values[undefined]}
    elif missing.any():
        # without epochs there is one reason, so it is of all values
        assert missing.all()
    assert set(result.attrs.get(UNDEFINED, {})) == (where if missing.any() else set())


@pytest.mark.parametrize("measure", CATALOGUE, ids=lambda m: m.name)
@settings(deadline=None, max_examples=10)
@given(log=logs(), seed=st.integers(0, 2**32 - 1))
def test_order_of_replicates_and_examples_and_names_of_classes_do_not_matter(measure, log, seed):
    rng = np.random.default_rng(seed)
    n_replicates, _, n_examples = log["prediction"].shape
    replicates, examples = rng.permutation(n_replicates), rng.permutation(n_examples)
    renamed = rng.permutation(log.attrs["n_classes"])
    prediction = renamed[log["prediction"].values[replicates][:, :, examples]]
    label = renamed[log["label"].values[examples]]
    of_label = {
        name: log[quantity].values[replicates][:, :, examples]
        for quantity, name in ARGUMENTS.items()
    }
    changed = measure.function(rebuilt(log, prediction, label, **of_label))
    before = measure.function(log)
    if not isinstance(before, Reliability | ReliabilityByStage | Explained):
        if "replicate" in before.dims:
            before = before.isel(replicate=replicates)
        if "example" in before.dims:
            before = before.isel(example=examples)
    np.testing.assert_allclose(numbers(changed), numbers(before), rtol=1e-8, atol=1e-10)


@settings(deadline=None, max_examples=30)
@given(log=logs())
def test_duplicating_every_replicate_changes_no_mean_of_an_example(log):
    prediction = np.concatenate([log["prediction"].values] * 2)
    twice = rebuilt(log, prediction)
    for measure in (agreement.tp_agreement, agreement.agreement, order.accessibility):
        np.testing.assert_allclose(measure(twice).values, measure(log).values, atol=1e-15)


@settings(deadline=None, max_examples=30)
@given(log=logs())
def test_mean_accessibility_is_the_area_under_the_accuracy_curve(log):
    curve = agreement.accuracy(log).mean("replicate")
    area = float(curve.mean())
    assert float(order.accessibility(log).mean()) == pytest.approx(area, abs=1e-12)
    timed = float(order.accessibility(log, weights="time").mean())
    steps = np.diff(log["epoch"].values, prepend=0)
    assert timed == pytest.approx(float(np.average(curve, weights=steps)), abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(log=logs())
def test_one_replicate_has_the_accessibility_of_correctness_over_epochs(log):
    alone = log.isel(replicate=[0])
    correctness = (alone["prediction"] == alone["label"]).values[0].mean(axis=0)
    np.testing.assert_array_equal(order.accessibility(alone).values, correctness)
    defined = agreement.bimodality(alone).values
    np.testing.assert_allclose(defined[~np.isnan(defined)], 0, atol=1e-9)


@settings(deadline=None, max_examples=30)
@given(log=logs())
def test_one_minus_tp_agreement_is_the_hardness_of_zero_one_learners(log):
    wrong = log["prediction"].values != log["label"].values
    np.testing.assert_allclose(1 - agreement.tp_agreement(log).values, wrong.mean(axis=0))


@settings(deadline=None, max_examples=50)
@given(log=logs(min_replicates=2))
def test_kappa_of_correctness_and_kohavi_wolpert_variance_agree(log):
    share = agreement.tp_agreement(log).values
    within = (share * (1 - share)).mean(axis=1)
    n = log.sizes["replicate"]
    kappa = agreement.fleiss_kappa(log)
    for e in np.flatnonzero(~np.isnan(kappa.values)):
        overall = share[e].mean() * (1 - share[e].mean())
        expected = 1 - n / (n - 1) * within[e] / overall
        assert kappa.values[e] == pytest.approx(expected, abs=1e-10)
        # Total variance of correctness is that within examples plus the difficulty Var(p).
        assert share[e].var() == pytest.approx(overall - within[e], abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(log=logs())
def test_accessibility_is_the_mean_of_accessibility_per_replicate(log):
    for weights in ("equal", "time"):
        mean = order.accessibility_per_replicate(log, weights).mean("replicate")
        np.testing.assert_allclose(order.accessibility(log, weights).values, mean, atol=1e-14)


@settings(deadline=None, max_examples=50)
@given(log=logs(min_replicates=2))
def test_reliability_is_one_minus_trace_over_sum_of_the_covariance(log):
    scores = order.accessibility_per_replicate(log).values
    covariance = np.cov(scores)
    if covariance.sum() < 1e-12:
        return
    n = len(scores)
    expected = n / (n - 1) * (1 - np.trace(covariance) / covariance.sum())
    assert order.reliability(log).value == pytest.approx(expected, rel=1e-8, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(log=logs(min_replicates=3))
def test_kappa_and_reliability_lie_in_their_intervals(log):
    kappa = agreement.fleiss_kappa(log).values
    bounds = agreement.fleiss_kappa_interval(log)
    defined = ~np.isnan(bounds.values[:, 0])
    assert (bounds.sel(bound="low").values[defined] <= kappa[defined] + 1e-9).all()
    assert (bounds.sel(bound="high").values[defined] >= kappa[defined] - 1e-9).all()
    found = order.reliability(log)
    if found.ci:
        assert found.ci[0] - 1e-9 <= found.value <= found.ci[1] + 1e-9


def test_every_measure_names_a_known_direction_and_source():
    assert set(BOUNDS) == {measure.name for measure in CATALOGUE}
    assert all(measure.range for measure in CATALOGUE)
