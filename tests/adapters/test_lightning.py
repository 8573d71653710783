"""Lightning trains as without the recorder, and the log has what its networks predict."""

from __future__ import annotations

import random
import shutil
import warnings

import numpy as np
import pytest

pytest.importorskip("lightning.pytorch")

import lightning.pytorch as lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from tests.adapters.here import X, Y, break_disk, epochs, holds, is_told_once, state_of, told
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Subset, TensorDataset

import learnorder as lo
from learnorder.adapters.lightning import RecordPredictions
from learnorder.adapters.seen import SeenInTraining

pytestmark = [
    # of Lightning and torch themselves
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

DATA = {s: TensorDataset(torch.tensor(X[s]), torch.tensor(Y[s])) for s in X}


class Network(lightning.LightningModule):
    """Batch normalisation, dropout, a frozen part, and draws of every generator."""

    def __init__(self):
        super().__init__()
        self.frozen = nn.BatchNorm1d(64)
        self.layers = nn.Sequential(
            nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 10)
        )
        # counts what it sees, in evaluation too
        self.restless = nn.BatchNorm1d(10, affine=False)
        self.modes = []
        self.calls = 0

    def forward(self, x):
        noise = random.random() + np.random.default_rng(np.random.randint(9)).random()  # noqa: NPY002
        self.restless.running_mean += noise
        self.calls += 1
        return self.layers(self.frozen(x)) + 1e-3 * torch.rand(10) * noise * self.calls

    def training_step(self, batch, number):
        if number == 0:
            self.modes.append([module.training for module in self.modules()])
        logits = self(batch[0])
        loss = functional.cross_entropy(logits, batch[1])
        return {"loss": loss, "logits": logits.detach()}

    def validation_step(self, batch, _):
        self.log("loss", functional.cross_entropy(self(batch[0]), batch[1]))

    def on_train_start(self):
        self.frozen.eval()  # for all epochs

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1, momentum=0.9)


def train(
    *callbacks, epochs=2, data=DATA["train"], batch_size=20, resume=None, workers=0, **options
):
    """Train from seed 3 and return the network."""
    lightning.seed_everything(3, verbose=False)
    network = Network()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"enable_checkpointing": False, "callbacks": list(callbacks), **options},
    )
    loader = DataLoader(
        data,
        batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    trainer.fit(network, loader, DataLoader(DATA["test"], 32), ckpt_path=resume)
    return network


def recorder(path, seed=0, data=DATA, **options):
    return RecordPredictions(path, seed=seed, data=data, batch_size=32, **options)


def same(one, two):
    states = one.state_dict(), two.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.fixture(scope="module")
def plain():
    """Train without a recorder."""
    return train()


def test_training_is_the_same_and_the_log_has_the_epochs(path, plain):
    callback = recorder(path)
    network = train(callback)
    assert same(network, plain)
    assert network.modes == plain.modes
    assert callback.problem is None
    # validation before training, which Lightning does to find mistakes, is no epoch
    assert epochs(path) == [1, 2]
    network.eval()
    with torch.no_grad():
        expected = network(DATA["test"].tensors[0]).argmax(1).numpy()
    # the network adds a little noise when it predicts
    assert (holds(path)[-1] == expected).mean() > 0.9
    assert (lo.open_log(path)["train"]["label"].to_numpy() == Y["train"]).all()


@pytest.mark.parametrize(
    ("options", "precision"),
    [({}, "bf16-true"), ({}, "bf16-mixed"), ({"num_workers": 1}, "32-true")],
    ids=str,
)
def test_precisions_and_loading_processes(path, options, precision):
    network = train(recorder(path, **options), precision=precision)
    assert epochs(path) == [1, 2]
    assert same(network, train(precision=precision))


def test_a_trial_of_one_batch_is_no_training(path):
    train(recorder(path), fast_dev_run=True)
    assert not path.exists()


def test_two_recorders_of_one_seed_in_one_training_are_told(path):
    with told("another training of this seed"):
        train(recorder(path), recorder(path))
    assert epochs(path) == [1, 2]


@pytest.mark.parametrize("what", ["disk", "labels", "network"])
def test_training_goes_on_where_recording_cannot(path, plain, what):
    class Break(lightning.Callback):
        def on_train_epoch_start(self, trainer, _):
            if what == "disk" and trainer.current_epoch == 1:
                break_disk(path)

    labels = {"test": Y["test"] - 1} if what == "labels" else None

    def predict(network, batch):
        if what == "network" and network.current_epoch == 1:
            raise RuntimeError("out of\nmemory")
        return network(batch[0])

    callback = recorder(path, labels=labels, predict=predict)
    with told("no longer recorded") as warned:
        network = train(Break(), callback)
    assert is_told_once(warned)
    assert same(network, plain)
    assert callback.problem in str(warned[-1].message)
    if what == "network":
        state = state_of(path)
        assert state["status"] == "failed"
        assert state["reason"] == "RuntimeError: out of memory."
        assert state["epochs"]["test"] == 1


def test_warnings_that_are_errors_do_not_end_training_either(path, plain, capsys):
    callback = recorder(path, labels={"test": [0]})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=RuntimeWarning)
        network = train(callback)
    assert same(network, plain)
    assert "33 examples" in capsys.readouterr().err


def test_what_ends_a_process_is_not_caught(path):
    def predict(network, batch):
        if network.current_epoch == 1:
            raise KeyboardInterrupt
        return network(batch[0])

    with pytest.raises(SystemExit):
        train(recorder(path, predict=predict))
    assert state_of(path)["status"] == "interrupted"
    assert state_of(path)["epochs"]["test"] == 1


@pytest.mark.parametrize("which", ["last", "first"])
def test_training_that_fails_can_be_resumed_from_a_checkpoint(path, tmp_path, which):
    whole = train(recorder(tmp_path / "whole.zarr"), epochs=3)

    class Fail(lightning.Callback):
        def on_train_batch_start(self, trainer, *_):
            if trainer.current_epoch == 2:
                raise RuntimeError("power")

    keep = ModelCheckpoint(tmp_path / "kept", save_top_k=-1, every_n_epochs=1)
    with pytest.raises(RuntimeError, match="power"):
        train(recorder(path), keep, Fail(), epochs=3, enable_checkpointing=True)
    assert state_of(path)["status"] == "interrupted"
    # from the first, an epoch that is committed is trained again, and stays as it is
    kept = sorted((tmp_path / "kept").iterdir(), key=lambda p: p.stat().st_mtime_ns)
    network = train(recorder(path), epochs=3, resume=kept[-1 if which == "last" else 0])
    assert epochs(path) == [1, 2, 3]
    first_two = holds(path)[:2]
    assert (first_two == holds(tmp_path / "whole.zarr")[:2]).all()
    assert network.current_epoch == whole.current_epoch


def test_from_the_beginning_again_only_the_same_training_goes_on(path):
    train(recorder(path), epochs=1)
    train(recorder(path), epochs=2)
    assert epochs(path) == [1, 2]
    with told("other predictions"):
        train(recorder(path), data=Subset(DATA["train"], range(40)))
    # what was finished and sound stays so
    assert state_of(path)["status"] == "finished"
    assert epochs(path) == [1, 2]


def test_processes_that_load_batches_do_not_keep_the_log_from_others(path):
    first = recorder(path)
    train(first, epochs=1, workers=1)
    again = recorder(path)
    train(again, workers=1)
    assert first.problem is None
    assert again.problem is None
    assert epochs(path) == [1, 2]


def test_ids_of_a_subset_are_those_of_its_source(path):
    inner = Subset(DATA["train"], range(60, 9, -1))
    data = {"train": Subset(inner, [0, 5, 2]), "test": DATA["test"]}
    train(recorder(path, data=data), epochs=1)
    log = lo.open_log(path)["train"]
    assert log["example"].to_numpy().tolist() == [60, 55, 58]
    assert log["label"].to_numpy().tolist() == Y["train"][[60, 55, 58]].tolist()


def test_an_epoch_that_max_steps_ends_is_a_part_of_one(path):
    train(recorder(path), epochs=-1, max_steps=4)
    assert epochs(path) == pytest.approx([1, 4 / 3])


def indexed():
    train_set = TensorDataset(*DATA["train"].tensors, torch.arange(61))
    return {"train": train_set, "test": DATA["test"]}


def test_as_seen_in_training(path, plain):
    seen = []

    def as_seen(outputs, batch):
        seen.append((batch[2], outputs["logits"].argmax(1)))
        return batch[2], outputs["logits"]

    data = indexed()
    network = train(recorder(path, data=data, as_seen=as_seen), data=data["train"])
    assert same(network, plain)
    log = lo.open_log(path)["train"]
    assert log.attrs["as_seen"]
    index, predicted = map(torch.cat, zip(*seen[3:], strict=True))
    assert len(index) == 60  # the last batch is left out, and its example predicted afterwards
    assert (holds(path, "train")[1][index] == predicted.numpy()).all()


class Keep(lightning.Callback):
    """Save the weights of process 0, which is another than that of the test."""

    def __init__(self, path):
        self.path = path

    def on_train_end(self, trainer, network):
        if trainer.is_global_zero:
            torch.save(network.state_dict(), self.path)


def in_two_processes(path, *callbacks):
    # 61 examples in two processes: the sampler of Lightning adds one of them again
    options = {"strategy": "ddp_fork", "devices": 2, "data": indexed()["train"]}
    train(Keep(path), *callbacks, **options)
    return torch.load(path, weights_only=True)


def test_two_processes_make_one_log(path, tmp_path):
    plain = in_two_processes(tmp_path / "plain.pt")
    network = in_two_processes(tmp_path / "recorded.pt", recorder(path, data=indexed()))
    assert all(torch.equal(plain[name], network[name]) for name in plain)
    assert epochs(path) == [1, 2]
    assert state_of(path)["status"] == "finished"


def test_two_processes_collect_what_they_see_with_one_example_twice(path, tmp_path):
    def as_seen(outputs, batch):
        return batch[2], outputs["logits"]

    in_two_processes(tmp_path / "kept.pt", recorder(path, data=indexed(), as_seen=as_seen))
    assert epochs(path) == [1, 2]
    assert holds(path, "train").shape == (2, 61)


def test_what_one_of_two_processes_cannot_read_is_told(path, tmp_path):
    def as_seen(outputs, batch):
        if torch.distributed.get_rank() == 1:
            raise RuntimeError("there is no index")
        return batch[2], outputs["logits"]

    in_two_processes(tmp_path / "kept.pt", recorder(path, data=indexed(), as_seen=as_seen))
    assert state_of(path)["reason"] == "RuntimeError: there is no index."


def test_what_cannot_be_gathered_does_not_stop_training(path, plain, monkeypatch):
    def gathered(self):
        raise RuntimeError("a process does not answer")

    monkeypatch.setattr(SeenInTraining, "gathered", gathered)
    data = indexed()
    with told("a process does not answer") as warned:
        network = train(
            recorder(path, data=data, as_seen=lambda out, batch: (batch[2], out["logits"])),
            data=data["train"],
        )
    assert is_told_once(warned)
    assert same(network, plain)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": DataLoader(DATA["test"])}, "data is a DataLoader"),
        ({"data": {"test": DataLoader(DATA["test"])}}, "is a loader"),
        ({"data": {"test": iter([])}}, "no length"),
        ({"as_seen": True}, "as_seen is a bool"),
        ({"as_seen": print, "data": {"test": DATA["test"]}}, "no split 'train'"),
        ({"class_name": ["a"]}, "'class_names'"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_before_training(path, options, message):
    with pytest.raises(lo.LearnOrderError, match=message):
        recorder(path, **options)


def test_a_log_in_a_folder_that_disappears_is_told(path):
    class Remove(lightning.Callback):
        def on_train_epoch_start(self, trainer, _):
            if trainer.current_epoch == 1:
                shutil.rmtree(path)

    with told("could not be marked"):
        train(recorder(path), Remove())
