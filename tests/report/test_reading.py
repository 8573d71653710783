"""Sentences follow from the numbers by rule."""

from __future__ import annotations

from typing import Any

import pytest

from learnorder.report import reading
from learnorder.report.tables import cell, interval


def summary(order: dict[str, Any] | None = None, row: dict[str, Any] | None = None):
    return {
        "n_replicates": 9,
        "n_replicates_planned": 10,
        "n_examples": 12_000,
        "order": {
            "reliability": 0.9,
            "reliability_ci": [0.8, 0.95],
            "reliability_within_class": 0.7,
            "reliability_within_class_ci": [0.55, 0.8],
            "undefined": {},
            **(order or {}),
        },
        "per_epoch": [
            {
                "epoch": 4.0,
                "accuracy_mean": 0.876,
                "fleiss_kappa": 0.5,
                "fleiss_kappa_ci": [0.4, 0.6],
                "bimodality": 0.6,
                "bimodality_null": 1.8,
                "bimodality_null_class": 1.7,
                "undefined": {},
                **(row or {}),
            }
        ],
    }


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, "The 9 replicates share an order, within classes too."),
        (
            {"reliability_within_class_ci": [-0.1, 0.4]},
            "The 9 replicates share an order; within classes that is not shown.",
        ),
        (
            {
                "reliability_within_class": None,
                "reliability_within_class_ci": None,
                "undefined": {"reliability_within_class": "no class has two examples"},
            },
            "The 9 replicates share an order; within classes that cannot be said: "
            "no class has two examples.",
        ),
        (
            {"reliability_ci": [0.1, 0.4], "reliability_within_class_ci": [0.05, 0.3]},
            "The 9 replicates share an order in part, within classes in part.",
        ),
        ({"reliability_ci": [-0.2, 0.3]}, "No shared order is shown by these 9 replicates."),
        (
            {"reliability_ci": None, "undefined": {"reliability_ci": "there are 2 replicates"}},
            "Whether an order is shared is not judged without an interval: there are 2 replicates.",
        ),
        (
            {"reliability": None, "undefined": {"reliability": "there is 1 replicate"}},
            "Whether an order is shared cannot be said: there is 1 replicate.",
        ),
    ],
)
def test_verdict_is_the_lower_end_of_the_interval(order: dict[str, Any], expected: str) -> None:
    assert reading.verdict(summary(order)) == expected


def test_sentences_hold_the_numbers_with_their_intervals_and_nulls() -> None:
    found = summary()
    assert (
        "0.900 (95\xa0% interval 0.800 to 0.950), within classes 0.700"
        in reading.order_sentence(found)
    )
    last = reading.last_epoch_sentence(found)
    assert "After epoch 4 " in last
    assert "87.6\xa0%" in last
    assert "0.500 (95\xa0% interval 0.400 to 0.600)" in last
    bimodality = reading.bimodality_sentence(found)
    assert "0.600" in bimodality
    assert "1.800 if all examples were equally hard and 1.700 if" in bimodality
    assert bimodality.startswith("After epoch 4 it is")
    assert reading.counted(found) == "9 of 10 replicates, 12,000 examples"


def test_undefined_numbers_give_their_reason() -> None:
    why = {"fleiss_kappa": "all votes are alike", "bimodality": "no spread"}
    found = summary(row={"fleiss_kappa": None, "bimodality": None, "undefined": why})
    assert reading.last_epoch_sentence(found).endswith("Kappa is undefined: all votes are alike.")
    assert reading.bimodality_sentence(found) == "After epoch 4 it is undefined: no spread."
    shown = cell(found["per_epoch"][0], "fleiss_kappa")
    assert (shown.text, shown.note, shown.undefined) == ("undefined", "all votes are alike", True)


def test_one_replicate_says_nothing_by_its_bimodality() -> None:
    sentence = reading.bimodality_sentence({**summary(), "n_replicates": 1})
    assert sentence == "With one replicate it is 0 whatever was learned, and says nothing."


def test_a_kappa_without_an_interval_says_why() -> None:
    row = {"fleiss_kappa_ci": None, "undefined": {"fleiss_kappa_ci": "no spread to estimate"}}
    sentence = reading.last_epoch_sentence(summary(row=row))
    assert "a kappa of 0.500 (no interval: no spread to estimate); if" in sentence


def test_labels_changed_on_purpose_are_counted() -> None:
    sentence = reading.changed_labels_sentence(300, 1500)
    assert sentence.startswith("The labels of 300 examples (20.0\xa0%) were changed on purpose; ")


def test_bimodality_above_a_null_is_no_sign_against_agreement() -> None:
    caution = "Above a null it says nothing against agreement."
    assert reading.bimodality_sentence(summary(row={"bimodality": 1.75})).endswith(caution)
    assert caution not in reading.bimodality_sentence(summary())


def test_epochs_left_out_are_listed() -> None:
    assert reading.epochs_left_out_sentence([]) == ""
    said = reading.epochs_left_out_sentence([0.5, 3, 4])
    assert said == "Left out, since not all replicates have them: epochs 0.5, 3, 4."
    assert reading.epochs_left_out_sentence(list(range(40))).endswith("8, 9 and 30 more.")


def test_replicates_left_out_are_named_with_their_reasons() -> None:
    failed = {"seed": 7, "status": "failed", "reason": "loss became NaN at epoch 3"}
    planned = [{"seed": seed, "status": "planned", "reason": None} for seed in range(8, 20)]
    assert reading.left_out_sentence([failed, *planned]) == (
        "Left out: seed 7 (failed: loss became NaN at epoch 3); "
        "seeds 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 and 2 more (planned)."
    )
    assert reading.left_out_sentence([]) == ""
    assert len(reading.left_out_sentence([{**failed, "reason": "x" * 3000}])) < 300


def test_a_corrected_correlation_above_one_is_shown_and_explained() -> None:
    pair = {"a": "x", "b": "y", "pearson": 0.99, "noise_ceiling": 0.98, "corrected": 1.01}
    sentence = reading.pair_sentence(pair)
    assert "1.010" in sentence
    assert "nothing is clipped" in sentence


def test_negative_numbers_have_a_true_minus() -> None:
    assert interval((-0.25, 0.5)) == "−0.250 to 0.500"


def pairs_of(*values: float | None) -> list[dict[str, object]]:
    """Pairs with these corrected correlations."""
    return [
        {"a": f"n{i}", "b": f"m{i}", "corrected": v, "within_class": {"corrected": v}}
        for i, v in enumerate(values)
    ]


def test_many_pairs_are_told_by_their_ends() -> None:
    text = reading.pairs_sentence(pairs_of(0.5, 0.9, -0.1, 0.7), 5)
    assert "from −0.100 (n2 against m2) to 0.900 (n1 against m1)" in text
    assert text.endswith("within class from −0.100 to 0.900.")
    text = reading.pairs_sentence(pairs_of(0.5, None, 0.2, None), 5)
    assert "from 0.200 (n2 against m2) to 0.500 (n0 against m0)" in text
    assert text.endswith("2 of 4 pairs are undefined.")
    assert "all 4 pairs are undefined" in reading.pairs_sentence(pairs_of(*[None] * 4), 5)


def test_a_pair_under_its_own_name_does_not_repeat_it() -> None:
    pair = {"a": "x", "b": "y", "pearson": 0.5, "noise_ceiling": 0.9, "corrected": 0.6}
    assert reading.pair_sentence(pair).startswith("x against y: their orders correlate 0.500")
    assert reading.pair_sentence(pair, named=False).startswith("Their orders correlate 0.500")
