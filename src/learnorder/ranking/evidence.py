"""What the replicates say about each example, counted in one pass over a split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from learnorder.measures.split import Split
from learnorder.measures.tiles import cuts
from learnorder.ranking.votes import Votes, most_voted
from learnorder.schema import PREDICTION, Labels, Predictions, Scores

COLUMN_BYTES = 128 << 20
"""Predictions of all replicates and epochs that are held at once."""

BLOCK_BYTES = 4 << 20
"""Predictions that are counted at once: what is made of them stays near the caches."""

Count = NDArray[np.int32]


@dataclass(frozen=True)
class Counted:
    """Whole numbers, each ``(example,)`` int32; only those of votes where there are no labels.

    Attributes
    ----------
    right
        Predictions that are right, over all replicates and epochs.
    right_last
        Replicates that are right after the last epoch.
    learned
        Replicates that are ever right.
    forgotten
        Times that a replicate is right and, at the next recorded epoch, wrong.
    suggested, suggested_votes
        The class that most replicates vote for, and how many do. A replicate votes for the class
        that it predicts at most epochs. Equals: the label first, then the lowest class id.
    wrong, wrong_votes
        The same of the classes other than the label; -1 where all vote for the label.
    rival
        Predictions of the wrong class that is predicted most, over all replicates and epochs.
    """

    right: Count
    right_last: Count
    learned: Count
    forgotten: Count
    suggested: Count
    suggested_votes: Count
    wrong: Count
    wrong_votes: Count
    rival: Count


@dataclass(frozen=True)
class Evidence:
    """What a split says of each example, at the recorded epochs > 0.

    Attributes
    ----------
    n_replicates, n_epochs
        How many predictions there are of an example.
    label
        ``(example,)``; empty where the split has no labels.
    counted
        Counts of these predictions.
    """

    n_replicates: int
    n_epochs: int
    label: Labels
    counted: Counted

    @property
    def n_examples(self) -> int:
        """Number of examples."""
        return len(self.counted.suggested)

    @property
    def accessibility(self) -> Scores:
        """Share of replicates and epochs that are right, as `learnorder.accessibility`."""
        return self.counted.right / (self.n_replicates * self.n_epochs)

    @property
    def final_right(self) -> Scores:
        """Share of replicates that are right after the last epoch."""
        return self.counted.right_last / self.n_replicates

    @property
    def never_learned(self) -> Scores:
        """Share of replicates that are never right, as `learnorder.never_learned`."""
        return (self.n_replicates - self.counted.learned) / self.n_replicates

    @property
    def forgetting(self) -> Scores:
        """Mean forgetting events of the replicates that are ever right; infinite if none is.

        NaN where there is one epoch: what comes after it is not seen.
        """
        learned = self.counted.learned
        if self.n_epochs == 1:
            return np.full(len(learned), np.nan)
        never = np.full(len(learned), np.inf)
        np.divide(self.counted.forgotten, learned, out=never, where=learned > 0)
        return never

    @property
    def suggested_share(self) -> Scores:
        """Share of replicates that vote for the suggested class."""
        return self.counted.suggested_votes / self.n_replicates

    @property
    def wrong_agreement(self) -> Scores:
        """Share of replicates that vote for one same wrong class, the most voted for of these."""
        return self.counted.wrong_votes / self.n_replicates


def gather(split: Split, epochs: slice) -> Evidence:
    """Count in one pass; the predictions of some examples are held at a time.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded, or is no class.
    """
    n_epochs = epochs.stop - epochs.start
    names = [field.name for field in fields(Counted)]
    columns = {name: np.zeros(split.n_examples, dtype=np.int32) for name in names}
    for examples, prediction in _columns(split, epochs):
        width = max(1, BLOCK_BYTES // (split.n_replicates * n_epochs * prediction.itemsize))
        for here in cuts(slice(0, prediction.shape[2]), width):
            place = slice(examples.start + here.start, examples.start + here.stop)
            label = split.label[place]
            found = _count(np.ascontiguousarray(prediction[:, :, here]), label)
            for name, values in found.items():
                columns[name][place] = values
    return Evidence(split.n_replicates, n_epochs, split.label, Counted(**columns))


def _columns(split: Split, epochs: slice) -> Iterator[tuple[slice, Predictions]]:
    """All predictions of some examples at some epochs, ``(replicate, epoch, example)``."""
    n_epochs = epochs.stop - epochs.start
    dtype = split.log[PREDICTION].dtype
    most = max(1, COLUMN_BYTES // (split.n_replicates * n_epochs * dtype.itemsize))
    tiles = split.tiles(epochs, most)
    for (start, stop), of_column in groupby(tiles, lambda t: (t.column.start, t.column.stop)):
        whole = np.empty((split.n_replicates, n_epochs, stop - start), dtype=dtype)
        for tile in of_column:
            rows = slice(tile.epochs.start - epochs.start, tile.epochs.stop - epochs.start)
            across = slice(tile.examples.start - start, tile.examples.stop - start)
            whole[:, rows, across] = tile.prediction
        yield slice(start, stop), whole


def _count(prediction: Predictions, label: Labels) -> dict[str, NDArray[np.integer]]:
    """Count everything about some examples."""
    n_replicates, n_epochs, n_examples = prediction.shape
    votes = _votes_of_replicates(prediction, label)
    found: dict[str, NDArray[np.integer]] = {
        "suggested": votes.top,
        "suggested_votes": votes.top_votes,
        "wrong": votes.wrong,
        "wrong_votes": votes.wrong_votes,
    }
    if not len(label):
        return found
    each = prediction.reshape(n_replicates * n_epochs, n_examples)
    found["rival"] = most_voted(each, label).wrong_votes
    right = prediction == label.astype(prediction.dtype)
    forgotten = right[:, :-1] & ~right[:, 1:]
    found["right"] = right.sum(axis=(0, 1), dtype=np.int32)
    found["right_last"] = right[:, -1].sum(axis=0, dtype=np.int32)
    found["learned"] = right.any(axis=1).sum(axis=0, dtype=np.int32)
    found["forgotten"] = forgotten.sum(axis=(0, 1), dtype=np.int32)
    return found


def _votes_of_replicates(prediction: Predictions, label: Labels) -> Votes:
    """One vote of each replicate: the class it predicts at most epochs."""
    own = [most_voted(of_one, label).top for of_one in prediction]
    return most_voted(np.stack(own).astype(prediction.dtype), label)
