"""Do replicates agree because they are right, or on one same error too?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnorder.ranking.readings import Rule
from learnorder.ranking.votes import Votes
from learnorder.report import columns, lattice
from learnorder.report.figures.joint import BOX, Side, joint_figure
from learnorder.report.measured import Measured
from learnorder.report.names import file_name
from learnorder.report.section import Axis, Part, Picture, Plane, Section
from learnorder.report.sections.grouped import by_split
from learnorder.report.tables import epoch_name, percent

TEXT = (
    "Agreement is the largest share of replicates that give one same class, right or wrong. On the "
    "diagonal that class is the label. Above it, most agree on something else: at the top left all "
    "replicates give one same wrong answer, which is where wrong labels and ambiguous examples "
    "lie. No cell lies below the diagonal."
)


def agreement_section(found: Sequence[Measured]) -> Section:
    """Two pictures for each collection and split: halfway and at the end."""
    parts = [
        Part(heading=split, pictures=[p for m in of_split for p in _pictures(m)])
        for split, of_split in by_split([m for m in found if m.labelled]).items()
    ]
    title = "Agreement against being right"
    return Section("agreement", "Agreement", title, (TEXT,), parts)


def _pictures(m: Measured) -> list[Picture]:
    """After the epoch at which half of the accuracy is gained, and after the last."""
    return [_picture(m, epoch, votes) for epoch, votes in m.votes.items()]


def _picture(m: Measured, epoch: int, votes: Votes) -> Picture:
    """Exact counts of examples at each pair of shares after one epoch."""
    if m.tp_counts is None:
        raise ValueError("a split without labels has no TP-agreement")
    n = m.n_replicates
    right = m.tp_counts[epoch].astype(np.int64)
    counts = lattice.joint_votes(right, n, votes.top_votes.astype(np.int64), n)
    last = epoch == len(m.epochs) - 1
    when = f"epoch {epoch_name(m.epochs[epoch])}"
    reading = _sentence(m, right, votes, when)
    return Picture(
        name=file_name("agreement", m.collection, m.split, "last" if last else "halfway"),
        drawing=joint_figure(counts, Side(f"TP-agreement, {when}"), Side("agreement")),
        title=f"{m.name}, {when}",
        reading=reading,
        alt=f"Agreement against TP-agreement of {m.name} after {when}. {reading}",
        kind="square",
        plane=_plane(m, counts.shape) if last else None,
    )


def _plane(m: Measured, shape: tuple[int, ...]) -> Plane:
    """What a cell of the last epoch selects."""
    step = lattice.merge_width(m.n_replicates)
    across = Axis(m.value_name(columns.RIGHT_LAST), step, shape[0])
    up = Axis(m.value_name(columns.AGREEMENT_LAST), step, shape[1])
    return Plane(m.split, BOX, across, up)


def _sentence(m: Measured, right: np.ndarray, votes: Votes, when: str) -> str:
    """How often the class most predicted is the label, and how often agreement is on another."""
    most = percent(float(np.mean(right == votes.top_votes)))
    if m.n_replicates == 1:
        return f"After {when} the one replicate gives the label of {most} of the examples."
    together = float(np.mean(votes.wrong_votes >= Rule().agreed * m.n_replicates))
    return (
        f"After {when} no class is predicted more often than the label for {most} of the examples "
        f"(the diagonal); for {percent(together)} at least two thirds of the replicates give one "
        "same wrong class."
    )
