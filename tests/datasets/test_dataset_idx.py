from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound

IMAGES = "train-images-idx3-ubyte.gz"
LABELS = "train-labels-idx1-ubyte"


def test_gzipped_and_plain_files_are_read(idx_folder):
    dataset = load_dataset("idx", idx_folder)
    expected = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    np.testing.assert_array_equal(dataset.train.inputs, expected)
    assert dataset.train.examples.labels.tolist() == [0, 1, 2, 2, 1, 0]
    assert dataset.test.examples.ids.tolist() == [0, 1, 2]
    assert dataset.name == idx_folder.name


def test_files_with_a_dot_before_idx_are_found(idx_folder):
    (idx_folder / LABELS).rename(idx_folder / "train-labels.idx1-ubyte")
    assert len(load_dataset("idx", idx_folder).train) == 6


def test_mnist_has_class_names_and_fashion_mnist_its_own(idx_folder, refused):
    refused(lambda: load_dataset("fashion-mnist", idx_folder), "class 3 ('Dress')", "no training")
    dataset = load_dataset("mnist", idx_folder, classes=["2", "0"])
    assert dataset.class_names == ("2", "0")
    assert dataset.name == "mnist"


def test_a_missing_file_is_named(idx_folder, refused):
    (idx_folder / LABELS).unlink()
    call = lambda: load_dataset("idx", idx_folder)  # noqa: E731
    refused(call, "train-labels-idx1-ubyte", str(idx_folder), error=DataNotFound)


@pytest.mark.parametrize("keep", [5, 30, -9, -1])
def test_a_truncated_gzip_file_is_refused_at_any_length(idx_folder, keep, refused):
    path = idx_folder / IMAGES
    path.write_bytes(path.read_bytes()[:keep])
    refused(lambda: load_dataset("idx", idx_folder), IMAGES, "damaged")


def test_a_flipped_bit_in_a_gzip_file_is_refused(idx_folder, refused):
    path = idx_folder / IMAGES
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(bytes(data))
    refused(lambda: load_dataset("idx", idx_folder), IMAGES)


def test_a_file_that_is_no_gzip_is_refused(idx_folder, refused):
    (idx_folder / IMAGES).write_bytes(b"<html>not found</html>")
    refused(lambda: load_dataset("idx", idx_folder), IMAGES, "damaged")


@pytest.mark.parametrize(
    ("content", "fragments"),
    [
        (b"", ("starts with 0x,",)),
        (struct.pack(">II", 0x803, 2) + b"\0\1", ("0x00000803", "0x00000801")),
        (struct.pack(">I", 0x801) + b"\0", ("header", "5 bytes")),
        (struct.pack(">II", 0x801, 6) + b"\0" * 5, ("holds 5 bytes", "(6,)")),
        (struct.pack(">II", 0x801, 6) + b"\0" * 7, ("more than 6 bytes",)),
    ],
)
def test_a_header_that_does_not_fit_is_refused(idx_folder, content, fragments, refused):
    (idx_folder / LABELS).write_bytes(content)
    refused(lambda: load_dataset("idx", idx_folder), LABELS, *fragments)


def test_a_header_that_announces_terabytes_is_refused_at_once(idx_folder, refused):
    header = struct.pack(">IIII", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    (idx_folder / IMAGES).write_bytes(gzip.compress(header))
    refused(lambda: load_dataset("idx", idx_folder), IMAGES, "4294967295")


def test_other_numbers_of_images_and_labels_are_refused(idx_folder, refused):
    (idx_folder / LABELS).write_bytes(struct.pack(">II", 0x801, 5) + b"\0\1\2\0\1")
    refused(lambda: load_dataset("idx", idx_folder), "6 examples", "(5,)")
