from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnorder.datasets.dataset import Dataset
from learnorder.datasets.label_treatment import treat_labels


def _dataset(labels):
    x = np.arange(len(labels), dtype=float)[:, None]
    return Dataset.from_arrays(x, labels, x, labels)


@given(
    n_classes=st.integers(2, 5),
    n=st.integers(5, 60),
    noise=st.floats(0, 1),
    seed=st.integers(0, 2**66),
)
def test_noise_changes_exactly_the_share_and_never_to_the_same_class(n_classes, n, noise, seed):
    dataset = _dataset(np.arange(n) % n_classes)
    noisy = treat_labels(dataset, noise=noise, seed=seed)
    examples = noisy.train.examples
    true = dataset.train.examples.labels
    assert int((examples.labels != true).sum()) == round(noise * n)
    assert examples.labels.min() >= 0
    assert examples.labels.max() < n_classes
    if noise > 0:
        np.testing.assert_array_equal(examples.true_labels, true)
    assert noisy.test is dataset.test
    assert treat_labels(dataset, noise=noise, seed=seed).fingerprint() == noisy.fingerprint()


def test_noise_reaches_every_other_class_about_equally():
    noisy = treat_labels(_dataset(np.arange(8000) % 4), noise=1.0)
    labels, true = noisy.train.examples.labels, noisy.train.examples.true_labels
    counts = np.bincount((labels - true) % 4, minlength=4)
    assert counts[0] == 0
    # Each of the other three is binomial(8000, 1/3): 2667 with a deviation of 42.
    np.testing.assert_allclose(counts[1:], 8000 / 3, atol=5 * 42)


def test_shuffling_permutes_and_keeps_the_true_labels():
    dataset = _dataset(np.repeat([0, 1, 2], [50, 30, 20]))
    shuffled = treat_labels(dataset, shuffle=True, seed=4).train.examples
    np.testing.assert_array_equal(np.bincount(shuffled.labels), [50, 30, 20])
    assert (shuffled.labels != shuffled.true_labels).any()
    np.testing.assert_array_equal(shuffled.true_labels, dataset.train.examples.labels)


def test_another_seed_gives_other_labels():
    dataset = _dataset(np.arange(50) % 5)
    for treatment in ({"noise": 0.4}, {"shuffle": True}):
        digests = {treat_labels(dataset, seed=s, **treatment).fingerprint() for s in range(4)}
        assert len(digests) == 4


def test_no_treatment_returns_the_same_dataset(small):
    assert treat_labels(small) is small


def test_a_second_treatment_keeps_the_first_true_labels(small):
    twice = treat_labels(treat_labels(small, noise=0.5, seed=1), noise=0.5, seed=2)
    np.testing.assert_array_equal(twice.train.examples.true_labels, small.train.examples.labels)


@pytest.mark.parametrize("noise", [-0.1, 1.5, float("nan"), "0.1", True])
def test_noise_outside_the_unit_interval_is_refused(small, noise, refused):
    refused(lambda: treat_labels(small, noise=noise), f"noise is {noise!r}", "[0, 1]")


def test_noise_and_shuffling_together_are_refused(small, refused):
    refused(lambda: treat_labels(small, noise=0.1, shuffle=True), "noise=0.1", "shuffle")


def test_a_negative_seed_is_refused(small, refused):
    refused(lambda: treat_labels(small, noise=0.1, seed=-3), "-3")
