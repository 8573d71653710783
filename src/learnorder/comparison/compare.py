"""Compare the orders in which collections learn the same examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from learnorder.comparison.align import common_epochs, same_examples
from learnorder.comparison.correlation import (
    Correlation,
    correlate,
    find_halves,
    prepare_order,
)
from learnorder.errors import LearnOrderError
from learnorder.measures.intervals import few_replicates
from learnorder.measures.order import (
    Reliability,
    equal_weights,
    reliability_of,
    reliability_record,
    replicate_scores,
)
from learnorder.measures.scores import ScoreTable, equal_rows
from learnorder.measures.split import Split, check_split, labelled, read_split
from learnorder.measures.sweep import CorrectTotals
from learnorder.schema import EPOCH, EXAMPLE, LABEL, REPLICATE, Labels, Scores


@dataclass(frozen=True, kw_only=True)
class Pair(Correlation):
    """Correlations between the orders of two collections, overall and within class.

    Attributes
    ----------
    a, b
        Names of the collections.
    within_class
        The same quantities after centring each class, so that class difficulty does not count.
    """

    a: str
    b: str
    within_class: Correlation


@dataclass(frozen=True, kw_only=True)
class Collection:
    """What one collection brings to a comparison, on the epochs all collections share.

    Attributes
    ----------
    name
        As given.
    n_replicates, n_replicates_planned
        Replicates compared, and replicates the log was to have.
    epoch
        Last common epoch.
    accuracy_mean
        Mean accuracy over replicates at that epoch.
    reliability
        Of its order.
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
    epochs
        Epochs used: recorded by all, and > 0.
    collections
        One for each log, in the order given.
    pairs
        One for each two logs.
    accessibility
        ``(example,)`` for each collection, on ``epochs``.
    notes
        What a reader must know to read the numbers rightly.
    """

    split: str | None
    epochs: tuple[float, ...]
    collections: tuple[Collection, ...]
    pairs: tuple[Pair, ...]
    accessibility: Mapping[str, xr.DataArray]
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON; None has its reason in ``undefined``."""
        return {
            "split": self.split,
            "epochs": list(self.epochs),
            "collections": [_collection_record(c) for c in self.collections],
            "pairs": [_pair_record(p) for p in self.pairs],
            "notes": list(self.notes),
            "undefined": {},
        }


def compare(logs: Mapping[str, xr.Dataset]) -> Comparison:
    """Correlations between the learning orders of collections, raw and corrected for their noise.

    The order of a collection is the mean accessibility of its replicates, over the epochs > 0 that
    all collections recorded, each epoch counting alike. Every two collections are compared, overall
    and within class. Pearson's correlation divided by the noise ceiling estimates the correlation
    between the orders that endlessly many replicates would show. Intervals are for the population
    of replicates and examples: three parts of variance, from examples, and what deleting replicates
    of one collection, and of the other, shows beyond it; Student's t with Satterthwaite's degrees
    of freedom, on Fisher's z of the correlation.

    Parameters
    ----------
    logs
        One split of each log, by the name of the collection; at least two.

    Returns
    -------
    See `Comparison`. What is undefined is None, with the reason in ``undefined``.

    Raises
    ------
    ExamplesDiffer
        The logs hold different splits, examples, orders of them, labels or numbers of classes.
    LearnOrderError
        Fewer than two logs, no common epoch > 0, no labels, or a prediction was not recorded.

    References
    ----------
    spearman1904, hacohen2020agree, efron1981jackknife, cameron2011multiway, satterthwaite1946

    Examples
    --------
    >>> import learnorder as lo
    >>> mlp = lo.from_arrays([[[0, 1, 1, 0]], [[0, 1, 0, 0]]], labels=[0, 1, 1, 1])
    >>> cnn = lo.from_arrays([[[0, 1, 0, 0]], [[0, 1, 1, 0]]], labels=[0, 1, 1, 1])
    >>> pair = compare({"mlp": mlp, "cnn": cnn}).pairs[0]
    >>> round(pair.pearson, 3), pair.undefined["pearson_ci"]
    (1.0, 'an interval needs 3 replicates; there are 2')
    """
    if not isinstance(logs, Mapping):
        raise LearnOrderError(
            f"compare: the logs are given as {type(logs).__name__}. Each needs a name. Pass "
            "{'name': log, 'other name': other_log}."
        )
    for name, log in logs.items():
        check_split(log, f"compare: log {name!r}")
    same_examples(logs)
    epochs = common_epochs(logs)
    read = {name: _read(name, log, epochs) for name, log in logs.items()}
    shared = {(a, b): _shared(read[a], read[b]) for a, b in combinations(logs, 2)}
    label = np.asarray(next(iter(logs.values()))[LABEL].values, dtype=np.int64)
    overall, within = _correlations({name: r.scores for name, r in read.items()}, label, shared)
    return Comparison(
        split=next(iter(logs.values())).attrs.get("split"),
        epochs=tuple(float(e) for e in epochs),
        collections=tuple(r.collection for r in read.values()),
        pairs=tuple(
            Pair(**vars(overall[a, b]), a=a, b=b, within_class=within[a, b]) for a, b in shared
        ),
        accessibility={name: r.accessibility for name, r in read.items()},
        notes=(
            *_epoch_notes(logs, epochs),
            *filter(None, shared.values()),
            *_few_notes(read.values()),
        ),
    )


@dataclass(frozen=True)
class _Read:
    """What is kept of a log once its predictions have been gone through."""

    collection: Collection
    accessibility: xr.DataArray
    scores: ScoreTable
    split: Split


def _read(name: str, log: xr.Dataset, epochs: Scores) -> _Read:
    used = log if len(epochs) == log.sizes[EPOCH] else log.sel({EPOCH: epochs})
    split = read_split(used, f"compare: log {name!r}")
    correct = CorrectTotals(split)
    scores = replicate_scores(split, equal_weights(split), correct)
    collection = Collection(
        name=name,
        n_replicates=split.n_replicates,
        n_replicates_planned=int(log.attrs.get("n_replicates_planned", split.n_replicates)),
        epoch=float(epochs[-1]),
        accuracy_mean=float((correct.right[:, -1] / split.n_examples).mean()),
        reliability=reliability_of(scores, split.label),
    )
    mean = labelled(used, "accessibility", scores.means(), EXAMPLE)
    return _Read(collection, mean, scores, split)


def _correlations(
    tables: Mapping[str, ScoreTable], label: Labels, shared: Mapping[tuple[str, str], str | None]
) -> list[dict[tuple[str, str], Correlation]]:
    """Correlations of each pair, overall and within class."""
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


def _few_notes(read: Iterable[_Read]) -> list[str]:
    numbers = sorted({r.split.n_replicates for r in read})
    return [note for note in map(few_replicates, numbers) if note]


def _shared(a: _Read, b: _Read) -> str | None:
    """Say which replicates, the same seed with the same predictions, are in both collections."""
    of_a, of_b = (r.split.log[REPLICATE].values.tolist() for r in (a, b))
    both = [seed for seed in of_a if seed in set(of_b)]
    pairs = [(of_a.index(seed), of_b.index(seed)) for seed in both]
    # Scores are at hand and small; predictions are read again only where all scores agree.
    alike = equal_rows(a.scores, b.scores, pairs)
    seeds = [
        seed
        for seed, pair, maybe in zip(both, pairs, alike, strict=True)
        if maybe and _same_predictions(a.split, b.split, pair)
    ]
    if not seeds:
        return None
    listed = ", ".join(str(seed) for seed in seeds[:5]) + (", ..." if len(seeds) > 5 else "")
    return (
        f"{a.collection.name!r} and {b.collection.name!r} share replicates (the same predictions "
        f"for seeds {listed}), which agree with themselves"
    )


def _same_predictions(a: Split, b: Split, pair: tuple[int, int]) -> bool:
    """Whether a replicate of each predicts the same throughout."""
    one, other = (split.replicate(position) for split, position in zip((a, b), pair, strict=True))
    return all(
        np.array_equal(tile.prediction, other.read(tile.epochs, tile.examples))
        for tile in one.reads()
    )


def _collection_record(collection: Collection) -> dict[str, Any]:
    record = {k: v for k, v in vars(collection).items() if k != "reliability"}
    return {**record, **reliability_record(collection.reliability)}


def _pair_record(pair: Pair) -> dict[str, Any]:
    fields: dict[str, Any] = _listed(asdict(pair))
    names = {"a": fields.pop("a"), "b": fields.pop("b")}
    return {**names, **fields}


def _listed(value: Any) -> Any:
    """Tuples as lists, at any depth: what JSON would make of them."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value
