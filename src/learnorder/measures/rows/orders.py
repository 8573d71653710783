"""Rows of the catalogue: measures of the whole order."""

from __future__ import annotations

from learnorder.measures import baselines, order, stages
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
    Measure(
        name="reliability_by_stage",
        summary="reliability of the order at the beginning, the middle and the end of training",
        function=stages.reliability_by_stage,
        dims=(),
        range="(-infinity, 1]",
        direction="higher is more alike",
        degenerate="fewer recorded epochs > 0 than stages: undefined; else as reliability",
        source=("cronbach1951", "shrout1979"),
        needs=("label", "an epoch > 0"),
    ),
    Measure(
        name="explained",
        summary="share of the shared order that class and simple baselines of the data explain",
        function=baselines.explained,
        dims=(),
        range="(-infinity, infinity), from 0 to 1 but for chance",
        direction="none",
        degenerate="reliability 0 or below, one replicate, a constant baseline: undefined",
        source=("spearman1904",),
        needs=("label", "an epoch > 0", "baselines, for more than class"),
    ),
)
