"""Learners that are no networks, through the same log: the same promises, and where they stop."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from tests.collection.here import train_here

from learnorder.cli import main
from learnorder.collection.group import Task, train_group
from learnorder.collection.prepare import prepare
from learnorder.collection.train import train_collection
from learnorder.datasets.dataset import Dataset, WordVectors
from learnorder.errors import LearnOrderError, SpecDiffers
from learnorder.log.compact import compact_log
from learnorder.log.creation import create_log
from learnorder.log.description import describe
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.grid import recording_grid
from learnorder.training.learners.replicates import Learners
from learnorder.training.spec import TrainingSpec

NAMES = ["adaboost-stumps", "random-forest", "logistic-regression"]


class Killed(BaseException):
    """As abrupt as a signal: nothing in the worker catches it."""


def spec_of(name, epochs=4, **tables):
    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": name, "options": tables.pop("options", {})},
            "training": {"epochs": epochs},
            **tables,
        }
    )


def predictions(path):
    log = open_log(path)
    return {split: log[split].prediction.values.tobytes() for split in log}


def files(path):
    commits = (f for f in path.rglob("*") if f.is_file() and "commits" in f.parts)
    return {f: (f.stat().st_mtime_ns, f.read_bytes()) for f in commits}


@pytest.fixture(scope="module")
def separable():
    """Two classes that one stump tells apart."""
    x = np.linspace(-1, 1, 40)[:, None]
    y = (x[:, 0] > 0).astype(int)
    return Dataset.from_arrays(x, y, x[::4], y[::4])


def task_of(path, spec, dataset):
    prepared = prepare(spec, dataset)
    tensors = TrainingTensors.from_inputs(prepared.encoded())
    grid = recording_grid(prepared.spec, tensors.n_train)
    if not path.exists():
        create_log(path, prepared.new_log(Execution()))
    return Task(prepared.spec, prepared.identity, tensors, grid, Execution())


def test_two_workers_give_the_bytes_of_one_process(tmp_path, digits):
    one, two = tmp_path / "one.zarr", tmp_path / "two.zarr"
    spec = spec_of("adaboost-linear")
    train_here(one, spec, digits, range(3))
    result = train_collection(spec, [2, 0, 1], out=two, dataset=digits, workers=2)
    assert result.finished == (0, 1, 2)
    assert predictions(two) == predictions(one)
    assert verify_log(two).intact
    assert len({log.tobytes() for log in open_log(two)["test"].prediction.values}) == 3


@pytest.mark.parametrize("name", NAMES)
def test_killed_and_continued_it_keeps_what_is_committed(tmp_path, digits, name):
    whole, path, recorded = tmp_path / "whole.zarr", tmp_path / "killed.zarr", []
    train_here(whole, spec_of(name), digits, [0, 1])
    task = task_of(path, spec_of(name, 2), digits)
    train_group(path, [0], task, lambda *_: None)

    def kill(event, seed, reason):
        recorded.append(event)
        if recorded.count("recorded") == 3:
            raise Killed

    task = task_of(path, spec_of(name), digits)
    with pytest.raises(Killed):
        train_group(path, [1], task, kill)
    before = files(path)
    assert len(before) == 2 * (2 + 3)
    for seed in (0, 1):
        train_group(path, [seed], task, lambda *_: None)
    assert predictions(path) == predictions(whole)
    after = files(path)
    assert {f: after[f] for f in before} == before


def test_another_result_than_the_committed_one_fails_the_replicate(tmp_path, digits, monkeypatch):
    path = tmp_path / "log.zarr"
    train_here(path, spec_of("random-forest", 2), digits, [0])
    before, record = files(path), Learners._record

    def other(self, seed, point, found):
        return record(
            self, seed, point, replace(found, scores={n: -s for n, s in found.scores.items()})
        )

    monkeypatch.setattr(Learners, "_record", other)
    events = train_here(path, spec_of("random-forest", 3), digits, [0])
    assert "trained again, predicts" in events[-1][2]
    assert files(path) == before


def test_an_early_stop_is_in_the_log_and_stays_there(tmp_path, separable):
    path, short, long = tmp_path / "log.zarr", *(spec_of("adaboost-stumps", e) for e in (1, 5))
    train_here(path, short, separable, [0, 1])
    assert [r["stopped"] for r in describe(open_log(path))["replicates"]] == [None, None]
    train_here(path, long, separable, [0, 1])
    stop = {"epoch": 1, "reason": "the weak learner of round 1 makes no error"}

    def check():
        about = describe(open_log(path))
        assert [r["stopped"] for r in about["replicates"]] == [stop, stop]
        assert about["notes"] == [
            "2 of 2 replicates stopped early, after epoch 1 (seed 0: the weak learner of round 1 "
            "makes no error); what follows repeats the predictions from there"
        ]
        assert verify_log(path).intact

    check()
    found = open_log(path)["test"].prediction.values
    assert found.shape[1] == 5
    assert (found == found[:, :1]).all()
    compact_log(path)
    check()
    train_here(path, spec_of("adaboost-stumps", 7), separable, [0, 1])
    check()


def test_a_stop_is_found_again_when_the_end_was_not_declared(tmp_path, separable, monkeypatch):
    path = tmp_path / "log.zarr"

    def dies(*_):
        raise Killed

    task = task_of(path, spec_of("adaboost-stumps", 3), separable)
    with monkeypatch.context() as patch:
        patch.setattr(ReplicateWriter, "finish", dies)
        with pytest.raises(Killed):
            train_group(path, [0], task, lambda *_: None)
    train_group(path, [0], task, lambda *_: None)
    (replicate,) = describe(open_log(path))["replicates"]
    assert (replicate["status"], replicate["stopped"]["epoch"]) == ("finished", 1)


def test_the_log_says_which_libraries_made_it_and_keeps_only_what_counts(tmp_path, digits):
    path = tmp_path / "log.zarr"
    train_here(path, spec_of("k-nn", 2), digits, [0])
    log = open_log(path)
    assert {"scikit-learn", "scipy", "numpy"} <= set(log.provenance)
    assert "torch" not in log.provenance
    assert "optimizer" not in log.spec
    linear = spec_of("linear", training={"epochs": 2, "batch_size": 10})
    with pytest.raises(SpecDiffers, match=r"name is 'k-nn' in the log and 'linear' now"):
        train_collection(linear, [0], out=path, dataset=digits)


def texts(vectors):
    words = ("good", "bad", "plain")
    train = ["good plain", "bad plain", "good good", "bad bad plain", "good", "bad"] * 4
    labels = [int(text.startswith("bad")) for text in train]
    dataset = Dataset.from_arrays(train, labels, ["good bad good", "bad"], [0, 1])
    given = WordVectors(words, np.array([[1, 0], [-1, 0], [0, 1]], np.float32))
    return replace(dataset, word_vectors=given if vectors else None)


def test_texts_are_read_as_means_of_their_word_vectors(tmp_path):
    path = tmp_path / "log.zarr"
    train_here(path, spec_of("logistic-regression"), texts(vectors=True), [0])
    assert open_log(path)["test"].prediction.values[0, -1].tolist() == [0, 1]
    with pytest.raises(LearnOrderError, match=r"without word vectors.*dataset.embeddings"):
        prepare(spec_of("logistic-regression"), texts(vectors=False))


def test_more_neighbours_than_examples_are_refused_before_anything_is_written(tmp_path, digits):
    with pytest.raises(LearnOrderError, match=r"training.epochs = 121 .* 120 training examples"):
        train_collection(spec_of("k-nn", 121), [0], out=tmp_path / "log.zarr", dataset=digits)
    assert not list(tmp_path.iterdir())


def test_a_learner_is_trained_and_measured_by_the_commands(tmp_path):
    spec, log = tmp_path / "forest.toml", tmp_path / "forest.zarr"
    spec.write_text(
        '[dataset]\nname = "digits"\ntrain_limit = 150\ntest_limit = 60\n'
        '[architecture]\nname = "random-forest"\n[training]\nepochs = 4\n'
    )

    def run(*arguments):
        return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)

    done = run("train", spec, "--seeds", "0:3", "--out", log, "--workers", 1)
    assert (done.exit_code, done.stdout) == (0, f"{log}: 3 replicates finished, 3 trained now\n")
    assert "3 replicates x 4 epochs on 1 process: about" in done.stderr
    measured = json.loads(run("measure", log, "--json").stdout)
    assert (measured["n_replicates"], len(measured["per_epoch"])) == (3, 4)
    assert measured["per_epoch"][-1]["accuracy_mean"] > 0.5
    assert "random-forest" in run("info", log).stdout
    refused = run("train", spec, "--set", "optimizer.name=sgd", "--out", log)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "[optimizer] means nothing to 'random-forest'" in refused.stderr
