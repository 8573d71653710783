"""How accurate replicates become, and how far they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnorder.report import reading
from learnorder.report.figures.by_epoch import accuracy_figure
from learnorder.report.measured import Measured
from learnorder.report.names import file_name, plot_name
from learnorder.report.section import Part, Picture, Section
from learnorder.report.sections.grouped import by_collection
from learnorder.report.tables import epoch_name, percent
from learnorder.schema import Scores

TEXT = (
    "Share of examples that a replicate classifies as labelled. Line: mean over replicates; band: "
    "one standard deviation; thin lines: single replicates."
)


def learning_section(found: Sequence[Measured]) -> Section:
    """One picture for each collection, all on one scale."""
    collections = {
        name: [m for m in splits if m.accuracy is not None]
        for name, splits in by_collection(found).items()
    }
    values = [m.accuracy.ravel() for s in collections.values() for m in s if m.accuracy is not None]
    if not values:
        part = Part(notes=("No split has labels, so there is no accuracy.",))
    else:
        low, high = np.min(np.concatenate(values)), np.max(np.concatenate(values))
        limits = (max(low - 0.03, -0.02), min(high + 0.03, 1.02))
        part = Part(
            pictures=[_picture(name, s, limits) for name, s in collections.items() if s],
        )
    return Section("accuracy", "Accuracy", "Accuracy through training", (TEXT,), (part,))


def _picture(collection: str, splits: Sequence[Measured], limits: tuple[float, float]) -> Picture:
    """Accuracy of one collection by epoch, all splits with labels."""
    curves: dict[str, tuple[Scores, Scores]] = {}
    for i, m in enumerate(splits):
        if m.accuracy is not None:
            curves[plot_name(m.split, f"split {i + 1}")] = (m.epochs, m.accuracy)
    means = {name: values.mean(axis=0).tolist() for name, (_, values) in curves.items()}
    first = next(iter(curves.values()))[0].tolist()
    return Picture(
        name=file_name("accuracy", collection),
        drawing=accuracy_figure(curves, limits),
        title=collection,
        reading=" ".join(_sentence(m) for m in splits),
        alt=reading.curve_alt(f"Mean accuracy of {collection}", first, means),
    )


def _sentence(m: Measured) -> str:
    """Where accuracy starts and ends, and when half of its gain is made."""
    if m.accuracy is None:
        return ""
    mean = m.accuracy.mean(axis=0)
    start, end = float(mean[0]), float(mean[-1])
    last = epoch_name(m.epochs[-1])
    spread = f" (± {percent(m.accuracy[:, -1].std(ddof=1))})" if m.n_replicates > 1 else ""
    text = f"On {m.split} it is {percent(end)}{spread} after epoch {last}"
    if len(mean) < 3 or end <= start:
        return f"{text}."
    half = int(np.argmax(mean >= (start + end) / 2))
    return (
        f"{text}; half of its gain since epoch {epoch_name(m.epochs[0])} ({percent(start)}) is "
        f"made by epoch {epoch_name(m.epochs[half])}."
    )
