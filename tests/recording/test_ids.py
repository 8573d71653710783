"""Which id is refused, and that it is the one that is named."""

from __future__ import annotations

import numpy as np
import pytest

import learnorder as lo


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["", "b", "c"], "id '' at position 0 is empty. An id has a letter or more."),
        (["a", "", "c"], "id '' at position 1 is empty"),
        (np.array(["a", "b", ""]), "id '' at position 2 is empty"),
        (
            [1, "1", 2],
            "id '1' at position 1 is of type str, the first, 1, of type int. Ids are all integers",
        ),
        (["1", 2, "3"], "id 2 at position 1 is of type int, the first, '1', of type str"),
        ([1, 2**70, 2], f"id {2**70} at position 1 does not fit 64 bits with a sign"),
        ([1, None, 2], "id None at position 1 (type NoneType) is neither an integer nor"),
        ([1, 2.5, 2], "id 2.5 at position 1 (type float) is neither an integer nor a Unicode str"),
        (["a", True, "c"], "id True at position 1 (type bool) is neither"),
        (["a", b"b", "c"], "id b'b' at position 1 (type bytes) is neither"),
        (["a", "b\0", "c"], "at position 1"),
        ([[1], [2, 3], [4]], "the ids are no array"),
    ],
)
def test_the_first_id_that_does_not_fit_is_named(ids, message, tmp_path):
    with pytest.raises(lo.LearnOrderError) as caught:
        lo.Recorder(tmp_path / "a.zarr", seed=0, labels={"test": [0, 1, 1]}, ids={"test": ids})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize(
    "ids", [[3, 1, 2], ["b", " ", "c"], np.array([2, 0, 1], dtype="u1"), (2**59, 5, 0)]
)
def test_ids_that_are_recorded_come_back_through_csv(ids, tmp_path):
    with lo.Recorder(
        tmp_path / "a.zarr", seed=0, labels={"test": [0, 1, 1]}, ids={"test": ids}
    ) as recorder:
        recorder.record(1, "test", [0, 0, 1])
    lo.export_log(tmp_path / "a.zarr", "csv", tmp_path / "a.csv")
    lo.import_log(tmp_path / "a.csv", tmp_path / "b.zarr")
    found = lo.open_log(tmp_path / "b.zarr")["test"]
    assert found.example.values.tolist() == list(ids)
