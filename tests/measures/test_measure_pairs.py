"""Measures of pairs of replicates: oracles, identities, and what is undefined."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures import _arrays, sweep
from learnorder.measures.pair_values import KINDS
from learnorder.measures.rows import pairs as rows
from learnorder.measures.split import LEFT_OUT, UNDEFINED
from learnorder.measures.values import measure_values, value_rows

NAMES = [row.name for row in rows.ROWS]
CLASSES = [str(k) for k in range(5)]


def random_log(shape=(6, 3, 200), n_classes=5, seed=11, skill=0.9):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, n_classes, shape[2])
    easy = rng.beta(0.8, 0.5, shape[2]) * skill
    prediction = np.where(rng.random(shape) < easy, label, rng.integers(0, n_classes, shape))
    return lo.from_arrays(prediction, label, seeds=[7 * r for r in range(shape[0])])


@pytest.fixture(scope="module")
def log():
    return random_log()


@st.composite
def logs(draw, n_classes=None):
    shape = (draw(st.integers(2, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 70)))
    k = n_classes or draw(st.integers(2, 5))
    return random_log(shape, k, draw(st.integers(0, 2**32 - 1)), draw(st.floats(0.1, 1)))


def counted(one, other, label):
    """Examples both have right, only one, only the other, both wrong alike, both wrong apart."""
    found = [0] * 5
    for a, b, y in zip(one, other, label, strict=True):
        kinds = [a == b == y, a == y != b, b == y != a, a == b != y, True]
        found[kinds.index(True)] += 1
    return found


def by_hand(name, one, other, label):
    """Value of a pair from counts made one by one, in the words of the sources."""
    right, first, second, alike, apart = counted(one, other, label)
    n, wrong = len(label), alike + apart
    q, p = (second + wrong) / n, (first + wrong) / n
    d = (first + second + apart) / n
    return {
        "disagreement": lambda: d,
        "corrected_disagreement": lambda: (d / q + d / p) / 2,
        "normalised_disagreement": lambda: (d - abs(q - p)) / (min(q + p, 1) - abs(q - p)),
        "cohen_kappa": lambda: cohen_kappa_score(one, other),
        "error_consistency": lambda: cohen_kappa_score(one == label, other == label),
        "error_inconsistency": lambda: (first + second) / n,
        "same_wrong_share": lambda: alike / wrong,
        "error_ratio": lambda: apart / alike,
        "q_statistic": lambda: (right * wrong - first * second) / (right * wrong + first * second),
        "correctness_correlation": lambda: matthews_corrcoef(one == label, other == label),
        "double_fault": lambda: wrong / n,
    }[name]()


DEFINITIONS = {
    "disagreement": lambda one, other, label: _arrays.disagreement(one, other),
    "corrected_disagreement": _arrays.corrected_disagreement,
    "normalised_disagreement": _arrays.normalised_disagreement,
    "cohen_kappa": lambda one, other, label: _arrays.cohen_kappa(one, other),
    "error_consistency": lambda one, other, label: _arrays.cohen_kappa(
        one == label, other == label
    ),
    "error_inconsistency": lambda one, other, label: _arrays.disagreement(
        one == label, other == label
    ),
    "same_wrong_share": _arrays.same_wrong_share,
    "error_ratio": lambda one, other, label: 1 / _arrays.same_wrong_share(one, other, label) - 1,
    "q_statistic": lambda one, other, label: _arrays.q_statistic(one == label, other == label),
    "correctness_correlation": lambda one, other, label: float(
        np.corrcoef(one == label, other == label)[0, 1]
    ),
    "double_fault": lambda one, other, label: float(((one != label) & (other != label)).mean()),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_pair_has_the_value_of_other_implementations_and_the_mean_is_theirs(log, name):
    table = lo.pairs(log, name)
    label = log["label"].values
    means = getattr(lo, name)(log)
    for e in range(3):
        found = []
        for r, s in combinations(range(6), 2):
            one, other = log["prediction"].values[[r, s], e]
            found.append(by_hand(name, one, other, label))
            assert float(table[e, r, s]) == pytest.approx(found[-1], abs=1e-12)
            assert DEFINITIONS[name](one, other, label) == pytest.approx(found[-1], abs=1e-12)
        assert float(means[e]) == pytest.approx(np.mean(found), abs=1e-12)
    assert means.attrs[LEFT_OUT] == means.attrs[UNDEFINED] == {}


def test_a_table_of_pairs_is_symmetric_and_has_seeds_on_both_sides(log):
    for name in KINDS:
        table = lo.pairs(log, name)
        assert table.dims == ("epoch", "replicate", "other")
        assert table["other"].values.tolist() == table["replicate"].values.tolist()
        np.testing.assert_array_equal(table, table.transpose("epoch", "other", "replicate"))
        assert np.isnan(table.values[:, range(6), range(6)]).all()
        assert table.attrs[UNDEFINED] == {}
    assert float(lo.pairs(log, "disagreement").sel(epoch=2, replicate=7, other=35)) == np.mean(
        log["prediction"].values[1, 1] != log["prediction"].values[5, 1]
    )


def test_discrepancy_is_the_mean_of_the_largest_disagreement_of_each(log):
    table = lo.pairs(log, "disagreement")
    expected = table.max("other").mean("replicate")
    np.testing.assert_allclose(lo.discrepancy(log), expected, atol=1e-15)
    assert (lo.discrepancy(log).values > lo.disagreement(log).values).all()


def test_four_examples_by_hand():
    # right, right; right, wrong; wrong alike; wrong apart
    log = lo.from_arrays([[[0, 0, 1, 1]], [[0, 2, 1, 2]]], [0, 0, 0, 0], class_names=list("abc"))
    expected = {
        "disagreement": 1 / 2,
        "discrepancy": 1 / 2,
        "corrected_disagreement": (1 / 2 / (2 / 4) + 1 / 2 / (3 / 4)) / 2,
        "normalised_disagreement": (1 / 2 - 1 / 4) / (1 - 1 / 4),
        "cohen_kappa": (1 / 2 - (2 * 1 + 2 * 1) / 16) / (1 - 4 / 16),
        "error_consistency": (3 / 4 - (2 * 1 + 2 * 3) / 16) / (1 - 8 / 16),
        "error_inconsistency": 1 / 4,
        "same_wrong_share": 1 / 2,
        "error_ratio": 1.0,
        "q_statistic": 1.0,
        "correctness_correlation": (1 * 2) / np.sqrt(2 * 2 * 1 * 3),
        "double_fault": 1 / 2,
    }
    assert set(expected) == set(NAMES)
    for name, value in expected.items():
        assert float(getattr(lo, name)(log)[0]) == pytest.approx(value, abs=1e-12), name


@settings(deadline=None, max_examples=40)
@given(log=logs())
def test_error_inconsistency_and_double_fault_follow_from_tp_agreement(log):
    n, p = log.sizes["replicate"], lo.tp_agreement(log).values
    within = (p * (1 - p)).mean(axis=1)
    np.testing.assert_allclose(lo.error_inconsistency(log), 2 * n / (n - 1) * within, atol=1e-12)
    error = 1 - p.mean(axis=1)
    np.testing.assert_allclose(lo.double_fault(log), error - n / (n - 1) * within, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(log=logs())
def test_one_minus_disagreement_is_the_observed_agreement_of_fleiss_kappa(log):
    kappa = lo.fleiss_kappa(log, of="prediction")
    n_classes = log.attrs["n_classes"]
    votes = log["prediction"].values
    for e in np.flatnonzero(~np.isnan(kappa.values)):
        share = np.bincount(votes[:, e].ravel(), minlength=n_classes) / votes[:, e].size
        by_chance = (share**2).sum()
        observed = float(kappa[e]) * (1 - by_chance) + by_chance
        assert 1 - float(lo.disagreement(log)[e]) == pytest.approx(observed, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(log=logs())
def test_identities_between_measures_of_a_pair(log):
    value = {name: lo.pairs(log, name).values for name in KINDS}
    apart = value["disagreement"] - value["error_inconsistency"]
    assert (apart[~np.isnan(apart)] >= -1e-12).all()
    share = value["same_wrong_share"]
    defined = ~np.isnan(share)
    expected = (1 - share) * value["double_fault"]
    np.testing.assert_allclose(apart[defined], expected[defined], atol=1e-12)
    with np.errstate(divide="ignore"):
        ratio = np.where(share > 0, 1 / share - 1, np.nan)
    np.testing.assert_allclose(value["error_ratio"], ratio, atol=1e-9)
    both = ~np.isnan(value["correctness_correlation"])
    # The same numerator over a larger, and over a smaller, denominator.
    q, rho = value["q_statistic"][both], value["correctness_correlation"][both]
    kappa = value["error_consistency"][both]
    assert (np.abs(q) >= np.abs(rho) - 1e-12).all()
    assert (np.abs(kappa) <= np.abs(rho) + 1e-12).all()
    assert (np.sign(q) == np.sign(rho)).all()
    # Replicates differ at least by their accuracies, and at most by all errors.
    error = 1 - lo.accuracy(log).values.T
    one, other = error[:, :, None], error[:, None, :]
    d = value["disagreement"]
    pair = ~np.isnan(d)
    assert (d >= np.abs(one - other) - 1e-12)[pair].all()
    assert (d <= one + other + 1e-12)[pair].all()


@settings(deadline=None, max_examples=25)
@given(log=logs(n_classes=2))
def test_with_two_classes_all_that_is_wrong_is_wrong_alike(log):
    np.testing.assert_allclose(lo.disagreement(log), lo.error_inconsistency(log), atol=1e-15)
    for name, value in (("same_wrong_share", 1), ("error_ratio", 0)):
        found = getattr(lo, name)(log).values
        assert (found[~np.isnan(found)] == value).all()


@settings(deadline=None, max_examples=25)
@given(log=logs())
def test_error_consistency_is_cohen_kappa_of_right_and_wrong(log):
    right = log["prediction"].values == log["label"].values
    as_classes = lo.from_arrays(right.astype(int), class_names=["wrong", "right"])
    of_classes = lo.cohen_kappa(as_classes)
    np.testing.assert_allclose(lo.error_consistency(log), of_classes, atol=1e-12)
    assert set(of_classes.attrs[UNDEFINED]) == set(lo.error_consistency(log).attrs[UNDEFINED])


@settings(deadline=None, max_examples=20)
@given(log=logs())
def test_of_two_replicates_the_mean_is_the_value_of_the_pair(log):
    two = log.isel(replicate=[0, -1])
    for name in KINDS:
        values = lo.pairs(log, name).values[:, 0, -1]
        np.testing.assert_array_equal(getattr(lo, name)(two).values, values)


def test_independent_replicates_agree_as_by_chance():
    rng = np.random.default_rng(5)
    label = np.zeros(40_000, dtype=int)
    prediction = np.where(rng.random((4, 1, 40_000)) < 0.7, 0, rng.integers(1, 4, (4, 1, 40_000)))
    log = lo.from_arrays(prediction, label)
    for name in ("cohen_kappa", "error_consistency", "q_statistic", "correctness_correlation"):
        assert float(getattr(lo, name)(log)[0]) == pytest.approx(0, abs=0.02)
    assert float(lo.same_wrong_share(log)[0]) == pytest.approx(1 / 3, abs=0.02)
    assert float(lo.double_fault(log)[0]) == pytest.approx(0.09, abs=0.005)


def test_observed_and_expected_are_of_one_coefficient():
    """A peer takes the observed agreement on classes and the one to expect on being right."""
    label = np.zeros(60, dtype=int)
    one = np.repeat([0, 1, 2], [30, 20, 10])
    other = np.repeat([0, 2, 1], [30, 20, 10])
    log = lo.from_arrays([[one], [other]], label)
    mixed = (0.5 - 0.5) / (1 - 0.5)
    assert float(lo.error_consistency(log)[0]) == 1
    assert float(lo.cohen_kappa(log)[0]) == pytest.approx(cohen_kappa_score(one, other))
    assert float(lo.cohen_kappa(log)[0]) > mixed + 0.1


LABEL = np.arange(12) % 3


def right_on(*counts):
    """Replicates right on the first so many examples, and wrong in one way on the others."""
    first = np.arange(12) < np.array(counts)[:, None]
    return lo.from_arrays(np.where(first, LABEL, (LABEL + 1) % 3)[:, None], LABEL)


@pytest.mark.parametrize("name", NAMES)
def test_one_replicate_has_no_pair(name):
    found = getattr(lo, name)(right_on(5))
    assert np.isnan(found.values).all()
    reason = "it compares pairs of replicates; there is 1 replicate"
    assert found.attrs[UNDEFINED] == {1.0: reason}
    if name in KINDS:
        table = lo.pairs(right_on(5), name)
        assert table.shape == (1, 1, 1)
        assert table.attrs[UNDEFINED] == {1.0: reason}


ALL_RIGHT = {
    "corrected_disagreement": "3 of 3 pairs: a replicate is right on every example",
    "normalised_disagreement": "3 of 3 pairs: a replicate is right on every example",
    "error_consistency": "3 of 3 pairs: both replicates are right on every example, or on none",
    "same_wrong_share": "3 of 3 pairs: there is no example that both have wrong",
    "error_ratio": "3 of 3 pairs: there is no example that both have wrong alike",
    "q_statistic": "3 of 3 pairs: n11 n00 = n10 n01 = 0",
    "correctness_correlation": "3 of 3 pairs: a replicate is right on every example, or on none",
}


@pytest.mark.parametrize("name", NAMES)
def test_replicates_that_know_all_leave_undefined_what_errors_are_needed_for(name):
    found = getattr(lo, name)(right_on(12, 12, 12))
    if name in ALL_RIGHT:
        assert found.attrs[UNDEFINED] == {1.0: ALL_RIGHT[name]}
    else:
        assert float(found[0]) == (1 if name == "cohen_kappa" else 0)


@pytest.mark.parametrize("name", NAMES)
def test_replicates_that_know_nothing(name):
    found = getattr(lo, name)(right_on(0, 0, 0))
    undefined = {"error_consistency", "q_statistic", "correctness_correlation"}
    if name in undefined:
        assert found.attrs[UNDEFINED] == {1.0: ALL_RIGHT[name]}
    else:
        ones = {"same_wrong_share", "double_fault", "cohen_kappa"}
        assert float(found[0]) == (1 if name in ones else 0)


@pytest.mark.parametrize("name", NAMES)
def test_copies_are_as_alike_as_can_be(name):
    found = float(getattr(lo, name)(right_on(7, 7, 7))[0])
    zero = {
        "disagreement",
        "discrepancy",
        "corrected_disagreement",
        "normalised_disagreement",
        "error_inconsistency",
        "error_ratio",
    }
    assert found == pytest.approx(5 / 12 if name == "double_fault" else 0 if name in zero else 1)


def test_pairs_without_a_value_are_left_out_and_counted():
    log = right_on(12, 6, 3)
    found = lo.correctness_correlation(log)
    reason = "2 of 3 pairs: a replicate is right on every example, or on none"
    assert found.attrs[LEFT_OUT] == {1.0: reason}
    assert found.attrs[UNDEFINED] == {}
    assert float(found[0]) == pytest.approx(matthews_corrcoef([1] * 6 + [0] * 6, [1] * 3 + [0] * 9))
    table = lo.pairs(log, "correctness_correlation")
    assert table.attrs[UNDEFINED] == {1.0: reason}
    assert np.isnan(table.values[0, 0]).all()


def test_what_is_left_out_is_in_json_and_in_the_table():
    values = measure_values(right_on(12, 6, 3), ["corrected_disagreement", "disagreement"])
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    reason = "2 of 3 pairs: a replicate is right on every example"
    assert values["corrected_disagreement"]["left_out"] == {"1": reason}
    assert values["corrected_disagreement"]["undefined"] == {}
    assert values["disagreement"]["left_out"] == {}
    assert value_rows(values)[0]["undefined"] == f"corrected_disagreement: {reason}"


def test_votes_of_one_class_have_no_kappa_and_one_constant_replicate_has_none_beyond_chance():
    log = lo.from_arrays(np.zeros((3, 1, 4), dtype=int), class_names=list("abc"))
    reason = "3 of 3 pairs: both replicates predict one same class throughout"
    assert lo.cohen_kappa(log).attrs[UNDEFINED] == {1.0: reason}
    apart = lo.from_arrays([[[0, 0, 0]], [[1, 1, 1]]], class_names=list("abc"))
    assert float(lo.cohen_kappa(apart)[0]) == 0
    assert float(lo.disagreement(apart)[0]) == 1


def test_one_example_and_two():
    for n in (1, 2):
        log = lo.from_arrays(np.array([[[0, 1][:n]], [[1, 1][:n]]]), [0, 1][:n], class_names="ab")
        for name in NAMES:
            found = getattr(lo, name)(log)
            assert np.isnan(found.values).all() == bool(found.attrs[UNDEFINED]), name
        assert float(lo.disagreement(log)[0]) == 1 / n


@pytest.mark.parametrize("name", NAMES)
def test_without_labels_what_compares_predictions_is_there_and_the_rest_refused(name):
    log = random_log().drop_vars("label")
    if name in ("disagreement", "cohen_kappa", "discrepancy"):
        assert not np.isnan(getattr(lo, name)(log).values).any()
        return
    with pytest.raises(LearnOrderError, match=rf"^{name}: the split 'test' has no labels"):
        getattr(lo, name)(log)
    with pytest.raises(LearnOrderError, match=r"^pairs: the split 'test' has no labels"):
        lo.pairs(log, name)


def test_an_unknown_measure_of_pairs_names_the_nearest(log):
    with pytest.raises(LearnOrderError, match=r"unknown measure of pairs 'cohen'.*'cohen_kappa'"):
        lo.pairs(log, "cohen")


@pytest.mark.parametrize("name", KINDS)
def test_epochs_gone_through_in_several_passes_give_the_same(log, lazy, monkeypatch, name):
    whole = lo.pairs(log, name)
    cut, array = lazy(log, (1, 64))
    monkeypatch.setattr(sweep, "CLASS_BYTES", 1)
    np.testing.assert_array_equal(lo.pairs(cut, name), whole)
    epochs = [read[1].indices(3)[:2] for read in array.reads]
    assert epochs == sorted(epochs)
