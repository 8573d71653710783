"""Rows of the catalogue: measures of each example from what is recorded beside predictions."""

from __future__ import annotations

from learnorder.measures import dynamics
from learnorder.measures.rows.row import Measure

ROWS: tuple[Measure, ...] = (
    Measure(
        name="confidence",
        summary="mean probability of the label over replicates and recorded epochs > 0",
        function=dynamics.confidence,
        dims=("example",),
        range="[0, 1]",
        direction="higher is easier",
        degenerate="no epoch > 0: an error",
        source=("swayamdipta2020cartography",),
        needs=("label", "probability", "an epoch > 0"),
    ),
    Measure(
        name="variability",
        summary="deviation of the probability of the label over epochs, mean over replicates",
        function=dynamics.variability,
        dims=("example",),
        range="[0, 0.5]",
        direction="none",
        degenerate="no epoch > 0: an error; one: 0 everywhere",
        source=("swayamdipta2020cartography",),
        needs=("label", "probability", "an epoch > 0"),
    ),
    Measure(
        name="aleatoric",
        summary="mean of p (1 - p) over replicates and epochs > 0, p the probability of the label",
        function=dynamics.aleatoric,
        dims=("example",),
        range="[0, 0.25]",
        direction="none",
        degenerate="no epoch > 0: an error",
        source=("seedat2022dataiq",),
        needs=("label", "probability", "an epoch > 0"),
    ),
    Measure(
        name="aum",
        summary="mean margin over replicates and epochs > 0: logit of the label less the next",
        function=dynamics.aum,
        dims=("example",),
        range="(-infinity, infinity)",
        direction="higher is easier",
        degenerate="no epoch > 0, or a margin beyond half precision: an error",
        source=("pleiss2020aum",),
        needs=("label", "margin", "an epoch > 0"),
    ),
    Measure(
        name="el2n",
        summary="mean norm of the probabilities less the label, over replicates and given epochs",
        function=dynamics.el2n,
        dims=("example",),
        range="[0, sqrt 2]",
        direction="lower is easier",
        degenerate="no epoch > 0 and none given: an error",
        source=("paul2021diet",),
        needs=("label", "error_norm", "an epoch > 0, or epochs="),
    ),
    Measure(
        name="jensen_shannon_label",
        summary="divergence between replicates on label or not, in bits; of all classes: no less",
        function=dynamics.jensen_shannon_label,
        dims=("epoch", "example"),
        range="[0, 1]",
        direction="lower is more alike",
        degenerate="one replicate: undefined",
        source=("lin1991divergence",),
        needs=("label", "probability"),
    ),
)
