"""On real digits, learners from different seeds share an order, and shuffling destroys it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from learnorder.comparison.compare import compare
from learnorder.log.labelled import from_arrays
from learnorder.measures import agreement, order


def train(seed, rate, images, labels, n_train):
    rng = np.random.default_rng(seed)
    learner = SGDClassifier(learning_rate="constant", eta0=rate, random_state=seed)
    epochs = []
    for _ in range(4):
        shuffled = rng.permutation(n_train)
        learner.partial_fit(images[shuffled], labels[shuffled], classes=range(10))
        epochs.append(learner.predict(images[n_train:]))
    return epochs


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    images = images / 16
    return {
        rate: from_arrays([train(s, rate, images, labels, 300) for s in range(6)], labels[300:])
        for rate in (0.001, 0.01)
    }


def test_the_order_is_reliable_beyond_class_difficulty(digits):
    found = order.reliability(digits[0.01])
    assert found.ci[0] > 0.7
    assert found.within_class_ci[0] > 0.7
    assert (agreement.fleiss_kappa_interval(digits[0.01]).sel(bound="low").values > 0.2).all()


def test_shuffling_within_class_leaves_no_order_within_class(digits):
    rng = np.random.default_rng(0)
    log = digits[0.01].copy(deep=True)
    labels = log["label"].values
    for replicate in log["prediction"].values:
        for class_id in range(10):
            members = np.flatnonzero(labels == class_id)
            replicate[:, members] = replicate[:, rng.permutation(members)]
    found = order.reliability(log)
    assert found.within_class_ci[0] < 0 < found.within_class_ci[1]
    assert found.value > found.within_class
    null = agreement.bimodality_null(log, kind="class-conditional").values
    np.testing.assert_allclose(agreement.bimodality(log).values, null, rtol=0.15)
    assert (agreement.bimodality(digits[0.01]).values < 0.8 * null).all()


def test_two_learning_rates_share_most_of_one_order(digits):
    pair = compare({"slow": digits[0.001], "fast": digits[0.01]}).pairs[0]
    assert pair.corrected > pair.pearson > 0.5
    assert pair.corrected_ci[0] < pair.corrected < pair.corrected_ci[1]
    assert pair.within_class.corrected_ci[0] > 0.5
