"""XGBoost trains as without the recorder, and every round is in the log."""

from __future__ import annotations

import pytest

pytest.importorskip("xgboost")

import numpy as np
import xgboost
from tests.adapters.here import X, Y, break_disk, epochs, holds, is_told_once, state_of, told

import learnorder as lo
from learnorder.adapters.xgboost import RecordRounds, record_rounds

DATA = {split: (X[split], Y[split]) for split in X}
MULTI = {
    "objective": "multi:softprob",
    "num_class": 10,
    "max_depth": 2,
    "nthread": 1,
    "subsample": 0.7,
    "seed": 3,
}
BINARY = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1, "base_score": 0.3}


def train(*callbacks, n=4, params=MULTI, data=DATA, **options):
    x, y = data["train"]
    matrix, test = xgboost.DMatrix(x, y), xgboost.DMatrix(*data["test"])
    rest = {"evals": [(test, "test")], "verbose_eval": False, **options}
    return xgboost.train(params, matrix, n, callbacks=list(callbacks), **rest)


def classes(booster, k):
    found = booster.predict(xgboost.DMatrix(X["test"]), iteration_range=(0, k))
    return found.argmax(1) if found.ndim == 2 else found > 0.5


def two_classes():
    return {split: (x, (y > 4).astype(int)) for split, (x, y) in DATA.items()}


def test_training_is_the_same_and_every_round_is_recorded(path):
    booster = train(RecordRounds(path, seed=0, data=DATA))
    assert booster.save_raw() == train().save_raw()
    assert epochs(path) == [1, 2, 3, 4]
    for k, row in enumerate(holds(path), 1):
        assert (row == classes(booster, k)).all()


@pytest.mark.parametrize(
    "params",
    [
        BINARY,
        {**BINARY, "num_parallel_tree": 3, "subsample": 0.5},
        {**BINARY, "booster": "dart", "rate_drop": 0.5},
        {**BINARY, "booster": "gblinear", "updater": "coord_descent"},
        {**BINARY, "objective": "binary:hinge"},
    ],
    ids=["trees", "forests", "dart", "linear", "hinge"],
)
# XGBoost announces that linear boosters will go
@pytest.mark.filterwarnings("ignore")
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


@pytest.mark.parametrize("first", [True, False])
def test_early_stopping_is_said_wherever_it_stands(path, first):
    record = RecordRounds(path, seed=0, data=DATA, rounds=40)
    stop = xgboost.callback.EarlyStopping(rounds=2)
    both = (stop, record) if first else (record, stop)
    booster = train(*both, n=40, params={**MULTI, "learning_rate": 3})
    last = booster.num_boosted_rounds()
    assert 2 < last < 40
    assert len(epochs(path)) == 40
    assert (holds(path)[last - 1 :] == classes(booster, last)).all()
    assert state_of(path)["stopped"] == {"epoch": last, "reason": "XGBoost stopped early"}


def test_a_model_that_is_trained_further_counts_on(path):
    booster = train(RecordRounds(path, seed=0, data=DATA), n=2)
    again = train(RecordRounds(path, seed=0, data=DATA), n=2, xgb_model=booster)
    assert epochs(path) == [1, 2, 3, 4]
    assert (holds(path)[-1] == classes(again, 4)).all()


def test_estimators_take_it_too(path):
    record = RecordRounds(path, seed=0, data=DATA)
    model = xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1, callbacks=[record])
    model.fit(*DATA["train"])
    assert (holds(path)[-1] == model.predict(X["test"])).all()


def test_labels_that_are_no_classes_of_the_booster_are_told(path):
    data = two_classes()
    wrong = {split: (x, y + 1) for split, (x, y) in data.items()}
    with told("label 2 at position .* is no class of the model, which has 2") as warned:
        booster = train(RecordRounds(path, seed=0, data=wrong), params=BINARY, data=data)
    assert is_told_once(warned)
    assert booster.save_raw() == train(params=BINARY, data=data).save_raw()
    assert not path.exists()
    with pytest.raises(lo.LearnOrderError, match="label 2 at position"):
        record_rounds(path, booster, wrong, seed=0)


def test_labels_of_an_estimator_are_its_classes(path):
    model = xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1).fit(*DATA["train"])
    record_rounds(path, model, DATA, seed=0)
    assert (holds(path)[-1] == model.predict(X["test"])).all()
    with pytest.raises(lo.LearnOrderError, match=r"the class .*10.*, which classes_ does not"):
        record_rounds(path, model, {"test": (X["test"], Y["test"] + 10)}, seed=1)


def test_the_log_has_the_classes_of_the_model(path):
    record = RecordRounds(path, seed=0, data={"test": (X["test"][:4], [0, 0, 0, 0])})
    train(record)
    assert record.problem is None
    assert len(lo.open_log(path)["test"].attrs["class_names"]) == 10
    with told("n_classes = 11; the model chooses between 10"):
        train(RecordRounds(path, seed=1, data=DATA, n_classes=11))


@pytest.mark.parametrize("rounds", [10.0, "10", 0, -1, True], ids=repr)
def test_rounds_that_are_no_number_are_refused_before_training(path, rounds):
    with pytest.raises(lo.LearnOrderError, match=f"rounds = {rounds!r}. .* from 1 up, or None"):
        RecordRounds(path, seed=0, data=DATA, rounds=rounds)


def test_rounds_may_be_a_number_of_numpy(path):
    train(RecordRounds(path, seed=0, data=DATA, rounds=np.int64(6)))
    assert epochs(path) == [1, 2, 3, 4, 5, 6]


def test_an_end_that_cannot_be_recorded_does_not_lose_the_booster(path):
    record = RecordRounds(path, seed=0, data=DATA)
    record._planned = "many"
    with told("TypeError") as warned:
        booster = train(record)
    assert is_told_once(warned)
    assert booster.save_raw() == train().save_raw()


@pytest.mark.parametrize("what", ["disk", "labels"])
def test_training_goes_on_where_recording_cannot(path, what):
    class Break(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            if what == "disk" and epoch == 1:
                break_disk(path)
            return False

    data = {"test": (X["test"], Y["test"][1:])} if what == "labels" else DATA
    with told("no longer recorded") as warned:
        booster = train(Break(), RecordRounds(path, seed=0, data=data))
    assert is_told_once(warned)
    assert booster.save_raw() == train().save_raw()


def test_what_ends_a_process_is_not_caught(path):
    class Interrupt(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            if epoch == 2:
                raise KeyboardInterrupt
            return False

    record = RecordRounds(path, seed=0, data=DATA)
    with pytest.raises(KeyboardInterrupt):
        train(record, Interrupt())
    train(RecordRounds(path, seed=0, data=DATA))
    assert epochs(path) == [1, 2, 3, 4]


def test_what_is_no_choice_between_classes_is_told(path):
    with told("'reg:squarederror' does not choose"):
        train(RecordRounds(path, seed=0, data=DATA), params={"nthread": 1})
    with pytest.raises(lo.LearnOrderError, match="does not choose"):
        record_rounds(path, train(params={"nthread": 1}), DATA, seed=1)
    with told("cross-validation"):
        matrix = xgboost.DMatrix(*DATA["train"])
        xgboost.cv(MULTI, matrix, 1, nfold=2, callbacks=[RecordRounds(path, seed=2, data=DATA)])
