"""What the table says of each example, column by column."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from learnorder.measures.jeffreys import jeffreys_bounds
from learnorder.measures.learning import ONE_EPOCH
from learnorder.ranking.evaluation import wrong_shares
from learnorder.ranking.evidence import Evidence
from learnorder.ranking.keys import Key
from learnorder.ranking.readings import ONE_REPLICATE, READINGS
from learnorder.ranking.rows import Column
from learnorder.ranking.score import suspicion
from learnorder.schema import Ids, Labels

NO_INTERVAL: Final = "an interval over replicates needs 2; there is 1"
NO_AGREEMENT: Final = "agreement needs 2 replicates; there is 1"
NEVER_RIGHT: Final = "no replicate is ever right on it"
NONE_WRONG: Final = "every replicate votes for the label"
NO_VALUE: Final = "the measure has no value here"


def columns_of(
    ids: Ids,
    evidence: Evidence,
    key: Key,
    readings: NDArray[np.int8] | None,
    true_label: Labels | None,
    class_names: tuple[str, ...],
) -> dict[str, Column]:
    """Columns by name, in their order; docs/rank.md says what each means."""
    counted = evidence.counted
    columns = {"id": Column(ids), "position": Column(np.arange(len(ids)))}
    if len(evidence.label):
        columns |= _named("label", evidence.label, class_names)
    columns |= _named("suggested", counted.suggested.astype(np.int64), class_names)
    columns["suggested_share"] = Column(evidence.suggested_share)
    if len(evidence.label):
        columns |= _of_labels(evidence, readings, class_names)
    if key.name not in columns:
        missing = ~np.isfinite(key.values)
        columns[key.name] = Column(key.values, missing, NO_VALUE)
    if true_label is not None and len(evidence.label):
        columns |= _of_truth(evidence.label, true_label, readings, class_names)
    return columns


def _of_labels(
    evidence: Evidence, readings: NDArray[np.int8] | None, class_names: tuple[str, ...]
) -> dict[str, Column]:
    """What there is only with labels."""
    counted, alone = evidence.counted, evidence.n_replicates < 2
    one = np.full(evidence.n_examples, alone)
    columns = {
        "accessibility": Column(evidence.accessibility),
        "accessibility_ci": Column(_intervals(evidence), one, NO_INTERVAL),
        "final_right": Column(evidence.final_right),
        "forgetting": _forgetting(evidence),
        "never_learned": Column(evidence.never_learned),
        **_named("wrong_class", counted.wrong.astype(np.int64), class_names, NONE_WRONG),
        "wrong_agreement": Column(evidence.wrong_agreement, one, NO_AGREEMENT),
        "suspicion": Column(suspicion(evidence)),
    }
    read = np.zeros(evidence.n_examples, dtype=np.int8) if readings is None else readings
    columns["reading"] = Column(read, one, ONE_REPLICATE, READINGS)
    return columns


def _forgetting(evidence: Evidence) -> Column:
    values = evidence.forgetting
    return Column(
        values, ~np.isfinite(values), ONE_EPOCH if evidence.n_epochs == 1 else NEVER_RIGHT
    )


def _of_truth(
    label: Labels,
    true_label: Labels,
    readings: NDArray[np.int8] | None,
    class_names: tuple[str, ...],
) -> dict[str, Column]:
    """What there is only where labels were changed on purpose: evaluation, seen by no rule."""
    wrong = label != true_label
    columns = {**_named("true_label", true_label, class_names), "label_is_wrong": Column(wrong)}
    if readings is not None:
        shares = np.array([np.nan if s is None else s for s in wrong_shares(wrong, readings)])
        columns["reading_wrong_share"] = Column(shares[readings])
    return columns


def _named(
    name: str, classes: Labels, class_names: tuple[str, ...], reason: str = ""
) -> dict[str, Column]:
    """Class ids, and beside them their names."""
    none = classes < 0 if reason else None
    return {
        name: Column(classes, none, reason),
        f"{name}_name": Column(classes, none, reason, class_names),
    }


def _intervals(evidence: Evidence) -> NDArray[np.float64]:
    """Intervals of accessibility, ``(example, bound)``; there are few different ones."""
    n_predictions = evidence.n_replicates * evidence.n_epochs
    shares = np.arange(n_predictions + 1) / n_predictions
    bounds: NDArray[np.float64] = jeffreys_bounds(shares, evidence.n_replicates)
    return bounds[evidence.counted.right]
