from __future__ import annotations

import builtins
import time

import numpy as np
import pytest

from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound, ExtraMissing

hf = pytest.importorskip("datasets")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """Send every request to a port where nobody listens, with an empty cache."""
    monkeypatch.setattr(hf.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LEARNORDER_DATA", raising=False)


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Stand in for the network alone: `datasets` makes and encodes the splits itself."""
    names = hf.ClassLabel(names=["cat", "dog"])
    columns = hf.Features({"img": hf.Image(), "fine_label": names, "coarse_label": names})
    pictures = [np.full((2, 2, 3), 10 * i, np.uint8) for i in range(3)]

    def make(labels):
        values = {"img": pictures, "fine_label": labels, "coarse_label": labels[::-1]}
        return hf.Dataset.from_dict(values, features=columns)

    splits = hf.DatasetDict({"train": make([0, 0, 1]), "test": make([1, 0, 0])})
    asked = []
    (tmp_path / "uoft-cs___cifar100").mkdir()
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.setattr(hf, "load_dataset", lambda name: asked.append(name) or splits)
    monkeypatch.delenv("LEARNORDER_DATA", raising=False)
    return asked


def test_pictures_and_class_names_come_through_the_library(served):
    dataset = load_dataset("cifar100")
    assert served == ["uoft-cs/cifar100"]
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.inputs[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert dataset.train.examples.labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["hub:uoft-cs/cifar100", "hub"])
def test_a_hub_name_needs_the_label_column_where_there_are_two(served, name, refused):
    path = "uoft-cs/cifar100" if name == "hub" else None
    refused(lambda: load_dataset(name, path), "fine_label, coarse_label", "label_column")
    dataset = load_dataset(name, path, label_column="coarse_label")
    assert dataset.train.examples.labels.tolist() == [1, 0, 0]
    assert dataset.name == "uoft-cs/cifar100"


def test_an_earlier_download_is_asked_for_without_the_network(nowhere, monkeypatch, tmp_path):
    (tmp_path / "cache/owner___my_flowers").mkdir(parents=True)
    values = hf.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    splits = hf.DatasetDict({"train": values, "test": values})
    monkeypatch.setattr(hf, "load_dataset", lambda name: splits)
    assert len(load_dataset("hub:owner/MyFlowers").train) == 2


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10", "hub:owner/name"])
def test_without_a_network_one_line_says_promptly_what_to_download(nowhere, name, refused):
    begin = time.perf_counter()
    message = refused(lambda: load_dataset(name), "hf download", error=DataNotFound)
    assert time.perf_counter() - begin < 15
    assert ("$LEARNORDER_DATA/" in message) == (name != "hub:owner/name")


def test_without_the_library_one_line_says_what_to_install(monkeypatch, refused):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "datasets":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    call = lambda: load_dataset("hub:owner/name")  # noqa: E731
    refused(call, 'pip install "learnorder[hub]"', error=ExtraMissing)


@pytest.mark.parametrize("name", ["hub:mnist", "hub:", "hub:../x", "hub:a/b/c", "hub:a/../../b"])
def test_a_name_that_is_none_of_the_hub_is_refused(name, refused):
    refused(lambda: load_dataset(name), repr(name.removeprefix("hub:")), "owner/name")


def test_a_folder_that_hides_the_name_is_refused(monkeypatch, tmp_path, refused):
    (tmp_path / "owner/name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    refused(lambda: load_dataset("hub:owner/name"), "owner/name", "hides")


def test_a_path_beside_a_hub_name_is_refused(refused):
    refused(lambda: load_dataset("hub:owner/name", "elsewhere"), "elsewhere")
