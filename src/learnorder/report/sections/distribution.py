"""How replicates divide the examples: TP-agreement through training, beside independence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnorder.measures.agreement import accuracy_by_class, agreement
from learnorder.report import lattice
from learnorder.report.figures.distribution import Panel, distribution_figure
from learnorder.report.measured import Measured
from learnorder.report.names import file_name
from learnorder.report.section import Part, Picture, Section
from learnorder.report.sections.grouped import by_split
from learnorder.report.tables import epoch_name, percent

MOST_PANELS = 6
"""Epochs in the figure: as many as fit a line of a page."""

TEXT = (
    "TP-agreement is the share of replicates that are right on an example: at 0 none is, at 1 all "
    "are. Bars are exact counts, one for each possible share. If replicates erred independently, "
    "the bars would follow the lines: the dashed one if all examples were equally hard, the dotted "
    "one if only the classes differed in difficulty. Mass at both ends beyond the lines is "
    "agreement."
)
WITHOUT_LABELS = (
    "Without labels: agreement, the largest share of replicates that predict one same class; it "
    "has no null."
)


def distribution_section(found: Sequence[Measured]) -> Section:
    """One picture for each collection and split."""
    parts = [
        Part(
            heading=split,
            pictures=[_picture(m) for m in of_split],
            notes=() if all(m.labelled for m in of_split) else (WITHOUT_LABELS,),
        )
        for split, of_split in by_split(found).items()
    ]
    title = "How the replicates divide the examples"
    return Section("distribution", "Distribution", title, (TEXT,), parts)


def _picture(m: Measured) -> Picture:
    """Panels from early to late."""
    chosen = lattice.spread_over_training(m.epochs, MOST_PANELS)
    panels = _panels(m, chosen)
    word = "TP-agreement" if m.labelled else "agreement"
    shown = ", ".join(epoch_name(m.epochs[e]) for e in chosen)
    return Picture(
        name=file_name("distribution", m.collection, m.split),
        drawing=distribution_figure(panels, word, MOST_PANELS),
        title=m.name,
        reading=_sentence(panels, word, [epoch_name(m.epochs[e]) for e in chosen]),
        alt=f"Histograms of {word} of {m.name} after epochs {shown}.",
        kind="wide",
        narrow=distribution_figure(panels, word, 2),
    )


def _panels(m: Measured, chosen: Sequence[int]) -> list[Panel]:
    """The exact counts after each chosen epoch, and both nulls where there are labels."""
    titles = [f"epoch {epoch_name(m.epochs[e])}" for e in chosen]
    part = m.log.isel(epoch=list(chosen))
    if m.tp_counts is None:
        shares = agreement(part).values
        counts = [lattice.lattice_counts(share, m.n_replicates) for share in shares]
        return [Panel(title, c) for title, c in zip(titles, counts, strict=True)]
    by_class = accuracy_by_class(part).values
    sizes = np.bincount(m.label, minlength=by_class.shape[2])
    panels = []
    for i, (title, epoch) in enumerate(zip(titles, chosen, strict=True)):
        overall = by_class[:, i] @ sizes / m.n_examples
        panels.append(
            Panel(
                title,
                np.bincount(m.tp_counts[epoch], minlength=m.n_replicates + 1).astype(np.int64),
                lattice.equal_difficulty(overall, m.n_examples),
                lattice.class_conditional(by_class[:, i], sizes),
            )
        )
    return panels


def _sentence(panels: Sequence[Panel], word: str, epochs: Sequence[str]) -> str:
    """What lies at both ends after the last epoch, and what the nulls put there."""
    panel = panels[-1]
    n = panel.counts.sum()
    ends = [percent(panel.counts[i] / n) for i in (-1, 0)]
    text = f"After epoch {epochs[-1]}, {ends[0]} of the examples have {word} 1 and {ends[1]} have 0"
    null = panel.class_conditional
    if null is None:
        return f"{text}."
    expected = [percent(null[i] / n) for i in (-1, 0)]
    return f"{text}; if only the classes differed, it would be {expected[0]} and {expected[1]}."
