"""Every fast twin gives on a tile what its readable definition gives."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnorder.measures import _arrays, _kernels
from learnorder.measures.of_label import surely_within
from learnorder.schema import OF_LABEL, prediction_dtype


@st.composite
def tiles(draw):
    """Predictions and labels of a tile, and the number of classes."""
    n_classes = draw(st.sampled_from([1, 2, 3, 10, 17, 254, 255, 256, 1000, 65_535, 70_000]))
    n_replicates = draw(st.one_of(st.integers(1, 12), st.sampled_from([60, 255, 256, 300])))
    shape = (n_replicates, draw(st.integers(1, 4)), draw(st.integers(1, 130)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Few classes that occur, so that votes meet, among all that could.
    present = rng.integers(0, n_classes, draw(st.integers(1, 20)))
    label = rng.choice(present, shape[2])
    prediction = rng.choice(present, shape)
    prediction = np.where(rng.random(shape) < draw(st.floats(0, 1)), label, prediction)
    return prediction.astype(prediction_dtype(n_classes)), label, n_classes


def compact(prediction, *others):
    """The same votes for classes 0..n, which the definitions go through one by one."""
    classes, ids = np.unique(prediction, return_inverse=True)
    return ids.reshape(prediction.shape), len(classes)


@settings(deadline=None)
@given(tiles())
def test_counts_of_right_replicates_are_exact_in_every_type(case):
    prediction, label, _ = case
    counts = _kernels.tp_counts(prediction, label)
    np.testing.assert_array_equal(counts / len(prediction), _arrays.tp_agreement(prediction, label))


@settings(deadline=None)
@given(tiles())
def test_right_answers_and_the_company_they_are_in(case):
    prediction, label, _ = case
    found = _kernels.company(prediction, label)
    right = _arrays.correct(prediction, label).astype(np.int64)
    np.testing.assert_array_equal(found.right, right.sum(axis=2))
    np.testing.assert_array_equal(found.counts, right.sum(axis=0))
    np.testing.assert_array_equal(found.company, (right * right.sum(axis=0)).sum(axis=2))


@settings(deadline=None)
@given(tiles())
def test_right_answers_by_class(case):
    prediction, label, _ = case
    classes, counts = _kernels.right_by_class(prediction, label)
    assert classes.tolist() == np.unique(label).tolist()
    right = _arrays.correct(prediction, label)
    for i, class_id in enumerate(classes):
        np.testing.assert_array_equal(counts[..., i], right[..., label == class_id].sum(axis=2))


@settings(deadline=None)
@given(tiles())
def test_votes_are_those_of_the_definition_counted_or_sorted(case):
    prediction, _, n_classes = case
    votes, n_present = compact(prediction)
    share = np.array([(votes == k).mean(axis=0) for k in range(n_present)])
    n = len(prediction)
    largest = _kernels.largest_vote(prediction, n_classes)
    np.testing.assert_array_equal(largest / n, _arrays.agreement(votes, n_present))
    found = _kernels.tally(prediction, n_classes)
    np.testing.assert_array_equal(found.largest, largest)
    np.testing.assert_array_equal(found.squares, np.rint((share * n) ** 2).sum(axis=0))
    for e in range(prediction.shape[1]):
        expected = np.bincount(prediction[:, e].ravel(), minlength=n_classes)
        np.testing.assert_array_equal(found.by_class[e], expected)


@settings(deadline=None, max_examples=50)
@given(tiles(), st.sampled_from([17, 1 << 15]))
def test_anything_that_votes_are_worth_is_summed_counted_or_sorted(case, block):
    prediction, _, n_classes = case
    n = len(prediction)
    worth = np.random.default_rng(n).integers(-(2**40), 2**40, n + 1)
    worth[0] = 0
    votes, n_present = compact(prediction)
    expected = sum(worth[(votes == k).sum(axis=0)] for k in range(n_present))
    before, _kernels.BLOCK = _kernels.BLOCK, block
    try:
        found = _kernels.vote_sums(prediction, n_classes, worth)
    finally:
        _kernels.BLOCK = before
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        _kernels.unanimous(prediction), _kernels.largest_vote(prediction, n_classes) == n
    )


@settings(deadline=None, max_examples=15)
@given(
    n_replicates=st.sampled_from([1, 2, 3, 4, 8, 9, 10, 27, 100, 255, 256, 300]),
    alike=st.floats(0, 1),
    block=st.sampled_from([1, 7, 1 << 15]),
    seed=st.integers(0, 2**32 - 1),
)
def test_majorities_are_counted_and_the_rest_is_sorted(n_replicates, alike, block, seed):
    rng = np.random.default_rng(seed)
    n_examples = 7 if block == 1 else 50  # one at a time is slow, and the same for each
    shape = (n_replicates, 3, n_examples)
    common = rng.integers(0, 60_000, shape[1:])
    other = rng.integers(0, 60_000, (1 + seed % 4, *shape[1:]))[rng.integers(0, 1 + seed % 4)]
    votes = np.where(
        rng.random(shape) < alike * rng.random(n_examples), common, rng.integers(0, 3, shape)
    )
    votes = np.where(rng.random(shape) < 0.3, other, votes).astype(np.uint16)
    before, _kernels.BLOCK = _kernels.BLOCK, block
    try:
        found = _kernels.largest_vote(votes, 60_000)
    finally:
        _kernels.BLOCK = before
    expected = [
        [np.unique(votes[:, e, x], return_counts=True)[1].max() for x in range(n_examples)]
        for e in range(3)
    ]
    np.testing.assert_array_equal(found, expected)


def test_counting_and_sorting_find_the_same_votes():
    rng = np.random.default_rng(5)
    for n_replicates in (16, 20, 255, 256, 300):
        votes = rng.integers(0, 6, (n_replicates, 2, 90)).astype(np.uint16)
        counted, sorted_ = _kernels.tally(votes, 6), _kernels.tally(votes, 60_000)
        np.testing.assert_array_equal(counted.largest, sorted_.largest)
        np.testing.assert_array_equal(counted.squares, sorted_.squares)
        assert counted.largest.min() < counted.largest.max()


@pytest.mark.parametrize("n", range(1, 17))
def test_the_network_sorts_every_sequence_of_zeros_and_ones(n):
    """Which is enough: a network that sorts those sorts everything (Knuth's 0-1 principle)."""
    every = np.array(list(product((0, 1), repeat=n)), dtype=np.uint8).T[:, None, :]
    rows = np.array(_kernels.sorted_rows(every))
    np.testing.assert_array_equal(rows, np.sort(every, axis=0))


@pytest.mark.parametrize("n", [20, 31, 100, 300, 1000])
def test_the_network_sorts_any_number_of_replicates(n):
    rows = np.random.default_rng(n).integers(0, 60_000, (n, 1, 40)).astype(np.uint16)
    before = rows.copy()
    np.testing.assert_array_equal(_kernels.sorted_rows(rows), np.sort(rows, axis=0))
    np.testing.assert_array_equal(rows, before)


def test_labels_that_no_prediction_can_be_are_never_right():
    prediction = np.zeros((2, 1, 3), dtype=np.uint8)
    assert _kernels.tp_counts(prediction, np.array([0, 256, 512])).tolist() == [[2, 0, 0]]


@settings(deadline=None, max_examples=40)
@given(tiles())
def test_what_pairs_have_in_common(case):
    prediction, label, n_classes = case
    right = _arrays.correct(prediction, label)
    both = list(_kernels.both_with_earlier(_kernels.right_bits(prediction, label)))
    for r, same in enumerate(_kernels.same_as_earlier(prediction)):
        alike = prediction[:r] == prediction[r]
        np.testing.assert_array_equal(same, alike.sum(axis=2))
        np.testing.assert_array_equal(both[r], (right[:r] & right[r]).sum(axis=2))
    expected = (prediction[:, None] == prediction).sum(axis=(1, 3)) - prediction.shape[2]
    np.testing.assert_array_equal(_kernels.matches(prediction), expected)
    if n_classes <= 1000:
        by_class = np.zeros((*prediction.shape[:2], n_classes), dtype=np.int64)
        _kernels.add_votes(by_class, prediction)
        for k in np.unique(prediction):
            np.testing.assert_array_equal(by_class[..., k], (prediction == k).sum(axis=2))
        assert by_class.sum() == prediction.size


@pytest.mark.parametrize("about", OF_LABEL.values(), ids=OF_LABEL)
def test_range_of_half_floats_is_told_by_their_bits(about):
    edges = [bits + d for bits in (0x3C00, 0x3DA8, 0x7C00, 0x8000, 0xFC00) for d in (-1, 0, 1)]
    every = np.r_[np.arange(0, 1 << 16, 29), edges].astype(np.uint16).view(np.float16)
    inside = (every >= about.low) & (every <= about.high) & np.isfinite(every)
    for value, within in zip(every, inside, strict=True):
        pair = np.array([[0], [value]], np.float16)
        seen = surely_within(pair, about.low, about.high)
        assert seen == within or (value == 0 and not seen)
    assert surely_within(every[inside & ~np.signbit(every)], about.low, about.high)
