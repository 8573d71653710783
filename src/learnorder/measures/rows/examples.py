"""Rows of the catalogue: measures of each example."""

from __future__ import annotations

from learnorder.measures import agreement, jeffreys, order
from learnorder.measures.rows.row import Measure

ROWS: tuple[Measure, ...] = (
    Measure(
        name="tp_agreement",
        summary="share of replicates that classify each example correctly",
        function=agreement.tp_agreement,
        dims=("epoch", "example"),
        range="[0, 1]",
        direction="higher is easier",
        degenerate="one replicate: 0 or 1",
        source=("hacohen2020agree",),
        needs=("label",),
    ),
    Measure(
        name="agreement",
        summary="largest share of replicates that predict one same class, right or wrong",
        function=agreement.agreement,
        dims=("epoch", "example"),
        range="[1 / min(replicates, classes), 1]",
        direction="higher is more alike",
        degenerate="one replicate: 1 everywhere",
        source=("hacohen2020agree",),
        needs=(),
    ),
    Measure(
        name="accessibility",
        summary="share of replicates and recorded epochs > 0 that classify each example correctly",
        function=order.accessibility,
        dims=("example",),
        range="[0, 1]",
        direction="higher is easier",
        degenerate="no epoch > 0: an error",
        source=("hacohen2020agree", "swayamdipta2020cartography"),
        needs=("label", "an epoch > 0", "probability, for of='probability'"),
    ),
    Measure(
        name="tp_agreement_interval",
        summary="95 % interval of the chance that a replicate classifies the example correctly",
        function=jeffreys.tp_agreement_interval,
        dims=("epoch", "example", "bound"),
        range="[0, 1]",
        direction="higher is easier",
        degenerate="none right: from 0; all right: up to 1; one replicate: [0, 0.85] or [0.15, 1]",
        source=("brown2001binomial",),
        needs=("label",),
    ),
    Measure(
        name="accessibility_interval",
        summary="95 % interval of accessibility over all replicates that could be trained",
        function=jeffreys.accessibility_interval,
        dims=("example", "bound"),
        range="[0, 1]",
        direction="higher is easier",
        degenerate="always wrong: from 0; always right: up to 1; no epoch > 0: an error",
        source=("brown2001binomial", "bhatia2000variance"),
        needs=("label", "an epoch > 0", "probability, for of='probability'"),
    ),
)
