"""One rule for ids, whatever brings them: which one is refused, and that it is the one named."""

from __future__ import annotations

import numpy as np
import pytest

import learnorder as lo
from learnorder.ids import RULE

LABELS = [0, 1, 1]
INPUTS = np.eye(3)


def through_recorder(ids, folder):
    lo.Recorder(folder / "a.zarr", seed=0, labels={"test": LABELS}, ids={"test": ids})


def through_dataset(ids, folder):
    lo.Dataset.from_arrays(INPUTS, LABELS, INPUTS, LABELS, ids_test=ids)


def through_arrays(ids, folder):
    lo.from_arrays(np.zeros((1, 1, 3), dtype=int), LABELS, ids=ids)


DOORS = [through_recorder, through_dataset, through_arrays]

REFUSED = [
    (["", "b", "c"], "id '' at position 0 is empty. "),
    (["a", "", "c"], "id '' at position 1 is empty. "),
    (np.array(["a", "b", ""]), "id '' at position 2 is empty. "),
    ([1, "1", 2], "id '1' at position 1 is of type str, the first, 1, of type int. "),
    (["1", 2, "3"], "id 2 at position 1 is of type int, the first, '1', of type str. "),
    ([1, 2**70, 2], f"id {2**70} at position 1 does not fit 64 bits with a sign. "),
    ([1, 2**63, 2], f"id {2**63} at position 1 does not fit 64 bits with a sign. "),
    (np.array([1, 2, 2**63], dtype=np.uint64), f"id {2**63} at position 2 does not fit 64 bits"),
    ([1, None, 2], "id None at position 1 (type NoneType) is neither an integer nor a str. "),
    ([1, 2.5, 2], "id 2.5 at position 1 (type float) is neither an integer nor a str. "),
    ([1, True, 2], "id True at position 1 (type bool) is neither an integer nor a str. "),
    (np.array([True, False, True]), "id True at position 0 (type bool) is neither"),
    (["a", b"b", "c"], "id b'b' at position 1 (type bytes) is neither"),
    (["a", "b\0", "c"], "id 'b\\x00' at position 1 holds NUL. "),
    (["a", "\ud800", "c"], "id '\\ud800' at position 1 holds half a surrogate pair"),
    ([7, 5, 7], "id 7 stands at positions 0 and 2. "),
    (["a", "b", "b"], "id 'b' stands at positions 1 and 2. "),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("ids", "message"), REFUSED)
def test_the_first_id_that_does_not_fit_is_named_with_the_rule(door, ids, message, tmp_path):
    with pytest.raises(lo.LearnOrderError) as caught:
        door(ids, tmp_path)
    assert message in str(caught.value)
    assert RULE in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[1], [2, 3], [4]], "the ids are no array"),
        ([[1, 2], [3, 4], [5, 6]], "ids of the shape (3, 2)"),
        (np.ma.masked_equal([1, 2, 3], 2), "the ids are masked at position 1"),
        ("abc", "ids of the shape ()"),
    ],
)
def test_what_is_no_list_of_ids_is_refused(door, ids, message, tmp_path):
    with pytest.raises(lo.LearnOrderError) as caught:
        door(ids, tmp_path)
    assert message in str(caught.value)
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize(
    "ids",
    [
        [3, 1, 2],
        [-1, 0, 2**63 - 1],
        range(3),
        np.array([2, 0, 1], dtype="u1"),
        np.array([2, 0, 1], dtype="u8"),
        ["b", " ", "Å"],
        ("b", np.str_("a"), "c"),
        np.array(["b", "a", "c"], dtype=object),
        np.array([5, 1, 2], dtype=object),
    ],
)
def test_ids_that_fit_are_int64_or_str_as_given(ids):
    log = lo.from_arrays(np.zeros((1, 1, 3), dtype=int), LABELS, ids=ids)
    dataset = lo.Dataset.from_arrays(INPUTS, LABELS, INPUTS, LABELS, ids_test=ids)
    for found in (log.example.values, dataset.splits["test"].examples.ids):
        assert found.tolist() == list(ids)
        assert found.dtype == np.int64 or found.dtype.kind == "U"
