"""What one collection shows in one split: measured once, then ready for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr

from learnorder.measures.agreement import (
    accuracy,
    accuracy_by_class,
    agreement,
    mean_agreement,
    tp_agreement,
)
from learnorder.measures.order import accessibility
from learnorder.measures.summary import summarise
from learnorder.report import figures, lattice, reading
from learnorder.report.gallery import Gallery, examples_gallery
from learnorder.report.page import data_uri
from learnorder.report.tables import Cell, accuracy_cell, cell, epoch_name, number, percent
from learnorder.schema import LABEL, Previews, Scores

MOST_PANELS = 6
"""Epochs in the distribution figure: as many as fit a line of a page."""


class LogLike(Protocol):
    """What the report needs of a log: its splits, its provenance, and previews."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """The resolved spec."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Versions, platform, date, revision, fingerprint, seeds."""
        ...

    def previews(self, split: str) -> Previews | None:
        """Thumbnails or excerpts of examples of this split."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Names of the splits."""
        ...

    def __getitem__(self, split: str, /) -> xr.Dataset:
        """The predictions of one split."""
        ...


@dataclass(frozen=True)
class Picture:
    """A drawing as the page shows it: wide, narrow for phones where that differs, and in words."""

    src: str
    alt: str
    narrow: str | None = None


@dataclass(frozen=True)
class SplitView:
    """One collection in one split."""

    collection: str
    split: str
    labelled: bool
    counted: str
    verdict: str
    sentences: tuple[str, ...]
    cells: tuple[Cell, ...]
    per_epoch: tuple[tuple[Cell, ...], ...]
    distribution: Picture
    kappa: Picture
    bimodality: Picture | None
    gallery: Gallery


def picture(svg: str, alt: str, narrow: str | None = None) -> Picture:
    """SVG text as a picture that needs no network."""
    src = data_uri(svg.encode(), "image/svg+xml")
    return Picture(src, alt, None if narrow is None else data_uri(narrow.encode(), "image/svg+xml"))


def plot_name(name: str, otherwise: str) -> str:
    """The name if a figure's letters can show it, else a short stand-in that the caption explains.

    Examples
    --------
    >>> plot_name("lenet", "A"), plot_name("网络", "A")
    ('lenet', 'A')
    """
    return name if name.isascii() and name.isprintable() and 0 < len(name) <= 24 else otherwise


def split_view(
    collection: str, split: str, log: xr.Dataset, previews: Previews | None, examples: int
) -> SplitView:
    """Measure and draw one split of one collection; ``examples`` cards at each end."""
    build = _labelled if LABEL in log else _unlabelled
    return build(collection, split, log, _gallery(log, previews, examples), summarise(log))


def _gallery(log: xr.Dataset, previews: Previews | None, most: int) -> Gallery:
    """Both ends of the order, or the reason why there is none."""
    if most == 0:
        return Gallery()
    n_replicates = log.sizes["replicate"]
    trained = log["epoch"].values > 0
    if not trained.any():
        return Gallery(missing="nothing was recorded after epoch 0")
    if LABEL in log:
        scores = accessibility(log).values
    else:
        scores = mean_agreement(log.isel(epoch=trained)).values
    return examples_gallery(log, scores, n_replicates * int(trained.sum()), previews, most)


def _labelled(
    collection: str,
    split: str,
    log: xr.Dataset,
    gallery: Gallery,
    summary: Mapping[str, Any],
) -> SplitView:
    """A split with labels: everything is measured against them."""
    epochs, rows = log["epoch"].values, summary["per_epoch"]
    name = f"{collection}, {split}"
    sentences = (
        reading.order_sentence(summary),
        reading.last_epoch_sentence(summary),
        reading.bimodality_sentence(summary),
        *reading.notes(summary),
    )
    last = rows[-1]
    keys = ("fleiss_kappa", "bimodality", "bimodality_null", "bimodality_null_class")
    cells = (
        Cell(reading.replicates(summary)),
        accuracy_cell(last),
        cell(summary["order"], "reliability"),
        cell(summary["order"], "reliability_within_class"),
        *(cell(last, key) for key in keys),
    )
    return SplitView(
        collection=collection,
        split=split,
        labelled=True,
        counted=reading.counted(summary),
        verdict=reading.verdict(summary),
        sentences=tuple(filter(None, sentences)),
        cells=cells,
        per_epoch=tuple(_epoch_row(row) for row in rows),
        distribution=_distribution(log, name),
        kappa=_kappa(epochs, rows, name, labelled=True),
        bimodality=_bimodality(epochs, rows, name),
        gallery=gallery,
    )


def _epoch_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    """One line of the table behind the figures."""
    keys = (
        "agreement_mean",
        "fleiss_kappa",
        "fleiss_kappa_predictions",
        "bimodality",
        "bimodality_null",
        "bimodality_null_class",
    )
    return (
        Cell(epoch_name(row["epoch"])),
        accuracy_cell(row),
        *(cell(row, key) for key in keys),
    )


def _column(rows: list[Mapping[str, Any]], key: str) -> Scores:
    """One quantity by epoch; what is undefined is a gap in the line."""
    return np.array([np.nan if row.get(key) is None else row[key] for row in rows], dtype=float)


def _ends(rows: list[Mapping[str, Any]], key: str, i: int) -> Scores:
    """Lower (0) or upper (1) end of an interval by epoch."""
    ends = [np.nan if row.get(key) is None else row[key][i] for row in rows]
    return np.array(ends, dtype=float)


def _distribution(log: xr.Dataset, name: str) -> Picture:
    """The distribution of TP-agreement (agreement without labels) through training."""
    labelled = LABEL in log
    word = "TP-agreement" if labelled else "agreement"
    epochs = log["epoch"].values
    chosen = lattice.spread_over_training(epochs, MOST_PANELS)
    part = log.isel(epoch=chosen)
    scores = (tp_agreement(part) if labelled else agreement(part)).values
    panels = [_panel(part.isel(epoch=[i]), scores[i]) for i in range(len(chosen))]
    shown = ", ".join(epoch_name(epochs[e]) for e in chosen)
    ends = "; ".join(
        f"after epoch {epoch_name(epochs[chosen[i]])} {percent(np.mean(scores[i] >= 1))} of the "
        f"examples have {word} 1 and {percent(np.mean(scores[i] <= 0))} have 0"
        for i in (0, -1)
    )
    alt = f"Histograms of {word} of {name} after epochs {shown}: {ends}."
    drawn = (figures.distribution_figure(panels, word, columns) for columns in (MOST_PANELS, 2))
    return picture(next(drawn), alt, next(drawn))


def _panel(log: xr.Dataset, scores: Scores) -> figures.Panel:
    """The exact counts at the one epoch of a log, and both nulls where there are labels."""
    counts = lattice.lattice_counts(scores, log.sizes["replicate"])
    title = f"epoch {epoch_name(log['epoch'].values[0])}"
    if LABEL not in log:
        return figures.Panel(title, counts)
    by_class = accuracy_by_class(log).values[:, 0]
    sizes = np.bincount(log[LABEL].values, minlength=by_class.shape[1])
    n_examples = log.sizes["example"]
    return figures.Panel(
        title,
        counts,
        lattice.equal_difficulty(by_class @ sizes / n_examples, n_examples),
        lattice.class_conditional(by_class, sizes),
    )


def _kappa(epochs: Scores, rows: list[Mapping[str, Any]], name: str, *, labelled: bool) -> Picture:
    """Fleiss' kappa of correctness with its interval, and of the predictions."""
    curves = [figures.Curve("of predictions", _column(rows, "fleiss_kappa_predictions"))]
    if labelled:
        ends = (_ends(rows, "fleiss_kappa_ci", 0), _ends(rows, "fleiss_kappa_ci", 1))
        curves.insert(0, figures.Curve("of correctness", _column(rows, "fleiss_kappa"), *ends))
    svg = figures.curves_figure(epochs, curves, "Fleiss' kappa", (0.0, 1.0))
    values = {f"kappa {curve.name}": curve.values.tolist() for curve in curves}
    return picture(svg, reading.curve_alt(f"Fleiss' kappa of {name}", epochs.tolist(), values))


def _bimodality(epochs: Scores, rows: list[Mapping[str, Any]], name: str) -> Picture:
    """Bimodality by epoch with both nulls."""
    keys = {
        "observed": "bimodality",
        figures.NULLS[0]: "bimodality_null",
        figures.NULLS[1]: "bimodality_null_class",
    }
    curves = [figures.Curve(label, _column(rows, key)) for label, key in keys.items()]
    svg = figures.curves_figure(epochs, curves, "bimodality", (0.0, 0.0))
    values = {curve.name: curve.values.tolist() for curve in curves}
    return picture(svg, reading.curve_alt(f"Bimodality of {name}", epochs.tolist(), values))


def _unlabelled(
    collection: str,
    split: str,
    log: xr.Dataset,
    gallery: Gallery,
    summary: Mapping[str, Any],
) -> SplitView:
    """A split without labels: only agreement between replicates can be measured."""
    rows = summary["per_epoch"]
    name = f"{collection}, {split}"
    return SplitView(
        collection=collection,
        split=split,
        labelled=False,
        counted=reading.counted(summary),
        verdict="",
        sentences=tuple(reading.unlabelled_sentences(summary)),
        cells=(),
        per_epoch=tuple(
            (
                Cell(epoch_name(row["epoch"])),
                Cell(number(row["agreement_mean"])),
                cell(row, "fleiss_kappa_predictions"),
            )
            for row in rows
        ),
        distribution=_distribution(log, name),
        kappa=_kappa(log["epoch"].values, rows, name, labelled=False),
        bimodality=None,
        gallery=gallery,
    )


def accuracy_pictures(collections: Mapping[str, Mapping[str, xr.Dataset]]) -> dict[str, Picture]:
    """Accuracy by epoch of every split with labels, one picture for each collection."""
    curves = {name: _accuracy_curves(splits) for name, splits in collections.items()}
    values = [v.ravel() for splits in curves.values() for _, v in splits.values()]
    if not values:
        return {}
    low, high = np.min(np.concatenate(values)), np.max(np.concatenate(values))
    limits = (max(low - 0.03, -0.02), min(high + 0.03, 1.02))
    return {
        name: _accuracy_picture(name, splits, limits) for name, splits in curves.items() if splits
    }


def _accuracy_curves(splits: Mapping[str, xr.Dataset]) -> dict[str, tuple[Scores, Scores]]:
    """Epochs and accuracy ``(replicate, epoch)`` of every split with labels."""
    return {
        plot_name(split, f"split {i + 1}"): (log["epoch"].values, accuracy(log).values)
        for i, (split, log) in enumerate(splits.items())
        if LABEL in log
    }


def _accuracy_picture(
    collection: str, curves: Mapping[str, tuple[Scores, Scores]], limits: tuple[float, float]
) -> Picture:
    """Accuracy of one collection."""
    means = {name: values.mean(axis=0).tolist() for name, (_, values) in curves.items()}
    first = next(iter(curves.values()))[0].tolist()
    alt = reading.curve_alt(f"Mean accuracy of {collection}", first, means)
    return picture(figures.accuracy_figure(curves, limits), alt)
