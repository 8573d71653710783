"""One pass over a split: what measures need, added up tile by tile.

Everything here is additive over tiles, so that the result does not depend on how a log is cut, and
small beside the predictions. A measure is then a function of these sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _kernels
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import Split
from learnorder.measures.tiles import CountTile, Tile, cuts
from learnorder.schema import Scores

CLASS_BYTES = 256 << 20
"""Sums by class that are held at once; beyond, epochs are gone through in several passes."""


class Totals(Protocol):
    """Sums that grow with every tile."""

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        ...


class CountTotals(Protocol):
    """Sums that need to know only how many replicates are right."""

    def add(self, tile: CountTile | Tile) -> None:
        """Take a tile in."""
        ...


def sweep(
    split: Split,
    *totals: Totals,
    epochs: slice | None = None,
    most_examples: int | None = None,
) -> None:
    """Go once through the predictions of a split, and add every tile to every total.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded, or is no class.
    """
    for tile in split.tiles(epochs, most_examples):
        for total in totals:
            total.add(tile)
        del tile  # or what it was cut from would be held while the next is read


def sweep_counts(split: Split, *totals: CountTotals) -> None:
    """Go once through a split, for totals that need no more than the number of right replicates.

    About as fast as the log can be decoded.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded, or is no class.
    """
    for tile in split.counted():
        for total in totals:
            total.add(tile)


def class_passes(split: Split, bytes_per_epoch: int) -> Iterator[slice]:
    """Ranges of epochs whose sums by class fit into memory: one, unless there are many classes."""
    step = max(1, CLASS_BYTES // bytes_per_epoch)
    return cuts(slice(0, split.n_epochs), step)


def add_counts(histogram: NDArray[np.int64], counts: _kernels.Counts) -> None:
    """Add ``(epoch, example)`` counts to the number of examples with each, ``(epoch, R + 1)``."""
    for row, at_epoch in zip(histogram, counts, strict=True):
        row += np.bincount(at_epoch, minlength=histogram.shape[1])


class TpShare:
    """TP-agreement, ``share``: ``(epoch, example)`` float64."""

    def __init__(self, split: Split) -> None:
        self._n_replicates = split.n_replicates
        self.share = np.empty((split.n_epochs, split.n_examples))

    def add(self, tile: CountTile | Tile) -> None:
        """Take a tile in."""
        np.divide(tile.tp_counts, self._n_replicates, out=self.share[tile.epochs, tile.examples])


class WeightedTp:
    """TP counts added up over epochs by their weight, ``total``: ``(example,)``."""

    def __init__(self, split: Split, weight: Scores) -> None:
        self._weight = weight
        self._unit = weight.max()
        self._equal = bool(np.isin(weight, (0, self._unit)).all())
        self.total = np.zeros(split.n_examples)

    def add(self, tile: CountTile | Tile) -> None:
        """Take a tile in."""
        weight, total = self._weight[tile.epochs], self.total[tile.examples]
        if self._equal:
            before = int((weight == 0).sum())  # epoch 0, and only at the beginning
            total += self._unit * _kernels.summed(tile.tp_counts[before:])
        else:
            for w, counts in zip(weight, tile.tp_counts, strict=True):
                total += w * counts


class RightCounts:
    """How many replicates are right on how many examples.

    Attributes
    ----------
    histogram
        ``(epoch, R + 1)``, examples that 0..R replicates have right.
    """

    def __init__(self, split: Split) -> None:
        self.histogram = np.zeros((split.n_epochs, split.n_replicates + 1), dtype=np.int64)

    def add(self, tile: CountTile | Tile) -> None:
        """Take a tile in."""
        add_counts(self.histogram[tile.epochs], tile.tp_counts)


class CorrectTotals:
    """What the measures of correctness are made of.

    Attributes
    ----------
    histogram
        ``(epoch, R + 1)``, examples that 0..R replicates have right.
    right
        ``(replicate, epoch)``, examples a replicate has right.
    company
        ``(replicate, epoch)``, over the examples a replicate has right, the number of replicates
        that are.
    """

    def __init__(self, split: Split) -> None:
        self.histogram = np.zeros((split.n_epochs, split.n_replicates + 1), dtype=np.int64)
        self.right = np.zeros((split.n_replicates, split.n_epochs), dtype=np.int64)
        self.company = np.zeros_like(self.right)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        found = _kernels.company(tile.prediction, tile.label)
        add_counts(self.histogram[tile.epochs], found.counts)
        self.right[:, tile.epochs] += found.right
        self.company[:, tile.epochs] += found.company


class ClassTotals:
    """Right answers by class at some epochs.

    Attributes
    ----------
    epochs
        Which.
    right
        ``(replicate, epoch, class_id)``, in the smallest type that holds the largest class.
    size
        ``(class_id,)``, examples of each class.
    """

    def __init__(self, split: Split, epochs: slice) -> None:
        self.epochs = epochs
        self.size = np.bincount(split.label, minlength=split.n_classes)
        shape = (split.n_replicates, epochs.stop - epochs.start, split.n_classes)
        self.right = np.zeros(shape, dtype=self.type(split))

    @staticmethod
    def type(split: Split) -> np.dtype[np.unsignedinteger[Any]]:
        """Type that holds the size of the largest class."""
        return _kernels.smallest_type(int(np.bincount(split.label).max(initial=0)))

    @classmethod
    def bytes_per_epoch(cls, split: Split) -> int:
        """Memory that the totals of an epoch take."""
        return split.n_replicates * split.n_classes * cls.type(split).itemsize

    def add(self, tile: Tile) -> None:
        """Take a tile in; it lies within the epochs."""
        classes, counts = _kernels.right_by_class(tile.prediction, tile.label)
        first = tile.epochs.start - self.epochs.start
        here = self.right[:, first : first + counts.shape[1]]
        here[..., classes] += counts.astype(here.dtype)


class ReplicateScores:
    """Accessibility of each example for each replicate, in ``table``.

    Parameters
    ----------
    split
        The split.
    weight
        ``(epoch,)``, or ``(replicate, epoch)`` where replicates differ in what counts; the weights
        of each replicate add up to the same. Whole weights are added up in the smallest type.
    """

    def __init__(self, split: Split, weight: Scores) -> None:
        self._weight = np.broadcast_to(weight, (split.n_replicates, split.n_epochs))
        self._counted = weight.ndim == 1 and bool(np.isin(weight, (0, 1)).all())
        total = float(self._weight[0].sum())
        whole = bool((weight == np.rint(weight)).all())
        kind = _kernels.smallest_type(int(total)) if whole else np.dtype(np.float64)
        self.table = ScoreTable(split.n_replicates, split.n_examples, kind, total)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        each = _kernels.each_correct(tile.prediction, tile.label)
        weights = self._weight[:, tile.epochs]
        for row, weight, right in zip(self.table.place(tile), weights, each, strict=True):
            if self._counted:
                before = int((weight == 0).sum())  # epoch 0, and only at the beginning
                row += _kernels.count_rows(right[before:]).astype(row.dtype, copy=False)
            else:
                for e in np.flatnonzero(weight):
                    row += right[e] * row.dtype.type(weight[e])


class RangeScores:
    """Accessibility of each example for each replicate over ranges of epochs, in ``tables``.

    Every prediction is held against its label once, however many ranges there are.
    """

    def __init__(self, split: Split, ranges: Sequence[slice]) -> None:
        self._ranges = ranges
        shape = (split.n_replicates, split.n_examples)
        sizes = [part.stop - part.start for part in ranges]
        self.tables = [
            ScoreTable(*shape, _kernels.smallest_type(n), float(n), len(ranges)) for n in sizes
        ]

    @property
    def most_examples(self) -> int:
        """Examples that a column may have while the tables are filled."""
        return min(table.most_examples for table in self.tables)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        first = tile.examples.start - tile.column.start
        here = slice(first, first + tile.prediction.shape[2])
        parts = [_inside(epochs, tile.epochs) for epochs in self._ranges]
        rows = [
            (part, table.column(tile.column)[:, here])
            for part, table in zip(parts, self.tables, strict=True)
            if part.start < part.stop
        ]
        for r, right in enumerate(_kernels.each_correct(tile.prediction, tile.label)):
            for part, of_table in rows:
                counts = _kernels.count_rows(right[part])
                of_table[r] += counts.astype(of_table.dtype, copy=False)


def _inside(part: slice, whole: slice) -> slice:
    """What of a part lies in the whole, counted from where that begins; empty where nothing."""
    start = max(part.start, whole.start) - whole.start
    return slice(start, max(start, min(part.stop, whole.stop) - whole.start))
