"""Degenerate input is undefined with the reason; wrong input is one clear line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.measures.logits import ARGUMENTS

from learnorder.comparison.compare import compare
from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import agreement, order
from learnorder.measures.catalogue import CATALOGUE, find_measure
from learnorder.measures.intervals import Component, ratio_interval, t_interval
from learnorder.measures.split import UNDEFINED
from learnorder.measures.summary import summarise

LABEL = np.array([0, 1, 1, 0])
RIGHT = np.broadcast_to(LABEL, (3, 2, 4))


def test_one_epoch_worked_by_hand():
    log = from_arrays([[[0, 1, 1, 1]], [[0, 1, 0, 1]]], LABEL)
    assert agreement.tp_agreement(log).values.tolist() == [[1, 1, 0.5, 0]]
    assert agreement.agreement(log).values.tolist() == [[1, 1, 0.5, 1]]
    # p = 1, 1, 1/2, 0: mean p(1-p) = 1/16, overall 5/8 * 3/8; kappa = 1 - 2 * (1/16) / (15/64).
    assert float(agreement.fleiss_kappa(log)[0]) == pytest.approx(1 - 2 / 16 / (15 / 64))
    # Covariance of (1, 1, 1, 0) and (1, 1, 0, 0): variances 1/4 and 1/3, covariance 1/6.
    expected = 2 * (1 - (1 / 4 + 1 / 3) / (1 / 4 + 1 / 3 + 2 / 6))
    assert order.reliability(log).value == pytest.approx(expected)


def test_time_weights_count_the_passes_since_the_epoch_before_and_skip_epoch_0():
    prediction = [[[0, 1], [0, 1], [1, 1], [0, 0]]]
    log = from_arrays(prediction, [1, 1], epochs=[0, 0.5, 1, 4])
    assert order.accessibility(log).values == pytest.approx([1 / 3, 2 / 3])
    timed = order.accessibility(log, weights="time").values
    assert timed == pytest.approx([0.5 / 4, 1 / 4])


@pytest.mark.parametrize("prediction", [RIGHT, 1 - RIGHT], ids=["all right", "all wrong"])
def test_a_constant_share_has_no_bimodality_kappa_or_order(prediction):
    log = from_arrays(prediction, LABEL)
    for measure in (agreement.bimodality, agreement.fleiss_kappa, agreement.fleiss_kappa_interval):
        result = measure(log)
        assert np.isnan(result.values).all()
        assert set(result.attrs[UNDEFINED]) == {1.0, 2.0}
    null = agreement.bimodality_null(log, kind="class-conditional")
    assert "for every example" in null.attrs[UNDEFINED][1.0]
    found = order.reliability(log)
    assert found.value is None
    assert "does not differ between examples" in found.undefined["value"]


def test_one_replicate_has_no_kappa_and_no_reliability():
    log = from_arrays([[[0, 1, 0, 0]]], LABEL)
    assert agreement.fleiss_kappa(log).attrs[UNDEFINED][1.0].endswith("there is 1 replicate")
    assert "1 replicate" in order.reliability(log).undefined["value"]
    assert agreement.agreement(log).values.tolist() == [[1, 1, 1, 1]]


def test_two_replicates_have_a_value_and_no_interval():
    log = from_arrays([[[0, 1, 1, 1]], [[0, 1, 0, 1]]], LABEL)
    found = order.reliability(log)
    assert found.value is not None
    assert found.ci is None
    assert found.undefined["ci"] == "an interval needs 3 replicates; there are 2"


def test_a_handful_of_examples_has_a_value_and_no_interval():
    rng = np.random.default_rng(0)
    label = np.tile([0, 1], 4)
    log = from_arrays(rng.integers(0, 2, (4, 3, 8)), label)
    assert order.reliability(log).undefined["ci"] == "an interval needs 10 examples; there are 8"


def test_two_examples_and_one_example():
    two = order.reliability(from_arrays([[[0, 1]], [[0, 0]], [[0, 0]]], [0, 1]))
    assert two.value is not None
    assert two.undefined["within_class"] == "no class has two examples to compare"
    one = order.reliability(from_arrays([[[0]], [[1]]], [0]))
    assert one.undefined["value"] == "reliability compares examples; there is 1 example"


def test_identical_replicates_are_fully_reliable_without_an_interval():
    label = np.tile([0, 1], 10)
    prediction = np.array([np.where(np.arange(20) < 13, label, 1 - label)] * 4)[:, None]
    log = from_arrays(prediction, label)
    found = order.reliability(log)
    assert found.value == 1
    assert "order the examples alike" in found.undefined["ci"]
    assert float(agreement.fleiss_kappa(log)[0]) == pytest.approx(1)
    assert "vote alike" in agreement.fleiss_kappa_interval(log).attrs[UNDEFINED][1.0]


def test_exactly_opposite_replicates_share_less_than_nothing():
    label = np.zeros(4, dtype=int)
    log = from_arrays([[[0, 0, 1, 1]], [[1, 1, 0, 0]]], label)
    assert float(agreement.fleiss_kappa(log)[0]) == pytest.approx(-1)
    assert "no order" in order.reliability(log).undefined["value"]


def shares(n_replicates, n_examples):
    """Each replicate right on examples of its own, as many as any other."""
    owner = np.arange(n_examples) * n_replicates // n_examples
    right = owner == np.arange(n_replicates)[:, np.newaxis]
    return from_arrays(np.where(right, 0, 1)[:, np.newaxis], np.zeros(n_examples, dtype=int))


@pytest.mark.parametrize(("n_replicates", "n_examples"), [(4, 12), (3, 12), (6, 12), (5, 100)])
def test_where_leaving_out_anything_changes_nothing_there_is_no_spread(n_replicates, n_examples):
    log = shares(n_replicates, n_examples)
    reason = "neither replicates nor examples differ: no spread to estimate"
    interval = agreement.fleiss_kappa_interval(log)
    assert interval.attrs[UNDEFINED] == {1.0: reason}
    of_predictions = agreement.fleiss_kappa_interval(log, of="prediction")
    assert of_predictions.attrs[UNDEFINED] == {1.0: reason}
    assert float(agreement.fleiss_kappa(log)[0]) == pytest.approx(-1 / (n_replicates - 1))
    row = json.loads(json.dumps(summarise(log), allow_nan=False))["per_epoch"][0]
    assert row["undefined"]["fleiss_kappa_ci"] == reason
    found = order.reliability(log)
    assert (found.value, found.ci) == (None, None)
    assert "does not differ between examples" in found.undefined["value"]
    record = compare({"a": log, "b": log}).to_dict()
    assert record["pairs"][0]["pearson"] is None


def test_an_interval_without_variance_is_a_reason():
    nothing = Component(variance=1e-30, error=1e-60)
    assert "no spread" in t_interval(0.3, [nothing, nothing], n_replicates=4)
    constant = np.full(4, 0.25)
    assert "no spread" in ratio_interval(0.1, 0.2, (constant, 2 * constant), 0.0, nothing)


def test_an_example_alone_in_its_class_contributes_nothing_within_class():
    rng = np.random.default_rng(2)
    label = np.array([0, 1] * 15)
    prediction = rng.integers(0, 2, (4, 5, 30))
    without = order.reliability(from_arrays(prediction, label, class_names=list("abc")))
    extended = np.concatenate([prediction, rng.integers(0, 3, (4, 5, 1))], axis=2)
    alone = order.reliability(from_arrays(extended, [*label, 2], class_names=list("abc")))
    assert alone.within_class == pytest.approx(without.within_class, rel=1e-12)
    assert alone.within_class_ci == pytest.approx(without.within_class_ci, rel=1e-12)
    assert alone.value != pytest.approx(without.value, rel=1e-6)


def test_one_class_in_all_votes_has_no_kappa_of_predictions():
    log = from_arrays(np.zeros((3, 1, 4), dtype=int), LABEL)
    kappa = agreement.fleiss_kappa(log, of="prediction")
    assert "one category" in kappa.attrs[UNDEFINED][1.0]


def test_unlabelled_splits_have_agreement_and_refuse_the_rest():
    log = from_arrays([[[0, 1]], [[1, 1]], [[0, 1]]])
    assert agreement.agreement(log).values[0] == pytest.approx([2 / 3, 1])
    assert not np.isnan(agreement.fleiss_kappa(log, of="prediction").values).any()
    with pytest.raises(LearnOrderError, match=r"^accuracy: the split 'test' has no labels\."):
        agreement.accuracy(log)


@pytest.mark.parametrize("measure", CATALOGUE, ids=lambda m: m.name)
def test_what_is_not_recorded_is_named_by_seed_and_epoch(measure):
    half = dict.fromkeys(ARGUMENTS.values(), np.full(RIGHT.shape, 0.5))
    log = from_arrays(RIGHT, LABEL, seeds=[3, 5, 9], epochs=[1, 2.5], **half)
    log["prediction"].values[1, 1, 2] = 255
    for quantity in ARGUMENTS:
        log[quantity].values[1, 1, 2] = np.nan
    with pytest.raises(LearnOrderError, match=r"not recorded \(for example: seed 5, epoch 2\.5,"):
        measure.function(log)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.transpose("epoch", "replicate", "example"), r"the dims of `prediction` are"),
        (lambda d: d.isel(replicate=[]), r"nothing to measure \(0 replicates, 2 epochs, 4 exam"),
        (lambda d: d.isel(example=[]), r"nothing to measure \(3 replicates, 2 epochs, 0 exam"),
        (lambda d: d.assign(prediction=d["prediction"].astype(float)), r"have the type float64"),
        (lambda d: d.assign(label=d["label"] + 1), r"label 2 of example 1 is no class"),
        (lambda d: d.assign(label=d["label"] * 0.5), r"`label` has dims .* and type float64"),
        (lambda d: d.assign(prediction=d["prediction"] * 7), r"prediction 7 is no class"),
        (lambda d: d.assign_coords(epoch=[2.0, 1.0]), r"the epochs are \[2\.0, 1\.0\]"),
        (lambda d: d.assign_coords(epoch=[1.0, np.nan]), r"the epochs are \[1\.0, nan\]"),
        (lambda d: d.drop_vars("example"), r"no coordinate 'example'"),
        (lambda d: d.assign_attrs(n_classes="two"), r"`n_classes` is 'two'"),
        (lambda d: d["prediction"], r"not one split of a log \(DataArray\)"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line_with_the_values(spoil, message):
    log = spoil(from_arrays(RIGHT, LABEL))
    for measure in (agreement.tp_agreement, order.accessibility, summarise):
        with pytest.raises(LearnOrderError, match=message) as caught:
            measure(log)
        assert "\n" not in str(caught.value)


def test_unknown_names_name_the_nearest():
    log = from_arrays(RIGHT, LABEL)
    with pytest.raises(LearnOrderError, match=r"unknown weights 'tim'.*nearest.*'time'"):
        order.accessibility(log, weights="tim")
    with pytest.raises(LearnOrderError, match=r"unknown of 'corect'.*nearest.*'correct'"):
        agreement.fleiss_kappa(log, of="corect")
    with pytest.raises(LearnOrderError, match=r"unknown kind 'class-cond'.*is 'class-conditional'"):
        agreement.bimodality_null(log, kind="class-cond")
    with pytest.raises(LearnOrderError, match=r"unknown measure 'bimodalty'.*'bimodality'"):
        find_measure("bimodalty")


def test_only_epoch_0_is_no_order():
    log = from_arrays([[[0, 1, 1, 0]]], LABEL, epochs=[0])
    with pytest.raises(LearnOrderError, match=r"no epoch after training began .*\(epochs: 0\)"):
        order.accessibility(log)
    assert "no epoch" in summarise(log)["order"]["undefined"]["reliability"]


ROW = {
    "epoch",
    "accuracy_mean",
    "accuracy_std",
    "agreement_mean",
    "bimodality",
    "bimodality_null",
    "bimodality_null_class",
    "fleiss_kappa",
    "fleiss_kappa_ci",
    "fleiss_kappa_null_ci",
    "fleiss_kappa_null_class_ci",
    "fleiss_kappa_predictions",
    "impossible_share",
    "trivial_share",
    "tp_agreement_counts",
    "undefined",
}


def degenerate_logs():
    rng = np.random.default_rng(1)
    ordinary = from_arrays(rng.integers(0, 3, (5, 3, 40)), rng.integers(0, 3, 40))
    return {
        "ordinary": ordinary,
        "one replicate": from_arrays([[[0, 1, 0, 0]]], LABEL),
        "all right": from_arrays(RIGHT, LABEL),
        "no labels": from_arrays(RIGHT),
        "epoch 0 only": from_arrays(RIGHT[:, :1], LABEL, epochs=[0]),
        "one example": from_arrays([[[0]], [[1]]], [0]),
        "one class": from_arrays(np.zeros((3, 2, 4), dtype=int), np.zeros(4, dtype=int)),
    }


@pytest.mark.parametrize("name", degenerate_logs())
def test_summary_is_json_with_a_reason_for_every_null(name):
    found = json.loads(json.dumps(summarise(degenerate_logs()[name]), allow_nan=False))
    for part in (found, found["order"], *found["per_epoch"]):
        assert {key for key, value in part.items() if value is None} == set(part["undefined"])
        assert all(isinstance(reason, str) and reason for reason in part["undefined"].values())
    assert all(set(row) == ROW for row in found["per_epoch"])


def test_summary_of_an_ordinary_log_has_the_numbers_of_its_measures():
    log = degenerate_logs()["ordinary"]
    found = summarise(log)
    accuracy = agreement.accuracy(log).values
    row = found["per_epoch"][1]
    assert row["epoch"] == 2.0
    assert row["accuracy_std"] == pytest.approx(accuracy[:, 1].std(ddof=1))
    assert row["fleiss_kappa"] == float(agreement.fleiss_kappa(log)[1])
    assert row["fleiss_kappa_ci"][0] < row["fleiss_kappa"] < row["fleiss_kappa_ci"][1]
    assert found["order"]["reliability"] == order.reliability(log).value
    assert (found["n_replicates"], found["n_examples"], found["n_classes"]) == (5, 40, 3)


def test_two_points_have_bimodality_zero_not_rounding():
    rng = np.random.default_rng(0)
    label = np.arange(90) % 3
    for share in (0.1, 0.4, 0.9):
        one = from_arrays(np.where(rng.random((1, 4, 90)) < share, label, (label + 1) % 3), label)
        assert (agreement.bimodality(one).values == 0).all()
        assert (agreement.bimodality_null(one, kind="class-conditional").values == 0).all()


def test_interval_of_kappa_stays_where_kappa_can_be():
    label = np.zeros(60, dtype=int)
    wrong = np.ones((5, 1, 60), dtype=int)
    for replicate in range(5):
        wrong[replicate, 0, replicate : 5 * replicate + 1] = 0
    low, high = agreement.fleiss_kappa_interval(from_arrays(wrong, label)).values[0]
    assert low == -0.25
    assert low < high < 1


@pytest.mark.parametrize("measure", ["reliability", "accessibility"])
def test_errors_begin_with_the_measure_that_was_asked_for(measure):
    unlabelled = from_arrays(np.zeros((2, 1, 4), dtype=int), None)
    with pytest.raises(LearnOrderError, match=f"^{measure}: the split"):
        getattr(order, measure)(unlabelled)
