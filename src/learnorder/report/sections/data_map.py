"""The data map: how sure networks are of each label, and how much that varies through training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnorder.report import columns
from learnorder.report.figures.joint import BOX, Side, joint_figure
from learnorder.report.measured import DataMap, Measured
from learnorder.report.names import file_name
from learnorder.report.section import Axis, Part, Picture, Plane, Section
from learnorder.report.sections.grouped import by_split
from learnorder.report.tables import percent

TEXT = (
    "Confidence is the mean probability of the label over replicates and epochs, variability its "
    "standard deviation over epochs (Swayamdipta et al., 2020). Top left: easy; bottom left: sure "
    "of another class, where wrong labels lie; right: ambiguous. Cells are hundredths of "
    "confidence and two-hundredths of variability.",
)
N_CELLS = columns.HUNDREDTHS + 1


def data_map_section(found: Sequence[Measured]) -> Section:
    """One picture for each collection and split with probabilities."""
    mapped = [m for m in found if m.data_map is not None]
    parts = [
        Part(split, [_picture(m, m.data_map) for m in of_split if m.data_map is not None])
        for split, of_split in by_split(mapped).items()
    ]
    return Section("data-map", "Data map", "The data map", TEXT, parts)


def _picture(m: Measured, values: DataMap) -> Picture:
    """Counts of examples by variability and confidence."""
    across = columns.hundredths(values.variability, most=0.5)
    up = columns.hundredths(values.confidence)
    flat = np.bincount(across * N_CELLS + up, minlength=N_CELLS * N_CELLS)
    sentence = _sentence(values)
    return Picture(
        name=file_name("data-map", m.collection, m.split),
        drawing=joint_figure(
            flat.reshape(N_CELLS, N_CELLS),
            Side("variability", 0.0, 0.5),
            Side("confidence"),
            diagonal=False,
        ),
        title=m.name,
        reading=sentence,
        alt=f"Examples of {m.name} by variability (horizontal) and confidence (vertical). "
        f"{sentence}",
        kind="square",
        plane=Plane(
            m.split,
            BOX,
            Axis(m.value_name(columns.VARIABILITY), 1, N_CELLS),
            Axis(m.value_name(columns.CONFIDENCE), 1, N_CELLS),
        ),
    )


def _sentence(values: DataMap) -> str:
    """How many are easy, and how many networks are sure of another class."""
    easy = float(np.mean(values.confidence >= 0.75))
    wrong = float(np.mean(values.confidence < 0.25))
    return (
        f"Mean confidence is at least 0.75 for {percent(easy)} of the examples, and below 0.25 for "
        f"{percent(wrong)}."
    )
