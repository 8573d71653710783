"""Only collections over the same examples are compared; the first difference is named."""

from __future__ import annotations

import numpy as np
import pytest

from learnorder.comparison.compare import compare
from learnorder.errors import ExamplesDiffer, LearnOrderError
from learnorder.log.labelled import from_arrays

LABEL = [0, 1, 2, 1]
PREDICTION = [[[0, 1, 2, 0], [0, 1, 2, 1]], [[0, 2, 2, 1], [0, 1, 2, 1]]]
NAMES = ("cat", "dog", "fox")


def log(**changes):
    settings = {"labels": LABEL, "ids": [10, 11, 12, 13], "class_names": NAMES}
    return from_arrays(**{"predictions": PREDICTION, **settings, **changes})


SHORT = [[row[:3] for row in replicate] for replicate in PREDICTION]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            log(ids=[10, 11, 99, 13]),
            r"'a' and 'b' hold different examples \(4 and 4; the first difference is at "
            r"position 2: id 12 and 99\)",
        ),
        (
            log(ids=[11, 10, 12, 13]),
            r"different orders of examples \(4 and 4; .* position 0: id 10 and 11\)",
        ),
        (
            log(predictions=SHORT, labels=LABEL[:3], ids=[10, 11, 12]),
            r"different examples \(4 and 3; .* position 3: id 13 and none\)",
        ),
        (
            log(labels=[0, 1, 0, 0]),
            r"different labels \(2 of 4 examples; the first is at position 2, id 12: "
            r"label 2 and 0\)",
        ),
        (log(class_names=[*NAMES, "owl"]), r"different numbers of classes \(3 and 4\)"),
        (log(split="train"), r"different splits \(test and train\)"),
        (log(ids=list("wxyz")), r"different examples .* position 0: id 10 and 'w'\)"),
    ],
)
def test_the_first_difference_is_named(other, message):
    with pytest.raises(ExamplesDiffer, match=message) as caught:
        compare({"a": log(), "b": other})
    assert "\n" not in str(caught.value)


def test_the_third_log_is_checked_too():
    with pytest.raises(ExamplesDiffer, match="'a' and 'c'"):
        compare({"a": log(), "b": log(), "c": log(labels=[0, 1, 2, 2])})


@pytest.mark.parametrize("logs", [{}, {"a": log()}])
def test_fewer_than_two_logs_are_refused(logs):
    with pytest.raises(LearnOrderError, match=f"compare: {len(logs)} logs? given"):
        compare(logs)


def test_logs_need_names():
    with pytest.raises(LearnOrderError, match="given as list"):
        compare([log(), log()])


def test_splits_without_labels_are_refused():
    with pytest.raises(LearnOrderError, match="log 'b' has no labels"):
        compare({"a": log(), "b": log(labels=None)})


def test_what_is_no_log_is_refused_by_its_name():
    with pytest.raises(LearnOrderError, match=r"compare: log 'b': this is not one split of a log"):
        compare({"a": log(), "b": np.zeros(3)})


def test_no_common_epoch_after_training_began_is_refused_with_the_grids():
    with pytest.raises(LearnOrderError, match=r"no epoch .*'a': 0, 1; 'b': 0, 2"):
        compare({"a": log(epochs=[0, 1]), "b": log(epochs=[0, 2])})


def test_only_common_epochs_are_used_and_the_reader_is_told():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 30)
    full = from_arrays(rng.integers(0, 2, (3, 4, 30)), label, epochs=[0, 0.5, 1, 2])
    part = from_arrays(rng.integers(0, 2, (3, 3, 30)), label, epochs=[0, 1, 2])
    found = compare({"full": full, "part": part})
    assert found.epochs == (1.0, 2.0)
    again = compare({"full": full.isel(epoch=[2, 3]), "part": part.isel(epoch=[1, 2])})
    assert found.pairs == again.pairs
    assert found.notes[0].startswith("'full' is compared on 2 of its 3 recorded epochs > 0")


def test_a_prediction_not_recorded_on_a_common_epoch_is_refused():
    broken = log(epochs=[1, 2], seeds=[4, 6])
    broken["prediction"].values[0, 1, 0] = 255
    with pytest.raises(LearnOrderError, match="for example: seed 4, epoch 2, example 10"):
        compare({"a": log(), "b": broken})
    assert compare({"a": log(epochs=[1, 3]), "b": broken}).epochs == (1.0,)
