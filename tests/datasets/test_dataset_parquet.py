from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound

NAMES = ["cat", "dog"]


def features(**columns):
    return {b"huggingface": json.dumps({"info": {"features": columns}}).encode()}


CLASS_LABEL = {"names": NAMES, "_type": "ClassLabel"}


@pytest.fixture
def folder(tmp_path):
    def write(file, columns, metadata=None):
        path = tmp_path / "pets"
        path.mkdir(exist_ok=True)
        table = pa.table(columns)
        pq.write_table(table.replace_schema_metadata(metadata), path / file)
        return path

    return write


@pytest.fixture
def texts(folder):
    """Write a small text dataset with class names, train in two shards."""
    metadata = features(label=CLASS_LABEL, text={"dtype": "string", "_type": "Value"})
    folder("train-00000-of-00002.parquet", {"text": ["a", "b"], "label": [0, 1]}, metadata)
    folder("train-00001-of-00002.parquet", {"text": ["c"], "label": [1]}, metadata)
    return folder("test-00000-of-00001.parquet", {"text": ["d"], "label": [0]}, metadata)


def _picture_columns(png, labels, **more):
    pictures = [
        {"bytes": png(np.full((2, 2, 3), 10 * i, np.uint8)), "path": None}
        for i in range(len(labels))
    ]
    return {"img": pictures, "label": labels, **more}


def test_shards_are_joined_and_class_names_kept(texts):
    dataset = load_dataset("parquet", texts)
    assert dataset.train.inputs.tolist() == ["a", "b", "c"]
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.examples.ids.tolist() == [0, 1, 2]


def test_pictures_and_the_index_column_are_read(folder, png):
    folder("train.parquet", _picture_columns(png, [0, 1, 1], index=[30, 10, 20]))
    path = folder("test.parquet", _picture_columns(png, [1], index=[10]))
    dataset = load_dataset("parquet", path)
    assert dataset.train.inputs.shape == (3, 2, 2, 3)
    assert dataset.train.inputs[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert dataset.train.examples.ids.tolist() == [30, 10, 20]
    assert dataset.test.examples.ids.tolist() == [10]


def test_labels_of_text_become_sorted_names(folder):
    folder("train.parquet", {"text": ["a", "b", "c"], "label": ["y", "x", "y"]})
    path = folder("test.parquet", {"text": ["d"], "label": ["x"]})
    dataset = load_dataset("parquet", path)
    assert dataset.class_names == ("x", "y")
    assert dataset.train.examples.labels.tolist() == [1, 0, 1]


def test_a_split_marked_minus_one_has_no_labels(texts, folder):
    path = folder("far.parquet", {"text": ["e", "f"], "label": [-1, -1]})
    assert load_dataset("parquet", path).splits["far"].examples.labels is None


def test_a_further_split_without_the_label_column_has_no_labels(texts, folder):
    path = folder("far.parquet", {"text": ["e"]})
    assert load_dataset("parquet", path).splits["far"].examples.labels is None


def test_files_one_folder_below_are_found(texts):
    assert len(load_dataset("parquet", texts.parent).train) == 3


def test_the_only_column_with_class_names_is_the_label(folder):
    metadata = features(kind=CLASS_LABEL)
    folder("train.parquet", {"text": ["a", "b"], "kind": [0, 1]}, metadata)
    path = folder("test.parquet", {"text": ["d"], "kind": [0]}, metadata)
    assert load_dataset("parquet", path).class_names == ("cat", "dog")


def test_two_columns_with_class_names_need_a_choice(folder, refused):
    metadata = features(fine=CLASS_LABEL, coarse={**CLASS_LABEL, "names": ["a", "b"]})
    columns = {"text": ["a", "b"], "fine": [0, 1], "coarse": [1, 0]}
    folder("train.parquet", columns, metadata)
    path = folder("test.parquet", columns, metadata)
    refused(lambda: load_dataset("parquet", path), "text, fine, coarse", "label_column")
    assert load_dataset("parquet", path, label_column="coarse").class_names == ("a", "b")


def test_a_missing_column_lists_the_columns(texts, refused):
    refused(lambda: load_dataset("parquet", texts, label_column="lable"), "'lable'", "text, label")
    refused(lambda: load_dataset("parquet", texts, text_column="body"), "'body'", "text, label")


def test_a_missing_shard_is_noticed(texts, refused):
    (texts / "train-00001-of-00002.parquet").unlink()
    refused(lambda: load_dataset("parquet", texts), "1 files", "announce 2", error=DataNotFound)


def test_a_missing_split_is_named(texts, refused):
    (texts / "test-00000-of-00001.parquet").unlink()
    refused(lambda: load_dataset("parquet", texts), "no split test", "train", error=DataNotFound)


@pytest.mark.parametrize("keep", [0, 3, 50, -1])
def test_a_damaged_file_is_named(texts, keep, refused):
    path = texts / "test-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    refused(lambda: load_dataset("parquet", texts), str(path), "cannot be read")


@pytest.mark.parametrize(
    ("columns", "metadata", "fragments"),
    [
        ({"text": ["a", None], "label": [0, 1]}, None, ("'text'", "row 1 of train")),
        ({"text": ["a", "b"], "label": [0, None]}, None, ("'label'", "row 1 of train")),
        ({"text": ["a", "b"], "label": [0.0, 0.5]}, None, ("label 0.5 at position 1",)),
        ({"text": ["a", "b"], "label": [[0], [0, 1]]}, None, ("labels are no array",)),
        ({"text": ["a", "b"], "label": [0, 1], "index": [4, 4]}, None, ("id 4",)),
        ({"text": [1, 2], "label": [0, 1]}, None, ("input 1 at position 0",)),
        ({"text": ["a", "b"], "label": [0, 1]}, {b"huggingface": b"{"}, ("metadata", "damaged")),
        ({"text": ["a", "b"], "label": [0, 1]}, {b"huggingface": b"[]"}, ("metadata", "damaged")),
        (
            {"text": ["a", "b"], "label": [0, 1]},
            features(label={"names": ["dog", "cat"]}),
            ("class names of 'label'", "differ"),
        ),
        (
            {"text": ["a", "b"], "label": [0, 1]},
            features(label={"names": "cat"}),
            ("no list of str",),
        ),
        (
            {"text": ["a", "b"], "label": [0, 2]},
            features(label=CLASS_LABEL),
            ("label 2 at position 1", "0..1"),
        ),
    ],
)
def test_values_that_do_not_fit_are_refused(folder, columns, metadata, fragments, refused):
    folder("train.parquet", columns, metadata)
    test = {"text": ["c"], "label": [0], "index": [0]}
    path = folder("test.parquet", test, features(label=CLASS_LABEL))
    refused(lambda: load_dataset("parquet", path), *fragments)


def test_numbers_and_names_as_labels_do_not_mix(folder, refused):
    folder("train.parquet", {"text": ["a", "b"], "label": ["x", "y"]})
    path = folder("test.parquet", {"text": ["c"], "label": [1]})
    refused(lambda: load_dataset("parquet", path), "label 1 at row 0 of test")


def test_garbage_in_place_of_a_picture_is_named(folder, png, refused):
    columns = _picture_columns(png, [0, 1])
    columns["img"][1]["bytes"] = b"\x89PNG garbage"
    folder("train.parquet", columns)
    path = folder("test.parquet", _picture_columns(png, [1]))
    refused(lambda: load_dataset("parquet", path), "row 1 of train", "cannot be decoded")


def test_a_path_in_place_of_a_picture_is_never_followed(folder, png, refused):
    columns = _picture_columns(png, [0, 1])
    columns["img"][1] = {"bytes": None, "path": "/etc/passwd"}
    folder("train.parquet", columns)
    path = folder("test.parquet", _picture_columns(png, [1]))
    refused(lambda: load_dataset("parquet", path), "row 1 of train", "no picture")


def test_image_size_for_texts_is_refused(texts, refused):
    refused(lambda: load_dataset("parquet", texts, image_size=8), "image_size=8", "texts")
