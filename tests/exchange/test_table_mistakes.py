"""What a table can have wrong: one line that says where, and no log."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.exchange.json_lines import parse
from learnorder.exchange.tables import Choices, Table, content_of_tables

HEADER = "seed,epoch,split,id,prediction,label\n"
ROWS = [
    f"{seed},{epoch},train,{x},{(seed + x) % 3},{x % 3}"
    for seed in (0, 1)
    for epoch in (1, 2)
    for x in (10, 11, 12)
]


def csv(folder: Path, rows, header: str = HEADER, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(header + "\n".join(rows) + "\n")
    return path


def refusal(source, tmp_path, **options) -> str:
    """Message of a refused import, which leaves nothing behind."""
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(LearnOrderError) as caught:
        lo.import_log(source, tmp_path / "refused.zarr", **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def test_the_table_that_is_changed_below_is_fine(tmp_path):
    report = lo.import_log(csv(tmp_path, ROWS), tmp_path / "log.zarr")
    assert report.epochs == {0: 2, 1: 2}
    assert report.splits == {"train": 3}
    assert report.n_classes == 3
    assert report.notes == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [*rows, "1,2,train,12,2,0"], "seed 1, epoch 2, split 'train', id '12' is"),
        (
            lambda rows: rows[:-2],
            "lacks 2 rows; the first: seed 1, epoch 2, split 'train', id '11'",
        ),
        (lambda rows: [*rows[:-1], "1,2,train,12,1,1"], "label (column 'label') of id '12'"),
        (lambda rows: [*rows[:-1], "1,two,train,12,1,0"], "epoch (column 'epoch') is 'two' in row"),
        (lambda rows: [*rows[:-1], "1,nan,train,12,1,0"], "epoch (column 'epoch') is 'nan' in row"),
        (lambda rows: [*rows[:-1], "1,-2,train,12,1,0"], "epoch -2 of seed 1"),
        (lambda rows: [*rows[:-1], "1,inf,train,12,1,0"], "epoch inf of seed 1"),
        (
            lambda rows: [*rows[:-1], "1.5,2,train,12,1,0"],
            "seed (column 'seed') is '1.5' in row 12",
        ),
        (lambda rows: [*rows[:-1], "-1,2,train,12,1,0"], "seed (column 'seed') is '-1' in row 12"),
        (lambda rows: [*rows[:-1], "1,2,train,12,cat,0"], "'cat', a name"),
        (lambda rows: [*rows[:-1], "1,2,train,12,-1,0"], "'-1', a name"),
        (lambda rows: [*rows[:-1], "1,2,train,12,,0"], "prediction (column 'prediction') is ''"),
        (lambda rows: [*rows[:-1], "1,2,train,12,1000000,0"], "the class id 1000000 occurs"),
        (lambda rows: [*rows, "1,2,tr/../ain,13,1,0"], "lacks"),
        (lambda rows: [*rows[:-1], "1,2,train,12,1"], "has 5 cells, the header has 6"),
        (lambda rows: [*rows[:-1], "1,2,train,12,1,0,9"], "row 12 of"),
        (lambda rows: [*rows[:-1], '1,2,train,"12,1,0'], "cannot be read as CSV"),
        (lambda rows: [*rows[:9], *rows[10:], "1,2,test,12,1,0"], "lacks"),
        (lambda rows: [], "has no rows"),
        (lambda rows: [r for r in rows if not r.startswith("1,1,")], "epoch 1 of seed 0 and not"),
    ],
)
def test_rows_that_do_not_fit_are_named(change, message, tmp_path):
    assert message in refusal(csv(tmp_path, change(ROWS)), tmp_path)


def test_a_split_whose_name_is_no_folder_is_refused(tmp_path):
    rows = [row.replace("train", "../../up") for row in ROWS]
    assert "cannot name a split" in refusal(csv(tmp_path, rows), tmp_path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("seed,epoch,split,image,prediction,label\n", "has no column 'id'; its columns are: seed"),
        ("seed,epoch,split,id,guess,label\n", "has no column 'prediction'"),
        ("seed,seed,split,id,prediction,label\n", "the name 'seed', empty or doubled"),
        ("seed,,split,id,prediction,label\n", "empty or doubled"),
    ],
)
def test_headers_that_do_not_fit_are_named(header, message, tmp_path):
    assert message in refusal(csv(tmp_path, ROWS, header), tmp_path)


def test_columns_can_be_named(tmp_path):
    path = csv(tmp_path, ROWS, "run,epoch,split,image,guess,label\n")
    columns = {"seed": "run", "id": "image", "prediction": "guess"}
    lo.import_log(path, tmp_path / "log.zarr", columns=columns)
    assert lo.open_log(tmp_path / "log.zarr")["train"].sizes["replicate"] == 2
    wrong = {**columns, "id": "imag"}
    assert "nearest known name is 'image'" in refusal(path, tmp_path, columns=wrong)
    assert "no column can mean 'ids'" in refusal(path, tmp_path, columns={"ids": "image"})


@pytest.mark.parametrize(
    ("name", "role", "advice"),
    [
        ("labels", "label", "--column label=labels"),
        ("Label", "label", "--column label=Label"),
        (" label", "label", "--column 'label= label'"),
        ("Seed", "seed", "--column seed=Seed"),
        ("EPOCHS", "epoch", "--column epoch=EPOCHS"),
        ("split ", "split", "--column 'split=split '"),
        ("true_labels", "true_label", "--column true_label=true_labels"),
    ],
)
def test_a_column_that_is_named_almost_as_one_that_is_read_is_refused(name, role, advice, tmp_path):
    header = HEADER if role == "true_label" else HEADER.replace(role, "other")
    rows = [f"{row},{row.split(',')[HEADER.strip().split(',').index('label')]}" for row in ROWS]
    message = refusal(csv(tmp_path, rows, header.replace("\n", f",{name}\n")), tmp_path)
    assert f"the column {name!r} and none named {role!r}" in message
    assert advice in message


def test_columns_that_are_not_read_are_named(tmp_path):
    header = HEADER.replace("\n", ",fold,Label\n")
    path = csv(tmp_path, [f"{row},3,0" for row in ROWS], header)
    report = lo.import_log(path, tmp_path / "log.zarr")
    assert report.notes == ["columns that are not read: 'fold', 'Label'"]
    report = lo.import_log(path, tmp_path / "other.zarr", columns={"label": "Label"})
    assert report.notes == ["columns that are not read: 'label', 'fold'"]


def test_columns_of_other_kinds_of_tables_that_are_not_read_are_named(tmp_path):
    wide = pd.DataFrame(
        {"id": [1, 2], "label": [0, 1], "prediction_seed0_epoch1": [0, 1], "margin": [0.5, 0.5]}
    )
    report = lo.import_log({"train": wide.assign(split="test")}, tmp_path / "log.zarr")
    assert report.notes == ["columns that are not read: 'margin', 'split'"]


def test_one_column_has_one_meaning(tmp_path):
    path = csv(tmp_path, ROWS)
    message = refusal(path, tmp_path, columns={"label": "prediction"})
    assert "the column 'prediction' is chosen as the label" in message
    assert "has no column" not in message
    message = refusal(path, tmp_path, columns={"true_label": "id"})
    assert "the column 'id' is chosen as the true_label" in message
    message = refusal(path, tmp_path, columns={"label": "label", "true_label": "label"})
    assert "is chosen as the label and as the true_label" in message
    report = lo.import_log(path, tmp_path / "log.zarr", columns={"true_label": "label"})
    assert report.notes == ["the column 'label' is read as the true_label, so none is the label"]


def test_what_is_taken_for_granted_is_said(tmp_path):
    rows = [f"{x},{x % 2}" for x in range(4)]
    report = lo.import_log(csv(tmp_path, rows, "id,prediction\n"), tmp_path / "log.zarr")
    assert report.notes == [
        "no column 'seed': all rows are of seed 0",
        "no column 'epoch': all rows are of epoch 1",
        "no column 'split': all rows are of split 'test'",
    ]
    assert "label" not in lo.open_log(tmp_path / "log.zarr")["test"]


def test_rows_that_repeat_others_count_once_and_are_told(tmp_path):
    report = lo.import_log(csv(tmp_path, [*ROWS, *ROWS[:2], ROWS[0]]), tmp_path / "log.zarr")
    assert report.notes == ["3 rows repeat others with the same values; each counts once"]


def test_class_names_become_ids_in_sorted_order_or_as_given(tmp_path):
    rows = [f"{x},{'zebra' if x else 'ant'},bee" for x in range(3)]
    path = csv(tmp_path, rows, "id,prediction,label\n")
    report = lo.import_log(path, tmp_path / "a.zarr")
    assert any("sorted order" in note for note in report.notes)
    found = lo.open_log(tmp_path / "a.zarr")["test"]
    assert found.attrs["class_names"] == ["ant", "bee", "zebra"]
    assert found.prediction.values.tolist() == [[[0, 2, 2]]]
    lo.import_log(path, tmp_path / "b.zarr", class_names=["zebra", "cow", "bee", "ant"])
    found = lo.open_log(tmp_path / "b.zarr")["test"]
    assert found.prediction.values.tolist() == [[[3, 0, 0]]]
    assert found.label.values.tolist() == [2, 2, 2]
    assert "'ant' occurs and is none of the 2 class names" in refusal(
        path, tmp_path, class_names=["bee", "zebra"]
    )


def test_names_of_predictions_that_differ_from_labels_by_case_or_space_are_refused(tmp_path):
    header = "id,prediction,label\n"
    for given in ("Cat", " cat", "CAT "):
        path = csv(tmp_path, [f"1,{given},cat", "2,dog,dog"], header)
        message = refusal(path, tmp_path)
        assert f"predictions name the class {given!r}, labels 'cat'" in message
        assert "--class-names" in message
    # two classes, where the labels or a list of names say so
    report = lo.import_log(csv(tmp_path, ["1,A,a", "2,a,A"], header), tmp_path / "a.zarr")
    assert report.n_classes == 2
    path = csv(tmp_path, ["1,A,a", "2,a,a"], header)
    assert lo.import_log(path, tmp_path / "b.zarr", class_names=["a", "A"]).n_classes == 2
    # and where there are no labels there is nothing to hold them against
    path = csv(tmp_path, ["1,A", "2,a"], "id,prediction\n")
    assert lo.import_log(path, tmp_path / "c.zarr").n_classes == 2


@pytest.mark.parametrize("missing", ["nan", "NaN", "<NA>"])
def test_how_missing_values_are_written_is_no_class(missing, tmp_path):
    path = csv(tmp_path, ["1,cat,cat", f"2,cat,{missing}"], "id,prediction,label\n")
    said = "label (column 'label') is missing (NaN or null) in row 2 of"
    assert said in refusal(path, tmp_path)
    frame = pd.DataFrame({"id": [1, 2], "prediction": ["cat", missing]})
    said = "prediction (column 'prediction') is missing (NaN or null) in row 2 of"
    assert said in refusal(frame, tmp_path)
    lo.import_log(path, tmp_path / "log.zarr", class_names=["cat", missing])


def test_whole_numbers_that_are_written_with_a_point_are_class_ids(tmp_path):
    rows = [f"{x},{x % 11},{x % 11}.0" for x in range(22)]
    report = lo.import_log(csv(tmp_path, rows, "id,prediction,label\n"), tmp_path / "log.zarr")
    assert report.n_classes == 11
    assert "class ids are written as '0.0', ...: read as whole numbers" in report.notes
    found = lo.open_log(tmp_path / "log.zarr")["test"]
    assert found.label.values.tolist() == [x % 11 for x in range(22)]
    assert found.prediction.values.tolist() == [[[x % 11 for x in range(22)]]]
    # other numbers stay what a user called the classes
    rows = ["1,1.0,1.5", "2,1.5,1.0"]
    lo.import_log(csv(tmp_path, rows, "id,prediction,label\n"), tmp_path / "stars.zarr")
    found = lo.open_log(tmp_path / "stars.zarr")["test"]
    assert found.attrs["class_names"] == ["1.0", "1.5"]


def test_class_ids_beyond_the_names_are_refused(tmp_path):
    assert "the class id 2 occurs" in refusal(csv(tmp_path, ROWS), tmp_path, class_names=["a", "b"])
    frame = pd.DataFrame({"id": [0], "prediction": [2]})
    assert "Class ids are whole numbers from 0 to 1 for 2 class names" in refusal(
        frame, tmp_path, class_names=["a", "b"]
    )


FRAME = pd.DataFrame({"id": [1, 2, 3], "prediction": [0, 1, 1], "label": [0, 0, 1]})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("id", [1, "1", 2], "id (column 'id') in the frame (pandas) has the types '1' (int), '1'"),
        ("id", [1.5, 2.0, 3.0], "id (column 'id') is '1.5'"),
        ("id", [True, False, True], "of type bool"),
        ("id", ["a", None, "b"], "id (column 'id') is missing (NaN or null) in row 2"),
        ("id", ["a", "", "b"], "An id has 1 to 1,000 letters"),
        ("id", ["a", "b\0", "c"], "An id has 1 to 1,000 letters"),
        (
            "id",
            pd.Series(["a", "b\ud800", "c"], dtype=object),
            "in row 2 of the frame (pandas). Texts",
        ),
        ("id", ["a", "b" * 1001, "c"], "An id has 1 to 1,000 letters"),
        ("id", [2**64, 1, 2], "id (column 'id')"),
        ("prediction", [0, 1, -1], "prediction (column 'prediction') is '-1' in row 3"),
        ("prediction", [0.0, 1.0, np.nan], "is missing (NaN or null) in row 3"),
        ("prediction", [0.0, 1.0, 1.0], "It is a class id, a whole number"),
        ("prediction", [0, 1, 10**12], "Class ids are whole numbers from 0 to 999,999"),
        ("prediction", ["a", "b", 3], "has the types"),
        ("prediction", ["a", "b", "c"], "while class ids came before"),
        ("prediction", pd.to_datetime(["2020-01-01"] * 3), "of type datetime64"),
        ("label", pd.array([0, None, 1], dtype="Int64"), "1 example of split 'test' has no label"),
        ("probability", [0.5, 1.5, 0.1], "probability (column 'probability') is '1.5' in row 2"),
        (
            "probability",
            [0.5, np.nan, 0.1],
            "lacks 1 row; the first: seed 0, epoch 1, split 'test'",
        ),
        ("split", [1, 1, 1], "the split 1 is no text"),
        ("prediction_seed0_epoch1", [0, 1, 1], "A table is long, with one column of predictions"),
    ],
)
def test_frames_that_do_not_fit_are_refused(name, values, message, tmp_path):
    assert message in refusal(FRAME.assign(**{name: values}), tmp_path)


def test_polars_frames_are_refused_likewise(tmp_path):
    frame = pl.from_pandas(FRAME)
    lo.import_log(frame, tmp_path / "fine.zarr")
    assert "Call collect() first" in refusal(frame.lazy(), tmp_path)
    missing = frame.with_columns(prediction=pl.Series([0, None, 1]))
    assert "is missing (NaN or null) in row 2" in refusal(missing, tmp_path)
    nested = frame.with_columns(prediction=pl.Series([[0], [1], [1]]))
    assert "of type List(Int64)" in refusal(nested, tmp_path)
    words = frame.with_columns(prediction=pl.Series(["a", "b", "b"]).cast(pl.Categorical))
    lo.import_log(words.drop("label"), tmp_path / "words.zarr")
    assert lo.open_log(tmp_path / "words.zarr")["test"].attrs["class_names"] == ["a", "b"]


def test_probabilities_without_labels_are_refused(tmp_path):
    frame = FRAME.drop(columns="label").assign(probability=0.5)
    assert "has no labels, but probability of the label" in refusal(frame, tmp_path)


def test_sources_that_are_none_are_refused(tmp_path):
    assert "is of type builtins.int" in refusal(3, tmp_path)
    assert "The source is empty" in refusal({}, tmp_path) or "is empty" in refusal({}, tmp_path)
    assert "is given for a source in memory" in refusal(FRAME, tmp_path, format="csv")
    with pytest.raises(lo.DataNotFound, match="there is nothing at"):
        lo.import_log(tmp_path / "absent.csv", tmp_path / "log.zarr")


def test_seeds_are_those_of_the_table(tmp_path):
    path = csv(tmp_path, ROWS)
    assert "says them itself" in refusal(path, tmp_path, seeds=[3])
    assert "2 seeds are given" in refusal(FRAME, tmp_path, seeds=[3, 4])


def test_objects_of_numpy_are_numbers(tmp_path):
    values = np.array([np.int8(1), np.int64(0), 1], dtype=object)
    lo.import_log(FRAME.assign(prediction=values), tmp_path / "a.zarr")
    assert lo.open_log(tmp_path / "a.zarr")["test"].prediction.values.tolist() == [[[1, 0, 1]]]


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "d").mkdir()
    for format_ in ("csv", "parquet", "npz", "py-irt", "aum"):
        assert "is a folder, and" in refusal(tmp_path / "d", tmp_path, format=format_)


def test_compressed_csv_that_was_cut_off_is_refused(tmp_path):
    whole = gzip.compress((HEADER + "\n".join(ROWS * 200)).encode())
    path = tmp_path / "a.csv.gz"
    path.write_bytes(whole)
    lo.import_log(path, tmp_path / "fine.zarr")
    path.write_bytes(whole[: len(whole) // 2])
    message = refusal(path, tmp_path, format="csv")
    assert "cannot be read as CSV" in message


def test_parquet_that_was_cut_off_or_damaged_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    FRAME.assign(id=np.arange(3)).to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as Parquet" in refusal(path, tmp_path)
    lo.export_log(lo.from_arrays([[list(range(50))]]), "parquet", path, overwrite=True)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[60] ^= 0x40
    path.write_bytes(bytes(flipped))
    assert "cannot be read as Parquet" in refusal(path, tmp_path)


def test_a_line_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    from learnorder.exchange import csv_rows

    monkeypatch.setattr(csv_rows, "MOST_LINE", 1 << 16)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(HEADER.encode() + b"0" * (1 << 22)))
    assert "a line of over 65,536 bytes" in refusal(path, tmp_path)


WHOLE = (HEADER + "\n".join(ROWS) + "\n").encode()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", WHOLE.replace(b",", b";"), "'seed;epoch;split;id;prediction;label', with semico"),
        ("a.csv", WHOLE.replace(b",", b"\t"), "\\tprediction\\tlabel', with tabs in it"),
        ("a.csv", b"id\n1\n2\n", "its header is one cell, 'id')"),
        ("a.csv", WHOLE.replace(b"train", b"entra\xeen", 1), "is 0xee, which is no UTF-8"),
        ("a.csv", WHOLE.decode().encode("utf-16"), "it is UTF-16"),
        ("a.csv", WHOLE.replace(b"10", b"1\0", 1), "is NUL, which is in no text"),
        ("a.csv.gz", gzip.compress(WHOLE, mtime=0)[:-9], "ended before the end-of-stream marker"),
        ("a.csv.gz", gzip.compress(WHOLE, mtime=0) + b"rest", "Not a gzipped file"),
        ("a.csv", WHOLE + b"9" * (1 << 17) + b"\xee", "byte 0xee is no UTF-8"),
    ],
)
def test_why_a_file_that_is_named_csv_cannot_be_read_is_said(name, content, reason, tmp_path):
    (tmp_path / name).write_bytes(content)
    message = refusal(tmp_path / name, tmp_path)
    assert f"{name} cannot be read as CSV (" in message
    assert reason in message
    assert "separated by commas" in message
    assert "Rename it" not in message


def test_other_separators_are_named_with_the_format_given_too(tmp_path):
    (tmp_path / "a.txt").write_bytes(WHOLE.replace(b",", b";"))
    assert "with semicolons in it" in refusal(tmp_path / "a.txt", tmp_path, format="csv")


def test_the_character_that_stands_for_no_other_is_text(tmp_path):
    rows = [row.replace(",10,", ",a\ufffd,").replace(",11,", ",b,") for row in ROWS]
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    report = lo.import_log(tmp_path / "a.csv", tmp_path / "log.zarr")
    assert report.splits == {"train": 3}


def test_time_goes_with_the_number_of_columns():
    """Names counted one by one took minutes for a wide table."""
    wide = [f"prediction_seed{seed}_epoch1" for seed in range(60_000)]
    table = Table("wide", ["id", "id", *wide], lambda names: iter(()), typed=False)
    started = time.process_time()
    with pytest.raises(LearnOrderError, match="has the name 'id', empty or doubled"):
        content_of_tables({None: [table]}, Choices())
    keys = ",".join(f'"{k}": 1' for k in [*range(60_000), 59_999])
    with pytest.raises(LearnOrderError, match="the key '59999' occurs twice"):
        parse(f"{{{keys}}}".encode(), Path("a.jsonl"), 1)
    assert time.process_time() - started < 5
