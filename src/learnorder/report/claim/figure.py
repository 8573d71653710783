"""The figure of a claim: every subject by each part of the rule, and what lies behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from learnorder.report.claim.curves import (
    conditions_height,
    curves_height,
    draw_conditions,
    draw_curves,
    quantities,
    with_conditions,
)
from learnorder.report.claim.forest import SMALL, WIDTH, Forest, draw_forest
from learnorder.report.figures.drawing import drawn


@drawn
def claim_figure(result: Mapping[str, Any]) -> Figure:
    """Draw the findings of a claim, as its result file has them; there is at least one."""
    forest = Forest.of(result)
    curves = quantities(forest.claim, forest.rows)
    conditions = with_conditions(forest.rows)
    left_out = forest.n_rows - len(forest.rows)
    note = 0.25 if left_out else 0.0
    below = sum(curves_height(len(rows)) for _, rows in curves) + conditions_height(conditions)
    figure = Figure(figsize=(WIDTH, forest.height + note + below))
    draw_forest(figure, forest)
    top = below
    if left_out:
        figure.text(
            0.01,
            (top + 0.1) / figure.get_figheight(),
            f"{left_out} of {forest.n_rows} rows are in the table alone.",
            fontsize=SMALL,
        )
    for quantity, rows in curves:
        draw_curves(figure, quantity, rows, top)
        top -= curves_height(len(rows))
    for row in conditions:
        top = draw_conditions(figure, row, top)
    return figure
