"""The answer: do replicates share an order, and do collections?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learnorder.report import reading
from learnorder.report.measured import Measured
from learnorder.report.section import Head, Line, Table
from learnorder.report.tables import Cell, accuracy_cell, cell

if TYPE_CHECKING:
    from learnorder.comparison.compare import Comparison

COLUMNS: Mapping[str, str] = {
    "fleiss_kappa": "kappa",
    "bimodality": "bimodality",
    "bimodality_null": "null: equally hard",
    "bimodality_null_class": "null: classes differ",
}


MOST_PAIRS = 3
"""Pairs that have a sentence each; of more, what they have in common is said."""


@dataclass(frozen=True)
class Answer:
    """What is said of one split of one collection, or between collections."""

    title: str
    counted: str
    verdict: str
    sentences: tuple[str, ...]


def answers(found: Sequence[Measured], comparisons: Mapping[str, Comparison]) -> list[Answer]:
    """One for each split of each collection, then one for each comparison."""
    common = common_notes(found)
    between = [
        Answer(f"Between collections, {split}", "", "", _between(comparison.to_dict()))
        for split, comparison in comparisons.items()
    ]
    return [*(_answer(m, common) for m in found), *between]


def common_notes(found: Sequence[Measured]) -> list[str]:
    """Notes that hold of every split with labels, where there is more than one: said once."""
    of_each = [reading.notes(m.summary) for m in found if m.labelled]
    if len(of_each) < 2:
        return []
    return [note for note in of_each[0] if all(note in notes for notes in of_each)]


def _between(found: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each pair; of many, what they have in common."""
    pairs = found["pairs"]
    if len(pairs) <= MOST_PAIRS:
        return tuple(map(reading.pair_sentence, pairs))
    return (reading.pairs_sentence(pairs, len(found["collections"])),)


def _answer(m: Measured, common: Sequence[str]) -> Answer:
    counted = reading.counted(m.summary)
    if not m.labelled:
        return Answer(m.name, counted, "", tuple(reading.unlabelled_sentences(m.summary)))
    sentences = (
        reading.order_sentence(m.summary),
        reading.null_sentence(m.summary),
        reading.last_epoch_sentence(m.summary),
        *([reading.changed_labels_sentence(m.n_changed, m.n_examples)] if m.n_changed else ()),
        *(note for note in reading.notes(m.summary) if note not in common),
    )
    return Answer(m.name, counted, reading.verdict(m.summary), tuple(filter(None, sentences)))


def answer_table(found: Sequence[Measured]) -> Table | None:
    """The numbers of all splits with labels side by side."""
    lines = []
    for m in found:
        if m.labelled:
            last, order = m.summary["per_epoch"][-1], m.summary["order"]
            first = (
                Cell(reading.replicates(m.summary)),
                accuracy_cell(last),
                cell(order, "reliability"),
                cell(order, "reliability_within_class"),
            )
            lines.append(Line(m.name, (*first, *(cell(last, key) for key in COLUMNS))))
    if not lines:
        return None
    heads = ["replicates", "accuracy", "reliability", "within class", *COLUMNS.values()]
    return Table([Head("collection, split", number=False), *map(Head, heads)], lines)


def left_out(found: Sequence[Measured]) -> dict[str, str]:
    """Replicates and epochs that no number contains, by collection, each named once."""
    seen: dict[str, dict[object, Mapping[str, object]]] = {}
    epochs: dict[str, set[float]] = {}
    for m in found:
        for entry in m.log.attrs.get("left_out") or ():
            seen.setdefault(m.collection, {}).setdefault(entry.get("seed"), entry)
        epochs.setdefault(m.collection, set()).update(m.log.attrs.get("epochs_left_out") or ())
    return {
        name: " ".join(
            filter(
                None,
                (
                    reading.left_out_sentence(list(seen.get(name, {}).values())),
                    reading.epochs_left_out_sentence(sorted(of)),
                ),
            )
        )
        for name, of in epochs.items()
    }
