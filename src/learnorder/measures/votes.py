"""Sums over the predicted classes of all replicates; labels are not needed."""

from __future__ import annotations

import numpy as np

from learnorder.measures import _kernels
from learnorder.measures.split import Split
from learnorder.measures.tiles import Tile, shifted

ENTROPY_UNIT = 2.0**52
"""Parts of a nat in which entropies are added up: as fine as float64 is at 1, and far from the end
of 64 bits, since no entropy of up to 2**32 votes is above 23."""


class LargestShare:
    """Agreement, ``share``: ``(epoch, example)`` float64."""

    def __init__(self, split: Split) -> None:
        self._n_classes, self._n_replicates = split.n_classes, split.n_replicates
        self.share = np.empty((split.n_epochs, split.n_examples))

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        votes = _kernels.largest_vote(tile.prediction, self._n_classes)
        np.divide(votes, self._n_replicates, out=self.share[tile.epochs, tile.examples])


class LargestTotal:
    """Votes for the class most voted for, added up over epochs, ``total``: ``(example,)``."""

    def __init__(self, split: Split) -> None:
        self._n_classes = split.n_classes
        self.total = np.zeros(split.n_examples, dtype=np.int64)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        votes = _kernels.largest_vote(tile.prediction, self._n_classes)
        self.total[tile.examples] += votes.sum(axis=0, dtype=np.int64)


class VoteEntropy:
    """Entropy of the votes, ``entropy``: ``(epoch, example)`` float64, in nats."""

    def __init__(self, split: Split) -> None:
        self._n_classes = split.n_classes
        share = np.arange(1, split.n_replicates + 1) / split.n_replicates
        # Whole numbers add up alike in any order, so that equal votes have equal entropies.
        terms = np.rint(-share * np.log(share) * ENTROPY_UNIT).astype(np.int64)
        self._terms = np.concatenate([[0], terms])
        self.entropy = np.empty((split.n_epochs, split.n_examples))

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        sums = _kernels.vote_sums(tile.prediction, self._n_classes, self._terms)
        np.divide(sums, ENTROPY_UNIT, out=self.entropy[tile.epochs, tile.examples])


class Unanimous:
    """Examples for which all replicates predict one same class, ``count``: ``(epoch,)``."""

    def __init__(self, split: Split) -> None:
        self.count = np.zeros(split.n_epochs, dtype=np.int64)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        self.count[tile.epochs] += _kernels.unanimous(tile.prediction).sum(axis=1)


class VoteTotals:
    """What the measures of the predicted classes are made of, at some epochs.

    Attributes
    ----------
    epochs
        Which.
    largest
        ``(epoch,)``, votes for the class most voted for, over all examples.
    squares
        ``(epoch,)``, sum over classes of squared votes, over all examples.
    by_class
        ``(epoch, class_id)``, votes over all examples.
    """

    def __init__(self, split: Split, epochs: slice) -> None:
        self._n_classes, self.epochs = split.n_classes, epochs
        n_epochs = epochs.stop - epochs.start
        self.largest = np.zeros(n_epochs, dtype=np.int64)
        self.squares = np.zeros(n_epochs, dtype=np.int64)
        self.by_class = np.zeros((n_epochs, split.n_classes), dtype=np.int64)

    @staticmethod
    def bytes_per_epoch(split: Split) -> int:
        """Memory that the totals of an epoch take."""
        return split.n_classes * 8

    def add(self, tile: Tile) -> None:
        """Take a tile in; it lies within the epochs."""
        for part in tile.parts(_kernels.BLOCK):
            votes = _kernels.tally(part.prediction, self._n_classes)
            first = part.epochs.start - self.epochs.start
            here = slice(first, first + len(votes.by_class))
            self.largest[here] += votes.largest.sum(axis=1, dtype=np.int64)
            self.squares[here] += votes.squares.sum(axis=1, dtype=np.int64)
            self.by_class[here] += votes.by_class


class PairTotals:
    """What leaving one replicate out does to the votes, at some epochs.

    Attributes
    ----------
    epochs
        Which.
    matches
        ``(replicate, epoch)``, over all examples, how many other replicates voted the same.
    by_class
        ``(replicate, epoch, class_id)``, votes of each replicate over all examples.
    """

    def __init__(self, split: Split, epochs: slice) -> None:
        self.epochs = epochs
        shape = (split.n_replicates, epochs.stop - epochs.start)
        self.matches = np.zeros(shape, dtype=np.int64)
        self.by_class = np.zeros((*shape, split.n_classes), dtype=np.int64)

    @staticmethod
    def bytes_per_epoch(split: Split) -> int:
        """Memory that the totals of an epoch take."""
        return split.n_replicates * split.n_classes * 8

    def add(self, tile: Tile) -> None:
        """Take a tile in; it lies within the epochs."""
        for part in tile.parts(_kernels.BLOCK):
            here = shifted(part.epochs, -self.epochs.start)
            _kernels.add_votes(self.by_class[:, here], part.prediction)
            self.matches[:, here] += _kernels.matches(part.prediction)
