from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

from learnorder.datasets.registry import known_datasets, load_dataset
from learnorder.errors import DataNotFound


def test_digits_are_the_real_ones_split_for_good():
    digits = load_dataset("digits")
    assert (len(digits.train), len(digits.test)) == (1297, 500)
    assert digits.class_names == tuple("0123456789")
    ids = np.concatenate([digits.train.examples.ids, digits.test.examples.ids])
    np.testing.assert_array_equal(np.sort(ids), np.arange(1797))
    from sklearn.datasets import load_digits

    source = load_digits()
    for split in (digits.train, digits.test):
        np.testing.assert_array_equal(split.examples.labels, source.target[split.examples.ids])
        expected = np.rint(source.images[split.examples.ids] * 255 / 16)
        np.testing.assert_array_equal(split.inputs, expected)
    assert np.bincount(digits.test.examples.labels).min() >= 48
    assert digits.fingerprint() == "47fba0bf7464f55c8c4d137d83b0ced8"
    assert digits.inputs_digest() == "6e619c8507d3b7a9d0d25d4a6da830e2"


def test_classes_are_chosen_before_the_limit_is_drawn():
    dataset = load_dataset("digits", classes=["7", 1], train_limit=50, test_limit=20, seed=3)
    assert (len(dataset.train), len(dataset.test)) == (50, 20)
    assert dataset.class_names == ("7", "1")
    assert set(np.bincount(dataset.train.examples.labels)) <= {24, 25, 26}


def test_unknown_name_names_the_nearest(refused):
    refused(lambda: load_dataset("fashion-mnst"), "'fashion-mnst'", "'fashion-mnist'")


def test_underscores_may_stand_for_hyphens(data_dir):
    assert load_dataset("small_mammals").name == "small-mammals"


def test_a_dataset_that_is_nowhere_says_where_it_was_looked_for(monkeypatch, tmp_path, refused):
    monkeypatch.setenv("LEARNORDER_DATA", str(tmp_path))
    call = lambda: load_dataset("small-mammals")  # noqa: E731
    refused(call, str(tmp_path), "'cifar100_small_mammals'", error=DataNotFound)
    monkeypatch.delenv("LEARNORDER_DATA")
    refused(call, "LEARNORDER_DATA is not set", error=DataNotFound)


def test_a_path_that_is_not_there_is_refused(tmp_path, refused):
    path = tmp_path / "nothing"
    for name in ("fashion-mnist", "csv"):
        refused(lambda name=name: load_dataset(name, path), str(path), error=DataNotFound)


@pytest.mark.parametrize("kind", ["parquet", "idx", "npz", "csv", "imagefolder", "hub"])
def test_a_kind_without_a_path_is_refused(kind, refused):
    refused(lambda: load_dataset(kind), repr(kind), "path=")


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        ({"label_column": "x"}, ("label_column='x'", "'digits'")),
        ({"image_size": 16}, ("image_size=16", "'digits'")),
        ({"image_size": 0}, ("image_size is 0",)),
        ({"path": "somewhere"}, ("'somewhere'", "no path")),
        ({"seed": -1}, ("seed is -1",)),
        ({"classes": "123"}, ("'123'", "list")),
        ({"classes": ["3", "x"]}, ("'x'",)),
        ({"train_limit": 9}, ("train_limit", "9", "10 classes")),
        ({"test_limit": 0}, ("test_limit", "0")),
    ],
)
def test_options_that_do_not_fit_are_refused(options, fragments, refused):
    refused(lambda: load_dataset("digits", **options), *fragments)


def test_a_folder_with_the_name_is_found_under_the_data_folder(idx_folder, monkeypatch, tmp_path):
    target = tmp_path / "root/mnist"
    target.mkdir(parents=True)
    for path in idx_folder.glob("*ubyte*"):
        path.rename(target / path.name)
    monkeypatch.setenv("LEARNORDER_DATA", str(tmp_path / "root"))
    assert len(load_dataset("mnist", classes=[0, 1, 2]).train) == 6


def test_every_known_name_can_be_listed_as_json():
    entries = known_datasets()
    names = [entry.name for entry in entries]
    assert len(set(names)) == len(names)
    assert {"digits", "fashion-mnist", "small-mammals", "20newsgroups", "hub"} <= set(names)
    for row in json.loads(json.dumps([asdict(entry) for entry in entries])):
        assert row["description"]
        assert row["looked_for"]
        assert row["licence"]


def test_importing_the_registry_loads_nothing_heavy():
    heavy = ["torch", "pyarrow", "sklearn", "PIL", "datasets", "pandas"]
    code = (
        "import sys, learnorder.datasets.registry\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_arguments_of_another_type_are_refused(refused, tmp_path):
    refused(lambda: load_dataset("csv", 3), "path is 3, a int")
    refused(lambda: load_dataset("csv", b"folder"), "path is b'folder'")
    refused(lambda: load_dataset("parquet", tmp_path, embeddings=3), "embeddings is 3")
    refused(lambda: load_dataset("digits", classes=3), "classes is 3")
