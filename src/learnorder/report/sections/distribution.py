"""How replicates divide the examples: TP-agreement through training, beside independence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnorder.report import lattice
from learnorder.report.figures.distribution import Panel, distribution_figure
from learnorder.report.measured import MOST_SHOWN, Measured
from learnorder.report.names import file_name
from learnorder.report.section import Part, Picture, Section
from learnorder.report.sections.grouped import by_split
from learnorder.report.tables import epoch_name, percent

TEXT = (
    "TP-agreement is the share of replicates that are right on an example: at 0 none is, at 1 all "
    "are. Bars are exact counts, one for each possible share. If replicates erred independently, "
    "the bars would follow the lines: the dashed one if all examples were equally hard, the dotted "
    "one if only the classes differed in difficulty. Mass at both ends beyond the lines is "
    "agreement."
)
WITHOUT_LABELS = (
    "Where there are no labels, agreement is shown: the largest share of replicates that predict "
    "one same class. It has no null."
)
MERGED = (
    "Above 100 replicates neighbouring shares are added up, because a bar each would be too narrow."
)


def distribution_section(found: Sequence[Measured]) -> Section:
    """One picture for each collection and split."""
    parts = [
        Part(heading=split, pictures=[_picture(m) for m in of_split])
        for split, of_split in by_split(found).items()
    ]
    text = [
        *([TEXT] if any(m.labelled for m in found) else ()),
        *([] if all(m.labelled for m in found) else [WITHOUT_LABELS]),
        *([MERGED] if any(lattice.merge_width(m.n_replicates) > 1 for m in found) else ()),
    ]
    title = "How the replicates divide the examples"
    return Section("distribution", "Distribution", title, text, parts)


def _picture(m: Measured) -> Picture:
    """Panels from early to late."""
    panels = _panels(m)
    word = "TP-agreement" if m.labelled else "agreement"
    shown = [epoch_name(m.epochs[e]) for e in m.at.shown]
    return Picture(
        name=file_name("distribution", m.collection, m.split),
        drawing=distribution_figure(panels, word, MOST_SHOWN),
        title=m.name,
        reading=_sentence(m, panels[-1], shown[-1]),
        alt=f"Histograms of {word} of {m.name} after epochs {', '.join(shown)}.",
        kind="wide" if len(panels) > 2 else "column",
        narrow=distribution_figure(panels, word, 2),
    )


def _panels(m: Measured) -> list[Panel]:
    """The exact counts after each epoch shown, and both nulls where there are labels."""
    panels = []
    for e in m.at.shown:
        title = f"epoch {epoch_name(m.epochs[e])}"
        votes = m.votes[e].top_votes if m.tp_counts is None else m.tp_counts[e]
        counts = np.bincount(votes, minlength=m.n_replicates + 1).astype(np.int64)
        if m.tp_counts is None:
            panels.append(Panel(title, counts))
            continue
        right = m.right_by_class[e]
        sizes = np.bincount(m.label, minlength=right.shape[1])
        accuracy = right.sum(axis=1) / m.n_examples
        by_class = right / np.maximum(sizes, 1)
        panels.append(
            Panel(
                title,
                counts,
                lattice.equal_difficulty(accuracy, m.n_examples),
                lattice.class_conditional(by_class, sizes),
            )
        )
    return panels


def _sentence(m: Measured, panel: Panel, epoch: str) -> str:
    """What lies at both ends after the last epoch, and what the nulls put there."""
    n = panel.counts.sum()
    all_of_them, none = (percent(panel.counts[i] / n) for i in (-1, 0))
    when = f"After epoch {epoch},"
    if not m.labelled:
        return f"{when} all replicates predict one same class for {all_of_them} of the examples."
    text = f"{when} {all_of_them} of the examples have TP-agreement 1 and {none} have 0"
    if m.n_replicates == 1:
        return f"{text}; one replicate gives nothing else, and its nulls are the same."
    null = panel.class_conditional
    if null is None:
        return f"{text}."
    expected = [percent(null[i] / n) for i in (-1, 0)]
    return f"{text}; if only the classes differed, it would be {expected[0]} and {expected[1]}."
