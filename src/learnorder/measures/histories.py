"""Right and wrong answers of each replicate on each example, followed along the epochs > 0.

Of a history only what a measure needs is kept, as one small number that every epoch changes. So the
epochs of an example may come in any number of tiles, as long as they come in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _kernels
from learnorder.measures.split import Split
from learnorder.measures.tiles import Tile
from learnorder.schema import Correct, Scores

Step = Callable[[_kernels.Counts, int, Correct], None]
"""Takes an epoch in: the numbers kept, ``(replicate, example)``, how many epochs came before, and
who is right now."""


def waited(kept: _kernels.Counts, n_before: int, right: Correct) -> None:
    """Count the epochs before the first at which a replicate is right."""
    waiting = kept == n_before
    _kernels.add_right(kept, np.greater(waiting, right, out=waiting))


def lasted(kept: _kernels.Counts, n_before: int, right: Correct) -> None:
    """Count the epochs, up to this one, since which a replicate has always been right."""
    ones = right.view(np.uint8)
    np.add(kept, ones, out=kept)
    np.multiply(kept, ones, out=kept)


def changed(kept: _kernels.Counts, n_before: int, right: Correct) -> None:
    """Count the changes between wrong, where all begin, and right: right is an odd count."""
    before = np.bitwise_and(kept, kept.dtype.type(1))
    np.bitwise_xor(before, right.view(np.uint8), out=before)
    np.add(kept, before, out=kept)


class Histories:
    """A number for each replicate and example, ``kept``, of at most the number of epochs.

    Parameters
    ----------
    split
        What is followed.
    epochs
        Epochs that are followed, and that are gone through.
    step
        How an epoch changes the number, which is 0 at first.
    """

    def __init__(self, split: Split, epochs: slice, step: Step) -> None:
        self._first, self._step = epochs.start, step
        smallest = _kernels.smallest_type(epochs.stop - epochs.start)
        self.kept = np.zeros((split.n_replicates, split.n_examples), dtype=smallest)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        here = self.kept[:, tile.examples]
        for n_before, right in enumerate(_by_epoch(tile), start=tile.epochs.start - self._first):
            self._step(here, n_before, right)

    def values(self, meaning: Scores) -> Scores:
        """What the numbers mean, ``(replicate, example)`` float64; ``meaning[0]`` is that of 0."""
        values = np.empty(self.kept.shape)
        for r, kept in enumerate(self.kept):
            values[r] = meaning[kept]
        return values


class NeverRight:
    """Replicates that are right at none of the epochs gone through, ``count``: ``(example,)``."""

    def __init__(self, split: Split) -> None:
        self._n_replicates = split.n_replicates
        self._column: slice | None = None
        self._seen: NDArray[np.bool_] = np.empty((0, 0), dtype=np.bool_)
        self.count = np.zeros(split.n_examples, dtype=np.int64)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        if tile.column != self._column:
            self._column = tile.column
            shape = (self._n_replicates, tile.column.stop - tile.column.start)
            self._seen = np.zeros(shape, dtype=np.bool_)
        first = tile.examples.start - tile.column.start
        seen = self._seen[:, first : first + tile.prediction.shape[2]]
        for right in _by_epoch(tile):
            np.logical_or(seen, right, out=seen)
        # The last tile of a column knows best.
        self.count[tile.examples] = self._n_replicates - _kernels.count_rows(seen)


def _by_epoch(tile: Tile) -> Iterator[Correct]:
    """Yield for each epoch who is right, ``(replicate, example)``; the plane is reused."""
    return _kernels.each_correct(tile.prediction.transpose(1, 0, 2), tile.label)
