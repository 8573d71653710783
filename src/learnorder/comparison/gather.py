"""What a comparison keeps of each log once its predictions have been gone through, twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.comparison.clocks import Clock, Points, Positions, match_accuracy, match_progress
from learnorder.measures import _kernels
from learnorder.measures.checks import CopyTotals
from learnorder.measures.order import equal_weights, replicate_scores
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import Split
from learnorder.measures.sweep import CorrectTotals, ReplicateScores, sweep
from learnorder.measures.tiles import Tile, cuts
from learnorder.schema import Labels, Scores

BLOCK = 1 << 20
"""Answers of a block: all replicates, some examples, in 4 bytes each."""


class Answers:
    """Whether each replicate is right at each of some points of its training.

    A bit for each point, in the smallest number for each replicate and example.

    Parameters
    ----------
    split
        The split; its predictions are added tile by tile.
    at
        ``(replicate, point)``, positions of epochs; at most 63 points.
    """

    def __init__(self, split: Split, at: Positions) -> None:
        self._at = at
        kind = _kernels.smallest_type((1 << at.shape[1]) - 1)
        self.table = ScoreTable(split.n_replicates, split.n_examples, kind)

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return self.table.n_replicates

    @property
    def n_points(self) -> int:
        """Number of points."""
        return int(self._at.shape[1])

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        first, stop = tile.epochs.start, tile.epochs.stop
        each = _kernels.each_correct(tile.prediction, tile.label)
        for row, at, right in zip(self.table.place(tile), self._at, each, strict=True):
            for point in np.flatnonzero((at >= first) & (at < stop)):
                row |= right[at[point] - first].astype(row.dtype) << row.dtype.type(point)

    def blocks(self, point: int, width: int) -> Iterator[NDArray[np.float32]]:
        """1 where a replicate is right at a point, else 0: ``(replicate, example)``, by blocks.

        As float32, in which the products of matrices count exactly up to 16 million.
        """
        for examples in cuts(slice(0, self.table.n_examples), width):
            yield self.right(point, examples).astype(np.float32)

    def right(
        self, point: int, examples: slice, replicates: slice = slice(None)
    ) -> NDArray[np.unsignedinteger[Any]]:
        """1 where a replicate is right at a point, else 0: ``(replicate, example)``."""
        kept = self.table.kept(examples, replicates)
        right: NDArray[np.unsignedinteger[Any]] = kept >> kept.dtype.type(point)
        right &= kept.dtype.type(1)
        return right

    @property
    def width(self) -> int:
        """Examples in a block."""
        return max(1, BLOCK // self.n_replicates)


def side_by_side(
    a: Answers, b: Answers, point: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """1 where a replicate of each is right at a point, by blocks of the same examples.

    Both are ``(replicate, example)``, see `Answers.blocks`.
    """
    width = min(a.width, b.width)
    return zip(a.blocks(point, width), b.blocks(point, width), strict=True)


def both_right(a: Answers, b: Answers, point: int) -> Scores:
    """Examples that a replicate of each has right at a point, ``(replicate of a, of b)``."""
    counts = np.zeros((a.n_replicates, b.n_replicates))
    for of_a, of_b in side_by_side(a, b, point):
        counts += of_a @ of_b.T
    return counts


def right_by_class(answers: Answers, label: Labels, n_classes: int, point: int) -> Scores:
    """Examples of each class that replicates have right at a point, ``(replicate, class_id)``."""
    order = np.argsort(label.astype(_kernels.smallest_type(n_classes)), kind="stable")
    size = np.bincount(label)
    present = np.flatnonzero(size)
    starts = (np.cumsum(size) - size)[present]
    counts = np.zeros((answers.n_replicates, n_classes))
    for r, row in enumerate(counts):
        (right,) = answers.right(point, slice(0, len(label)), slice(r, r + 1))
        row[present] = np.add.reduceat(np.take(right, order), starts, dtype=np.int64)
    return counts


@dataclass(frozen=True)
class Gathered:
    """What is kept of one log.

    Attributes
    ----------
    split
        On the epochs that are used.
    right
        ``(replicate, epoch)``, examples a replicate has right.
    scores
        Share of the points of the clock at which each replicate has each example right; or why
        there are none.
    answers
        Whether replicates are right where they stand at each level of accuracy, if there are such
        levels, and at the last epoch.
    copies
        Seeds of replicates that always predict the same.
    """

    split: Split
    right: NDArray[np.int64]
    scores: ScoreTable | str
    answers: Answers
    copies: Sequence[Sequence[int]]

    @property
    def accuracy(self) -> Scores:
        """Accuracy of each replicate at the last epoch, ``(replicate,)``."""
        accuracy: Scores = self.right[:, -1] / self.split.n_examples
        return accuracy


@dataclass(frozen=True)
class Gathering:
    """What is kept of all logs.

    Attributes
    ----------
    of
        By collection.
    matched
        Where replicates stand at the levels of accuracy, or why there are none.
    points
        The same of the levels of the clock; None on the clock of epochs.
    """

    of: Mapping[str, Gathered]
    matched: Points | str
    points: Points | str | None


def gather(splits: Mapping[str, Split], clock: Clock) -> Gathering:
    """Go through each split twice: how many are right after each epoch, then who is right where.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded, or is no class.
    """
    totals = {name: CorrectTotals(split) for name, split in splits.items()}
    copies = {name: CopyTotals(split) for name, split in splits.items()}
    scores: dict[str, ScoreTable | str] = {}
    for name, split in splits.items():
        if clock == "epoch":
            scores[name] = replicate_scores(split, equal_weights(split), totals[name], copies[name])
        else:
            sweep(split, totals[name], copies[name])
    right = {name: found.right for name, found in totals.items()}
    accuracy = {name: counts / splits[name].n_examples for name, counts in right.items()}
    matched = match_accuracy(accuracy)
    points: Points | str | None = None
    if clock != "epoch":
        points = matched if clock == "accuracy" else match_progress(accuracy)
    found = {}
    for name, split in splits.items():
        at = _points_of(name, split, matched)
        if points is None:
            answers = _answers(split, at)
        else:
            answers, scores[name] = _answers_and_scores(name, split, at, points)
        found[name] = Gathered(split, right[name], scores[name], answers, copies[name].seeds())
    return Gathering(found, matched, points)


def _points_of(name: str, split: Split, matched: Points | str) -> Positions:
    """Levels of accuracy, if there are any, then the last epoch, ``(replicate, point)``."""
    end = np.full((split.n_replicates, 1), split.n_epochs - 1)
    return end if isinstance(matched, str) else np.concatenate([matched.at[name], end], axis=1)


def _answers(split: Split, at: Positions, *others: ReplicateScores) -> Answers:
    """Answers at these points, in one pass; ``others`` take part in it."""
    found = Answers(split, at)
    tables = [found.table, *(other.table for other in others)]
    most_examples = min(table.most_examples for table in tables)
    sweep(split, found, *others, most_examples=most_examples)
    return found


def _answers_and_scores(
    name: str, split: Split, at: Positions, points: Points | str
) -> tuple[Answers, ScoreTable | str]:
    """Answers, and the scores on a clock of levels or why there are none."""
    if isinstance(points, str):
        return _answers(split, at), points
    scores = ReplicateScores(split, points.weights(name))
    return _answers(split, at, scores), scores.table
