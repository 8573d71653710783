"""The order from probabilities of the label."""

from __future__ import annotations

import numpy as np
import pytest

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures import tiles
from learnorder.measures.order import accessibility_per_replicate
from learnorder.schema import DIMS

EPOCHS = [0, 0.5, 1, 3]


def make(shape=(5, 4, 60), epochs=EPOCHS, seed=0):
    rng = np.random.default_rng(seed)
    label = np.arange(shape[2]) % 3
    probability = rng.random(shape) ** np.linspace(0.2, 3, shape[2])
    log = lo.from_arrays(np.broadcast_to(label, shape), label, epochs=epochs)
    return log.assign(probability=(DIMS, probability.astype(np.float16)))


def test_it_is_the_mean_over_replicates_and_epochs_after_0():
    log = make()
    found = lo.accessibility(log, of="probability")
    mean = log["probability"].values.astype(np.float64)[:, 1:].mean((0, 1))
    np.testing.assert_allclose(found.values, mean, rtol=1e-14)
    assert found.dims == ("example",)
    assert found.name == "accessibility"


def test_weights_count_the_time_between_points():
    log = make()
    values = log["probability"].values.astype(np.float64).mean(0)
    expected = np.average(values, axis=0, weights=np.diff(EPOCHS, prepend=0.0))
    found = lo.accessibility(log, weights="time", of="probability")
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)


@pytest.mark.parametrize("weights", ["equal", "time"])
def test_it_is_the_mean_of_that_of_each_replicate(weights):
    log = make()
    each = accessibility_per_replicate(log, weights, "probability")
    mean = lo.accessibility(log, weights, "probability")
    np.testing.assert_allclose(each.mean("replicate"), mean, rtol=1e-12)


def test_reliability_is_that_of_the_matrix_of_mean_probabilities():
    log = make()
    scores = log["probability"].values.astype(np.float64)[:, 1:].mean(1)
    covariance = np.cov(scores)
    alpha = 5 / 4 * (1 - np.trace(covariance) / covariance.sum())
    assert lo.reliability(log, of="probability").value == pytest.approx(alpha, rel=1e-9)


def test_certain_networks_have_the_order_of_their_predictions():
    """Where the label gets all of the probability or none, both orders are one."""
    rng = np.random.default_rng(1)
    label = np.arange(60) % 3
    right = rng.random((4, 3, 60)) < 0.6
    log = lo.from_arrays(np.where(right, label, (label + 1) % 3), label)
    log = log.assign(probability=(DIMS, right.astype(np.float16)))
    np.testing.assert_array_equal(lo.accessibility(log), lo.accessibility(log, of="probability"))
    assert lo.reliability(log).value == pytest.approx(lo.reliability(log, of="probability").value)


def test_how_the_log_is_cut_does_not_matter(monkeypatch):
    log = make((5, 4, 700))
    whole = lo.accessibility(log, of="probability").values
    each = accessibility_per_replicate(log, of="probability").values
    chunked = log.copy()
    chunked["probability"].encoding["preferred_chunks"] = {"epoch": 3, "example": 64}
    monkeypatch.setattr(tiles, "READ_BYTES", 3000)
    for cut in (log, chunked):
        np.testing.assert_array_equal(lo.accessibility(cut, of="probability").values, whole)
        np.testing.assert_array_equal(
            accessibility_per_replicate(cut, of="probability").values, each
        )


def test_half_precision_moves_a_probability_by_no_more_than_documented():
    values = np.random.default_rng(0).random(100_000)
    assert np.abs(values.astype(np.float16).astype(np.float64) - values).max() <= 0.00025


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "was not recorded"), (1.5, "1.5 is no"), (-0.1, "is no")]
)
def test_what_is_no_probability_is_refused_with_its_place(value, message):
    log = make()
    log["probability"][2, 1, 7] = value
    with pytest.raises(LearnOrderError, match=rf"{message}.*seed 2, epoch 0.5, example 7"):
        lo.accessibility(log, of="probability")


def test_a_log_without_probabilities_says_how_to_get_them():
    log = make().drop_vars("probability")
    for measure in (lo.accessibility, lo.reliability, accessibility_per_replicate):
        with pytest.raises(LearnOrderError, match=r"recording\.probability = true"):
            measure(log, of="probability")


def test_probabilities_of_another_type_are_refused():
    log = make()
    with pytest.raises(LearnOrderError, match=r"float64.*must be float16"):
        lo.reliability(log.assign(probability=log["probability"].astype(float)), of="probability")


def test_an_unknown_quantity_names_the_nearest():
    with pytest.raises(LearnOrderError, match="nearest known name is 'probability'"):
        lo.accessibility(make(), of="probabilities")
