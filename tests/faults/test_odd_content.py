"""Logs of nothing, of one and of many: each comes back as it was, or is refused in one line."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from promises import claims_held, read_everything
from tally import LONG

from learnorder.cli import main
from learnorder.collection.prepare import prepare
from learnorder.errors import LearnOrderError
from learnorder.log.compact import compact_log
from learnorder.log.creation import NewLog, create_log
from learnorder.log.description import describe
from learnorder.log.merge import merge_logs
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.measures.summary import summarise
from learnorder.schema import EpochPredictions, Examples, prediction_dtype
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.loop import Group
from learnorder.training.spec import TrainingSpec


def new_log(path, n_examples, n_classes=3):
    names = [str(k) for k in range(n_classes)]
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": names}
    splits = {
        split: (Examples(np.arange(n), np.arange(n) % n_classes), None)
        for split, n in n_examples.items()
    }
    create_log(path, NewLog({}, "identity", about, {"learnorder": "0"}, splits))
    return path


def write(path, seed, n_epochs, predictions):
    with ReplicateWriter(path, seed, [e + 1.0 for e in range(n_epochs)], {}) as writer:
        for index in range(n_epochs):
            writer.write(EpochPredictions(seed, index, index + 1.0, predictions(index)))
        writer.finish()


def both_forms(path):
    """Look at a log as it was written, and once more after it was compacted."""
    written = read_everything(path)
    yield
    compact_log(path)
    assert read_everything(path) == written
    assert verify_log(path).intact
    yield


@pytest.mark.parametrize("n_replicates", [1, 1000 if LONG else 100])
def test_one_and_very_many_replicates(memory_path, n_replicates):
    path = new_log(memory_path / "log.zarr", {"test": 6})
    votes = np.random.default_rng(0).integers(0, 3, (n_replicates, 6)).astype(np.uint8)
    for seed in range(n_replicates):
        write(path, seed, 1, lambda _, s=seed: {"test": votes[s]})
    for _ in both_forms(path):
        assert np.array_equal(open_log(path)["test"].prediction.values[:, 0], votes)
        assert summarise(open_log(path)["test"])["n_replicates"] == n_replicates
    assert claims_held(path) == []


@pytest.mark.parametrize("n_epochs", [0, 1])
def test_no_epoch_and_one(memory_path, n_epochs):
    path = new_log(memory_path / "log.zarr", {"test": 6})
    votes = {"test": np.array([0, 1, 2, 2, 1, 0], np.uint8)}
    write(path, 0, n_epochs, lambda _: votes)
    assert verify_log(path).intact
    assert describe(open_log(path))["replicates"][0]["epochs"] == {"test": n_epochs}
    done = CliRunner().invoke(main, ["measure", str(path)])
    if n_epochs:
        for _ in both_forms(path):
            assert open_log(path)["test"].prediction.values.tolist() == [[votes["test"].tolist()]]
        assert done.exit_code == 0
    else:
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("learnorder: ")
        assert compact_log(path).compacted == []
        assert verify_log(path).intact


def test_split_without_examples_beside_one_with(memory_path):
    path = new_log(memory_path / "log.zarr", {"test": 6, "nothing": 0})
    votes = {"test": np.array([0, 1, 2, 2, 1, 0], np.uint8), "nothing": np.empty(0, np.uint8)}
    write(path, 0, 2, lambda _: votes)
    for _ in both_forms(path):
        assert open_log(path)["nothing"].prediction.shape == (1, 2, 0)
        assert open_log(path)["test"].prediction.values[0, 1].tolist() == votes["test"].tolist()
    done = CliRunner().invoke(main, ["measure", str(path), "--split", "nothing"])
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("learnorder: ")


@pytest.mark.parametrize("n_classes", [1, 254, 255, 256, 65_534, 65_535, 65_536, 70_000])
def test_classes_up_to_each_end_of_a_type_come_back_in_both_forms(memory_path, n_classes):
    path = new_log(memory_path / "log.zarr", {"test": 5}, n_classes)
    ends = np.array([0, n_classes - 1, n_classes // 2, n_classes - 1, 0])
    write(path, 0, 2, lambda index: {"test": np.roll(ends, index)})
    for _ in both_forms(path):
        stored = open_log(path)["test"].prediction
        assert stored.dtype == prediction_dtype(n_classes)
        assert stored.values[0].tolist() == [ends.tolist(), np.roll(ends, 1).tolist()]


@pytest.mark.parametrize("n_classes", [1, 254, 255, 256, 65_535, 70_000])
@pytest.mark.parametrize("dtype", [np.int64, np.uint32])
def test_class_that_does_not_exist_is_refused_and_nothing_is_written(memory_path, n_classes, dtype):
    path = new_log(memory_path / "log.zarr", {"test": 5}, n_classes)
    beyond = [n_classes, n_classes + 1, 2**32 - 1] + ([-1, -(2**40)] if dtype == np.int64 else [])
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        for value in beyond:
            votes = np.array([0, 0, value, 0, 0], dtype)
            with pytest.raises(LearnOrderError, match=f"predicts class {value} at epoch 1"):
                writer.write(EpochPredictions(0, 0, 1.0, {"test": votes}))
        assert writer.n_committed == 0
    assert not list(path.rglob("c.*.0"))
    assert describe(open_log(path))["replicates"][0]["epochs"] == {"test": 0}


class OneOdd(torch.nn.Module):
    """Its logits are fine but for one number of one example."""

    def __init__(self, network, value):
        super().__init__()
        self.network, self.value = network, value

    def forward(self, inputs):
        logits = self.network(inputs)
        if not self.training:
            logits[7, 3] = self.value
        return logits


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_one_logit_that_is_no_number_is_refused_and_never_counts_as_class_0(value):
    spec = TrainingSpec.from_tables(
        {
            "dataset": {"name": "digits", "train_limit": 50, "test_limit": 20},
            "architecture": {"name": "linear"},
            "training": {"epochs": 1, "batch_size": 25},
        }
    )
    prepared = prepare(spec, None)
    group = Group(spec, TrainingTensors.from_inputs(prepared.encoded()), [0], Execution())
    group.executor.network = OneOdd(group.executor.network, value)
    assert group.advance_to(prepared.grid[-1]) == []
    assert "replicate 0 diverged in epoch 1 (logits not finite)" in str(group.diverged[0])


@pytest.mark.parametrize(("seeds", "named"), [("0,0", 0), ("3,1,3", 3)])
def test_seed_given_twice_is_named(tmp_path, seeds, named):
    (tmp_path / "spec.toml").write_text(
        '[dataset]\nname = "digits"\n[architecture]\nname = "linear"\n'
    )
    out = tmp_path / "log.zarr"
    words = ["train", str(tmp_path / "spec.toml"), "--seeds", seeds, "--out", str(out)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert f"seed {named} is given more than once" in done.stderr
    assert not out.exists()


def test_seed_in_two_logs_is_named_when_they_are_merged_and_refused_if_it_differs(memory_path):
    for name, value in (("a", 1), ("b", 1), ("c", 2)):
        path = new_log(memory_path / f"{name}.zarr", {"test": 6})
        write(path, 5, 2, lambda _, v=value: {"test": np.full(6, v, np.uint8)})
    a, b, c = (memory_path / f"{name}.zarr" for name in "abc")
    report = merge_logs([a, b], memory_path / "ab.zarr")
    assert any("seed 5" in warning for warning in report.warnings)
    assert read_everything(memory_path / "ab.zarr")[2:] == read_everything(a)[2:]
    with pytest.raises(LearnOrderError, match=r"different predictions for seed 5.*epoch 1"):
        merge_logs([a, c], memory_path / "ac.zarr")
    assert sorted(os.listdir(memory_path)) == ["a.zarr", "ab.zarr", "b.zarr", "c.zarr"]
