from __future__ import annotations

import numpy as np
import pytest

from learnorder.datasets.registry import load_dataset

ARRAYS = {
    "x_train": np.arange(8.0).reshape(4, 2),
    "y_train": np.array([0, 1, 1, 0]),
    "x_test": np.ones((2, 2)),
    "y_test": np.array([1, 0]),
}


@pytest.fixture
def write(tmp_path):
    def save(**changes):
        arrays = {k: v for k, v in {**ARRAYS, **changes}.items() if v is not None}
        np.savez(tmp_path / "flowers.npz", **arrays)
        return tmp_path / "flowers.npz"

    return save


def test_arrays_ids_and_class_names_come_back(write):
    path = write(ids_train=np.array([9, 8, 7, 6]), class_names=np.array(["rose", "tulip"]))
    dataset = load_dataset("npz", path)
    np.testing.assert_array_equal(dataset.train.inputs, ARRAYS["x_train"].astype(np.float32))
    assert dataset.train.examples.ids.tolist() == [9, 8, 7, 6]
    assert dataset.class_names == ("rose", "tulip")
    assert dataset.name == "flowers"


def test_further_splits_are_read_with_and_without_labels(write):
    path = write(x_far=np.zeros((3, 2)), x_near=np.zeros((1, 2)), y_near=np.array([1]))
    splits = load_dataset("npz", path).splits
    assert set(splits) == {"train", "test", "far", "near"}
    assert splits["far"].examples.labels is None
    assert splits["near"].examples.labels.tolist() == [1]


def test_object_arrays_are_refused_and_never_unpickled(write, refused):
    path = write(x_train=np.array([{"a": 1}, 2, 3, 4], dtype=object))
    refused(lambda: load_dataset("npz", path), "flowers.npz", "allow_pickle=False")


@pytest.mark.parametrize(
    ("changes", "fragments"),
    [
        ({"y_test": None}, ("no y_test", "x_train")),
        ({"z": np.zeros(2)}, ("'z'", "belongs to no split")),
        ({"id_train": np.arange(4)}, ("'id_train'",)),
        ({"y_train": np.array([0.0, 1.5, 1, 0])}, ("label 1.5 at position 1",)),
        ({"ids_train": np.array([1, 2, 2, 3])}, ("id 2", "positions 1 and 2")),
        ({"x_test": np.array([[0, np.nan], [0, 0]])}, ("nan", "(0, 1)")),
        ({"class_names": np.array([1, 2])}, ("class_names", "int64")),
    ],
)
def test_what_does_not_fit_is_refused_by_name(write, changes, fragments, refused):
    path = write(**changes)
    refused(lambda: load_dataset("npz", path), *fragments)


def test_a_truncated_file_is_refused(write, refused):
    path = write()
    path.write_bytes(path.read_bytes()[:-40])
    refused(lambda: load_dataset("npz", path), "flowers.npz", "cannot be read")


def test_a_flipped_byte_is_refused(write, refused):
    path = write()
    data = bytearray(path.read_bytes())
    data[data.index(b"x_train.npy") + 150] ^= 255
    path.write_bytes(bytes(data))
    refused(lambda: load_dataset("npz", path), "flowers.npz", "cannot be read")


def test_an_unknown_compression_is_refused(write, refused):
    path = write()
    data = path.read_bytes()
    for magic, place in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        start = data.index(magic) + place
        data = data[:start] + b"\x63\0" + data[start + 2 :]
    path.write_bytes(data)
    refused(lambda: load_dataset("npz", path), "flowers.npz", "cannot be read")


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04."])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content, refused):
    (tmp_path / "a.npz").write_bytes(content)
    refused(lambda: load_dataset("npz", tmp_path / "a.npz"), "a.npz", "cannot be read")


def test_a_single_array_is_refused(tmp_path, refused):
    np.save(tmp_path / "a.npy", np.zeros(3))
    refused(lambda: load_dataset("npz", tmp_path / "a.npy"), "without a name")


def test_a_folder_is_refused(tmp_path, refused):
    refused(lambda: load_dataset("npz", tmp_path), "is a folder")
