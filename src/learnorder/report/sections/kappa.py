"""Agreement beyond chance through training: kappa, and bimodality beside its nulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from learnorder.report import reading
from learnorder.report.figures.by_epoch import Curve, curves_figure
from learnorder.report.figures.distribution import NULLS
from learnorder.report.gaps import ends, numbers
from learnorder.report.measured import Measured
from learnorder.report.names import file_name
from learnorder.report.section import Head, Line, Part, Picture, Section, Table
from learnorder.report.sections.grouped import by_split
from learnorder.report.tables import Cell, accuracy_cell, cell, epoch_name, number, reason
from learnorder.schema import Scores

CORRECTNESS = (
    "Fleiss' kappa of correctness is agreement about which examples are right: 0 as if each "
    "replicate's right answers fell on examples at random, 1 complete; differences between classes "
    "alone raise it. The band is its 95\N{NO-BREAK SPACE}% interval."
)
PREDICTIONS = (
    "Kappa of predictions counts agreement on the same class, right or wrong: 0 where the shares "
    "of the classes alone would give as much, 1 complete."
)
COLUMNS: Mapping[str, str] = {
    "agreement_mean": "mean agreement",
    "fleiss_kappa": "kappa",
    "fleiss_kappa_predictions": "kappa of predictions",
    "bimodality": "bimodality",
    "bimodality_null": "null: equally hard",
    "bimodality_null_class": "null: classes differ",
}
UNLABELLED = ("agreement_mean", "fleiss_kappa_predictions")


def kappa_section(found: Sequence[Measured]) -> Section:
    """Two pictures and the numbers behind them for each collection and split."""
    parts = [
        _part(split if i == 0 else "", m)
        for split, of_split in by_split(found).items()
        for i, m in enumerate(of_split)
    ]
    if not any(m.labelled for m in found):
        return Section("kappa", "Kappa", "Kappa through training", (PREDICTIONS,), parts)
    title, text = "Kappa and bimodality through training", f"{CORRECTNESS} {PREDICTIONS}"
    return Section("kappa", "Kappa and bimodality", title, (text, reading.BIMODALITY_ALONE), parts)


def _part(heading: str, m: Measured) -> Part:
    pictures = [_kappa(m), _bimodality(m)] if m.labelled else [_kappa(m)]
    return Part(heading, pictures, (_table(m),))


def _rows(m: Measured) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = m.summary["per_epoch"]
    return rows


def _column(m: Measured, key: str) -> Scores:
    """One quantity by epoch; what is undefined is a gap in the line."""
    return numbers([row.get(key) for row in _rows(m)])


def _ends(m: Measured, key: str) -> Scores:
    """``(epoch, 2)``, an interval by epoch."""
    return ends([row.get(key) for row in _rows(m)])


def _kappa(m: Measured) -> Picture:
    """Of correctness with its interval, and of the predictions."""
    curves = [Curve("of predictions", _column(m, "fleiss_kappa_predictions"))]
    if m.labelled:
        interval = _ends(m, "fleiss_kappa_ci").T
        curves.insert(0, Curve("of correctness", _column(m, "fleiss_kappa"), *interval))
    return Picture(
        name=file_name("kappa", m.collection, m.split),
        drawing=curves_figure(m.epochs, curves, "Fleiss' kappa", (0.0, 1.0)),
        title=f"{m.name}: kappa",
        reading=_kappa_sentence(m, curves[0].values),
        alt=_alt(f"Fleiss' kappa of {m.name}", m, {f"kappa {c.name}": c.values for c in curves}),
    )


def _kappa_sentence(m: Measured, kappa: Scores) -> str:
    """Where it is largest, and where it ends; what class difficulty alone would give."""
    if np.isnan(kappa).all():
        key = "fleiss_kappa" if m.labelled else "fleiss_kappa_predictions"
        return f"It is undefined at every epoch: {reason(_rows(m)[-1], key)}."
    at = int(np.nanargmax(kappa))
    text = f"It is largest after epoch {epoch_name(m.epochs[at])} ({number(kappa[at])})"
    if at < len(kappa) - 1 and np.isfinite(kappa[-1]):
        text += f" and {number(kappa[-1])} at the end"
    null = _ends(m, "fleiss_kappa_null_class_ci")[at, 1] if m.labelled else np.nan
    if np.isfinite(null):
        text += f"; if only the classes differed, it would hardly exceed {number(null)}"
    return f"{text}."


def _bimodality(m: Measured) -> Picture:
    """By epoch with both nulls."""
    keys = {
        "observed": "bimodality",
        NULLS[0]: "bimodality_null",
        NULLS[1]: "bimodality_null_class",
    }
    curves = [Curve(label, _column(m, key)) for label, key in keys.items()]
    return Picture(
        name=file_name("bimodality", m.collection, m.split),
        drawing=curves_figure(m.epochs, curves, "bimodality", (0.0, 0.0)),
        title=f"{m.name}: bimodality and its nulls",
        reading=reading.bimodality_sentence(m.summary),
        alt=_alt(f"Bimodality of {m.name}", m, {c.name: c.values for c in curves}),
    )


def _alt(what: str, m: Measured, curves: Mapping[str, Scores]) -> str:
    values = {name: line.tolist() for name, line in curves.items()}
    return reading.curve_alt(what, m.epochs.tolist(), values)


def _table(m: Measured) -> Table:
    """The numbers behind the figures."""
    keys = tuple(COLUMNS) if m.labelled else UNLABELLED
    heads = [Head("epoch"), *([Head("accuracy")] if m.labelled else [])]
    lines = []
    for row in _rows(m):
        first: list[Cell] = [accuracy_cell(row)] if m.labelled else []
        cells = [*first, *(cell(row, key) for key in keys)]
        lines.append(Line(epoch_name(row["epoch"]), cells))
    fold = f"The numbers by epoch, {m.name}"
    return Table([*heads, *(Head(COLUMNS[key]) for key in keys)], lines, fold)
