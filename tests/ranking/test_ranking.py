"""Readings by hand, numbers against the measures they share a definition with, and orders."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learnorder as lo
from learnorder.measures import jeffreys
from learnorder.ranking import evidence as evidence_module
from learnorder.ranking.votes import most_voted

T = "likely mislabelled", "ambiguous", "hard but right", "easy"
MISLABELLED, AMBIGUOUS, HARD, EASY = T


def history(*replicates: str):
    """Predictions ``(replicate, epoch, 1)`` from words with a digit for each epoch."""
    return np.array([[int(c) for c in word] for word in replicates])[:, :, None]


def side_by_side(*examples):
    return np.concatenate(examples, axis=2)


def reading(*replicates: str, **thresholds: float) -> str:
    (row,) = lo.rank(lo.from_arrays(history(*replicates), [0]), **thresholds).rows
    return row["reading"]


@pytest.mark.parametrize(
    ("replicates", "expected"),
    [
        # all say 1 throughout
        (("1111", "1111", "1111"), MISLABELLED),
        # two of three are enough, and one is not
        (("1111", "1111", "2222"), MISLABELLED),
        (("1111", "2222", "3333"), AMBIGUOUS),
        # the label is learned in the end, but they had agreed on 1 before: not cleared
        (("1110", "1110", "1110"), MISLABELLED),
        # wrong in many ways, and right in the end: late, but right
        (("1230", "2310", "3120"), HARD),
        (("1230", "2310", "3121"), HARD),
        (("1230", "2313", "3122"), AMBIGUOUS),
        # right throughout in one half and never in the other
        (("0000", "0000", "1111", "1111"), AMBIGUOUS),
        # right from the second epoch on
        (("1000", "1000", "1000"), EASY),
        # accessibility is 1/2 exactly, which is not low; a replicate split evenly is for the label
        (("1100", "1100", "1100"), EASY),
        # right more often than not, and wrong at the end: they agree on the label over training
        (("0001", "0001", "0001"), EASY),
        # two replicates agree only where both do
        (("1111", "1111"), MISLABELLED),
        (("1111", "0000"), AMBIGUOUS),
    ],
)
def test_the_rule_by_hand(replicates, expected):
    assert reading(*replicates) == expected


def test_thresholds_override_the_rule():
    assert reading("1110", "1110", "1110", low=0.2) == HARD
    assert reading("1111", "1111", "2222", agreed=0.7) == AMBIGUOUS
    assert reading("1000", "1000", "1000", low=0.8) == HARD


def test_a_row_by_hand():
    # replicate 0 votes 1 (three times), replicate 1 votes 2, replicate 2 the label 0
    predictions = side_by_side(history("1101", "2022", "0100"), history("0000", "0000", "0000"))
    log = lo.from_arrays(predictions, [0, 0], ids=["a", "b"], class_names=["zero", "one", "two"])
    row, easy = lo.rank(log, "test").rows
    low, high = jeffreys.jeffreys_bounds(np.array([5 / 12]), 3)[0]
    assert row == {
        "rank": 1,
        "id": "a",
        "position": 0,
        "label": 0,
        "label_name": "zero",
        # one vote each: the label is first among equals
        "suggested": 0,
        "suggested_name": "zero",
        "suggested_share": 1 / 3,
        "accessibility": 5 / 12,
        "accessibility_ci": [low, high],
        "final_right": 1 / 3,
        # right then wrong: once in each replicate
        "forgetting": 1.0,
        "never_learned": 0.0,
        "wrong_class": 1,
        "wrong_class_name": "one",
        "wrong_agreement": 1 / 3,
        # 1 is predicted 4 times of 12, the label 5 times
        "suspicion": 4 / 12 - 5 / 12,
        "reading": AMBIGUOUS,
        "undefined": {},
    }
    assert (easy["rank"], easy["id"], easy["reading"]) == (2, "b", EASY)
    assert easy["wrong_class"] is None
    assert easy["undefined"] == {
        "wrong_class": "every replicate votes for the label",
        "wrong_class_name": "every replicate votes for the label",
    }


def test_what_is_never_right_has_no_forgetting_and_sorts_as_the_hardest():
    log = lo.from_arrays(side_by_side(history("11", "11"), history("01", "01")), [0, 0])
    ranking = lo.rank(log, by="forgetting", highest=1)
    assert ranking.rows[0]["forgetting"] is None
    assert ranking.rows[0]["undefined"]["forgetting"] == "no replicate is ever right on it"
    json.dumps(ranking.to_dict(), allow_nan=False)


def test_a_tie_of_those_that_have_no_value_names_no_number():
    log = lo.from_arrays(side_by_side(history("11"), history("22"), history("00")), [0, 0, 0])
    (note,) = [n for n in lo.rank(log, by="forgetting", highest=1).notes if "those shown" in n]
    assert note.startswith("2 examples have no forgetting; those shown, 1 of them, are the first")


def test_with_one_epoch_nothing_is_said_of_forgetting():
    log = lo.from_arrays([[[0, 1, 1]], [[0, 1, 0]]], [0, 0, 0], epochs=[3], split="train")
    ranking = lo.rank(log)
    reason = "forgetting needs 2 epochs; there is 1"
    assert [row["forgetting"] for row in ranking.rows] == [None] * 3
    assert {row["undefined"]["forgetting"] for row in ranking.rows} == {reason}
    assert any("forgotten can be seen" in note for note in ranking.notes)
    with pytest.raises(
        lo.LearnOrderError, match=rf"no example has a value of forgetting \({reason}"
    ):
        lo.rank(log, by="forgetting")


@st.composite
def logs(draw):
    """Splits with labels, few of everything, so that ties are frequent."""
    shape = tuple(draw(st.integers(1, most)) for most in (5, 5, 6))
    n_classes = draw(st.sampled_from([2, 3, 300]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    chosen = rng.integers(0, n_classes, 3)
    prediction, label = rng.choice(chosen, shape), rng.choice(chosen, shape[2])
    first = draw(st.sampled_from([0, 1])) if shape[1] > 1 else 1
    names = [f"c{k}" for k in range(n_classes)]
    epochs = range(first, first + shape[1])
    return lo.from_arrays(prediction, label, epochs=list(epochs), class_names=names, split="train")


def vote(votes, label):
    """Class with most votes: of equals the label, then the lowest."""
    counts = Counter(votes.tolist())
    return min(counts, key=lambda k: (-counts[k], k != label, k))


@given(logs())
@settings(max_examples=60, deadline=None)
def test_every_number_is_what_its_definition_says(log):
    rows = sorted(lo.rank(log).rows, key=lambda row: row["position"])
    trained = log.isel(epoch=log.epoch.values > 0)
    prediction, label = trained.prediction.values, log.label.values
    shared = {
        "accessibility": lo.accessibility(log).values,
        "never_learned": lo.never_learned(log).values,
        "final_right": lo.tp_agreement(log).values[-1],
    }
    for name, values in shared.items():
        assert [row[name] for row in rows] == values.tolist()
    events = lo.forgetting_events(log).values
    n = prediction.shape[0]
    for x, row in enumerate(rows):
        finite = events[:, x][np.isfinite(events[:, x])]
        assert row["forgetting"] == (pytest.approx(finite.mean()) if finite.size else None)
        own = np.array([vote(prediction[r, :, x], label[x]) for r in range(n)])
        assert row["suggested"] == vote(own, label[x])
        assert row["suggested_share"] == (own == row["suggested"]).sum() / n
        wrong = own[own != label[x]]
        each = prediction[:, :, x][prediction[:, :, x] != label[x]]
        most = max(Counter(each.tolist()).values(), default=0)
        assert row["suspicion"] == most / prediction[:, :, x].size - row["accessibility"]
        assert row["wrong_class"] == (vote(wrong, label[x]) if wrong.size else None)
        if n > 1:
            assert row["wrong_agreement"] == (wrong == row["wrong_class"]).sum() / n
            low, high = lo.accessibility_interval(log).values[x]
            assert row["accessibility_ci"] == pytest.approx([low, high])
        else:
            assert row["reading"] is row["wrong_agreement"] is row["accessibility_ci"] is None
            assert row["undefined"].keys() >= {"reading", "wrong_agreement", "accessibility_ci"}


@given(logs())
@settings(max_examples=30, deadline=None)
def test_nothing_depends_on_the_order_of_replicates_or_on_how_a_log_is_cut(log):
    whole = lo.rank(log).rows
    turned = log.isel(replicate=slice(None, None, -1)).assign_coords(replicate=log.replicate)
    assert lo.rank(turned).rows == whole
    sizes = (evidence_module.COLUMN_BYTES, evidence_module.BLOCK_BYTES)
    try:
        evidence_module.COLUMN_BYTES, evidence_module.BLOCK_BYTES = 40, 12
        assert lo.rank(log).rows == whole
    finally:
        evidence_module.COLUMN_BYTES, evidence_module.BLOCK_BYTES = sizes


def test_a_lazy_log_is_read_in_columns(lazy, random_log, monkeypatch):
    log = random_log((3, 4, 50), 4)
    split, array = lazy(log, (2, 10))
    monkeypatch.setattr(evidence_module, "COLUMN_BYTES", 3 * 4 * 20)
    assert lo.rank(split).rows == lo.rank(log).rows
    assert all(key[2].stop - key[2].start <= 20 for key in array.reads)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_votes_are_counted_alike_by_both_ways_of_sorting(n_voters, n_examples, seed):
    rng = np.random.default_rng(seed)
    votes = rng.integers(0, 4, (n_voters, n_examples)).astype(np.uint8)
    label = rng.integers(0, 4, n_examples)
    found = most_voted(votes, label)
    for x in range(n_examples):
        assert found.top[x] == vote(votes[:, x], label[x])
        assert found.top_votes[x] == (votes[:, x] == found.top[x]).sum()


@pytest.mark.parametrize("by", ["accessibility", "suspicion", "never_learned", "forgetting"])
def test_equal_values_come_by_position_from_both_ends(by, random_log):
    log = random_log((3, 2, 60), 3)
    ranking = lo.rank(log, by=by)
    values = ranking.by.values
    for end, sign in (("lowest", 1), ("highest", -1)):
        expected = sorted(range(60), key=lambda x: (sign * values[x], x))
        shown = lo.rank(log, by=by, **{end: 25})
        assert shown.positions.tolist() == expected[:25]
        assert [row["rank"] for row in shown.rows] == list(range(1, 26))
    assert lo.rank(log, by=by, lowest=1000).positions.size == 60


def test_any_measure_of_single_examples_sorts_and_is_shown(random_log):
    base = random_log((2, 3, 20), 3)
    probability = np.random.default_rng(1).random((2, 3, 20))
    log = lo.from_arrays(
        base.prediction.values, base.label.values, epochs=base.epoch.values,
        probabilities=probability, margins=probability, error_norms=probability,
    )  # fmt: skip
    for name in ("confidence", "variability", "aleatoric", "aum", "el2n", "mean_agreement"):
        rows = lo.rank(log, by=name).rows
        shown = [row[name] for row in rows]
        assert shown == sorted(shown)
    expected = lo.confidence(log).values
    assert lo.rank(log, by="confidence").positions.tolist() == np.argsort(expected).tolist()


def test_mean_agreement_leaves_epoch_0_out(random_log):
    log = random_log((3, 3, 20), 3)
    with_start = log.assign_coords(epoch=[0.0, 1.0, 2.0])
    expected = lo.agreement(with_start).values[1:].mean(axis=0)
    assert lo.rank(with_start, by="mean_agreement").by.values == pytest.approx(expected)


def test_a_table_is_flat(random_log):
    log = random_log((3, 3, 20), 3)
    for row in lo.rank(log).to_table():
        assert all(isinstance(v, int | float | str | None) for v in row.values())
        assert row["accessibility_low"] <= row["accessibility"] <= row["accessibility_high"]


def test_evaluation_is_of_the_true_labels_and_changes_no_reading():
    words = [("111", "111"), ("111", "111"), ("000", "000"), ("222", "222"), ("100", "100")]
    log = lo.from_arrays(side_by_side(*(history(*w) for w in words)), [0] * 5)
    plain = lo.rank(log).rows
    # 0 and 3 are wrong and read so, with the right suggestion once; 1 reads so and is right
    treated = log.assign(true_label=("example", np.array([1, 0, 0, 1, 0])))
    ranking = lo.rank(treated)
    found = ranking.evaluation
    assert (found["n_wrong"], found["precision"], found["recall"]) == (2, 2 / 3, 1.0)
    assert found["suggestion_right"] == 1 / 2
    assert found["readings"][MISLABELLED] == {"n": 3, "n_wrong": 2}
    # 0, 1 and 3 are equal, and come by position
    assert found["precision_at_n_wrong"] == {"accessibility": 0.5, "suspicion": 0.5}
    for row, before in zip(ranking.rows, plain, strict=True):
        assert row | {"undefined": {}} == before | {
            "undefined": {},
            "true_label": row["true_label"],
            "true_label_name": row["true_label_name"],
            "label_is_wrong": row["position"] in (0, 3),
            "reading_wrong_share": 2 / 3 if row["reading"] == MISLABELLED else 0.0,
        }
    assert lo.rank(log).evaluation is None


def test_where_no_label_is_wrong_recall_is_undefined():
    log = lo.from_arrays(history("11", "11"), [0]).assign(true_label=("example", np.array([0])))
    found = lo.rank(log).evaluation
    assert (found["precision"], found["recall"]) == (0.0, None)
    assert found["undefined"]["recall"] == "no label is wrong"
    json.dumps(found, allow_nan=False)


def test_without_labels_examples_are_sorted_by_agreement():
    predictions = side_by_side(history("11", "22"), history("11", "11"))
    log = lo.from_arrays(predictions, None, split="train")
    row, unanimous = lo.rank(log, by="mean_agreement").rows
    assert row == {
        "rank": 1, "id": 0, "position": 0, "suggested": 1, "suggested_name": "1",
        "suggested_share": 0.5, "mean_agreement": 0.5, "undefined": {},
    }  # fmt: skip
    assert unanimous["mean_agreement"] == 1.0
    ranking = lo.rank(log, by="suggested_share")
    assert ranking.counts is None
    assert "no labels" in ranking.to_dict()["undefined"]["readings"]
    refused = [ranking.mislabelled, ranking.corrected_labels, lambda: ranking.prune(0.5)]
    for attempt in (*refused, ranking.curriculum, lambda: lo.rank(log)):
        with pytest.raises(lo.LearnOrderError, match=r"^rank: "):
            attempt()


LOG = lo.from_arrays(np.zeros((2, 2, 3), dtype=int), [0, 1, 1], split="train")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"by": "accesibility"}, ("'accesibility'", "nearest known name is 'accessibility'")),
        ({"by": "tp_agreement"}, ("one for each (epoch, example)", "mean_agreement")),
        ({"by": "forgetting_events"}, ("(replicate, example)", "'forgetting', its mean")),
        ({"by": "reliability"}, ("one value of the whole split",)),
        ({"by": "confidence"}, ("no probabilities",)),
        ({"lowest": 0}, ("lowest is 0", "at least 1")),
        ({"highest": True}, ("highest is True",)),
        ({"lowest": 1, "highest": 1}, ("both lowest (1) and highest (1)",)),
        ({"low": float("nan")}, ("low is nan", "above 0")),
        ({"agreed": 0.5}, ("agreed is 0.5", "above 0.5")),
        ({"split": "test"}, ("the split 'train'", "not 'test'")),
        ({"log": {"test": LOG}}, ("no split 'train'. Known are: test.", "--split")),
    ],
)
def test_what_cannot_be_ranked_is_one_clear_line(arguments, words):
    with pytest.raises(lo.LearnOrderError) as caught:
        lo.rank(**{"log": LOG, **arguments})
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_other_things_than_logs_are_refused(tiny_log):
    with pytest.raises(lo.LearnOrderError, match=r"no log \(str\)"):
        lo.rank("runs/mlp.zarr")
    with pytest.raises(lo.LearnOrderError, match="no split 'tets'"):
        lo.rank(lo.open_log(tiny_log), "tets")
    untrained = lo.from_arrays([[[0]]], [0], epochs=[0])
    with pytest.raises(lo.LearnOrderError, match="no epoch after training began"):
        lo.rank(untrained)
    missing = lo.from_arrays(np.zeros((2, 2, 3), dtype=int), [0, 1, 1])
    missing.prediction.values[1, 1, 2] = 255
    with pytest.raises(lo.LearnOrderError, match="a prediction was not recorded"):
        lo.rank(missing)


def test_a_log_on_disk_is_ranked_by_its_train_split(tiny_log):
    log = lo.open_log(tiny_log)
    assert lo.rank(log).rows == lo.rank(log["train"]).rows == lo.rank(log, "train").rows
    assert len(lo.rank(log, "test").rows) == 24


def test_notes_say_what_readings_cannot_rest_on():
    wrong = lo.from_arrays(history("11", "12"), [0])
    assert [
        part
        for note, part in product(
            lo.rank(wrong).notes, ["agree on a class or do not", "mostly wrong"]
        )
        if part in note
    ] == ["agree on a class or do not", "mostly wrong"]
    alone = lo.rank(lo.from_arrays(history("0"), [0])).notes
    assert "there is 1" in alone[0]
    assert "one epoch" in alone[1]
    assert lo.rank(lo.from_arrays(history("00", "00", "00"), [0])).notes == []


def test_a_tie_that_is_cut_is_said():
    log = lo.from_arrays(np.zeros((3, 1, 9), dtype=int), [1] * 4 + [0] * 5, split="train")
    # four are never right, two of them are shown
    notes = lo.rank(log, lowest=2).notes
    assert any(
        note.startswith("4 examples share the accessibility 0; those shown, 2") for note in notes
    )
    for rows in (4, 9, None):
        assert not any("share the" in note for note in lo.rank(log, lowest=rows).notes)
    assert any(note.startswith("5 examples share") for note in lo.rank(log, highest=1).notes)
