"""What the page needs of the predictions themselves, added up in one pass over a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _kernels
from learnorder.measures.split import Split
from learnorder.measures.tiles import Tile
from learnorder.ranking.votes import Votes, most_voted


@dataclass(frozen=True)
class Epochs:
    """Positions of the epochs that a page looks at closely.

    Attributes
    ----------
    shown
        From early to late, those of which the distribution is shown.
    halfway
        The first at which half of the accuracy is gained; None without labels, or where it is the
        last.
    last
        The last.
    """

    shown: Sequence[int]
    halfway: int | None
    last: int


@dataclass(frozen=True)
class Order:
    """What is counted over the epochs after training began, each ``(example,)``.

    Attributes
    ----------
    right
        Predictions that are right, over all replicates and epochs.
    learned
        Replicates that are ever right.
    forgotten
        Times that a replicate is right and, at the next recorded epoch, wrong.
    """

    right: NDArray[np.int64]
    learned: NDArray[np.int64]
    forgotten: NDArray[np.int64]

    @classmethod
    def of(cls, tp_counts: NDArray[Any], changes: NDArray[Any]) -> Order:
        """From ``(epoch, example)`` counts, and ``(replicate, example)`` changes from wrong on."""
        learned, forgotten = (np.zeros(changes.shape[1], dtype=np.int64) for _ in range(2))
        for of_one in changes:
            learned += of_one > 0
            forgotten += of_one // 2  # every second change is from right to wrong
        return cls(tp_counts.sum(axis=0, dtype=np.int64), learned, forgotten)


class Swept:
    """Totals of one pass.

    Attributes
    ----------
    right
        ``(replicate, epoch)``, examples that a replicate has right.
    tp_counts
        ``(epoch, example)``, replicates that are right, in the smallest type.
    right_by_class
        By position of an epoch ``(replicate, class_id)``, examples of each class that are right.
    votes
        By position of an epoch, how replicates vote.
    """

    def __init__(self, split: Split, epochs: Epochs) -> None:
        labelled = len(split.label) > 0
        shape = (split.n_epochs if labelled else 0, split.n_examples)
        self.right = np.zeros((split.n_replicates, split.n_epochs), dtype=np.int64)
        self.tp_counts: NDArray[np.unsignedinteger[Any]] = np.zeros(
            shape, dtype=_kernels.smallest_type(split.n_replicates)
        )
        self.right_by_class = {
            e: np.zeros((split.n_replicates, split.n_classes), dtype=np.int64)
            for e in (epochs.shown if labelled else ())
        }
        looked_at = {epochs.last} | (set() if labelled else set(epochs.shown))
        if epochs.halfway is not None:
            looked_at.add(epochs.halfway)
        self.votes = {e: _no_votes(split) for e in sorted(looked_at)}

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        first = tile.epochs.start
        if len(tile.label):
            here = self.tp_counts[tile.epochs, tile.examples]
            each = _kernels.each_correct(tile.prediction, tile.label)
            for r, right in enumerate(each):
                self.right[r, tile.epochs] += np.count_nonzero(right, axis=1)
                _kernels.add_right(here, right)
        for e, totals in self.right_by_class.items():
            if first <= e < tile.epochs.stop:
                one = tile.prediction[:, e - first : e - first + 1]
                classes, counts = _kernels.right_by_class(one, tile.label)
                totals[:, classes] += counts[:, 0]
        for e, votes in self.votes.items():
            if first <= e < tile.epochs.stop:
                one = np.ascontiguousarray(tile.prediction[:, e - first])
                found = most_voted(one, tile.label)
                for name, values in vars(votes).items():
                    values[tile.examples] = getattr(found, name)


def _no_votes(split: Split) -> Votes:
    """Room for the votes on every example."""
    n, counts = split.n_examples, _kernels.smallest_type(split.n_replicates)
    return Votes(
        top=np.zeros(n, dtype=np.int64),
        top_votes=np.zeros(n, dtype=counts),
        wrong=np.zeros(n, dtype=np.int64),
        wrong_votes=np.zeros(n, dtype=counts),
    )
