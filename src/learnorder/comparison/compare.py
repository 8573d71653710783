"""Compare the orders in which collections learn the same examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, get_args

import xarray as xr

from learnorder.comparison.align import epochs_used, same_examples
from learnorder.comparison.clocks import Clock, Level, Points
from learnorder.comparison.containment import Containment, find_containment, weaker_first
from learnorder.comparison.correlation import Correlation, correlate, prepare_order
from learnorder.comparison.gather import Gathered, Gathering, gather
from learnorder.comparison.halves import find_halves
from learnorder.comparison.late_gains import LateGains, find_late_gains
from learnorder.comparison.partial import (
    PartialCorrelation,
    beyond_baselines,
    common_baselines,
)
from learnorder.comparison.shared import equal_seeds, shared_replicates
from learnorder.errors import LearnOrderError, check_choice
from learnorder.measures.checks import copies_note
from learnorder.measures.found import plain
from learnorder.measures.intervals import few_replicates
from learnorder.measures.order import Reliability, reliability_of, reliability_record
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import check_split, labelled, read_split
from learnorder.notebook import as_html
from learnorder.schema import EPOCH, EXAMPLE, Labels, Scores


@dataclass(frozen=True, kw_only=True)
class Pair(Correlation):
    """Correlations between the orders of two collections, overall and within class.

    Attributes
    ----------
    a, b
        Names of the collections.
    within_class
        The same quantities after centring each class, so that class difficulty does not count.
    beyond_baselines
        The correlation with class and the baselines of the logs held fixed; None where they have
        none.
    containment
        Whether the stronger of the two knows what the weaker knows.
    late_gains
        Whether the stronger goes on to learn more.
    """

    a: str
    b: str
    within_class: Correlation
    beyond_baselines: PartialCorrelation | None
    containment: Containment
    late_gains: LateGains


@dataclass(frozen=True, kw_only=True)
class Collection:
    """What one collection brings to a comparison.

    Attributes
    ----------
    name
        As given.
    n_replicates, n_replicates_planned
        Replicates compared, and replicates the log was to have.
    epoch
        Last epoch used: on the clock of epochs the last common one, on others its own last.
    accuracy_mean
        Mean accuracy over replicates at that epoch.
    reliability
        Of its order, on the clock.
    """

    name: str
    n_replicates: int
    n_replicates_planned: int
    epoch: float
    accuracy_mean: float
    reliability: Reliability


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How alike collections order the examples of one split.

    Attributes
    ----------
    split
        Name of the split.
    clock
        What replicates are matched by.
    epochs
        Epochs on the clock of epochs: recorded by all, and > 0. On other clocks there are none.
    levels
        Levels on the other clocks.
    collections
        One for each log, in the order given.
    pairs
        One for each two logs.
    accessibility
        ``(example,)`` for each collection, on the clock; none where the clock is undefined.
    notes
        What a reader must know to read the numbers rightly.
    undefined
        For each attribute that is None, the reason.
    """

    split: str | None
    clock: Clock
    epochs: tuple[float, ...]
    levels: tuple[Level, ...] | None
    collections: tuple[Collection, ...]
    pairs: tuple[Pair, ...]
    accessibility: Mapping[str, xr.DataArray]
    notes: tuple[str, ...] = field(default=())
    undefined: dict[str, str] = field(default_factory=dict)

    @property
    def n_points(self) -> int:
        """Points of its training at which each replicate counts."""
        return len(self.epochs) or len(self.levels or ())

    def _repr_html_(self) -> str:
        """The correlations of all pairs, for a notebook."""
        rows = [
            (
                f"{pair.a} against {pair.b}",
                scope,
                of.pearson,
                of.noise_ceiling,
                of.corrected,
                of.corrected_ci,
            )
            for pair in self.pairs
            for scope, of in (("overall", pair), ("within class", pair.within_class))
        ]
        heads = ("pair", "examples", "Pearson", "noise ceiling", "corrected", "95 % interval")
        return as_html(f"Orders of {len(self.collections)} collections, {self.split}", heads, rows)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON; None has its reason in ``undefined``."""
        return {
            "split": self.split,
            "clock": self.clock,
            "epochs": list(self.epochs),
            "levels": plain(None if self.levels is None else [asdict(v) for v in self.levels]),
            "collections": [_collection_record(c) for c in self.collections],
            "pairs": [_pair_record(p) for p in self.pairs],
            "notes": list(self.notes),
            "undefined": dict(self.undefined),
        }


def compare(logs: Mapping[str, xr.Dataset], clock: Clock = "epoch") -> Comparison:
    """Correlations between the learning orders of collections, raw and corrected for their noise.

    The order of a collection is the mean accessibility of its replicates over some points of their
    training, each counting alike. The clock says which. ``"epoch"``: the epochs > 0 that all
    collections recorded. A collection that learns in one order with another, but slower, is then
    another order, since accessibility is no straight function of the pace. ``"accuracy"``: ten
    levels of accuracy on this split that all replicates pass, each replicate after the recorded
    epoch > 0 that is nearest; what differs then is which examples make up the same accuracy.
    ``"progress"``: the same with the share of the replicate's own accuracy at its last epoch, for
    collections whose accuracies hardly meet. Replicates match only up to the grid of recorded
    epochs; ``levels`` says how well.

    Every two collections are compared, overall and within class. Pearson's correlation divided by
    the noise ceiling estimates the correlation between the orders that endlessly many replicates
    would show. Intervals are for the population of replicates and examples (levels are taken as
    given): three parts of variance, from examples, and what deleting replicates of one collection,
    and of the other, shows beyond it; Student's t with Satterthwaite's degrees of freedom, on
    Fisher's z of the correlation. Beside the orders stand
    containment, whether the stronger knows what the weaker knows, on the clock of accuracy and at
    the end, and the late gains of the stronger.

    Parameters
    ----------
    logs
        One split of each log, by the name of the collection; at least two.
    clock
        What replicates are matched by.

    Returns
    -------
    See `Comparison`. What is undefined is None, with the reason in ``undefined``; so is every order
    on a clock without levels that all replicates pass.

    Raises
    ------
    ExamplesDiffer
        The logs hold different splits, examples, orders of them, labels or numbers of classes.
    LearnOrderError
        An unknown clock, fewer than two logs, no (common) epoch > 0, no labels, or a prediction was
        not recorded.

    References
    ----------
    spearman1904, kendall1945, webber2010similarity, hacohen2020agree, efron1981jackknife,
    cameron2011multiway, satterthwaite1946

    Examples
    --------
    >>> import learnorder as lo
    >>> mlp = lo.from_arrays([[[0, 1, 1, 0]], [[0, 1, 0, 0]]], labels=[0, 1, 1, 1])
    >>> cnn = lo.from_arrays([[[0, 1, 0, 0]], [[0, 1, 1, 0]]], labels=[0, 1, 1, 1])
    >>> pair = compare({"mlp": mlp, "cnn": cnn}).pairs[0]
    >>> round(pair.pearson, 3), pair.undefined["pearson_ci"]
    (1.0, 'an interval needs 3 replicates; there are 2')
    """
    check_choice("compare", "clock", clock, get_args(Clock))
    if not isinstance(logs, Mapping):
        raise LearnOrderError(
            f"compare: the logs are given as {type(logs).__name__}. Each needs a name. Pass "
            "{'name': log, 'other name': other_log}."
        )
    for name, log in logs.items():
        check_split(log, f"compare: log {name!r}")
    same_examples(logs)
    used = epochs_used(logs, clock)
    splits = {name: read_split(log, f"compare: log {name!r}") for name, log in used.items()}
    kept = gather(splits, clock)
    shared = {
        (a, b): shared_replicates((a, kept.of[a]), (b, kept.of[b]))
        for a, b in combinations(logs, 2)
    }
    first = next(iter(splits.values()))
    levels = _levels(kept)
    return Comparison(
        split=first.log.attrs.get("split"),
        clock=clock,
        epochs=tuple(first.epochs.tolist()) if clock == "epoch" else (),
        levels=None if isinstance(levels, str) else levels,
        collections=tuple(_collection(name, found) for name, found in kept.of.items()),
        pairs=_pairs(kept, first.label, shared, _beyond_baselines(logs, kept, first.label, shared)),
        accessibility=_accessibility(kept),
        notes=(
            *_notes(logs, kept, clock, levels),
            *filter(None, shared.values()),
            *equal_seeds(used),
            *_copy_notes(kept),
            *_few_notes(kept),
        ),
        undefined={"levels": levels} if isinstance(levels, str) else {},
    )


def _pairs(
    kept: Gathering,
    label: Labels,
    shared: Mapping[tuple[str, str], str | None],
    beyond: Mapping[tuple[str, str], PartialCorrelation | str],
) -> tuple[Pair, ...]:
    """Everything about every two collections."""
    overall, within = _correlations(kept, label, shared)
    containment = find_containment(kept, label, shared)
    pairs = []
    for (a, b), reason in shared.items():
        weaker, stronger = weaker_first(kept.of, a, b)
        fields, left = dict(vars(overall[a, b])), beyond[a, b]
        if isinstance(left, str):
            fields["undefined"] = {**overall[a, b].undefined, "beyond_baselines": left}
        pairs.append(
            Pair(
                **fields,
                a=a,
                b=b,
                within_class=within[a, b],
                beyond_baselines=None if isinstance(left, str) else left,
                containment=containment[a, b],
                late_gains=find_late_gains(
                    (weaker, kept.of[weaker]), (stronger, kept.of[stronger]), reason
                ),
            )
        )
    return tuple(pairs)


def _beyond_baselines(
    logs: Mapping[str, xr.Dataset],
    kept: Gathering,
    label: Labels,
    shared: Mapping[tuple[str, str], str | None],
) -> dict[tuple[str, str], PartialCorrelation | str]:
    """The correlation of each pair with baselines held fixed, or why there is none."""
    if isinstance(kept.points, str):
        return dict.fromkeys(shared, kept.points)
    return beyond_baselines(_tables(kept), label, common_baselines(logs), shared)


def _correlations(
    kept: Gathering, label: Labels, shared: Mapping[tuple[str, str], str | None]
) -> list[dict[tuple[str, str], Correlation]]:
    """Correlations of each pair, overall and within class."""
    if isinstance(kept.points, str):
        return [dict.fromkeys(shared, Correlation.none(kept.points))] * 2
    tables = _tables(kept)
    halves = {name: find_halves(name, table, label) for name, table in tables.items()}
    found = []
    # One after the other: orders take several numbers for each example.
    for i, groups in enumerate((None, label)):
        orders = {
            name: prepare_order(name, table, groups, halves[name][i])
            for name, table in tables.items()
        }
        found.append({(a, b): correlate(orders[a], orders[b], shared[a, b]) for a, b in shared})
        del orders
    return found


def _tables(kept: Gathering) -> dict[str, ScoreTable]:
    """Scores of all collections; none where the clock is undefined."""
    scores = {name: found.scores for name, found in kept.of.items()}
    return {name: table for name, table in scores.items() if isinstance(table, ScoreTable)}


def _accessibility(kept: Gathering) -> dict[str, xr.DataArray]:
    return {
        name: labelled(kept.of[name].split.log, "accessibility", table.means(), EXAMPLE)
        for name, table in _tables(kept).items()
    }


def _collection(name: str, found: Gathered) -> Collection:
    split = found.split
    return Collection(
        name=name,
        n_replicates=split.n_replicates,
        n_replicates_planned=int(split.log.attrs.get("n_replicates_planned", split.n_replicates)),
        epoch=float(split.epochs[-1]),
        accuracy_mean=float(found.accuracy.mean()),
        reliability=_reliability(found),
    )


def _reliability(found: Gathered) -> Reliability:
    if isinstance(found.scores, str):
        return Reliability.none(found.split.n_replicates, found.scores)
    return reliability_of(found.scores, found.split.label)


def _levels(kept: Gathering) -> tuple[Level, ...] | str:
    """Levels of the clock, or why there are none; the clock of epochs has none either."""
    if isinstance(kept.points, Points):
        return kept.points.table({name: found.split.epochs for name, found in kept.of.items()})
    return kept.points or ()


def _notes(
    logs: Mapping[str, xr.Dataset], kept: Gathering, clock: Clock, levels: tuple[Level, ...] | str
) -> list[str]:
    """What was matched."""
    if clock == "epoch":
        return _epoch_notes(logs, next(iter(kept.of.values())).split.epochs)
    if isinstance(levels, str):
        return []
    what = {"accuracy": "accuracies", "progress": "shares of their own final accuracy"}[clock]
    return [
        f"replicates are matched at {len(levels)} {what} from {levels[0].level:.3f} to "
        f"{levels[-1].level:.3f}, each after its nearest recorded epoch; the means of two "
        f"collections at one level differ by {max(v.gap for v in levels):.3f} at most"
    ]


def _epoch_notes(logs: Mapping[str, xr.Dataset], epochs: Scores) -> list[str]:
    notes = []
    for name, log in logs.items():
        recorded = int((log[EPOCH].values > 0).sum())
        if recorded > len(epochs):
            notes.append(
                f"{name!r} is compared on {len(epochs)} of its {recorded} recorded epochs > 0: the "
                "others are not common to all logs"
            )
    return notes


def _copy_notes(kept: Gathering) -> list[str]:
    """Say where a collection holds copies, which count as if they were replicates of their own."""
    notes = {name: copies_note(found.copies) for name, found in kept.of.items()}
    return [f"{name!r}: {note}" for name, note in notes.items() if note]


def _few_notes(kept: Gathering) -> list[str]:
    numbers = sorted({found.split.n_replicates for found in kept.of.values()})
    return [note for note in map(few_replicates, numbers) if note]


def _collection_record(collection: Collection) -> dict[str, Any]:
    record = {k: v for k, v in vars(collection).items() if k != "reliability"}
    return {**record, **reliability_record(collection.reliability)}


def _pair_record(pair: Pair) -> dict[str, Any]:
    fields: dict[str, Any] = plain(asdict(pair))
    names = {"a": fields.pop("a"), "b": fields.pop("b")}
    return {**names, **fields}
