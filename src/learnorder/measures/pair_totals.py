"""What every two replicates have in common: counts of examples, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _kernels
from learnorder.measures.split import Split
from learnorder.measures.tiles import Tile, shifted
from learnorder.schema import Scores

Counts = NDArray[np.int64]
Need = Literal["same", "right", "class"]


class PairCounts:
    """Examples that two replicates have in common, for all pairs, at some epochs.

    Pairs are those below the diagonal of a table of replicates, row by row: (1, 0), (2, 0), (2, 1).
    What is not needed has no rows.

    Attributes
    ----------
    epochs
        Which.
    same
        ``(pair, epoch)``, examples for which both predict the same class.
    both_right
        ``(pair, epoch)``, examples that both have right.
    right
        ``(replicate, epoch)``, examples each has right.
    by_class
        ``(replicate, epoch, class_id)``, examples for which each predicts the class.
    """

    def __init__(self, split: Split, epochs: slice, needs: tuple[Need, ...]) -> None:
        self.epochs, self._needs = epochs, needs
        self.n_replicates, self.n_examples = split.n_replicates, split.n_examples
        n_epochs, n_pairs = epochs.stop - epochs.start, count_pairs(split.n_replicates)
        kind = _kernels.smallest_type(split.n_examples)
        self.same = np.zeros((n_pairs * ("same" in needs), n_epochs), kind)
        self.both_right = np.zeros((n_pairs * ("right" in needs), n_epochs), kind)
        self.right = np.zeros((split.n_replicates, n_epochs), np.int64)
        n_rows = split.n_replicates * ("class" in needs)
        self.by_class = np.zeros((n_rows, n_epochs, split.n_classes), np.int64)

    @staticmethod
    def bytes_per_epoch(split: Split, needs: tuple[Need, ...]) -> int:
        """Memory that the totals of an epoch take."""
        each = _kernels.smallest_type(split.n_examples).itemsize
        n_counts = count_pairs(split.n_replicates) * len({"same", "right"} & set(needs))
        n_votes = split.n_replicates * split.n_classes * ("class" in needs)
        return n_counts * each + (n_votes + split.n_replicates) * 8

    def add(self, tile: Tile) -> None:
        """Take a tile in; it lies within the epochs."""
        for part in tile.parts(_kernels.BLOCK):
            here = shifted(part.epochs, -self.epochs.start)
            if "same" in self._needs:
                for r, same in enumerate(_kernels.same_as_earlier(part.prediction)):
                    self._rows(self.same, r)[:, here] += same.astype(self.same.dtype)
            if "right" in self._needs:
                bits = _kernels.right_bits(part.prediction, part.label)
                self.right[:, here] += _kernels.count_bits(bits)
                for r, both in enumerate(_kernels.both_with_earlier(bits)):
                    self._rows(self.both_right, r)[:, here] += both.astype(self.both_right.dtype)
            if "class" in self._needs:
                _kernels.add_votes(self.by_class[:, here], part.prediction)

    @staticmethod
    def _rows(counts: NDArray[Any], replicate: int) -> NDArray[Any]:
        """Rows of the pairs of a replicate with those before it."""
        return counts[count_pairs(replicate) : count_pairs(replicate + 1)]


def count_pairs(n_replicates: int) -> int:
    """Number of pairs of different replicates."""
    return n_replicates * (n_replicates - 1) // 2


@dataclass(frozen=True)
class Pairs:
    """All pairs of different replicates at one epoch; arrays are ``(pair,)``.

    Attributes
    ----------
    counts
        Of all epochs at hand.
    position
        Of the epoch among them.
    """

    counts: PairCounts
    position: int

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return self.counts.n_examples

    @cached_property
    def same(self) -> Counts:
        """Examples for which both predict the same class."""
        return self.counts.same[:, self.position].astype(np.int64)

    @property
    def different(self) -> Counts:
        """Examples for which they predict different classes."""
        return self.n_examples - self.same

    @cached_property
    def both_right(self) -> Counts:
        """Examples that both have right."""
        return self.counts.both_right[:, self.position].astype(np.int64)

    @cached_property
    def right(self) -> tuple[Counts, Counts]:
        """Examples that the one and that the other has right."""
        one, other = np.tril_indices(self.counts.n_replicates, -1)
        right = self.counts.right[:, self.position]
        return right[one], right[other]

    @property
    def wrong(self) -> tuple[Counts, Counts]:
        """Examples that the one and that the other has wrong."""
        one, other = self.right
        return self.n_examples - one, self.n_examples - other

    @property
    def only_one(self) -> tuple[Counts, Counts]:
        """Examples that the one alone and that the other alone has right."""
        one, other = self.right
        return one - self.both_right, other - self.both_right

    @property
    def both_wrong(self) -> Counts:
        """Examples that both have wrong."""
        one, other = self.right
        return self.n_examples - one - other + self.both_right

    @property
    def same_wrong(self) -> Counts:
        """Examples to which both give one same wrong class."""
        return self.same - self.both_right

    @cached_property
    def votes_alike(self) -> Scores:
        """Pairs of an example of the one and any of the other with the same class predicted."""
        # In floating point: whole numbers, exact up to 95 million examples, and many times faster.
        by_class = self.counts.by_class[:, self.position].astype(np.float64)
        alike: Scores = (by_class @ by_class.T)[np.tril_indices(len(by_class), -1)]
        return alike
