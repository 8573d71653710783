"""Exact counts and exact nulls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from learnorder.report import lattice


def test_every_example_is_counted_at_its_own_share() -> None:
    rng = np.random.default_rng(0)
    right = rng.integers(0, 8, size=1000)
    counts = lattice.lattice_counts(right / 7, 7)
    assert counts.tolist() == np.bincount(right, minlength=8).tolist()


def test_equal_chances_give_the_binomial() -> None:
    ours = lattice.poisson_binomial(np.full(12, 0.3))
    np.testing.assert_allclose(ours, binom.pmf(np.arange(13), 12, 0.3), atol=1e-12)


def test_unequal_chances_agree_with_enumeration() -> None:
    chances = np.array([0.1, 0.5, 0.9])
    expected = np.zeros(4)
    for outcome in np.ndindex(2, 2, 2):
        right = np.array(outcome)
        expected[right.sum()] += np.prod(np.where(right, chances, 1 - chances))
    np.testing.assert_allclose(lattice.poisson_binomial(chances), expected, atol=1e-12)


def by_class(correct: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Accuracy of each replicate in each class."""
    return np.stack([correct[:, labels == k].mean(axis=1) for k in np.unique(labels)], axis=1)


def test_nulls_keep_the_number_of_examples_and_the_mean() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, size=300)
    correct = rng.random((5, 300)) < np.array([0.2, 0.5, 0.9])[labels]
    for expected in (
        lattice.equal_difficulty(correct.mean(axis=1), 300),
        lattice.class_conditional(by_class(correct, labels), np.bincount(labels)),
    ):
        assert expected.sum() == pytest.approx(300)
        assert expected @ np.arange(6) / 5 / 300 == pytest.approx(correct.mean())


def test_class_null_is_wider_when_classes_differ() -> None:
    labels = np.repeat([0, 1], 50)
    correct = np.tile(labels == 1, (4, 1))
    expected = lattice.class_conditional(by_class(correct, labels), np.bincount(labels))
    assert expected.tolist() == [50, 0, 0, 0, 50]
    assert lattice.equal_difficulty(correct.mean(axis=1), 100)[0] == pytest.approx(100 / 16)


def test_a_class_without_examples_adds_nothing_to_the_null() -> None:
    accuracy = np.array([[0.5, 0.0], [0.5, 0.0]])
    assert lattice.class_conditional(accuracy, np.array([4, 0])).tolist() == [1, 2, 1]


def test_joint_counts_are_the_pairs_themselves() -> None:
    a = np.array([0.0, 0.5, 0.5, 1.0])
    b = np.array([1.0, 0.0, 0.0, 1.0])
    assert lattice.joint_counts(a, 2, b, 1).tolist() == [[0, 1], [2, 0], [0, 1]]


@given(n_votes=st.integers(1, 3000), most=st.integers(1, 200))
def test_merging_never_loses_an_example_and_never_exceeds_the_bins(n_votes: int, most: int) -> None:
    width = lattice.merge_width(n_votes, most)
    counts = np.arange(n_votes + 1)
    bins = lattice.merged(counts, width)
    assert len(bins) <= most
    assert bins.sum() == counts.sum()
    assert len(lattice.bin_centres(n_votes, width)) == len(bins)


@given(st.integers(0, 60), st.integers(1, 8))
def test_panels_are_ascending_epochs_with_the_first_and_the_last(n: int, most: int) -> None:
    epochs = np.arange(0.0, n + 1)
    chosen = lattice.spread_over_training(epochs, most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == (min(most, n) if n else 1)
    if n:
        assert chosen[0] == 1
        assert chosen[-1] == n or most == 1
