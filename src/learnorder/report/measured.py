"""One split of one collection, measured once: what all sections of the page are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.measures.dynamics import confidence, variability
from learnorder.measures.histories import Histories, changed
from learnorder.measures.of_label import has_quantity
from learnorder.measures.split import Split, read_split
from learnorder.measures.summary import summarise
from learnorder.measures.sweep import Totals, sweep
from learnorder.measures.tiles import Tile
from learnorder.measures.votes import LargestTotal
from learnorder.ranking.votes import Votes
from learnorder.report.lattice import spread_over_training
from learnorder.report.shown import Shown
from learnorder.report.swept import Epochs, Order, Swept
from learnorder.schema import LABEL, PROBABILITY, TRUE_LABEL, Ids, Labels, Previews, Scores

MOST_SHOWN = 6
"""Epochs of which a distribution is shown: as many as fit a line of a page."""


class LogLike(Protocol):
    """What the report needs of a log: its splits, its provenance, and previews."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """The resolved spec."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Versions, platform, date, revision, fingerprint, seeds."""
        ...

    def previews(self, split: str) -> Previews | None:
        """Thumbnails or excerpts of examples of this split."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Names of the splits."""
        ...

    def __getitem__(self, split: str, /) -> xr.Dataset:
        """The predictions of one split."""
        ...


@dataclass(frozen=True)
class DataMap:
    """Two values of each example ``(example,)`` from the probabilities of its label.

    Attributes
    ----------
    confidence, variability
        As the measures of these names.
    """

    confidence: Scores
    variability: Scores


@dataclass(frozen=True)
class Measured:
    """Everything the page says of one split of one collection.

    Attributes
    ----------
    collection, split
        Names.
    log
        The predictions, still to be read where they are many.
    summary
        As `summarise` gives it.
    accuracy
        ``(replicate, epoch)``; None without labels.
    tp_counts
        ``(epoch, example)``, how many replicates are right; None without labels.
    order
        What is counted over the epochs after training began; None without labels or such epochs.
    agreed
        ``(example,)``, votes for the class most voted for, over the epochs after training began;
        only without labels.
    at
        Epochs that the page looks at closely.
    right_by_class
        By position of an epoch that is shown ``(replicate, class_id)``; empty without labels.
    votes
        By position of an epoch: halfway and last, without labels of all that are shown.
    data_map
        None where no probabilities were recorded.
    shown
        What a person sees of the examples; None where there is nothing.
    alone
        Whether the page is about this collection alone, and need not name it with every value.
    """

    collection: str
    split: str
    log: xr.Dataset
    summary: Mapping[str, Any]
    at: Epochs
    accuracy: Scores | None
    tp_counts: NDArray[np.unsignedinteger[Any]] | None
    order: Order | None
    agreed: NDArray[np.int64] | None
    right_by_class: Mapping[int, NDArray[np.int64]]
    votes: Mapping[int, Votes]
    data_map: DataMap | None
    shown: Shown | None
    alone: bool = False

    @property
    def name(self) -> str:
        """How the page calls it."""
        return f"{self.collection}, {self.split}"

    def value_name(self, what: str) -> str:
        """How a value of each example is called."""
        return what if self.alone else f"{what}, {self.collection}"

    @property
    def last(self) -> Votes:
        """The votes after the last epoch."""
        return self.votes[self.at.last]

    @property
    def labelled(self) -> bool:
        """Whether the split has labels."""
        return LABEL in self.log

    @property
    def label(self) -> Labels:
        """``(example,)``; only with labels."""
        found: Labels = self.log[LABEL].values
        return found

    @property
    def true_label(self) -> Labels | None:
        """``(example,)``, where labels were changed on purpose."""
        return self.log[TRUE_LABEL].values if TRUE_LABEL in self.log else None

    @property
    def n_changed(self) -> int:
        """Labels that were changed on purpose."""
        return 0 if self.true_label is None else int(np.sum(self.true_label != self.label))

    @property
    def ids(self) -> Ids:
        """``(example,)``."""
        found: Ids = self.log["example"].values
        return found

    @property
    def epochs(self) -> Scores:
        """``(epoch,)``."""
        found: Scores = np.asarray(self.log["epoch"].values, dtype=np.float64)
        return found

    @property
    def n_trained(self) -> int:
        """Recorded epochs after training began."""
        return int((self.epochs > 0).sum())

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return int(self.log.sizes["replicate"])

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return int(self.log.sizes["example"])


def measure_split(
    collection: str, name: str, log: xr.Dataset, shown: Shown | None, *, alone: bool = False
) -> Measured:
    """Measure one split; its predictions are read part by part, twice.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded, or is no class.
    """
    split = read_split(log, "render_report", labels=False)
    trained = split.trained
    labelled, any_trained = len(split.label) > 0, trained.start < trained.stop
    summary = summarise(log)
    epochs = _epochs_of(split, summary)
    swept = Swept(split, epochs)
    total = None if labelled or not any_trained else LargestTotal(split)
    changes = Histories(split, trained, changed) if labelled and any_trained else None
    later = [_Later(of, trained.start) for of in (total, changes) if of is not None]
    sweep(split, swept, *later)
    return Measured(
        collection=collection,
        split=name,
        log=log,
        summary=summary,
        at=epochs,
        accuracy=swept.right / split.n_examples if labelled else None,
        tp_counts=swept.tp_counts if labelled else None,
        right_by_class=swept.right_by_class,
        votes=swept.votes,
        order=None if changes is None else Order.of(swept.tp_counts[trained], changes.kept),
        agreed=None if total is None else total.total,
        data_map=_data_map(split, any_trained),
        shown=shown,
        alone=alone,
    )


def _epochs_of(split: Split, summary: Mapping[str, Any]) -> Epochs:
    """Those that the page looks at closely."""
    last = split.n_epochs - 1
    shown = spread_over_training(split.epochs, MOST_SHOWN)
    accuracy = [row["accuracy_mean"] for row in summary["per_epoch"]]
    if not len(split.label) or last < 1:
        return Epochs(shown, None, last)
    middle = (accuracy[0] + accuracy[-1]) / 2
    reached = [e for e in range(last) if split.epochs[e] > 0 and accuracy[e] >= middle]
    return Epochs(shown, reached[0] if reached else None, last)


class _Later:
    """Totals that take in what was recorded after training began."""

    def __init__(self, total: Totals, first: int) -> None:
        self._total, self._first = total, first

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        before = max(0, self._first - tile.epochs.start)
        if before < tile.epochs.stop - tile.epochs.start:
            epochs = slice(tile.epochs.start + before, tile.epochs.stop)
            later = replace(tile, epochs=epochs, prediction=tile.prediction[:, before:])
            self._total.add(later)


def _data_map(split: Split, any_trained: bool) -> DataMap | None:
    if not any_trained or not len(split.label) or not has_quantity(split, PROBABILITY):
        return None
    return DataMap(confidence(split.log).values, variability(split.log).values)
