"""How many replicates the order needs, and at which stage of training it is shared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learnorder.measures.order import recorded_reliability
from learnorder.measures.planning import ReplicatesNeeded, needed_for, spearman_brown
from learnorder.report.figures.by_epoch import Curve
from learnorder.report.figures.by_number import by_number_figure
from learnorder.report.measured import Measured
from learnorder.report.names import file_name
from learnorder.report.section import Head, Line, Part, Picture, Section, Table
from learnorder.report.sections.grouped import by_split
from learnorder.report.tables import Cell, cell, epoch_name, number, reason

TARGET = 0.95
"""Reliability that is aimed at, as in `learnorder plan`."""

FEWEST_AHEAD = 10
"""Replicates that the figure reaches to at least."""

TEXT = (
    "Reliability is that of the mean order of as many replicates; it grows with their number as "
    "Spearman and Brown's formula says, from the estimate and from both ends of its "
    "95\N{NO-BREAK SPACE}% interval. "
    "The command learnorder plan says the same with costs.",
)
STAGES = (
    "Reliability of the order in each third of training alone: where in training the order is "
    "shared."
)


def replicates_section(found: Sequence[Measured]) -> Section:
    """One picture for each collection and split with labels, and a table of stages."""
    labelled = [m for m in found if m.labelled and m.order is not None]
    parts = [
        Part(
            split,
            [p for m in of_split if (p := _picture(m)) is not None],
            _stages(of_split),
            _notes(of_split),
        )
        for split, of_split in by_split(labelled).items()
    ]
    title = "How many replicates, and when"
    return Section("replicates", "Replicates", title, (*TEXT, STAGES), parts)


def _picture(m: Measured) -> Picture | None:
    """Reliability by number of replicates; None where there is no reliability above 0."""
    found = recorded_reliability(m.summary["order"], m.n_replicates)
    if found.value is None or found.value <= 0:
        return None
    plan = needed_for(found, TARGET)
    reach = max(FEWEST_AHEAD, 2 * m.n_replicates, m.n_replicates + min(plan.more or 0, 400))
    n = np.unique(np.rint(np.linspace(1, reach, min(reach, 120))))
    value = found.value

    def along(start: float) -> np.ndarray:
        return np.array([spearman_brown(start, m.n_replicates, k) for k in n])

    # The formula is for reliabilities above 0: with none, no number of replicates has any.
    ends = (None, None) if found.ci is None else [along(max(end, 0.0)) for end in found.ci]
    curve = Curve("reliability", along(value), *ends)
    sentence = _sentence(m, value, plan)
    return Picture(
        name=file_name("replicates", m.collection, m.split),
        drawing=by_number_figure(n, [curve], m.n_replicates, TARGET),
        title=m.name,
        reading=sentence,
        alt=f"Reliability of the order of {m.name} by number of replicates, 1 to {reach}. "
        f"{sentence}",
    )


def _sentence(m: Measured, value: float, plan: ReplicatesNeeded) -> str:
    """One replicate, those there are, and what it takes to the target."""
    one = spearman_brown(value, m.n_replicates, 1)
    text = (
        f"One replicate alone would have {number(one)}, the {m.n_replicates} there are have "
        f"{number(value)}"
    )
    if plan.more is None:
        return f"{text}; how many would reach {TARGET:g} is undefined ({plan.undefined['more']})."
    more = f"{plan.more:,} more would reach {TARGET:g}"
    if plan.more == 0:
        more = f"the {TARGET:g} that is aimed at is reached"
    if plan.more_ci is None or plan.more_ci == (0, 0):
        return f"{text}; {more}."
    most = "no known number" if plan.more_ci[1] is None else f"{plan.more_ci[1]:,}"
    return f"{text}; {more} (by the interval it takes {plan.more_ci[0]:,} to {most} more)."


def _notes(of_split: Sequence[Measured]) -> tuple[str, ...]:
    """Why a collection has no picture."""
    return tuple(
        f"{m.name}: no figure, because "
        + (
            f"reliability is undefined ({reason(m.summary['order'], 'reliability')})."
            if m.summary["order"]["reliability"] is None
            else "reliability is not above 0."
        )
        for m in of_split
        if (m.summary["order"]["reliability"] or 0) <= 0
    )


def _stages(of_split: Sequence[Measured]) -> tuple[Table, ...]:
    """Reliability by third of training."""
    lines = []
    for m in of_split:
        for stage in m.summary["order"].get("by_stage") or ():
            first, last = (epoch_name(epoch) for epoch in stage["epochs"])
            cells: list[Cell] = [
                Cell(first if first == last else f"{first} to {last}"),
                cell(stage, "reliability"),
                cell(stage, "reliability_within_class"),
            ]
            lines.append(Line(m.collection, cells))
    if not lines:
        return ()
    heads = [
        Head("collection", number=False),
        Head("epochs"),
        Head("reliability"),
        Head("within class"),
    ]
    return (Table(heads, lines),)
