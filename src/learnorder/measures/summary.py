"""The measures of one split of a log in one object, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.measures import distribution, kappa, order, stages
from learnorder.measures.baselines import Explained, baselines_of, explained_of
from learnorder.measures.checks import CheckTotals
from learnorder.measures.found import with_reasons
from learnorder.measures.intervals import Interval, few_replicates
from learnorder.measures.null_moments import FEW_VALUES, alpha_null, kappa_null
from learnorder.measures.permutations import N_DRAWS, OF_COUNTS, Groups, Null, counts_null
from learnorder.measures.split import Split, read_split
from learnorder.measures.sweep import (
    ClassTotals,
    CorrectTotals,
    RangeScores,
    Totals,
    class_passes,
    sweep,
)
from learnorder.measures.votes import VoteTotals
from learnorder.schema import Labels

NO_LABELS = "the split has no labels to be right about"
ONE_REPLICATE = "a deviation over replicates needs 2; there is 1"
NO_EPOCH = "no epoch after training began was recorded"

COLUMNS = (
    "accuracy_mean",
    "accuracy_std",
    "bimodality",
    "bimodality_null",
    "bimodality_null_class",
    "fleiss_kappa",
    "fleiss_kappa_ci",
    "fleiss_kappa_null_ci",
    "fleiss_kappa_null_class_ci",
    "fleiss_kappa_predictions",
    "trivial_share",
    "impossible_share",
    "tp_agreement_counts",
)
"""Per-epoch quantities that can be undefined, in the order of a row."""


def summarise(log: xr.Dataset) -> dict[str, Any]:
    """Accuracy, agreement and kappa of a split after each epoch, and the reliability of its order.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``split, n_replicates, n_replicates_planned, n_examples, n_classes, per_epoch`` (one row for
    each epoch; ``tp_agreement_counts`` are the examples that 0 to R replicates have right, whose
    ends are also given as shares), ``order``, with ``by_stage`` (one row for each third of
    training) in it, ``baselines``, what explains it, and ``notes``: what a reader must know to read
    the numbers rightly, and what `self_checks` finds odd. The predictions are read once, part by
    part. A value that is undefined, without labels for example, is None, and the object
    ``undefined`` beside it has the reason under the same key. The deviation of accuracy is over
    replicates, ddof 1.

    Raises
    ------
    LearnOrderError
        This is not one split of a log, or a prediction was not recorded.
    """
    split = read_split(log, "summarise", labels=False)
    found = _gathered(split)
    baselines = _baselines(split, found)
    return {
        "split": log.attrs.get("split"),
        "n_replicates": split.n_replicates,
        "n_replicates_planned": int(log.attrs.get("n_replicates_planned", split.n_replicates)),
        "n_examples": split.n_examples,
        "n_classes": split.n_classes,
        "per_epoch": _per_epoch(split, found),
        "order": _order(split, found),
        "baselines": None if isinstance(baselines, str) else baselines.to_dict(),
        "notes": [*_few(split, found), *found.notes],
        "undefined": {"baselines": baselines} if isinstance(baselines, str) else {},
    }


def kappa_rows(log: xr.Dataset) -> list[dict[str, Any]]:
    """Kappa of correctness after each epoch, as `summarise` has it, without all else.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    One row for each epoch: ``epoch``, ``fleiss_kappa`` in [-1/(R-1), 1], ``fleiss_kappa_ci`` and
    ``fleiss_kappa_null_class_ci`` (low, high). What is undefined is None, with the reason in
    ``undefined``.

    Raises
    ------
    LearnOrderError
        This is not one split of a log, it has no labels, or a prediction was not recorded.
    """
    split = read_split(log, "kappa_rows")
    correct = CorrectTotals(split)
    sweep(split, correct)
    nulls: list[Interval | str] = []
    for epochs in class_passes(split, ClassTotals.bytes_per_epoch(split)):
        classes = ClassTotals(split, epochs)
        sweep(split, classes, epochs=epochs)
        nulls += _class_kappa_nulls(correct, classes)
    columns: dict[str, Sequence[Any]] = {
        "fleiss_kappa": [kappa.correct_kappa(counts) for counts in correct.histogram],
        "fleiss_kappa_ci": kappa.correct_kappa_intervals(correct),
        "fleiss_kappa_null_class_ci": nulls,
    }
    return [_row({"epoch": epoch}, columns, e) for e, epoch in enumerate(split.epochs.tolist())]


@dataclass
class _Gathered:
    """What one pass over the log finds; what needs labels is None without them."""

    agreement: list[float] = field(default_factory=list)
    kappas: list[float | str] = field(default_factory=list)
    nulls: list[float | str] = field(default_factory=list)
    kappa_nulls: list[Interval | str] = field(default_factory=list)
    correct: CorrectTotals | None = None
    scores: RangeScores | None = None
    thirds: Sequence[slice] | str = ()
    notes: tuple[str, ...] = ()

    def take(self, split: Split, votes: VoteTotals, classes: ClassTotals | None) -> None:
        """Measure what is summed by class, so that the sums can go."""
        n_votes = split.n_replicates * split.n_examples
        self.agreement += (votes.largest / n_votes).tolist()
        self.kappas += kappa.prediction_kappas(votes, split.n_examples)
        if classes is not None and self.correct is not None:
            self.nulls += distribution.class_nulls(classes)
            self.kappa_nulls += _class_kappa_nulls(self.correct, classes)


def _few(split: Split, found: _Gathered) -> list[str]:
    """What to know of intervals from few replicates, where there are intervals."""
    note = few_replicates(split.n_replicates)
    return [note] if note and found.correct is not None else []


def _class_kappa_nulls(correct: CorrectTotals, classes: ClassTotals) -> list[Interval | str]:
    """Null of kappa within class, of the epochs whose sums by class these are."""
    histograms = correct.histogram[classes.epochs]
    return [
        _kappa_null(histogram, Groups.of_classes(classes.right[:, e], classes.size))
        for e, histogram in enumerate(histograms)
    ]


def _kappa_null(histogram: NDArray[np.int64], groups: Groups) -> Interval | str:
    """Null of kappa from its moments; from draws, where these say too little."""
    null = kappa_null(histogram, groups)
    if null == FEW_VALUES:
        null = counts_null(OF_COUNTS["fleiss_kappa"], histogram, groups, N_DRAWS, seed=0)
    return _ends(null)


def _ends(null: Null | str) -> Interval | str:
    """Interval of a null, or why there is none."""
    return null if isinstance(null, str) else (null.low, null.high)


def _gathered(split: Split) -> _Gathered:
    """Go through the log once; with very many classes, again for the sums by class."""
    found, labelled = _Gathered(), len(split.label) > 0
    checks = CheckTotals(split)
    totals: list[Totals] = [checks]
    most_examples = split.n_examples
    if labelled:
        found.correct = CorrectTotals(split)
        totals.append(found.correct)
        if (split.epochs > 0).any():
            found.thirds = stages.stage_ranges(split)
            parts = () if isinstance(found.thirds, str) else found.thirds
            found.scores = RangeScores(split, [split.trained, *parts])
            most_examples = found.scores.most_examples
            totals.append(found.scores)
    by_class = VoteTotals.bytes_per_epoch(split)
    by_class += ClassTotals.bytes_per_epoch(split) if labelled else 0
    passes = list(class_passes(split, by_class))
    if len(passes) > 1:
        sweep(split, *totals, most_examples=most_examples)
        totals, most_examples = [], split.n_examples
    for epochs in passes:
        votes = VoteTotals(split, epochs)
        classes = ClassTotals(split, epochs) if labelled else None
        needed = [*totals, votes, *([classes] if classes else [])]
        sweep(split, *needed, epochs=epochs, most_examples=most_examples)
        found.take(split, votes, classes)
        del votes, classes, needed
    found.notes = checks.notes()
    return found


def _order(split: Split, found: _Gathered) -> dict[str, Any]:
    """Reliability, of the whole of training and by stage."""
    if found.scores is None:
        reason = _no_order(found)
        whole = order.Reliability.none(split.n_replicates, reason)
        parts = stages.no_stages(reason)
    else:
        first, *others = found.scores.tables
        whole = order.reliability_of(first, split.label)
        parts = stages.by_stage(split, found.thirds, others)
    record = order.reliability_record(whole)
    for name, label in (("reliability_null_ci", None), ("reliability_null_class_ci", split.label)):
        ends = _order_null(found, label)
        record[name] = None if isinstance(ends, str) else list(ends)
        if isinstance(ends, str):
            record["undefined"][name] = ends
    record["by_stage"] = parts.to_dict()["stages"]
    if parts.stages is None:
        record["undefined"]["by_stage"] = parts.undefined["stages"]
    return record


def _order_null(found: _Gathered, label: Labels | None) -> Interval | str:
    """Reliability of scores that are shuffled, within the classes of ``label`` if given."""
    if found.scores is None:
        return _no_order(found)
    return _ends(alpha_null(found.scores.tables[0], label))


def _no_order(found: _Gathered) -> str:
    return NO_EPOCH if found.correct else NO_LABELS


def _baselines(split: Split, found: _Gathered) -> Explained | str:
    """What class and baselines explain of the order, or why there is none."""
    if found.scores is None:
        return _no_order(found)
    return explained_of(found.scores.tables[0], split.label, baselines_of(split.log, split.caller))


def _per_epoch(split: Split, found: _Gathered) -> list[dict[str, Any]]:
    columns: dict[str, Sequence[Any]] = dict.fromkeys(COLUMNS, [NO_LABELS] * split.n_epochs)
    columns["fleiss_kappa_predictions"] = found.kappas
    if found.correct is not None:
        columns |= _labelled_columns(split, found, found.correct)
    return [
        _row({"epoch": epoch, "agreement_mean": found.agreement[e]}, columns, e)
        for e, epoch in enumerate(split.epochs.tolist())
    ]


def _row(about: dict[str, Any], columns: Mapping[str, Sequence[Any]], e: int) -> dict[str, Any]:
    """Row of one epoch: None where there is a reason instead, and the reasons."""
    found = {name: np.asarray(column[e]).tolist() for name, column in columns.items()}
    return {**about, **with_reasons(found)}


def _labelled_columns(
    split: Split, found: _Gathered, correct: CorrectTotals
) -> dict[str, Sequence[Any]]:
    """What needs labels: values or reasons for each epoch, by the names they have in a row."""
    accuracy = correct.right / split.n_examples
    deviation: Sequence[Any] = [ONE_REPLICATE] * split.n_epochs
    if split.n_replicates > 1:
        deviation = accuracy.std(axis=0, ddof=1)
    null = distribution.equal_difficulty_null(split.n_replicates)
    return {
        "accuracy_mean": accuracy.mean(axis=0),
        "accuracy_std": deviation,
        "bimodality": [distribution.bimodality_of(counts) for counts in correct.histogram],
        "bimodality_null": [null] * split.n_epochs,
        "bimodality_null_class": found.nulls,
        "fleiss_kappa": [kappa.correct_kappa(counts) for counts in correct.histogram],
        "fleiss_kappa_ci": kappa.correct_kappa_intervals(correct),
        "fleiss_kappa_null_ci": [
            _kappa_null(counts, Groups.all_in_one(right, split.n_examples))
            for counts, right in zip(correct.histogram, correct.right.T, strict=True)
        ],
        "fleiss_kappa_null_class_ci": found.kappa_nulls,
        "trivial_share": correct.histogram[:, -1] / split.n_examples,
        "impossible_share": correct.histogram[:, 0] / split.n_examples,
        "tp_agreement_counts": correct.histogram,
    }
