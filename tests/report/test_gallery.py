"""Which examples are shown, and what is said of them."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from learnorder.log.labelled import from_arrays
from learnorder.measures.split import Split, read_split
from learnorder.report import gallery
from learnorder.report.gallery import MOST_TEXT, examples_gallery, thumbnail
from learnorder.schema import Previews


def gallery_of(scores, *, ids=None, labels=None, finals=None, previews=None, most=2, n_votes=4):
    n = len(scores)
    labels = np.zeros(n, dtype=int) if labels is None else np.asarray(labels)
    finals = np.zeros((2, n), dtype=int) if finals is None else np.asarray(finals)
    log = from_arrays(finals[:, None, :], labels, ids=ids, class_names=["cat", "dog", "owl"])
    return examples_gallery(log, np.asarray(scores), n_votes, previews, most)


def test_ends_of_the_order_are_shown_hardest_first_and_easiest_first() -> None:
    hardest, easiest = gallery_of([0.5, 0.0, 1.0, 0.25, 0.75]).rows
    assert [card.id for card in hardest.cards] == ["1", "3"]
    assert [card.id for card in easiest.cards] == ["2", "4"]


def test_equal_scores_stand_in_the_order_of_ids_and_the_page_says_so() -> None:
    hardest, easiest = gallery_of([0, 0, 0, 1, 1], ids=[50, 7, 9, 100, 20]).rows
    assert [card.id for card in hardest.cards] == ["7", "9"]
    assert hardest.tie == (
        "3 examples share the accessibility 0.000; 2 of them, spread over the ids, are shown."
    )
    assert [card.id for card in easiest.cards] == ["20", "100"]
    assert easiest.tie == ""


def test_one_of_several_ties_is_spoken_of_as_one() -> None:
    hardest, _ = gallery_of([0, 0.5, 0.5, 0.5, 1, 1]).rows
    assert hardest.tie.endswith("0.500; one of them is shown.")


def test_many_equal_scores_are_shown_from_all_over_the_split() -> None:
    hardest, _ = gallery_of([0.0] * 100 + [1.0] * 20, most=5).rows
    assert [card.id for card in hardest.cards] == ["0", "20", "40", "60", "80"]


def test_classes_of_one_name_are_told_apart() -> None:
    log = from_arrays([[[1, 0]], [[1, 0]]], [0, 0], class_names=["cat", "cat"])
    hardest, easiest = examples_gallery(log, np.array([0.0, 1.0]), 2, None, 1).rows
    assert (hardest.cards[0].misread, easiest.cards[0].misread) == (True, False)


def test_rounding_noise_makes_no_order() -> None:
    hardest, _ = gallery_of([0.25 + 1e-12, 0.25 - 1e-12, 1.0, 0.25], ids=[1, 2, 3, 4]).rows
    assert [card.id for card in hardest.cards] == ["1", "2"]


def test_no_example_is_both_hardest_and_easiest() -> None:
    hardest, easiest = gallery_of([0.0, 0.5, 1.0], most=12).rows
    assert {card.id for card in hardest.cards}.isdisjoint(card.id for card in easiest.cards)


def test_constant_scores_have_no_ends() -> None:
    found = gallery_of([0.5, 0.5, 0.5])
    assert not found.rows
    assert found.missing == "all 3 examples have the same value"


def test_prediction_is_the_most_frequent_of_the_last_epoch() -> None:
    finals = [[1, 2, 0, 0], [1, 1, 0, 0], [0, 2, 0, 0]]
    hardest, _ = gallery_of([0, 0.25, 1, 1], finals=finals).rows
    first, second = hardest.cards
    assert (first.prediction, round(first.share, 2), first.misread) == ("dog", 0.67, True)
    assert (second.prediction, round(second.share, 2)) == ("owl", 0.67)


def test_true_label_is_shown_only_where_it_differs() -> None:
    log = from_arrays(np.zeros((1, 1, 4), int), [0, 0, 1, 1], class_names=["cat", "dog"])
    log["true_label"] = ("example", np.array([0, 1, 1, 1]))
    hardest, easiest = examples_gallery(log, np.array([0, 0.1, 0.9, 1]), 10, None, 2).rows
    assert [card.true_label for card in hardest.cards] == [None, "dog"]
    assert [card.true_label for card in easiest.cards] == [None, None]


def test_picture_is_that_of_the_example_and_a_missing_one_is_none() -> None:
    images = np.arange(3 * 4, dtype=np.uint8).reshape(3, 2, 2) * 20
    previews = Previews(np.array([0, 2, 3]), images)
    hardest, easiest = gallery_of([0, 0.25, 0.5, 1], previews=previews).rows
    assert hardest.cards[1].image is None
    uri = easiest.cards[0].image
    assert uri is not None
    png = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert png.format == "PNG"
    np.testing.assert_array_equal(np.asarray(png), images[2])


def test_colour_pictures_keep_their_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, size=(5, 7, 3), dtype=np.uint8)
    uri = thumbnail(pixels)
    png = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    np.testing.assert_array_equal(np.asarray(png), pixels)


def test_long_texts_are_cut_with_a_mark() -> None:
    previews = Previews(np.arange(2), texts=("x" * 1_000_000, "short"))
    hardest, easiest = gallery_of([0, 1], previews=previews).rows
    assert (len(hardest.cards[0].text), hardest.cards[0].cut) == (MOST_TEXT, True)
    assert (easiest.cards[0].text, easiest.cards[0].cut) == ("short", False)


def test_last_predictions_are_read_only_where_chosen_examples_lie(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    finals = rng.integers(0, 3, (7, 4, 100))
    log = from_arrays(finals, np.zeros(100, int), class_names=["a", "b", "c"])
    positions = np.array([97, 3, 42, 1, 41])
    reads = []
    read = Split.read
    monkeypatch.setattr(Split, "read", lambda *a: reads.append(read(*a)) or reads[-1])
    for chunk, budget, shapes in (
        ((4, 10), 1 << 20, [(7, 1, 3), (7, 1, 2), (7, 1, 1)]),
        ((1, 100), 2 * 97, [(2, 1, 97)] * 3 + [(1, 1, 97)]),
        ((4, 10), 1, [(1, 1, 3)] * 7 + [(1, 1, 2)] * 7 + [(1, 1, 1)] * 7),
    ):
        chunks = {"replicate": 1, "epoch": chunk[0], "example": chunk[1]}
        log["prediction"].encoding["preferred_chunks"] = chunks
        monkeypatch.setattr(gallery, "READ_BYTES", budget)
        found = gallery._last_predictions(read_split(log, "test"), positions)
        np.testing.assert_array_equal(found, finals[:, -1, positions])
        assert [block.shape for block in reads] == shapes
        reads.clear()


def test_without_labels_the_ends_are_those_of_agreement() -> None:
    log = from_arrays(np.zeros((2, 1, 4), int))
    least, most = examples_gallery(log, np.array([0.5, 1, 1, 1]), 2, None, 2).rows
    assert least.title == "Least agreed upon"
    assert most.cards[0].label is None
    assert "share the agreement 1.000" in least.tie
