"""Every fast twin gives what its readable definition gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnorder.measures import _arrays, _kernels
from learnorder.schema import prediction_dtype


@st.composite
def predictions_and_labels(draw, max_classes=300):
    n_classes = draw(st.sampled_from([1, 2, 3, 10, max_classes]))
    shape = tuple(draw(st.integers(1, high)) for high in (7, 4, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label = rng.integers(0, n_classes, shape[2])
    prediction = rng.integers(0, n_classes, shape)
    prediction = np.where(rng.random(shape) < draw(st.floats(0, 1)), label, prediction)
    return prediction.astype(prediction_dtype(n_classes)), label, n_classes


@settings(deadline=None)
@given(predictions_and_labels())
def test_tp_agreement_and_accuracy_equal_their_definitions_exactly(case):
    prediction, label, _ = case
    for name in ("tp_agreement", "accuracy"):
        fast, plain = (getattr(m, name)(prediction, label) for m in (_kernels, _arrays))
        np.testing.assert_array_equal(fast, plain)


@settings(deadline=None)
@given(predictions_and_labels(), st.sampled_from([1, 8, 64, _kernels.BLOCK]))
def test_agreement_equals_its_definition_exactly_whatever_the_block(case, block):
    prediction, _, n_classes = case
    fast = _kernels.agreement(prediction, n_classes, block)
    np.testing.assert_array_equal(fast, _arrays.agreement(prediction, n_classes))


@settings(deadline=None)
@given(predictions_and_labels(), st.lists(st.floats(0.01, 5), min_size=4, max_size=4))
def test_accessibility_equals_its_definition(case, weights):
    prediction, label, _ = case
    weight = np.array(weights[: prediction.shape[1]])
    fast = _kernels.accessibility(prediction, label, weight)
    plain = _arrays.accessibility(prediction, label, weight)
    np.testing.assert_allclose(fast, plain, rtol=1e-13, atol=1e-15)
    ones = np.ones_like(weight)
    exact = _arrays.accessibility(prediction, label, ones)
    np.testing.assert_array_equal(_kernels.accessibility(prediction, label, ones), exact)


@settings(deadline=None)
@given(predictions_and_labels())
def test_bimodality_equals_its_definition(case):
    prediction, label, _ = case
    for counts in _kernels.tp_counts(prediction, label):
        if counts.min() < counts.max():
            expected = _arrays.bimodality(counts / len(prediction))
            assert _kernels.bimodality(counts) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(predictions_and_labels(), st.sampled_from([1, 50, _kernels.BLOCK]))
def test_fleiss_kappa_equals_its_definition_whatever_the_block(case, block):
    prediction, label, n_classes = case
    for votes, categories in ((prediction[:, 0], n_classes), (prediction[:, 0] == label, 2)):
        if len(votes) > 1 and votes.min() < votes.max():
            fast = _kernels.fleiss_kappa(votes, categories, block)
            assert fast == pytest.approx(_arrays.fleiss_kappa(votes, categories), abs=1e-9)


@settings(deadline=None)
@given(predictions_and_labels())
def test_vote_moments_without_a_replicate_are_those_of_the_others(case):
    prediction, _, n_classes = case
    votes = prediction[:, 0]
    if len(votes) < 3:
        return
    moments = _kernels.vote_moments(votes, n_classes)
    for r in range(len(votes)):
        rest = _kernels.vote_moments(np.delete(votes, r, axis=0), n_classes)
        assert rest.matches.sum() == moments.matches.sum() - 2 * moments.matches[r]


def test_sorting_and_counting_find_the_same_largest_vote():
    rng = np.random.default_rng(5)
    votes = rng.integers(0, 6, (9, 400)).astype(np.uint16)
    counted = _kernels.largest_vote(votes, 6)
    np.testing.assert_array_equal(_kernels.largest_vote(votes, 60_000), counted)
    assert counted.min() < counted.max()
