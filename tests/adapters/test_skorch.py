"""Skorch trains as without the recorder, and the log has what its networks predict."""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest

pytest.importorskip("skorch")

import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, Checkpoint, EarlyStopping
from skorch.dataset import ValidSplit
from skorch.helper import predefined_split
from tests.adapters.here import X, Y, break_disk, holds, is_told_once, state_of, told
from torch import nn
from torch.utils.data import TensorDataset

import learnorder as lo
from learnorder.adapters.seen import SeenInTraining
from learnorder.adapters.skorch import RecordPredictions

DATA = {s: TensorDataset(torch.tensor(X[s]), torch.tensor(Y[s])) for s in X}


class Network(nn.Module):
    """Batch normalisation, dropout, and draws of every generator."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 10)
        )
        self.count = nn.Buffer(torch.zeros(()))

    def forward(self, x, index=None):
        self.count += 1 + random.random() + np.random.rand()  # noqa: NPY002
        return self.layers(x) + 1e-3 * torch.rand(10)


class Fail(Callback):
    """Ends training in the third epoch."""

    def on_epoch_begin(self, net, **_):
        if len(net.history) == 3:
            raise RuntimeError("power")


def net_of(*callbacks, epochs=2, **options):
    """Return a net that is not trained yet, and set the generators to seed 3."""
    random.seed(3)
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    return NeuralNetClassifier(
        Network,
        **{
            "criterion": nn.CrossEntropyLoss,
            "max_epochs": epochs,
            "lr": 0.1,
            "batch_size": 20,
            "iterator_train__shuffle": True,
            "iterator_train__drop_last": True,
            "train_split": ValidSplit(5, stratified=False),
            "callbacks": list(callbacks),
            "verbose": 0,
            **options,
        },
    )


def train(*callbacks, begin=None, data=(X["train"], Y["train"]), **options):
    net = net_of(*callbacks, **options)
    if begin is None:
        return net.fit(*data)
    net.initialize()
    net.load_params(f_params=begin[0], f_optimizer=begin[1], f_history=begin[2])
    return net.partial_fit(*data)


def recorder(path, seed=0, data=DATA, **options):
    return RecordPredictions(path, seed=seed, data=data, batch_size=32, **options)


def epochs_of(path, split):
    return lo.open_log(path)[split]["epoch"].to_numpy().tolist()


def same(one, two):
    states = one.module_.state_dict(), two.module_.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.fixture(scope="module")
def plain():
    """Train without a recorder."""
    return train()


def test_training_is_the_same_and_the_log_has_the_epochs(path, plain):
    net = train(recorder(path))
    assert same(net, plain)
    assert net.history[:, "valid_loss"] == plain.history[:, "valid_loss"]
    assert epochs_of(path, "test") == [1, 2]
    # the network adds a little noise when it predicts
    assert (holds(path)[-1] == net.predict(X["test"])).mean() > 0.9


def test_its_own_division_has_ids_of_the_whole(path, plain):
    net = train(recorder(path, data=None))
    assert same(net, plain)
    log = lo.open_log(path)
    ids = {split: log[split]["example"].to_numpy() for split in ("train", "valid")}
    assert sorted(np.concatenate(list(ids.values()))) == list(range(61))
    for split, positions in ids.items():
        assert (log[split]["label"].to_numpy() == Y["train"][positions]).all()


@pytest.mark.parametrize("what", ["disk", "labels", "network"])
def test_training_goes_on_where_recording_cannot(path, plain, what):
    class Break(Callback):
        def on_epoch_begin(self, net, **_):
            if what == "disk" and len(net.history) == 2:
                break_disk(path)

    def predict(net, batch):
        if what == "network" and len(net.history) == 2:
            raise RuntimeError("out of memory")
        return net.evaluation_step(batch)

    labels = {"test": Y["test"][1:]} if what == "labels" else None
    with told("no longer recorded") as warned:
        net = train(Break(), recorder(path, labels=labels, predict=predict))
    assert is_told_once(warned)
    assert same(net, plain)
    if what == "network":
        assert state_of(path)["reason"] == "RuntimeError: out of memory."


@pytest.mark.parametrize("where", ["batch", "pass"])
def test_an_interrupted_training_is_not_finished(path, where):
    """Skorch itself ends training orderly at an interrupt, and tells callbacks so."""

    class Interrupt(Callback):
        def on_batch_begin(self, net, training=False, **_):
            if where == "batch" and len(net.history) == 2 and training:
                raise KeyboardInterrupt

    def predict(net, batch):
        if where == "pass" and len(net.history) == 2:
            raise KeyboardInterrupt
        return net.evaluation_step(batch)

    train(Interrupt(), recorder(path, predict=predict))
    assert state_of(path)["status"] == "interrupted"
    assert state_of(path)["epochs"]["test"] == 1


@pytest.mark.parametrize("first", [True, False])
def test_early_stopping_is_an_end_wherever_it_stands(path, first):
    stop, record = EarlyStopping(patience=2, threshold=9), recorder(path)
    net = train(*((stop, record) if first else (record, stop)), epochs=9)
    assert len(net.history) == 3
    assert epochs_of(path, "test") == [1, 2, 3]


def test_training_that_was_interrupted_goes_on(path, tmp_path):
    whole = train(recorder(tmp_path / "whole.zarr"), epochs=3)
    files = [str(tmp_path / name) for name in ("params.pt", "optimizer.pt", "history.json")]
    keep = Checkpoint(
        monitor=None,
        f_params=files[0],
        f_optimizer=files[1],
        f_history=files[2],
        f_criterion=None,
        f_pickle=str(tmp_path / "net.pkl"),  # with its callbacks, while they record
    )
    with pytest.raises(RuntimeError, match="power"):
        train(recorder(path), keep, Fail(), epochs=3)
    train(recorder(path), begin=files, epochs=1)
    assert epochs_of(path, "test") == [1, 2, 3]
    assert (holds(path)[:2] == holds(tmp_path / "whole.zarr")[:2]).all()
    assert len(whole.history) == 3


def test_as_seen_in_training(path, plain):
    found = []

    def as_seen(batch, predicted):
        found.append((batch[0]["index"], predicted.argmax(1)))
        return batch[0]["index"], predicted

    class Indexed(torch.utils.data.Dataset):
        def __len__(self):
            return 61

        def __getitem__(self, i):
            return {"x": X["train"][i], "index": i}, Y["train"][i]

    data = Indexed()
    net = train(
        recorder(path, data={"train": data, "test": DATA["test"]}, as_seen=as_seen),
        data=(data, None),
        train_split=predefined_split(DATA["test"]),
        classes=range(10),
    )
    index, predicted = map(torch.cat, zip(*found[3:], strict=True))
    assert len(index) == 60
    assert (holds(path, "train")[1][index] == predicted.numpy()).all()
    assert lo.open_log(path)["train"].attrs["as_seen"]
    assert net.history[-1]["train_batch_count"] == 3


def test_a_net_with_the_callback_can_be_copied_and_kept(path):
    net = train(recorder(path))
    copy.deepcopy(net)
    pickle.loads(pickle.dumps(net))
    assert net.get_params()["callbacks"]


def test_what_cannot_be_gathered_does_not_stop_training(path, plain, monkeypatch):
    def gathered(self):
        raise RuntimeError("a process does not answer")

    monkeypatch.setattr(SeenInTraining, "gathered", gathered)
    with told("a process does not answer") as warned:
        net = train(recorder(path, data={"train": DATA["train"]}, as_seen=print))
    assert is_told_once(warned)
    assert same(net, plain)


def test_a_copy_has_the_same_arguments_and_records(path, plain):
    given = {"data": DATA, "n_classes": 10, "about": {"lr": 0.1}, "labels": {"test": Y["test"]}}
    record = RecordPredictions(path, seed=4, **given)
    expected = {"log": path, "seed": 4, "batch_size": 256, **given}
    assert {n: v for n, v in record.get_params().items() if v is not None} == expected
    net = clone(net_of(record))
    copied = net.callbacks[0]
    assert copied is not record
    assert copied.get_params()["about"] == {"lr": 0.1}
    net_of()  # sets the generators
    assert same(net.fit(X["train"], Y["train"]), plain)
    assert state_of(path, seed=4)["status"] == "finished"


@pytest.mark.parametrize("fitted", [False, True])
def test_arguments_can_be_set(path, tmp_path, fitted):
    net = net_of(("record", recorder(path, n_classes=10)))
    if fitted:
        net.fit(X["train"], Y["train"])
    other = tmp_path / "other.zarr"
    net.set_params(callbacks__record__seed=7, callbacks__record__log=other)
    net.set_params(callbacks__record__about={"lr": 0.1})
    net.fit(X["train"], Y["train"])
    assert state_of(other, seed=7)["status"] == "finished"
    assert lo.open_log(other)["test"].attrs["class_names"] == [str(c) for c in range(10)]
    assert path.exists() == fitted


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"class_name": ["a"]}, "'class_names'"),
        ({"seed": 5, "data": [1]}, "data is a list"),
        ({"seed": 5, "as_seen": True}, "as_seen is a bool"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_used_are_not_set(path, params, message):
    record = recorder(path)
    with pytest.raises(lo.LearnOrderError, match=message):
        record.set_params(**params)
    with pytest.raises(lo.LearnOrderError, match=message):
        RecordPredictions(**{**record.get_params(), **params})
    assert record.get_params() == recorder(path).get_params()


@pytest.mark.parametrize("data", [None, DATA], ids=["division", "given"])
def test_the_folds_of_cross_validation_are_told_and_trained(path, data):
    """They have one seed and one log: the first is recorded, and the others are other trainings."""

    def scores(*callbacks):
        # the net warns of scoring what is not shuffled alike
        return cross_val_score(net_of(*callbacks, train_split=None), X["train"], Y["train"], cv=2)

    with told("no longer recorded") as warned:
        found = scores(recorder(path, data=data))
    assert is_told_once(warned)
    assert found.tolist() == scores().tolist()
    assert state_of(path)["status"] == "finished"


def test_a_search_records_what_it_is_told(path, tmp_path):
    grid = {"callbacks__record__log": [path, tmp_path / "other.zarr"]}
    every = np.arange(61)
    search = GridSearchCV(
        net_of(("record", recorder(path)), train_split=None), grid, cv=[(every, every)], refit=False
    )
    search.fit(X["train"], Y["train"])
    assert all(state_of(log)["status"] == "finished" for log in grid["callbacks__record__log"])
