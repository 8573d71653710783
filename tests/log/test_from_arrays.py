"""Plain arrays become the same labelled dataset, or one clear line."""

from __future__ import annotations

import numpy as np
import pytest

from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.log.reader import open_log

VOTES = np.array([[[0, 1, 2], [1, 1, 2]], [[2, 2, 2], [0, 1, 2]]])
LABELS = [0, 1, 2]


def test_same_layout_as_a_log(tiny_log):
    stored = open_log(tiny_log)["test"]
    made = from_arrays(
        stored.prediction.values,
        stored.label.values,
        epochs=stored.epoch.values,
        seeds=stored.seed.values,
        ids=stored.example.values,
        class_names=stored.attrs["class_names"],
    )
    assert made.equals(stored.load())
    assert made.attrs["fingerprint"] == stored.attrs["fingerprint"]
    assert made.prediction.dtype == stored.prediction.dtype


def test_replicates_are_sorted_by_seed():
    made = from_arrays(VOTES, LABELS, epochs=[1, 2], seeds=[5, 1])
    assert made.seed.values.tolist() == [1, 5]
    assert np.array_equal(made.prediction.sel(replicate=5), VOTES[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"predictions": VOTES[0]}, r"shape \(2, 3\)"),
        ({"predictions": VOTES.astype(float)}, "type float64"),
        ({"predictions": -VOTES}, "contain -2"),
        ({"predictions": VOTES[:, :0]}, r"shape \(2, 0, 3\)"),
        ({"labels": [0, 1]}, r"labels have shape \(2,\)"),
        ({"labels": ["a", "b", "c"]}, "labels are of type"),
        ({"labels": [0, 1, -1]}, "labels contain -1"),
        ({"seeds": [1, 1]}, "seeds contain 1 more than once"),
        ({"seeds": [1]}, "seeds have shape"),
        ({"epochs": [2, 1]}, "ascending"),
        ({"epochs": [1]}, r"epochs are \[1\.0\]"),
        ({"ids": [1, 1, 2]}, "id 1 stands at positions 0 and 1"),
        ({"ids": ["a", "b", "c\udcff"]}, r"id 'c\\udcff' at position 2"),
        ({"class_names": ["a", "b"]}, "class 2 occurs; there are 2 class names"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_value(arguments, message):
    with pytest.raises(LearnOrderError, match=message):
        from_arrays(**{"predictions": VOTES, "labels": LABELS, **arguments})


def test_probabilities_become_half_precision_beside_the_predictions():
    chances = np.linspace(0, 1, VOTES.size).reshape(VOTES.shape)
    made = from_arrays(VOTES, LABELS, seeds=[5, 1], probabilities=chances)
    assert made.probability.dims == made.prediction.dims
    assert made.probability.dtype == np.float16
    assert np.array_equal(made.probability.sel(replicate=5), chances[0].astype(np.float16))
    assert set(from_arrays(VOTES, LABELS).data_vars) == {"prediction", "label"}


@pytest.mark.parametrize(
    ("argument", "quantity", "values"),
    [
        ("margins", "margin", np.linspace(-20, 20, VOTES.size)),
        ("margins", "margin", np.geomspace(1, 1e6, VOTES.size)),
        ("error_norms", "error_norm", np.linspace(0, np.sqrt(2), VOTES.size, dtype=np.float32)),
    ],
)
def test_other_numbers_about_labels_likewise(argument, quantity, values):
    values = values.reshape(VOTES.shape)
    made = from_arrays(VOTES, LABELS, seeds=[5, 1], **{argument: values})
    assert set(made.data_vars) == {"prediction", "label", quantity}
    assert (made[quantity].dims, made[quantity].dtype) == (made.prediction.dims, np.float16)
    rounded = np.where(values > 65504, np.inf, values).astype(np.float16)
    assert np.array_equal(made[quantity].values, rounded[::-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probabilities": np.full(VOTES.shape, 1.5)}, r"gives the probability 1\.5; .* 0 to 1"),
        ({"probabilities": np.full(VOTES.shape, np.nan)}, "gives the probability nan"),
        ({"probabilities": np.ones(VOTES.shape, int)}, "probabilities of type int64"),
        ({"probabilities": np.ones(3)}, r"have shape \(3,\)"),
        ({"probabilities": np.ones(VOTES.shape), "labels": None}, "come without labels"),
        ({"margins": np.full(VOTES.shape, np.nan)}, "gives the margin nan; margins are numbers"),
        ({"margins": VOTES}, "margins of type int64"),
        ({"margins": np.ones(3)}, r"margins have shape \(3,\)"),
        ({"error_norms": np.full(VOTES.shape, 2.0)}, r"error norm 2\.0; .*the square root of 2"),
        ({"error_norms": np.ones(VOTES.shape), "labels": None}, "error norms come without labels"),
    ],
)
def test_probabilities_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(LearnOrderError, match=message):
        from_arrays(**{"predictions": VOTES, "labels": LABELS, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"predictions": np.ma.masked_equal(VOTES, int(VOTES.max()))},
            "are masked. Each is needed",
        ),
        ({"predictions": np.where(VOTES == 1, 255, VOTES).astype(np.uint8)}, "not recorded"),
        ({"predictions": np.where(VOTES == 1, 2_000_000_000, VOTES)}, "at most 1,000,000 classes"),
        ({"epochs": [1.0, np.inf]}, "finite numbers"),
        ({"epochs": [1.0, 1.7e308]}, "up to 1e\\+12"),
        ({"epochs": ["a", "b"]}, r"shape \(2,\) and type <U1"),
        ({"epochs": [[1.0, 2.0]]}, r"shape \(1, 2\)"),
        ({"seeds": np.array([2**63, 1], np.uint64)}, "at most 2\\*\\*63 - 1"),
    ],
)
def test_what_was_not_recorded_or_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(LearnOrderError, match=message):
        from_arrays(**{"predictions": VOTES, "labels": LABELS, **arguments})


def test_nothing_masked_and_a_named_last_class_are_taken():
    whole = np.ma.masked_array(VOTES, mask=False)
    assert np.array_equal(
        from_arrays(whole, LABELS).prediction, from_arrays(VOTES, LABELS).prediction
    )
    last = np.full(VOTES.shape, 255, np.uint8)
    names = [str(k) for k in range(256)]
    assert int(from_arrays(last, LABELS, class_names=names).prediction.max()) == 255


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"labels": [0, 1]},
            r"^from_arrays: labels have shape \(2,\); the predictions need \(3,\)",
        ),
        ({"seeds": [0, -1]}, r"^from_arrays: seeds contain -1\. They are counted from 0"),
    ],
)
def test_a_refusal_begins_with_the_name_that_was_called(arguments, message):
    with pytest.raises(LearnOrderError, match=message):
        from_arrays(**{"predictions": VOTES, "labels": LABELS, **arguments})
