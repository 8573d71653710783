"""LightGBM trains as without the recorder, and every round is in the log."""

from __future__ import annotations

import pytest

pytest.importorskip("lightgbm")

import lightgbm
import numpy as np
from tests.adapters.here import X, Y, break_disk, epochs, holds, is_told_once, state_of, told

import learnorder as lo
from learnorder.adapters.lightgbm import RecordRounds, record_rounds

DATA = {split: (X[split], Y[split]) for split in X}
QUIET = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 2, "seed": 3, "num_leaves": 4}
MULTI = {**QUIET, "objective": "multiclass", "num_class": 10, "bagging_fraction": 0.7}
BINARY = {**QUIET, "objective": "binary"}


def train(*callbacks, n=4, params=MULTI, data=DATA, **options):
    x, y = data["train"]
    train_set = lightgbm.Dataset(x, y)
    test_set = lightgbm.Dataset(*data["test"], reference=train_set)
    kept = {"valid_sets": [test_set], "callbacks": list(callbacks), **options}
    return lightgbm.train(dict(params), train_set, n, **kept)


def classes(booster, k):
    found = booster.predict(X["test"], num_iteration=k)
    return found.argmax(1) if found.ndim == 2 else found > 0.5


def two_classes():
    return {split: (x, (y > 4).astype(int)) for split, (x, y) in DATA.items()}


def test_training_is_the_same_and_every_round_is_recorded(path):
    booster = train(RecordRounds(path, seed=0, data=DATA))
    assert booster.model_to_string() == train().model_to_string()
    assert epochs(path) == [1, 2, 3, 4]
    for k, row in enumerate(holds(path), 1):
        assert (row == classes(booster, k)).all()


@pytest.mark.parametrize(
    "params",
    [
        BINARY,
        {**BINARY, "boosting": "dart", "drop_rate": 0.9, "skip_drop": 0},
        {**BINARY, "boosting_type": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
    ],
    ids=["trees", "dart", "forest"],
)
def test_two_classes(path, params):
    data = two_classes()
    booster = train(RecordRounds(path, seed=0, data=data), params=params, data=data)
    assert epochs(path) == [1, 2, 3, 4]
    assert (holds(path)[-1] == classes(booster, 4)).all()
    assert len(set(holds(path)[-1])) == 2


def test_rounds_of_a_trained_model(path, tmp_path):
    train(RecordRounds(path, seed=0, data=DATA))
    record_rounds(tmp_path / "again.zarr", train(), DATA, seed=0)
    assert (holds(path) == holds(tmp_path / "again.zarr")).all()


def test_early_stopping_is_said(path):
    stop = lightgbm.early_stopping(2, verbose=False)
    with RecordRounds(path, seed=0, data=DATA) as record:
        booster = train(stop, record, n=40, params={**MULTI, "learning_rate": 0.2})
    best = booster.best_iteration
    assert 1 < best < 35
    # LightGBM drops the rounds after the best; the log has what was trained
    assert state_of(path)["stopped"] == {"epoch": best + 2, "reason": "LightGBM stopped early"}
    assert len(epochs(path)) == 40
    for k in range(1, best + 1):
        assert (holds(path)[k - 1] == classes(booster, k)).all()
    assert (holds(path)[best + 1 :] == holds(path)[best + 1]).all()


def test_without_the_block_an_early_end_is_declared_by_hand(path):
    record = RecordRounds(path, seed=0, data=DATA)
    stop = lightgbm.early_stopping(2, verbose=False)
    train(stop, record, n=40, params={**MULTI, "learning_rate": 0.2})
    assert state_of(path)["status"] == "running"
    record.finish()
    assert state_of(path)["stopped"]["epoch"] < 40
    assert state_of(path)["status"] == "finished"


def test_a_model_that_is_trained_further_counts_on(path):
    booster = train(RecordRounds(path, seed=0, data=DATA), n=2)
    again = train(RecordRounds(path, seed=0, data=DATA), n=2, init_model=booster)
    assert epochs(path) == [1, 2, 3, 4]
    assert (holds(path)[-1] == classes(again, 4)).all()


def test_estimators_take_it_too(path):
    model = lightgbm.LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1, min_child_samples=2)
    model.fit(*DATA["train"], callbacks=[RecordRounds(path, seed=0, data=DATA)])
    assert (holds(path)[-1] == model.booster_.predict(X["test"]).argmax(1)).all()


def other_labels(names):
    """Labels that an estimator numbers in the order of its classes."""
    return {split: (x, np.array(names)[(y > 4).astype(int)]) for split, (x, y) in DATA.items()}


def estimator(data, *callbacks):
    model = lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1, min_child_samples=2)
    return model.fit(*data["train"], callbacks=list(callbacks))


@pytest.mark.parametrize("names", [[1, 2], [0, 2], [-1, 1]], ids=str)
def test_labels_that_are_no_classes_of_the_booster_are_told(path, names):
    data = other_labels(names)
    record = RecordRounds(path, seed=0, data=data)
    with told("is no class of the model, which has 2.*record_rounds") as warned:
        model = estimator(data, record)
    assert is_told_once(warned)
    assert model.booster_.model_to_string() == estimator(data).booster_.model_to_string()
    assert not path.exists()
    with pytest.raises(lo.LearnOrderError, match="is no class of the model"):
        record_rounds(path, model.booster_, data, seed=0)


@pytest.mark.parametrize("names", [[1, 2], [-1, 1], ["cat", "dog"]], ids=str)
def test_labels_of_an_estimator_have_the_places_of_its_classes(path, names):
    data = other_labels(names)
    model = estimator(data)
    record_rounds(path, model, data, seed=0)
    log = lo.open_log(path)["test"]
    shown = np.array(log.attrs["class_names"])
    assert shown.tolist() == [str(name) for name in names]
    assert (shown[holds(path)[-1]] == model.predict(X["test"]).astype(str)).all()
    assert (shown[log["label"].to_numpy()] == data["test"][1].astype(str)).all()


def test_a_label_that_an_estimator_has_not_seen_is_told(path):
    model = estimator(other_labels([1, 2]))
    with pytest.raises(lo.LearnOrderError, match=r"has the class .*3.* at position 0"):
        record_rounds(path, model, {"test": (X["test"], np.full(33, 3))}, seed=0)


def test_the_log_has_the_classes_of_the_model(path):
    data = {"train": DATA["train"], "test": (X["test"][:4], np.zeros(4, int))}
    record = RecordRounds(path, seed=0, data={"test": data["test"]})
    train(record, data=data)
    assert record.problem is None
    assert len(lo.open_log(path)["test"].attrs["class_names"]) == 10
    with told("n_classes = 11; the model chooses between 10"):
        train(RecordRounds(path, seed=1, data=DATA, n_classes=11))


def test_an_end_that_cannot_be_recorded_does_not_lose_the_booster(path, monkeypatch):
    record = RecordRounds(path, seed=0, data=DATA)

    def spoil(env):
        record._planned = "many"

    spoil.order = 25
    with told("TypeError") as warned:
        booster = train(record, spoil)
    assert is_told_once(warned)
    assert booster.model_to_string() == train().model_to_string()


@pytest.mark.parametrize("what", ["disk", "labels"])
def test_training_goes_on_where_recording_cannot(path, what):
    def spoil(env):
        if what == "disk" and env.iteration == 1:
            break_disk(path)

    data = {"test": (X["test"], Y["test"][1:])} if what == "labels" else DATA
    with told("no longer recorded") as warned:
        booster = train(spoil, RecordRounds(path, seed=0, data=data))
    assert is_told_once(warned)
    assert booster.model_to_string() == train().model_to_string()


def test_what_ends_a_process_is_not_caught(path):
    def interrupt(env):
        if env.iteration == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), RecordRounds(path, seed=0, data=DATA) as record:
        train(record, interrupt)
    assert state_of(path)["status"] == "interrupted"
    train(RecordRounds(path, seed=0, data=DATA))
    assert epochs(path) == [1, 2, 3, 4]


def test_what_is_no_choice_between_classes_is_told(path):
    with told("'regression' does not choose"):
        train(RecordRounds(path, seed=0, data=DATA), params=QUIET)
    with pytest.raises(lo.LearnOrderError, match="does not choose"):
        record_rounds(path, train(params=QUIET), DATA, seed=1)
    with told("cross-validation"):
        lightgbm.cv(
            MULTI,
            lightgbm.Dataset(*DATA["train"]),
            1,
            nfold=2,
            stratified=False,
            callbacks=[RecordRounds(path, seed=2, data=DATA)],
        )
