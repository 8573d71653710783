"""One split of one collection, measured once: what all sections of the page are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.measures._kernels import smallest_type
from learnorder.measures.dynamics import confidence, variability
from learnorder.measures.of_label import has_quantity
from learnorder.measures.split import Split, read_split
from learnorder.measures.summary import summarise
from learnorder.measures.sweep import CorrectTotals, sweep
from learnorder.measures.tiles import Tile
from learnorder.measures.votes import LargestTotal
from learnorder.ranking.evidence import Evidence, gather
from learnorder.ranking.votes import Votes, most_voted
from learnorder.report.shown import Shown
from learnorder.schema import LABEL, PROBABILITY, TRUE_LABEL, Ids, Labels, Previews, Scores


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
    evidence
        What is counted over the epochs after training began; None without labels or such epochs.
    mean_agreement
        ``(example,)``, mean over the epochs after training began; only without labels.
    last
        The votes after the last epoch.
    data_map
        None where no probabilities were recorded.
    shown
        What a person sees of the examples; None where there is nothing.
    """

    collection: str
    split: str
    log: xr.Dataset
    summary: Mapping[str, Any]
    accuracy: Scores | None
    tp_counts: NDArray[np.unsignedinteger[Any]] | None
    evidence: Evidence | None
    mean_agreement: Scores | None
    last: Votes
    data_map: DataMap | None
    shown: Shown | None

    @property
    def name(self) -> str:
        """How the page calls it."""
        return f"{self.collection}, {self.split}"

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
    def first_trained(self) -> int:
        """Position of the first epoch after training began."""
        return int((self.epochs <= 0).sum())

    @property
    def n_trained(self) -> int:
        """Recorded epochs after training began."""
        return len(self.epochs) - self.first_trained

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return int(self.log.sizes["replicate"])

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return int(self.log.sizes["example"])


class _TpCounts:
    """How many replicates are right on each example after each epoch, in the smallest type."""

    def __init__(self, split: Split) -> None:
        shape = (split.n_epochs, split.n_examples)
        self.counts = np.empty(shape, dtype=smallest_type(split.n_replicates))

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        self.counts[tile.epochs, tile.examples] = tile.tp_counts


def measure_split(collection: str, name: str, log: xr.Dataset, shown: Shown | None) -> Measured:
    """Measure one split; its predictions are read part by part, three times.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded, or is no class.
    """
    split = read_split(log, "render_report", labels=False)
    trained = slice(int((split.epochs <= 0).sum()), split.n_epochs)
    labelled, any_trained = len(split.label) > 0, trained.start < trained.stop
    accuracy = tp_counts = evidence = mean = None
    if labelled:
        right, counts = CorrectTotals(split), _TpCounts(split)
        sweep(split, right, counts)
        accuracy, tp_counts = right.right / split.n_examples, counts.counts
        evidence = gather(split, trained) if any_trained else None
    elif any_trained:
        total = LargestTotal(split)
        sweep(split, total, epochs=trained)
        mean = total.total / (split.n_replicates * (trained.stop - trained.start))
    return Measured(
        collection=collection,
        split=name,
        log=log,
        summary=summarise(log),
        accuracy=accuracy,
        tp_counts=tp_counts,
        evidence=evidence,
        mean_agreement=mean,
        last=votes_at(split, split.n_epochs - 1),
        data_map=_data_map(split, any_trained),
        shown=shown,
    )


def votes_at(split: Split, epoch: int) -> Votes:
    """How the replicates vote after one recorded epoch, on every example."""
    parts = [
        most_voted(np.ascontiguousarray(tile.prediction[:, 0]), tile.label)
        for tile in split.tiles(slice(epoch, epoch + 1))
    ]
    return Votes(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("top", "top_votes", "wrong", "wrong_votes")
        )
    )


def _data_map(split: Split, any_trained: bool) -> DataMap | None:
    if not any_trained or not len(split.label) or not has_quantity(split, PROBABILITY):
        return None
    return DataMap(confidence(split.log).values, variability(split.log).values)
