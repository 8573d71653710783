"""Rows of the catalogue: measures of the whole order."""

from __future__ import annotations

from learnorder.measures import order
from learnorder.measures.rows.row import Measure

ROWS: tuple[Measure, ...] = (
    Measure(
        name="reliability",
        summary="how much of the differences in mean accessibility other replicates show again",
        function=order.reliability,
        dims=(),
        range="(-infinity, 1]",
        direction="higher is more alike",
        degenerate="one replicate, or accessibility constant: undefined; interval: 3 replicates",
        source=("cronbach1951", "shrout1979", "feldt1965"),
        needs=("label", "an epoch > 0"),
    ),
)
