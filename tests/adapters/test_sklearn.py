"""Stages and loops of scikit-learn are recorded as they predict."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier
from tests.adapters.here import X, Y, break_disk, epochs, holds, is_told_once, state_of, told

import learnorder as lo
from learnorder.adapters.sklearn import record_epochs, record_stages

DATA = {split: (X[split], Y[split]) for split in X}


@pytest.mark.parametrize(
    "estimator",
    [
        GradientBoostingClassifier(n_estimators=3, max_depth=1, random_state=0),
        HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=3, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_every_stage_is_an_epoch(path, estimator):
    estimator.fit(*DATA["train"])
    record_stages(path, estimator, DATA, seed=0)
    assert epochs(path) == [1, 2, 3]
    assert (holds(path) == list(estimator.staged_predict(X["test"]))).all()
    assert state_of(path)["stopped"] is None


def test_an_ensemble_that_stops_at_a_perfect_fit_says_so(path):
    estimator = AdaBoostClassifier(DecisionTreeClassifier(), n_estimators=5, random_state=0)
    estimator.fit(*DATA["train"])
    assert len(estimator.estimators_) == 1
    record_stages(path, estimator, DATA, seed=0)
    assert epochs(path) == [1, 2, 3, 4, 5]
    assert (holds(path) == estimator.predict(X["test"])).all()
    stopped = state_of(path)["stopped"]
    assert stopped == {"epoch": 1, "reason": "AdaBoostClassifier fitted 1 stages"}


def test_classes_have_any_names(path):
    names = np.array(list("kabcdefghi"))
    data = {split: (x, names[y]) for split, (x, y) in DATA.items()}
    estimator = GradientBoostingClassifier(n_estimators=2, max_depth=1, random_state=0)
    record_stages(path, estimator.fit(*data["train"]), data, seed=0)
    log = lo.open_log(path)["test"]
    shown = np.array(log.attrs["class_names"])
    assert shown.tolist() == sorted(names)
    assert (shown[holds(path)[-1]] == estimator.predict(X["test"])).all()
    assert (shown[log["label"].to_numpy()] == data["test"][1]).all()


def looped(path=None, n=3, middle=lambda epoch: None, data=DATA):
    network = MLPClassifier(8, random_state=np.random.RandomState(0))
    turns = (
        range(1, n + 1) if path is None else record_epochs(path, network, data, epochs=n, seed=0)
    )
    kept = []
    for epoch in turns:
        middle(epoch)
        network.partial_fit(*DATA["train"], classes=range(10))
        kept.append(network.predict(X["test"]))
    return network, kept


def same(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one.coefs_, two.coefs_, strict=True))


def test_partial_fit_is_the_same_and_recorded(path):
    network, kept = looped(path)
    assert same(network, looped()[0])
    assert epochs(path) == [1, 2, 3]
    assert (holds(path) == kept).all()


def test_warm_start(path):
    forest = RandomForestClassifier(1, warm_start=True, random_state=0)
    for epoch in record_epochs(path, forest, DATA, epochs=3, seed=0):
        forest.set_params(n_estimators=2 * epoch).fit(*DATA["train"])
    assert (holds(path)[-1] == forest.predict(X["test"])).all()
    plain = RandomForestClassifier(6, random_state=0).fit(*DATA["train"])
    assert (holds(path)[-1] == plain.predict(X["test"])).all()


@pytest.mark.parametrize("what", ["disk", "labels"])
def test_training_goes_on_where_recording_cannot(path, what):
    def middle(epoch):
        if what == "disk" and epoch == 2:
            break_disk(path)

    data = {"test": (X["test"], Y["test"] + 1)} if what == "labels" else DATA
    with told("no longer recorded") as warned:
        network, _ = looped(path, middle=middle, data=data)
    assert is_told_once(warned)
    assert same(network, looped()[0])


def test_a_loop_that_is_left_is_interrupted_and_can_be_gone_through_again(path):
    def middle(epoch):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        looped(path, middle=middle)
    assert state_of(path)["status"] == "interrupted"
    assert state_of(path)["epochs"]["test"] == 2
    _, kept = looped(path)
    assert (holds(path) == kept).all()


def test_what_cannot_be_recorded_is_refused(path):
    with pytest.raises(lo.LearnOrderError, match="RandomForestClassifier has no staged_predict"):
        record_stages(path, RandomForestClassifier(), DATA, seed=0)
    with pytest.raises(lo.LearnOrderError, match="has no classes_"):
        record_stages(path, AdaBoostClassifier(), DATA, seed=0)
    with pytest.raises(lo.LearnOrderError, match="'label'"):
        record_epochs(path, None, DATA, epochs=1, seed=0, label=3)
