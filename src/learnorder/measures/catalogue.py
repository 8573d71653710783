"""One table of the measures: the command line lists it, the report explains by it, tests use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from learnorder.errors import LearnOrderError, nearest
from learnorder.measures import agreement, order

Direction = Literal["higher is easier", "higher is more alike", "lower is more alike", "none"]


@dataclass(frozen=True)
class Measure:
    """One row of the catalogue.

    Attributes
    ----------
    name
        What it is called everywhere.
    summary
        The quantity, in one line.
    function
        Takes one split of a log.
    dims
        Dims of what the function returns; empty: one value (with its interval).
    range
        Lowest and highest value in words.
    direction
        What a higher value means.
    degenerate
        When it is undefined, or says nothing.
    source
        Keys of docs/references.bib.
    needs
        What the split must hold beside predictions.
    """

    name: str
    summary: str
    function: Callable[..., Any]
    dims: tuple[str, ...]
    range: str
    direction: Direction
    degenerate: str
    source: tuple[str, ...]
    needs: tuple[str, ...]


CATALOGUE: tuple[Measure, ...] = (
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
"""Every measure, in the order in which it is best read."""


def find_measure(name: str) -> Measure:
    """Row of the catalogue with this name.

    Raises
    ------
    LearnOrderError
        There is none; the message names the nearest.

    Examples
    --------
    >>> find_measure("accessibility").direction
    'higher is easier'
    """
    for measure in CATALOGUE:
        if measure.name == name:
            return measure
    known = nearest(name, [measure.name for measure in CATALOGUE])
    raise LearnOrderError(f"find_measure: unknown measure {name!r}. {known}")
