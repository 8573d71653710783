"""Rows of the catalogue: measures of each epoch."""

from __future__ import annotations

from learnorder.measures import agreement
from learnorder.measures.rows.row import Measure

ROWS: tuple[Measure, ...] = (
    Measure(
        name="accuracy",
        summary="share of examples each replicate classifies correctly",
        function=agreement.accuracy,
        dims=("replicate", "epoch"),
        range="[0, 1]",
        direction="none",
        degenerate="none",
        source=(),
        needs=("label",),
    ),
    Measure(
        name="bimodality",
        summary="kurtosis - skewness^2 - 1 of TP-agreement over examples",
        function=agreement.bimodality,
        dims=("epoch",),
        range="[0, infinity)",
        direction="lower is more alike",
        degenerate="TP-agreement constant: undefined; one replicate: 0",
        source=("pearson1894", "hacohen2020agree"),
        needs=("label",),
    ),
    Measure(
        name="bimodality_null",
        summary="bimodality to expect if replicates shared no order",
        function=agreement.bimodality_null,
        dims=("epoch",),
        range="[0, infinity)",
        direction="none",
        degenerate="class-conditional, and TP-agreement would be constant: undefined",
        source=("pearson1894", "hong2013poisson"),
        needs=("label",),
    ),
    Measure(
        name="fleiss_kappa",
        summary="agreement of pairs of replicates, on being right or on the class, beyond chance",
        function=agreement.fleiss_kappa,
        dims=("epoch",),
        range="[-1 / (replicates - 1), 1]",
        direction="higher is more alike",
        degenerate="one replicate, or all votes in one category: undefined",
        source=("fleiss1971",),
        needs=("label, for of='correct'",),
    ),
)
