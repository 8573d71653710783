from __future__ import annotations

import numpy as np
import pytest

from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound

TRAIN = "index,width,label,height\n7,0.5,rose,1\n9,1.5,tulip,2\n4,2.5,rose,3\n"
TEST = "index,width,label,height\n1,0.25,tulip,-1e3\n"


@pytest.fixture
def folder(tmp_path):
    def write(train=TRAIN, test=TEST, **others):
        path = tmp_path / "flowers"
        path.mkdir(exist_ok=True)
        for name, content in {"train": train, "test": test, **others}.items():
            data = content.encode() if isinstance(content, str) else content
            (path / f"{name}.csv").write_bytes(data)
        return path

    return write


def test_features_named_labels_and_ids_are_read(folder):
    dataset = load_dataset("csv", folder())
    np.testing.assert_array_equal(dataset.train.inputs, [[0.5, 1], [1.5, 2], [2.5, 3]])
    np.testing.assert_array_equal(dataset.test.inputs, [[0.25, -1000]])
    assert dataset.class_names == ("rose", "tulip")
    assert dataset.train.examples.labels.tolist() == [0, 1, 0]
    assert dataset.train.examples.ids.tolist() == [7, 9, 4]
    assert dataset.name == "flowers"


def test_whole_numbers_as_labels_are_class_ids(folder):
    path = folder("a,label\n1,1\n2,0\n3,1\n", "a,label\n1,0\n")
    dataset = load_dataset("csv", path)
    assert dataset.train.examples.labels.tolist() == [1, 0, 1]
    assert dataset.class_names == ("0", "1")
    assert dataset.train.examples.ids.tolist() == [0, 1, 2]


def test_label_column_is_chosen_and_the_other_becomes_a_feature(folder):
    path = folder("a,label,kind\n1,0,x\n2,1,y\n", "a,label,kind\n1,0,y\n")
    dataset = load_dataset("csv", path, label_column="kind")
    assert dataset.class_names == ("x", "y")
    np.testing.assert_array_equal(dataset.train.inputs, [[1, 0], [2, 1]])


def test_texts_are_read_where_a_text_column_is_chosen(folder):
    path = folder(
        'id,body,label\na,"one, ""two""\nthree",x\nb,four,y\n', "id,body,label\nc,five,x\n"
    )
    dataset = load_dataset("csv", path, text_column="body")
    assert dataset.kind == "text"
    assert dataset.train.inputs.tolist() == ['one, "two"\nthree', "four"]
    assert dataset.train.examples.ids.tolist() == ["a", "b"]


def test_further_files_are_further_splits(folder):
    dataset = load_dataset("csv", folder(far="height,index,width\n5,0,6\n"))
    assert dataset.splits["far"].examples.labels is None
    np.testing.assert_array_equal(dataset.splits["far"].inputs, [[6, 5]])


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_names(folder):
    path = folder(("\ufeff" + TRAIN.replace("\n", "\r\n")).encode())
    assert load_dataset("csv", path).train.examples.ids.tolist() == [7, 9, 4]


@pytest.mark.parametrize(
    ("train", "fragments"),
    [
        (TRAIN + "5,1\n", ("line 5", "train.csv", "2 cells", "4")),
        (TRAIN.replace("1.5", "wide"), ("'wide'", "'width'", "line 3")),
        (TRAIN.replace("1.5", ""), ("''", "'width'", "line 3")),
        (TRAIN.replace("1.5", "nan"), ("'nan'", "'width'", "line 3")),
        (TRAIN.replace("1.5", "1e999"), ("'1e999'", "line 3")),
        (TRAIN.replace("1.5", "1e300"), ("'1e300'", "line 3")),
        (TRAIN.replace("9,", "7,"), ("id 7", "positions 0 and 1")),
        (TRAIN.replace("9,1.5,tulip", "9,1.5,"), ("label ''", "line 3")),
        (TRAIN.replace("height", "width"), ("column 4", "'width'", "doubled")),
        (TRAIN.replace("height", ""), ("column 4", "''")),
        (TRAIN.replace("label", "class"), ("no label column 'label'", "class")),
        (TRAIN.replace("width", "breadth"), ("test.csv", "'breadth'")),
        (TRAIN.replace("tulip", "rose"), ("'tulip'", "line 2", "test.csv", "no training example")),
        ("label\na\nb\n", ("no feature column",)),
        ("", ("no header and no rows",)),
        ("a,label\n", ("a header and no rows",)),
        ("a,label\n1,0.5\n2,1\n", ("label '0.5'", "line 2", "not an integer")),
        ('a,label\n1,"x\n', ("train.csv", "no csv file")),
        (b"a,label\n\xff\xfe,1\n", ("train.csv", "UTF-8")),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_file_and_line(folder, train, fragments, refused):
    path = folder(train)
    refused(lambda: load_dataset("csv", path), *fragments)


def test_labels_of_two_types_in_two_files_are_refused(folder, refused):
    path = folder("a,label\n1,0\n2,1\n", "a,label\n1,rose\n")
    refused(lambda: load_dataset("csv", path), "'rose'", "line 2", "test.csv")


def test_a_class_without_examples_is_refused(folder, refused):
    path = folder("a,label\n1,1\n2,2\n", "a,label\n1,1\n")
    refused(lambda: load_dataset("csv", path), "class 0", "no training example")


def test_a_missing_file_is_named(folder, refused):
    path = folder()
    (path / "test.csv").unlink()
    refused(lambda: load_dataset("csv", path), "test.csv", str(path), error=DataNotFound)


def test_a_missing_text_column_names_the_nearest(folder, refused):
    path = folder()
    refused(lambda: load_dataset("csv", path, text_column="hight"), "'height'")


def test_a_file_in_place_of_the_folder_is_refused(folder, refused):
    path = folder() / "train.csv"
    refused(lambda: load_dataset("csv", path), "is a file", error=DataNotFound)
