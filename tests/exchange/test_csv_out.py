"""Lines of CSV are those that pandas writes, and come back."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import learnorder as lo
from learnorder.exchange.csv_out import csv_header, csv_lines

TEXTS = st.text(alphabet="ab ,\"'\né", min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(
    numbers=arrays(np.float32, 6, elements=st.floats(width=16)),
    epochs=arrays(np.float64, 6, elements=st.floats(allow_nan=False, allow_infinity=False)),
    classes=arrays(np.int64, 6),
    texts=st.lists(TEXTS, min_size=6, max_size=6),
    labels=st.lists(st.none() | st.integers(0, 9), min_size=6, max_size=6),
)
def test_lines_are_those_of_pandas(numbers, epochs, classes, texts, labels):
    columns = {
        "a,b": numbers,
        "epoch": epochs,
        "prediction": classes,
        "id": np.array([*texts, None], dtype=object)[:-1],
        "label": np.array([*labels, None], dtype=object)[:-1],
    }
    expected = io.StringIO()
    pd.DataFrame(columns).to_csv(expected, index=False, lineterminator="\n")
    assert csv_header(columns) + csv_lines(columns) == expected.getvalue()


@pytest.mark.parametrize("odd", ["a\rb", "a\r\nb", "\r", 'a"\r', "a,\n"])
def test_ids_with_any_end_of_line_come_back(odd, tmp_path):
    log = lo.from_arrays(np.zeros((2, 2, 3), dtype=int), [0, 0, 1], ids=["x", odd, "y"])
    lo.export_log(log, "csv", tmp_path / "a.csv")
    lo.import_log(tmp_path / "a.csv", tmp_path / "a.zarr")
    assert lo.open_log(tmp_path / "a.zarr")["test"].example.values.tolist() == ["x", odd, "y"]


def test_minus_nothing_keeps_its_sign(tmp_path):
    margins = np.array([[[0.0, -0.0, 0.5]]])
    log = lo.from_arrays(np.zeros((1, 1, 3), dtype=int), [0, 0, 1], margins=margins)
    lo.export_log(log, "csv", tmp_path / "a.csv")
    lo.import_log(tmp_path / "a.csv", tmp_path / "a.zarr")
    found = lo.open_log(tmp_path / "a.zarr")["test"].margin.values
    assert np.signbit(found).tolist() == np.signbit(margins).tolist()
