"""Which examples are learned first, and how surely a collection says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from learnorder.errors import check_choice
from learnorder.measures.intervals import (
    Interval,
    example_component,
    few_replicates,
    ratio_interval,
    too_few,
)
from learnorder.measures.moments import (
    NEGLIGIBLE,
    Deviations,
    Moments,
    deviations,
    moments,
)
from learnorder.measures.of_label import check_quantity, mean_of, scores_of
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import Split, labelled, read_split, trained_epochs
from learnorder.measures.sweep import ReplicateScores, Totals, WeightedTp, sweep, sweep_counts
from learnorder.notebook import as_html
from learnorder.schema import EXAMPLE, PROBABILITY, REPLICATE, Labels, Scores

NO_DIFFERENCE = "mean accessibility does not differ between examples"

NO_DIFFERENCE_WITHOUT = f"without one of the replicates, {NO_DIFFERENCE}"

Weights = Literal["equal", "time"]
Of = Literal["correct", "probability"]


IN_JSON: Final = {
    "reliability": "value",
    "reliability_ci": "ci",
    "reliability_within_class": "within_class",
    "reliability_within_class_ci": "within_class_ci",
}
"""Names of a reliability in JSON, and its attributes."""


@dataclass(frozen=True)
class Reliability:
    """How much of the differences in mean accessibility other replicates would show again.

    Attributes
    ----------
    value
        Cronbach's alpha of accessibility over replicates; at most 1. None: undefined.
    ci
        95 % interval of ``value``.
    within_class
        The same after centring each class, so that class difficulty does not count.
    within_class_ci
        95 % interval of ``within_class``.
    n_replicates
        R; reliability is that of a mean over R replicates, and grows with R.
    undefined
        For each attribute that is None, the reason.
    """

    value: float | None
    ci: Interval | None
    within_class: float | None
    within_class_ci: Interval | None
    n_replicates: int
    undefined: dict[str, str] = field(default_factory=dict)

    @classmethod
    def none(cls, n_replicates: int, reason: str) -> Reliability:
        """Nothing of it, for this reason."""
        names = list(IN_JSON.values())
        return cls(
            **dict.fromkeys(names),
            n_replicates=n_replicates,
            undefined=dict.fromkeys(names, reason),
        )

    def _repr_html_(self) -> str:
        """Both values with their intervals, for a notebook."""
        rows = [
            ("overall", self.value, self.ci or self.undefined.get("ci")),
            (
                "within class",
                self.within_class,
                self.within_class_ci or self.undefined.get("within_class_ci"),
            ),
        ]
        title = f"Reliability of the order of {self.n_replicates} replicates"
        return as_html(title, ("", "reliability", "95 % interval"), rows)

    @property
    def note(self) -> str | None:
        """What to know of the intervals where there are fewer than 5 replicates, or None."""
        return few_replicates(self.n_replicates)


def accessibility(log: xr.Dataset, weights: Weights = "equal", of: Of = "correct") -> xr.DataArray:
    r"""Share of replicates and recorded epochs > 0 that classify each example correctly.

    .. math:: A(x) = \frac{\sum_{e > 0} w_e \, TP(e, x)}{\sum_{e > 0} w_e}

    ``weights="equal"``: every recorded epoch counts alike (the paper's, on a grid of whole epochs).
    ``weights="time"``: epoch :math:`e_i` counts :math:`e_i - e_{i-1}`, with :math:`e_0 = 0`, so
    that a grid with many early points does not favour them.

    ``of="probability"``: the mean of the probability that a replicate gives to the label, in place
    of the share that is right. It needs a log with probabilities. It is another order, of which few
    replicates and epochs say much; how close both are depends on the data, see docs/planning.md. In
    the log it is rounded to half precision, each value by at most 0.00025.

    Near 1: learned early by every replicate. Near 0: learned late or never. High means easy.

    Parameters
    ----------
    log
        One split of a log, with labels.
    weights
        How recorded epochs count.
    of
        What is averaged: being right, or the probability of the label.

    Returns
    -------
    ``(example,)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        No epoch > 0, unknown weights or ``of``, no labels, or a prediction (a probability) was not
        recorded.

    References
    ----------
    hacohen2020agree, swayamdipta2020cartography

    Examples
    --------
    >>> import learnorder as lo
    >>> predictions = [[[1, 1, 1], [0, 1, 1]], [[1, 0, 1], [1, 1, 1]]]
    >>> log = lo.from_arrays(predictions, [0, 1, 1])
    >>> accessibility(log).values
    array([0.25, 0.75, 1.  ])
    """
    split, weight = weighted(log, "accessibility", weights, of)
    return labelled(log, "accessibility", mean_scores(split, weight, of), EXAMPLE)


def accessibility_per_replicate(
    log: xr.Dataset, weights: Weights = "equal", of: Of = "correct"
) -> xr.DataArray:
    """Share of recorded epochs > 0 at which each replicate classifies each example correctly.

    Its mean over replicates is `accessibility`; see there for the weights and for ``of``.

    Parameters
    ----------
    log
        One split of a log, with labels.
    weights
        How recorded epochs count.
    of
        What is averaged: being right, or the probability of the label.

    Returns
    -------
    ``(replicate, example)`` in [0, 1], 8 bytes each. High means easy.

    Raises
    ------
    LearnOrderError
        No epoch > 0, unknown weights or ``of``, no labels, or a prediction (a probability) was not
        recorded.

    References
    ----------
    hacohen2020agree
    """
    _, table = _replicate_scores(log, "accessibility_per_replicate", weights, of)
    values = table.array()
    return labelled(log, "accessibility_per_replicate", values, REPLICATE, EXAMPLE)


def reliability(log: xr.Dataset, weights: Weights = "equal", of: Of = "correct") -> Reliability:
    r"""Reliability of the order: ICC(3,k), or Cronbach's alpha, of accessibility over replicates.

    .. math:: \alpha = \frac{R}{R-1} \left(1 - \frac{\mathrm{tr}\, S}{\sum S}\right)

    with S the covariance of per-replicate accessibility over examples. It is the correlation to
    expect between the mean accessibility of these R replicates and of R others, and equals the mean
    over all split halves with Spearman and Brown's formula for Pearson correlations.

    1: all replicates order the examples alike, up to a shift. 0: what they share is nothing. Below
    0, with no lower bound: less than nothing, as chance may have it. Within class, each class is
    centred first and classes are pooled; a class with one example contributes nothing.

    The interval is for the value in the population of replicates and examples, for means of the
    same R. It is built on log(1 - alpha), which is free to be of either sign, so an alpha of 0 or
    below needs no special care; at alpha = 1 the logarithm does not exist, and the interval is
    undefined. Variance: that from examples, plus what deleting one replicate at a time shows beyond
    it; Student's t. From fewer than 5 replicates it covers less than it says: see ``note``.

    Undefined, None with the reason: everything for one replicate or where mean accessibility does
    not differ between examples; intervals for fewer than 3 replicates or 10 examples, and where no
    two replicates differ in their order.

    Parameters
    ----------
    log
        One split of a log, with labels.
    weights, of
        As in `accessibility`.

    Raises
    ------
    LearnOrderError
        No epoch > 0, unknown weights or ``of``, no labels, or a prediction (a probability) was not
        recorded.

    References
    ----------
    cronbach1951, shrout1979, feldt1965, efron1981jackknife, cameron2011multiway, satterthwaite1946
    """
    split, table = _replicate_scores(log, "reliability", weights, of)
    return reliability_of(table, split.label)


def reliability_of(scores: ScoreTable, label: Labels) -> Reliability:
    """Reliability of a table of scores, overall and within the classes of ``label``.

    For scores in [0, 1]; everything else is as in `reliability`.
    """
    undefined: dict[str, str] = {}
    value, ci = _alpha(scores, None, ("value", "ci"), undefined)
    within, within_ci = _alpha(scores, label, ("within_class", "within_class_ci"), undefined)
    return Reliability(value, ci, within, within_ci, scores.n_replicates, undefined)


def reliability_record(found: Reliability) -> dict[str, Any]:
    """Reliability under the names it has in JSON, with its own ``undefined``."""
    record: dict[str, Any] = {}
    for name, source in IN_JSON.items():
        value = getattr(found, source)
        record[name] = list(value) if isinstance(value, tuple) else value
    reasons = {n: found.undefined[s] for n, s in IN_JSON.items() if s in found.undefined}
    return {**record, "undefined": reasons}


def recorded_reliability(record: Mapping[str, Any], n_replicates: int) -> Reliability:
    """Take back what `reliability_record` made; ``record`` may hold more."""
    values = {source: record[name] for name, source in IN_JSON.items()}
    plain: dict[str, Any] = {s: tuple(v) if isinstance(v, list) else v for s, v in values.items()}
    reasons = {s: record["undefined"][n] for n, s in IN_JSON.items() if n in record["undefined"]}
    return Reliability(**plain, n_replicates=n_replicates, undefined=reasons)


def cronbach_alpha(moment: Moments) -> float | str:
    """Cronbach's alpha from moments, or the reason why there is none."""
    of_mean = moment.of_mean()
    if of_mean <= NEGLIGIBLE:
        return f"{NO_DIFFERENCE}: there is no order"
    if moment.noise() <= NEGLIGIBLE:
        return 1.0
    return moment.covariance / of_mean


def order_moments(deviation: Deviations) -> Moments | str:
    """Moments of deviations from the mean, or why there are none."""
    if deviation.n_replicates < 2:
        return "reliability compares replicates; there is 1 replicate"
    if deviation.table.n_examples < 2:
        return "reliability compares examples; there is 1 example"
    if deviation.degrees == 0:
        return "no class has two examples to compare"
    return moments(deviation)


def _alpha(
    scores: ScoreTable, label: Labels | None, names: tuple[str, str], undefined: dict[str, str]
) -> tuple[float | None, Interval | None]:
    """Alpha and its interval; a reason under its name in ``undefined`` for what there is not."""
    moment = order_moments(deviations(scores, label))
    value = moment if isinstance(moment, str) else cronbach_alpha(moment)
    if isinstance(value, str) or isinstance(moment, str):
        undefined[names[0]] = undefined[names[1]] = str(value)
        return None, None
    interval = too_few(scores.n_replicates, len(moment.variance_at)) or _alpha_interval(moment)
    if isinstance(interval, str):
        undefined[names[1]] = interval
        return value, None
    return value, interval


def _alpha_interval(moment: Moments) -> Interval | str:
    """Interval of alpha = 1 - noise / of_mean, or the reason why there is none."""
    n = moment.n_replicates
    noise, of_mean = moment.noise(), n * moment.of_mean()
    noise_without = moment.noise_without()
    mean_without = n * moment.of_mean_without()
    if min(noise, noise_without.min()) <= NEGLIGIBLE:
        return "all replicates, or all but one, order the examples alike: no spread to estimate"
    if mean_without.min() <= NEGLIGIBLE:
        return NO_DIFFERENCE_WITHOUT
    examples = example_component(_influences(moment, noise, of_mean))
    slope = np.array([1 / noise - 1 / of_mean, -1 / noise - (n - 1) / of_mean])
    cells = float(slope @ moment.cells @ slope)
    return ratio_interval(noise, of_mean, (noise_without, mean_without), cells, examples)


def _influences(moment: Moments, noise: float, of_mean: float) -> Iterator[Scores]:
    """Influence of examples on the logarithm of noise / of_mean, part by part."""
    for part in moment.parts():
        variance_at, covariance_at = moment.variance_at[part], moment.covariance_at[part]
        noise_at = variance_at - covariance_at - noise
        mean_at = variance_at + (moment.n_replicates - 1) * covariance_at - of_mean
        yield noise_at / noise - mean_at / of_mean


def mean_scores(split: Split, weight: Scores, of: Of) -> Scores:
    """Accessibility of all examples, ``(example,)``, from epochs of these weights."""
    if of == PROBABILITY:
        return mean_of(split, PROBABILITY, weight)
    found = WeightedTp(split, weight)
    sweep_counts(split, found)
    values: Scores = found.total / (split.n_replicates * weight.sum())
    return values


def replicate_scores(split: Split, weight: Scores, *others: Totals) -> ScoreTable:
    """Accessibility of all examples for each replicate; ``others`` take part in the pass."""
    found = ReplicateScores(split, weight)
    sweep(split, found, *others, most_examples=found.table.most_examples)
    return found.table


def _replicate_scores(
    log: xr.Dataset, caller: str, weights: str, of: str
) -> tuple[Split, ScoreTable]:
    """The split, and the accessibility of its examples for each replicate."""
    split, weight = weighted(log, caller, weights, of)
    if of == PROBABILITY:
        return split, scores_of(split, PROBABILITY, weight)
    return split, replicate_scores(split, weight)


def weighted(log: xr.Dataset, caller: str, weights: str, of: str) -> tuple[Split, Scores]:
    """The split, and the weights of its epochs: 0 for epoch 0."""
    check_choice(caller, "weights", weights, ("equal", "time"))
    check_choice(caller, "of", of, ("correct", "probability"))
    split = read_split(log, caller)
    if of == PROBABILITY:
        check_quantity(split, PROBABILITY)
    trained_epochs(split, "Accessibility is a mean over epochs > 0.")
    if weights == "time":
        return split, np.diff(split.epochs, prepend=0.0)
    return split, equal_weights(split)


def equal_weights(split: Split) -> Scores:
    """1 for each epoch > 0, and 0 for epoch 0."""
    weights: Scores = (split.epochs > 0).astype(np.float64)
    return weights
