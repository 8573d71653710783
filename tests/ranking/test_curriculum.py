"""Orders to train in, what is left out, and labels to replace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import learnorder as lo
from learnorder.ranking.curriculum import in_turn, left_out

labels = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)


def shuffled(label: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(len(label))


@given(labels, st.integers(0, 99))
def test_classes_take_turns_in_proportion_and_each_keeps_its_order(label, seed):
    order = shuffled(label, seed)
    turns = in_turn(order, label)
    assert sorted(turns) == list(range(len(label)))
    n_classes = len(np.unique(label))
    for k in np.unique(label):
        mine = label[turns] == k
        assert turns[mine].tolist() == order[label[order] == k].tolist()
        share = mine.mean() * np.arange(1, len(label) + 1)
        # each class alone is within 1/2 of its due at its own places; others come in between
        assert np.abs(np.cumsum(mine) - share).max() <= n_classes


def test_two_classes_in_turn_by_hand():
    # a is due at 1/6, 3/6, 5/6 and b at 1/2: together, the lower class id is first
    assert in_turn(np.array([3, 2, 1, 0]), np.array([0, 0, 0, 1])).tolist() == [2, 1, 3, 0]


@given(labels, st.floats(0, 1, exclude_max=True), st.sampled_from(["easiest", "hardest"]))
def test_every_class_gives_its_share_from_the_right_end(label, fraction, drop):
    order = shuffled(label)
    dropped = left_out(order, label, fraction, drop)
    sizes = np.unique(label, return_counts=True)[1]
    most = int((sizes - 1).sum())
    assert dropped.sum() <= min(round(fraction * len(label)), most)
    for k in np.unique(label):
        mine = order[label[order] == k]
        n = int(dropped[mine].sum())
        assert n < len(mine)
        assert abs(n - fraction * len(mine)) < 1 or n == len(mine) - 1
        gone = mine[:n] if drop == "easiest" else mine[len(mine) - n :]
        assert dropped[gone].all()


@pytest.mark.parametrize("fraction", [0.29, 0.1, 0.3, 0.7])
def test_whole_shares_are_dropped_whole(fraction):
    dropped = left_out(np.arange(100), np.zeros(100, dtype=int), fraction, "easiest")
    assert dropped.sum() == round(100 * fraction)


def test_a_thousand_classes_of_three_lose_a_tenth_in_all():
    label = np.repeat(np.arange(1000), 3)
    assert left_out(np.arange(3000), label, 0.1, "hardest").sum() == 300


def half_learned() -> lo.Ranking:
    """Class 0 is learned in the order of its ids, class 1 in none."""
    right = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]])
    label = np.array([0, 0, 0, 0, 1, 1])
    predictions = np.where(right, label, 1 - label)
    log = lo.from_arrays([predictions] * 3, label, ids=[f"x{i}" for i in range(6)], split="train")
    return lo.rank(log)


def test_a_curriculum_goes_from_easy_to_hard():
    ranking = half_learned()
    assert ranking.ids[ranking.curriculum()].tolist() == ["x0", "x1", "x2", "x3", "x4", "x5"]
    assert ranking.curriculum(by_class=True).tolist() == [0, 4, 1, 2, 5, 3]
    assert [row["id"] for row in ranking.curriculum_table().rows()][:2] == ["x0", "x1"]


def test_pruning_keeps_a_half_of_each_class():
    ranking = half_learned()
    assert ranking.prune(0.5).tolist() == [False, False, True, True, False, True]
    assert ranking.prune(0.5, "hardest").tolist() == [True, True, False, False, True, False]
    assert ranking.prune(0).all()


def test_corrections_are_of_what_reads_so_and_nothing_else():
    ranking = half_learned()
    # 3 is right in one epoch of three, 4 and 5 in none: most suspicious first
    assert ranking.mislabelled().tolist() == [4, 5, 3]
    assert ranking.corrected_labels().tolist() == [0, 0, 0, 1, 0, 0]
    assert ranking.evidence.label.tolist() == [0, 0, 0, 0, 1, 1]
    rows = list(ranking.corrections().rows())
    assert [(r["id"], r["label"], r["suggested"]) for r in rows] == [
        ("x4", 1, 0), ("x5", 1, 0), ("x3", 0, 1),
    ]  # fmt: skip
    whole = list(ranking.corrections(whole=True).rows())
    assert [r["corrected"] for r in whole] == [0, 0, 0, 1, 0, 0]
    assert [r["replaced"] for r in whole] == [False, False, False, True, True, True]


@pytest.mark.parametrize("fraction", [1, 1.0, -0.1, float("nan"), "0.3", True])
def test_a_share_that_cannot_be_dropped_is_refused(fraction):
    with pytest.raises(lo.LearnOrderError, match=r"share to drop is .*at least 0 and below 1"):
        half_learned().prune(fraction)


def test_an_unknown_end_is_refused_with_the_nearest():
    with pytest.raises(lo.LearnOrderError, match="'easiest'"):
        half_learned().prune(0.5, "eassiest")


def test_what_has_no_easy_end_makes_no_curriculum():
    log = lo.from_arrays([[[0, 1]], [[0, 0]]], [0, 0], split="train")
    ranking = lo.rank(log, by="suggested_share")
    with pytest.raises(lo.LearnOrderError, match=r"higher is more alike.*accessibility"):
        ranking.curriculum()


def test_equal_examples_that_a_cut_tells_apart_are_counted():
    labels = np.arange(100) % 2
    ranking = lo.rank(lo.from_arrays([[labels]] * 3, labels, split="train"))
    keep = ranking.prune(0.5)
    assert ranking.pruning_notes(keep) == [
        "50 examples dropped and 50 kept of the same class share their accessibility: "
        "which of them go says nothing but their place in the source"
    ]
    (note,) = ranking.curriculum_notes()
    assert note.startswith("100 of 100 examples share their accessibility with others")


def test_a_cut_between_examples_that_differ_has_no_note():
    right = np.arange(8)[:, None] > np.arange(8)  # example x is right in 7 - x replicates
    ranking = lo.rank(lo.from_arrays(1 - right[:, None].astype(int), np.zeros(8, int)))
    assert ranking.pruning_notes(ranking.prune(0.5)) == []
    assert ranking.pruning_notes(ranking.prune(0)) == []
    assert ranking.curriculum_notes() == []
    # a tie in another class, or beside the cut, is not cut
    log = lo.from_arrays([[[0, 0, 1, 1]]] * 2, [0, 0, 0, 0])
    tied = lo.rank(log)
    assert tied.pruning_notes(tied.prune(0.5)) == []
    assert tied.pruning_notes(tied.prune(0.25, "hardest"))[0].startswith("1 example dropped and 1")
