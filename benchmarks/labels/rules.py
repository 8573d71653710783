"""Rules on recorded predictions alone: those that were tried on Fashion-MNIST, and the chosen one.

A rule adds up, over networks and records, how much an example's rival is predicted and how little
its label is. They differ in what is added up: which epochs, whether networks were trained on the
example, and whether a rival counts at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.labels.evidence import Floats, Networks
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rule:
    """How predictions are added up.

    Attributes
    ----------
    first, last
        Records counted: from this epoch to that share of the training.
    rival
        Whether the share of the most predicted wrong class is added to the share of wrong
        predictions; without it the score is 1 - accessibility.
    held_out
        Weight of networks that were not trained on the example, against 1 for those that were.
        None: networks are trained on all examples.
    """

    first: float = 1.0
    last: float = 1.0
    rival: bool = True
    held_out: float | None = None

    @property
    def name(self) -> str:
        """A name for tables."""
        score = "suspicion" if self.rival else "accessibility"
        parts = [score, f"records from {self.first:g}"]
        if self.last < 1:
            parts.append(f"first {self.last:.0%} of epochs")
        if self.held_out is not None:
            parts.append(f"held out x {self.held_out:g}")
        return ", ".join(parts)

    def score(self, networks: Networks, given: NDArray[np.int64]) -> Floats:
        """``(example,)``, high where the label is suspected."""
        epochs = networks.epoch
        used = (epochs >= self.first) & (epochs <= max(1.0, self.last * epochs[-1]))
        prediction = networks.prediction[:, used]
        weight = np.where(networks.held_out, 1.0 if self.held_out is None else self.held_out, 1.0)
        weight = np.broadcast_to(weight[:, np.newaxis], prediction.shape)
        total = weight.sum(axis=(0, 1))
        votes = np.stack(
            [
                np.where(prediction == c, weight, 0).sum(axis=(0, 1)) / total
                for c in range(networks.last.shape[2])
            ]
        )
        rows = np.arange(len(given))
        right = votes[given, rows]
        votes[given, rows] = -1
        return np.asarray((votes.max(axis=0) if self.rival else 0.0) - right)


CANDIDATES = tuple(
    Rule(first, last, rival, held_out)
    for first in (0.0, 1.0)
    for last in (0.25, 0.5, 1.0)
    for rival in (False, True)
    for held_out in (None, 0.0, 1.0, 4.0, 16.0)
)
"""All of these were tried on Fashion-MNIST, and no other."""

CHOSEN = Rule()
"""Not chosen yet."""
