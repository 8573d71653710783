from __future__ import annotations

import numpy as np
import pytest

from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound
from learnorder.exchange.importing import import_log
from learnorder.log.reader import open_log

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
        ('a,label\n1,"x\n', ("train.csv", "no csv file")),
        (b"a,label\n\xff\xfe,1\n", ("train.csv", "UTF-8")),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_file_and_line(folder, train, fragments, refused):
    path = folder(train)
    refused(lambda: load_dataset("csv", path), *fragments)


def test_fractions_as_labels_are_refused(folder, refused):
    path = folder("a,label\n1,0.5\n2,1\n", "a,label\n1,1\n")
    refused(lambda: load_dataset("csv", path), "label '0.5'", "line 2", "not an integer")


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        (["501", "2134", "0"], [501, 2134, 0]),
        (["-5", "0", "5"], [-5, 0, 5]),
        (["00501", "02134", "10001"], ["00501", "02134", "10001"]),
        (["007", "7", "+7"], ["007", "7", "+7"]),
        (["-0", "0", "1"], ["-0", "0", "1"]),
        ([" 1", "1", "2"], [" 1", "1", "2"]),
        (["1" * 19, "2", "3"], ["1" * 19, "2", "3"]),
    ],
)
def test_ids_are_numbers_where_each_is_spelled_as_one(folder, tmp_path, written, ids):
    train = "".join(f"{text},{row},{row % 2}\n" for row, text in enumerate(written))
    path = folder("id,a,label\n" + train, "id,a,label\n1,1,1\n")
    assert load_dataset("csv", path).train.examples.ids.tolist() == ids
    rows = "".join(f"{text},{row % 2},0\n" for row, text in enumerate(written))
    (tmp_path / "predictions.csv").write_text("id,label,prediction\n" + rows)
    import_log(tmp_path / "predictions.csv", tmp_path / "a.zarr")
    assert open_log(tmp_path / "a.zarr")["test"].example.values.tolist() == ids, "one rule for both"


def test_labels_are_class_ids_where_each_is_spelled_as_one(folder, refused):
    dataset = load_dataset("csv", folder("a,label\n1,1\n2,01\n3,0\n", "a,label\n1,01\n"))
    assert dataset.class_names == ("0", "01", "1")
    path = folder("a,label\n1,1\n2,0\n", "a,label\n1,01\n")
    refused(lambda: load_dataset("csv", path), "label '01'", "line 2", "test.csv", "no class id")


@pytest.mark.parametrize("label", ["", " ", "nan", "NaN", "<NA>"])
@pytest.mark.parametrize("name", ["train", "test", "far"])
def test_a_missing_label_is_refused_with_its_row(folder, refused, name, label):
    good = "a,label\n1,NA\n2,None\n"
    path = folder(**{"train": good, "test": good, name: f"{good}3,{label}\n"})
    refused(lambda: load_dataset("csv", path), f"label {label!r}", "line 4", f"{name}.csv")


def test_na_and_none_are_names_of_classes(folder):
    dataset = load_dataset("csv", folder("a,label\n1,NA\n2,None\n", "a,label\n1,NA\n"))
    assert dataset.class_names == ("NA", "None")


@pytest.mark.parametrize("label", [" cat", "cat ", "\tcat"])
def test_space_around_a_label_is_refused_and_case_is_left_alone(folder, refused, label):
    path = folder("a,label\n1,cat\n2,Cat\n", "a,label\n1,cat\n")
    assert load_dataset("csv", path).class_names == ("Cat", "cat")
    path = folder(f"a,label\n1,cat\n2,{label}\n", "a,label\n1,cat\n")
    refused(lambda: load_dataset("csv", path), f"label {label!r}", "line 3", "'cat'", "space")
    path = folder("a,label\n1,0\n2, 1\n", "a,label\n1,0\n")
    refused(lambda: load_dataset("csv", path), "label ' 1'", "line 3", "space")


@pytest.mark.parametrize(
    "name", ["ID", "Id", " id", "id ", "Index", "Unnamed: 0", "Unnamed: 0.1", "", " "]
)
def test_a_column_that_looks_like_ids_is_no_feature(folder, refused, name):
    path = folder(f"{name},a,label\n7,1,0\n8,2,1\n", f"{name},a,label\n9,1,0\n")
    refused(lambda: load_dataset("csv", path), repr(name), "'id'", "drop", ".csv")
    if name.strip():
        dataset = load_dataset("csv", path, text_column=name)
        assert dataset.train.inputs.tolist() == ["7", "8"], "what is chosen is read"


def test_an_index_beside_ids_is_no_feature_and_no_harm_beside_texts(folder, refused):
    path = folder("index,id,a,label\n0,7,1,0\n1,8,2,1\n", "index,id,a,label\n0,9,1,0\n")
    refused(lambda: load_dataset("csv", path), "'index'", "another name")
    assert load_dataset("csv", path, text_column="a").train.examples.ids.tolist() == [7, 8]


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("index,label\n5,rose\n", "'width'"),
        ("Id,label\n5,0.5\n", "'Id'"),
        ("width,height,label\n5,1,0.5\n", "no id column 'index'"),
        ("index,label\n5\n", "1 cells"),
        ("some notes\n", "no rows"),
        (",label\n5,rose\n", "''"),
        ("a,a\n5,rose\n", "doubled"),
        ("index,width,height,label\n5,1,2,\n", "label ''"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_further_table_that_does_not_fit_may_be_no_split(folder, refused, content, fragment):
    path = folder(sample_submission=content)
    hint = "Every .csv file in the folder is read as a split: if sample_submission.csv is none"
    refused(lambda: load_dataset("csv", path), fragment, hint, "move it away")
    (path / "sample_submission.csv").unlink()
    folder("a,label\n1\n")
    assert "Every .csv" not in refused(lambda: load_dataset("csv", path), "train.csv")


@pytest.mark.parametrize("cell", ["1_000", "٣", "1\u00a0", "0x10", '"1,000"'])
def test_numbers_to_python_alone_are_refused(folder, refused, cell):
    path = folder(TRAIN.replace("1.5", cell))
    refused(lambda: load_dataset("csv", path), repr(cell.strip('"')), "'width'", "line 3")


def times(*cells: str) -> str:
    return "a,t,label\n" + "".join(f"1,{cell},{row % 2}\n" for row, cell in enumerate(cells))


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["1700000001", "1800000000", "1700000002"], ("1700000001 at line 2", "1700000002")),
        (["-1700000001", "-1700000002"], ("-1700000001 at line 2", "-1700000002 at line 3")),
        (["1.7000000010e+09", "1.7000000020e+09"], ("1700000001", "1700000002")),
        (["12345678901234567891", "12345678901234567892"], ("7891 at", "7892 at line 3")),
        (["16777216", "16777217"], ("16777216", "16777217")),
    ],
)
def test_large_whole_numbers_that_float32_cannot_tell_apart_are_refused(
    folder, refused, cells, shown
):
    path = folder(times(*cells), times("1"))
    refused(lambda: load_dataset("csv", path), "column 't'", "float32", "train.csv", *shown)


@pytest.mark.parametrize(
    "cells",
    [
        ["16777215", "16777216"],
        ["1700000001", "1700000001.0", "1800000000"],
        ["0", "1700000001", "1700000002"],
        ["-1700000001", "1700000001", "1700000002"],
        ["0.1", "0.10000000001"],
        ["30000000.1", "30000000.2"],
    ],
)
def test_rounding_to_float32_is_no_loss_otherwise(folder, cells):
    path = folder(times(*cells), times("1"))
    numbers = load_dataset("csv", path).train.inputs[:, 1]
    np.testing.assert_array_equal(numbers, np.array(cells, dtype=np.float64).astype(np.float32))


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
