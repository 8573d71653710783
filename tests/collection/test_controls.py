"""Transforms and further test sets on their way from the spec into a log."""

from __future__ import annotations

import numpy as np
import pytest
from tests.collection.here import train_here

from learnorder.collection.prepare import prepare
from learnorder.collection.train import train_collection
from learnorder.datasets.registry import load_dataset
from learnorder.errors import SpecDiffers
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.measures.agreement import agreement, fleiss_kappa
from learnorder.training.spec import TrainingSpec

DATASET = {"name": "digits", "classes": ["3", "8", "1"], "train_limit": 200, "test_limit": 60}
EXTRA = {
    "unseen": {"name": "digits", "classes": ["0"]},
    "noise": {"name": "noise", "options": {"n": 30}},
    "gabors": {"name": "gabor", "limit": 20, "convert": True},
    "same": {"name": "digits", "classes": ["8", "3"], "limit": 10, "labels": True},
}


def spec(transform=None, extra=EXTRA):
    return TrainingSpec.from_tables(
        {
            "dataset": {**DATASET, **({"transform": transform} if transform else {})},
            "extra": extra,
            "architecture": {"name": "linear"},
            "training": {"epochs": 2},
        }
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("controls") / "log.zarr"
    train_here(path, spec({"name": "zca"}), None, range(2))
    return path


def test_further_test_sets_are_predicted_and_have_labels_only_where_asked(path):
    log = open_log(path)
    assert {name: log[name].sizes["example"] for name in EXTRA} == {
        "unseen": 50,
        "noise": 30,
        "gabors": 20,
        "same": 10,
    }
    assert [name for name in EXTRA if "label" in log[name]] == ["same"]
    # scikit-learn's own order of the digits: what is called 8 there has the label 1 here
    digits = load_dataset("digits").test.examples
    true = dict(zip(digits.ids, digits.labels, strict=True))
    same = log["same"]
    assert [(3, 8, 1)[label] for label in same.label.values] == [
        true[i] for i in same.example.values
    ]
    for name in EXTRA:
        assert int(log[name].prediction.max()) < 3
        assert np.isfinite(agreement(log[name])).all()
        assert fleiss_kappa(log[name], of="prediction").sizes == {"epoch": 2}
    verify_log(path)


def test_pictures_are_those_before_the_transform(path):
    plain, changed = prepare(spec(), None), prepare(spec({"name": "zca"}), None)
    assert changed.dataset.train.inputs.dtype == np.float32
    for ours, expected in zip(
        changed.shown.splits.values(), plain.dataset.splits.values(), strict=True
    ):
        np.testing.assert_array_equal(ours.inputs, expected.inputs)
    shown = open_log(path).previews("gabors")
    np.testing.assert_array_equal(shown.images, plain.dataset.splits["gabors"].inputs)


def test_the_log_goes_on_and_refuses_other_transforms_and_test_sets(path):
    train_here(path, spec({"name": "zca"}), None, range(2, 3))
    assert open_log(path)["noise"].sizes["replicate"] == 3
    for other, message in (
        (spec(), r"dataset\.transform\.name is 'zca' in the log and not given now"),
        (spec({"name": "zca"}, {}), r"extra\.gabors\.name is 'gabor' in the log"),
        (spec({"name": "zca", "epsilon": 1e-4}), r"epsilon is 1e-05 in the log and 0\.0001"),
    ):
        with pytest.raises(SpecDiffers, match=message):
            train_collection(other, range(2), out=path, workers=1)


def test_projections_go_to_architectures_that_read_features():
    changed = prepare(spec({"name": "pca", "components": 5}), None)
    assert changed.dataset.kind == "features"
    assert changed.encoded().shape.shape == (5,)
    table = spec({"name": "pca", "components": 5}).resolved()
    table["architecture"] = {"name": "lenet"}
    with pytest.raises(ValueError, match="does not read inputs of kind 'features'"):
        prepare(TrainingSpec.from_tables(table), None)


def test_data_given_in_python_is_transformed_and_joined_too():
    digits = load_dataset("digits")
    named, given = (prepare(spec({"name": "zca"}), data) for data in (None, digits))
    assert named.identity == given.identity
    assert named.dataset.inputs_digest() == given.dataset.inputs_digest()
