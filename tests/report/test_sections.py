"""What sections say of their figures, where numbers are few, equal, missing or at an end."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr

from learnorder.comparison.compare import compare
from learnorder.log.labelled import from_arrays
from learnorder.measures.order import Reliability
from learnorder.report.measured import Measured, measure_split
from learnorder.report.section import Section
from learnorder.report.sections import replicates
from learnorder.report.sections.agreement import agreement_section
from learnorder.report.sections.answer import answers, common_notes
from learnorder.report.sections.baselines import baselines_section
from learnorder.report.sections.comparison import comparison_section
from learnorder.report.sections.distribution import distribution_section
from learnorder.report.sections.kappa import kappa_section
from learnorder.report.sections.references import references_of


def measured(log: xr.Dataset) -> Measured:
    return measure_split("mlp", str(log.attrs["split"]), log, None)


def split_of(predictions: Any, labels: Any = None) -> Measured:
    """One split of predictions ``[replicate][epoch][example]``."""
    return measured(from_arrays(predictions, labels, split="test"))


def readings(section: Section) -> list[str]:
    return [picture.reading for picture in section.pictures()]


def notes(section: Section) -> str:
    return " ".join(note for part in section.parts for note in part.notes)


def test_a_label_that_shares_the_most_votes_is_as_much_predicted_as_any() -> None:
    """Two replicates that differ: neither class id may decide which of the two counts."""
    for labels in ([0, 0], [1, 1]):
        section = agreement_section([split_of([[[0, 0]], [[1, 0]]], labels)])
        share = "100.0" if labels == [0, 0] else "50.0"
        assert f"more often than the label for {share}\xa0% of the examples" in readings(section)[0]


def test_one_replicate_agrees_with_nobody() -> None:
    alone = split_of([[[0, 1, 0]]], [0, 1, 1])
    assert readings(agreement_section([alone])) == [
        "After epoch 1 the one replicate gives the label of 66.7\xa0% of the examples."
    ]
    (text,) = readings(distribution_section([alone]))
    assert text.endswith("one replicate gives nothing else, and its nulls are the same.")
    kappa, bimodality = readings(kappa_section([alone]))
    assert re.fullmatch(r"It is undefined at every epoch: .*there is 1 replicate\.", kappa)
    assert "says nothing" in bimodality
    assert "mlp, test: undefined (" in notes(baselines_section([alone]))


def test_without_labels_nothing_is_said_of_being_right() -> None:
    unlabelled = split_of([[[0, 1, 0]], [[0, 1, 1]], [[0, 1, 1]]])
    assert readings(distribution_section([unlabelled])) == [
        "After epoch 1, all replicates predict one same class for 66.7\xa0% of the examples."
    ]
    sections = [distribution_section([unlabelled]), kappa_section([unlabelled])]
    text = " ".join(paragraph for section in sections for paragraph in section.text)
    for word in ("TP-agreement", "correctness", "Bimodality"):
        assert word not in text
    cited = {reference.of for reference in references_of(["kappa", "examples"], labelled=False)}
    assert not cited & {"Bimodality", "Forgetting"}
    assert cited < {
        reference.of for reference in references_of(["kappa", "examples"], labelled=True)
    }


def test_a_distribution_whose_bars_are_merged_says_so(simulate: Any) -> None:
    labels = np.arange(20) % 2
    for n, said in ((100, False), (101, True)):
        predictions = simulate(labels, n_replicates=n, n_epochs=2, n_classes=2)
        text = " ".join(distribution_section([split_of(predictions, labels)]).text)
        assert ("neighbouring shares are added up" in text) == said


@pytest.mark.parametrize("low", [-0.9, -0.2, 0.0, 0.3])
def test_more_replicates_never_make_less_of_an_order(
    low: float, monkeypatch: pytest.MonkeyPatch, simulate: Any
) -> None:
    """Spearman and Brown's formula passes through infinity below 0."""
    found = Reliability(0.6, (low, 0.9), None, None, 5, {})
    monkeypatch.setattr(replicates, "recorded_reliability", lambda *_: found)
    labels = np.arange(20) % 2
    m = split_of(simulate(labels, n_replicates=5, n_epochs=2, n_classes=2), labels)
    (picture,) = replicates.replicates_section([m]).pictures()
    axes = picture.drawing.figure().axes[0]
    band = axes.collections[0].get_paths()[0].vertices
    assert 0 <= band[:, 1].min() <= band[:, 1].max() <= 1


def test_a_target_that_only_the_estimate_reaches_is_not_called_certain(
    monkeypatch: pytest.MonkeyPatch, simulate: Any
) -> None:
    labels = np.arange(20) % 2
    m = split_of(simulate(labels, n_replicates=5, n_epochs=2, n_classes=2), labels)

    def sentence(low: float) -> str:
        found = Reliability(0.96, (low, 0.98), None, None, 5, {})
        monkeypatch.setattr(replicates, "recorded_reliability", lambda *_: found)
        return readings(replicates.replicates_section([m]))[0]

    assert sentence(0.955).endswith("; the 0.95 that is aimed at is reached.")
    assert sentence(0.90).endswith("is reached (by the interval it takes 0 to 6 more).")


def test_what_every_split_has_to_know_is_said_once(simulate: Any) -> None:
    labels = np.arange(20) % 2
    logs = [
        from_arrays(simulate(labels, n_replicates=4, n_epochs=2, n_classes=2), labels, split=split)
        for split in ("train", "test")
    ]
    both = [measured(log) for log in logs]
    (few,) = (note for note in common_notes(both) if "4 replicates" in note)
    assert all(few not in answer.sentences for answer in answers(both, {}))
    assert common_notes(both[:1]) == []
    assert few in answers(both[:1], {})[0].sentences


def compared(simulate: Any, n: tuple[int, int], skill: float = 0.3) -> Section:
    """The section about two collections of so many replicates."""
    labels = np.arange(200) % 4
    logs = {
        name: from_arrays(
            simulate(labels, n_replicates=k, n_epochs=6, n_classes=4, seed=i, skill=i * skill),
            labels,
            split="test",
        )
        for i, (name, k) in enumerate(zip("ab", n, strict=True))
    }
    given = {clock: {"test": compare(logs, clock)} for clock in ("epoch", "accuracy")}  # type: ignore[arg-type]
    return comparison_section(given["epoch"], given["accuracy"])


@pytest.mark.filterwarnings("error")
def test_containment_of_single_networks_has_no_upper_reference_and_no_interval(
    simulate: Any,
) -> None:
    drawn = [p for p in compared(simulate, (1, 1)).pictures() if p.name.startswith("containment")]
    (picture,) = drawn
    assert "between networks of" not in picture.reading
    assert "()" not in picture.reading
    assert "% (no interval: an interval needs 3 replicates" in picture.reading


def test_containment_has_its_interval_and_the_table_has_every_pair(simulate: Any) -> None:
    section = compared(simulate, (4, 4))
    (picture,) = [p for p in section.pictures() if p.name.startswith("containment")]
    assert re.search(r"of b knows [\d.]+\xa0% \(95\xa0% interval [\d.]+\xa0% to", picture.reading)
    assert picture.title == "What b knows of a, test"
    tables = [table for part in section.parts for table in part.tables]
    assert [line.name for line in tables[1].lines] == ["a in b"]
    assert all(cell.note for cell in (tables[1].lines[0].cells[i] for i in (0, 1, 4)))


def test_without_a_common_accuracy_the_end_is_told_and_the_reason_given(simulate: Any) -> None:
    section = compared(simulate, (3, 3), skill=9.0)
    assert not any(p.name.startswith("containment") for p in section.pictures())
    assert "Containment along training is not drawn: no range of accuracy" in notes(section)
    assert "Orders are not compared at equal accuracies: no range of accuracy" in notes(section)
    (_, at_end) = section.parts[0].tables
    assert at_end.lines[0].name == "a in b"
