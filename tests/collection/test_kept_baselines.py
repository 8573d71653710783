"""`train` finds the baselines of its data once, and keeps them in the log."""

from __future__ import annotations

import numpy as np
import pytest

from learnorder.collection import prepare as preparation
from learnorder.collection.prepare import prepare
from learnorder.collection.train import train_collection
from learnorder.datasets.baselines import find_baselines
from learnorder.datasets.dataset import Dataset
from learnorder.log.description import describe
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.training.spec import TrainingSpec


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = rng.normal(size=(60, 4)) + y[:, None]
    return Dataset.from_arrays(x[:40], y[:40], x[40:], y[40:], extra={"far": (x[:5], None)})


@pytest.fixture(scope="module")
def spec():
    return TrainingSpec.model_validate(
        {
            "dataset": {"name": "arrays"},
            "labels": {"noise": 0.2},
            "architecture": {"name": "linear"},
            "training": {"epochs": 2, "batch_size": 8},
        }
    )


def test_they_are_those_of_the_labels_that_are_trained_on(tmp_path, dataset, spec):
    path = tmp_path / "log.zarr"
    train_collection(spec, range(2), out=path, dataset=dataset, workers=1)
    log = open_log(path)
    treated = prepare(spec, dataset).dataset
    assert treated.train.examples.true_labels is not None
    for split, of in find_baselines(treated).splits.items():
        for name, values in of.items():
            np.testing.assert_allclose(log[split][name].values, values, atol=1e-6)
    assert list(log["far"].data_vars) == ["prediction", "input_norm"]
    about = {"n_neighbours": 10, "n_reference": 40}
    assert describe(log)["dataset"]["baselines"] == log.provenance["dataset"]["baselines"] == about
    assert verify_log(path).intact


def test_they_are_found_once(tmp_path, dataset, spec, monkeypatch):
    path = tmp_path / "log.zarr"
    train_collection(spec, range(1), out=path, dataset=dataset, workers=1)
    before = open_log(path)["test"].load()

    def never(*_, **__):
        raise AssertionError("the log has them")

    monkeypatch.setattr(preparation, "find_baselines", never)
    train_collection(spec, range(2), out=path, dataset=dataset, workers=1)
    after = open_log(path)["test"]
    assert after.sizes["replicate"] == 2
    for name in ("prototype_margin", "input_norm", "neighbour_share"):
        assert np.array_equal(after[name].values, before[name].values)
