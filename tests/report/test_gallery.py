"""Which examples are shown, and what is said of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from learnorder.log.labelled import from_arrays
from learnorder.report.gallery import MOST_CLASSES, MOST_TEXT, Gallery, Row, gallery_of
from learnorder.report.measured import Measured, measure_split
from learnorder.report.sheets import Sheets
from learnorder.report.shown import InLog
from learnorder.schema import Previews

NAMES = ["cat", "dog", "owl"]


def learned(
    when: list[int], n_epochs: int = 4, n_replicates: int = 2, wrong: int = 1
) -> np.ndarray:
    """Predictions of examples of class 0 that all replicates learn after so many epochs."""
    right = np.arange(n_epochs)[:, None] >= np.array(when)[None, :]
    one = np.where(right, 0, wrong)
    return np.broadcast_to(one, (n_replicates, *one.shape))


def measured(predictions: Any, labels: Any = None, previews: Any = None, **how: Any) -> Measured:
    predictions = np.asarray(predictions)
    labels = np.zeros(predictions.shape[2], dtype=int) if labels is None else labels
    log = from_arrays(predictions, labels, class_names=NAMES, **how)
    shown = None if previews is None else InLog(previews)
    return measure_split("mlp", "test", log, shown)


def row_of(gallery: Gallery, title: str) -> Row:
    return next(row for row in gallery.rows if row.title == title)


def ids(row: Row) -> list[str]:
    return [card.id for card in row.cards]


def shown(m: Measured, most: int = 2) -> Gallery:
    return gallery_of(m, Sheets(), most)


def test_first_learned_come_first_and_last_learned_are_known_at_the_end() -> None:
    gallery = shown(measured(learned([1, 0, 2, 3, 9])))
    assert ids(row_of(gallery, "Learned first")) == ["1", "0"]
    assert ids(row_of(gallery, "Learned last")) == ["3", "2"]
    assert ids(row_of(gallery, "Never learned")) == ["4"]
    assert row_of(gallery, "Never learned").note == "1 example that no replicate ever has right."


def test_equal_values_are_spread_over_the_ids_and_the_page_says_so() -> None:
    row = row_of(shown(measured(learned([9] + [0] * 100 + [1] * 20)), 5), "Learned first")
    assert ids(row) == ["1", "21", "41", "61", "81"]
    assert (
        row.note == "100 examples share the last value; 5 of them, spread over the ids, are shown."
    )


def test_ids_that_are_numbers_are_in_the_order_of_numbers() -> None:
    m = measured(learned([0, 0, 0, 1, 9, 9]), ids=[50, 7, 9, 100, 20, 3])
    assert ids(row_of(shown(m), "Learned first")) == ["7", "9"]


def test_forgotten_most_are_those_that_go_back_most_often() -> None:
    one = np.array([[0, 0, 1], [1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0]])
    row = row_of(shown(measured(np.stack([one, one])), 2), "Forgotten most often")
    assert ids(row) == ["0"]  # of three examples one at each end is shown
    assert row.cards[0].trajectory == (1.0, 0.0, 1.0, 0.0, 1.0)


def test_wrong_together_are_those_with_one_same_wrong_class() -> None:
    predictions = [[[0, 1, 1, 2]], [[0, 1, 2, 0]], [[0, 1, 1, 1]]]
    row = row_of(shown(measured(predictions)), "Wrong together")
    assert ids(row) == ["1", "2"]
    assert [(card.prediction, round(card.share, 2)) for card in row.cards] == [
        ("dog", 1.0),
        ("dog", 0.67),
    ]
    assert row.note == "2 examples on which most replicates end with one same wrong class."


def test_a_question_without_an_answer_has_no_cards() -> None:
    row = row_of(shown(measured(learned([0, 1, 2, 3]))), "Never learned")
    assert row.cards == ()
    assert row.note == ""


def test_each_class_has_both_ends() -> None:
    labels = [0, 0, 0, 2, 2, 2]
    one = np.where(learned([0, 1, 9, 2, 0, 9])[0] == 0, labels, 1)
    gallery = shown(measured(np.stack([one, one]), labels), 3)
    assert [row.title for row in gallery.classes] == ["cat", "owl"]
    assert [ids(row) for row in gallery.classes] == [["0", "2"], ["4", "5"]]
    assert gallery.classes[0].note.startswith("1 learned first, 1 learned last or never")


def test_too_many_classes_have_no_galleries_of_their_own() -> None:
    n = MOST_CLASSES + 1
    labels = np.repeat(np.arange(n), 2)
    one = np.where(np.arange(2 * n) % 2 == 0, labels, 0)
    log = from_arrays(np.broadcast_to(one, (2, 2, 2 * n)), labels)
    assert shown(measure_split("mlp", "test", log, None)).classes == ()


def test_constant_values_have_no_order() -> None:
    found = shown(measured(learned([0, 0, 0])))
    assert not found.rows
    assert found.missing == "all 3 examples have the same value"


def test_nothing_after_training_began_has_no_order() -> None:
    found = shown(measured(learned([0, 1, 2], n_epochs=1), epochs=[0]))
    assert found.missing == "nothing was recorded after epoch 0"


def test_the_prediction_is_the_most_frequent_one_after_the_last_epoch() -> None:
    predictions = [[[1, 2, 0, 0]], [[1, 1, 0, 0]], [[0, 2, 0, 0]]]
    first, second = row_of(shown(measured(predictions)), "Wrong together").cards
    assert (first.prediction, round(first.share, 2), first.misread) == ("owl", 0.67, True)
    assert (second.prediction, round(second.share, 2), second.label) == ("dog", 0.67, "cat")


def test_the_second_vote_is_the_label_or_the_wrong_class_most_given() -> None:
    predictions = [[[1, 2, 0, 0]], [[1, 1, 0, 0]], [[0, 2, 0, 1]]]
    gallery = shown(measured(predictions))
    owl, dog = row_of(gallery, "Wrong together").cards
    assert (owl.second, dog.second, round(dog.second_share, 2)) == (None, "cat", 0.33)
    all_right, one_wrong = row_of(gallery, "Learned first").cards
    assert (all_right.second, one_wrong.second) == (None, "dog")


def test_classes_of_one_name_are_told_apart() -> None:
    log = from_arrays([[[1, 0]], [[1, 0]]], [0, 0], class_names=["cat", "cat"])
    gallery = shown(measure_split("mlp", "test", log, None), 1)
    assert row_of(gallery, "Never learned").cards[0].misread
    assert not row_of(gallery, "Learned first").cards[0].misread


def test_the_true_label_is_shown_only_where_it_differs() -> None:
    m = measured(learned([0, 0, 9, 9]))
    m.log["true_label"] = ("example", np.array([0, 0, 1, 0]))
    gallery = shown(m)
    assert [card.true_label for card in row_of(gallery, "Never learned").cards] == ["dog", None]
    assert [card.true_label for card in row_of(gallery, "Learned first").cards] == [None, None]


def test_a_picture_is_that_of_the_example_and_a_missing_one_is_none() -> None:
    images = np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2) * 20
    m = measured(learned([9, 9, 1, 0]), previews=Previews(np.array([0, 2, 3]), images))
    sheets = Sheets()
    gallery = gallery_of(m, sheets, 2)
    never = row_of(gallery, "Never learned").cards
    first = row_of(gallery, "Learned first").cards
    assert [card.tile is None for card in never] == [False, True]
    assert first[0].tile == sheets.find(images[2])
    assert first[1].tile == sheets.find(images[1])
    assert len(next(iter(sheets))) == 3


def test_long_texts_are_cut_with_a_mark() -> None:
    previews = Previews(np.arange(2), texts=("x" * 1_000_000, "short"))
    gallery = shown(measured(learned([9, 0]), previews=previews), 1)
    long, short = (row_of(gallery, t).cards[0] for t in ("Never learned", "Learned first"))
    assert (len(long.text or ""), long.cut) == (MOST_TEXT, True)
    assert (short.text, short.cut) == ("short", False)


def test_without_labels_the_ends_are_those_of_agreement() -> None:
    one = [[0, 0, 0, 1]]
    other = [[0, 1, 0, 0]]
    m = measure_split("mlp", "outside", from_arrays([one, other, one]), None)
    most, least = shown(m).rows
    assert (most.title, least.title) == ("Most agreed upon", "Least agreed upon")
    assert sorted(ids(most)) == ["0", "2"]
    assert sorted(ids(least)) == ["1", "3"]
    assert most.cards[0].label is None
    assert most.cards[0].word == "agreement"
    assert most.cards[0].trajectory == ()


def test_ties_of_forgetting_and_of_agreement_are_said() -> None:
    forgets = [[[0] * 6 + [1], [1] * 6 + [1], [0] * 6 + [1]]] * 2
    row = row_of(shown(measured(forgets)), "Forgotten most often")
    assert row.note.endswith(
        "6 examples share the last value; 2 of them, spread over the ids, are shown."
    )
    unlabelled = from_arrays([[[0] * 6 + [1]], [[0] * 6 + [0]]], split="outside")
    most, _ = shown(measure_split("mlp", "outside", unlabelled, None)).rows
    assert most.note.startswith("6 examples share the last value; 2 of them")


def test_one_replicate_is_wrong_with_nobody() -> None:
    titles = [row.title for row in shown(measured(learned([0, 9], n_replicates=1)), 1).rows]
    assert "Wrong together" not in titles
