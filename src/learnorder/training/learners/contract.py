"""What a learner is given, and what it gives after each round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learnorder.schema import Labels
from learnorder.training.streams import Purpose, generator

Rows = NDArray[np.float32]
"""Inputs ``(example, feature)``, normalised as networks read them."""


@dataclass(frozen=True)
class LearnerData:
    """What is learned from, and what is predicted.

    Attributes
    ----------
    inputs
        ``(example, feature)`` float32, to learn from.
    labels
        ``(example,)`` int64 in ``0..n_classes-1``, of the same examples.
    splits
        ``(example, feature)`` float32 of each split, to predict.
    n_classes
        Number of classes.
    """

    inputs: Rows
    labels: Labels
    splits: Mapping[str, Rows]
    n_classes: int

    def bootstrapped(self, seed: int) -> LearnerData:
        """Learn from as many examples, drawn with replacement; predict the same ones as before."""
        n = len(self.labels)
        drawn = np.sort(generator(seed, Purpose.BOOTSTRAP).integers(0, n, n))
        return replace(self, inputs=self.inputs[drawn], labels=self.labels[drawn])

    def of_present_classes(self) -> tuple[NDArray[np.int64], LearnerData]:
        """Return the classes there are examples of, and the same data with these numbered."""
        present, labels = np.unique(self.labels, return_inverse=True)
        return present, replace(self, labels=labels.astype(np.int64), n_classes=len(present))

    def share(self, share: float) -> LearnerData:
        """Return that share of all examples, spread over each split evenly; at least one."""

        def some(length: int) -> NDArray[np.int64]:
            kept = max(1, round(length * share))
            return np.arange(kept, dtype=np.int64) * length // kept

        learned = some(len(self.labels))
        return replace(
            self,
            inputs=self.inputs[learned],
            labels=self.labels[learned],
            splits={name: rows[some(len(rows))] for name, rows in self.splits.items()},
        )


@dataclass(frozen=True)
class Stop:
    """A learner has stopped: from this round on nothing changes.

    Attributes
    ----------
    round
        The last round that added anything; 0 where none did.
    reason
        Why, as the end of a sentence.
    """

    round: int
    reason: str


@dataclass(frozen=True)
class Round:
    """What is known after one round.

    Attributes
    ----------
    scores
        For each split ``(example, class_id)`` float64; the largest is the prediction, the first
        of several. What the numbers are, the table of architectures says.
    stop
        Where the learner stopped, if that was before this round.
    """

    scores: Mapping[str, NDArray[np.float64]]
    stop: Stop | None = None


class Learner(Protocol):
    """Trains one replicate.

    All classes up to ``data.n_classes`` occur among the labels, and there are two at least. Data,
    random state and options fix every number; a longer training has the same rounds first.
    """

    def __call__(
        self, data: LearnerData, random_state: int, rounds: Sequence[int], **options: Any
    ) -> Iterator[Round]:
        """Yield what is known after each of these rounds, which ascend from 1 up."""
        ...
