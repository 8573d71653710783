"""Every dataset of LEARNORDER_DATA, against what its own files say."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow.parquet as pq
import pytest

from learnorder.datasets.registry import load_dataset

SUBSETS = {
    "cifar10-subset": ("cifar10_subset", 10_000, 2_000, 10),
    "cifar100-subset": ("cifar100_subset", 10_000, 2_000, 100),
    "small-mammals": ("cifar100_small_mammals", 2_500, 500, 5),
    "20newsgroups": ("20newsgroups", 11_155, 7_416, 20),
}


def _table(data_dir, folder, split):
    return pq.read_table(data_dir / folder / f"{split}-00000-of-00001.parquet")


@pytest.mark.parametrize("name", SUBSETS)
def test_parquet_datasets_agree_with_their_files(name, data_dir):
    folder, n_train, n_test, n_classes = SUBSETS[name]
    dataset = load_dataset(name)
    assert (len(dataset.train), len(dataset.test), dataset.n_classes) == (
        n_train,
        n_test,
        n_classes,
    )
    for split in ("train", "test"):
        table = _table(data_dir, folder, split)
        examples = dataset.splits[split].examples
        np.testing.assert_array_equal(examples.ids, table["index"])
        np.testing.assert_array_equal(examples.labels, table["label"])


def test_fashion_mnist_agrees_with_its_files(data_dir):
    dataset = load_dataset("fashion-mnist", data_dir / "fashion-mnist")
    assert dataset.train.inputs.shape == (60_000, 28, 28)
    assert dataset.test.inputs.shape == (10_000, 28, 28)
    assert dataset.class_names[0] == "T-shirt/top"
    assert dataset.class_names[9] == "Ankle boot"
    with gzip.open(data_dir / "fashion-mnist/t10k-labels-idx1-ubyte.gz") as stream:
        assert dataset.test.examples.labels.tolist() == list(stream.read()[8:])
    with gzip.open(data_dir / "fashion-mnist/t10k-images-idx3-ubyte.gz") as stream:
        assert dataset.test.inputs.tobytes() == stream.read()[16:]


def test_a_limit_of_fashion_mnist_is_balanced_and_keeps_ids(data_dir):
    dataset = load_dataset("fashion-mnist", train_limit=1000, test_limit=200)
    assert np.bincount(dataset.train.examples.labels).tolist() == [100] * 10
    whole = load_dataset("fashion-mnist").train
    ids = dataset.train.examples.ids
    np.testing.assert_array_equal(dataset.train.examples.labels, whole.examples.labels[ids])
    np.testing.assert_array_equal(dataset.train.inputs, whole.inputs[ids])


def test_pictures_are_the_pixels_that_the_files_hold(data_dir):
    import io

    from PIL import Image

    dataset = load_dataset("parquet", data_dir / "cifar100_small_mammals")
    assert dataset.name == "cifar100_small_mammals"
    assert dataset.class_names == ("hamster", "mouse", "rabbit", "shrew", "squirrel")
    assert dataset.train.inputs.shape == (2_500, 32, 32, 3)
    cells = _table(data_dir, "cifar100_small_mammals", "train")["image"].to_pylist()
    for position in (0, 1234, 2499):
        with Image.open(io.BytesIO(cells[position]["bytes"])) as picture:
            np.testing.assert_array_equal(dataset.train.inputs[position], np.asarray(picture))


def test_both_label_columns_of_cifar100_can_be_chosen(data_dir):
    coarse = load_dataset("cifar100-subset", label_column="coarse_label")
    fine = load_dataset("cifar100-subset", label_column="label")
    assert (coarse.n_classes, fine.n_classes) == (20, 100)
    table = _table(data_dir, "cifar100_subset", "test")
    np.testing.assert_array_equal(coarse.test.examples.labels, table["coarse_label"])
    assert coarse.inputs_digest() == fine.inputs_digest()
    assert coarse.fingerprint() != fine.fingerprint()


def test_newsgroups_come_with_their_word_vectors(data_dir):
    dataset = load_dataset("20newsgroups")
    assert dataset.kind == "text"
    texts = _table(data_dir, "20newsgroups", "test")["text"].to_pylist()
    assert dataset.test.inputs.tolist() == texts
    assert dataset.class_names[0] == "alt.atheism"
    assert dataset.word_vectors.vectors.shape == (4_744, 50)
    assert dataset.word_vectors.words[0] == "the"
    assert dataset.word_vectors.vectors[0, 0] == np.float32(0.418)
