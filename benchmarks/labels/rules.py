"""The first rule, on what a log records: what was tried on Fashion-MNIST, and the chosen one.

A rule adds up, over networks and records, how much an example's rival is predicted and how little
its label is. They differ in what is added up: which epochs, whether networks were trained on the
example, whether a rival counts at all, and whether recorded margins do too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.labels.evidence import Floats, Networks, Setting
from benchmarks.labels.others import area_under_the_margin
from benchmarks.labels.settings import N_FOLDS
from numpy.typing import NDArray
from scipy.stats import rankdata


@dataclass(frozen=True)
class Rule:
    """How predictions are added up.

    Attributes
    ----------
    first
        Records before this epoch do not count.
    after, until
        Shares of the training between which records count.
    rival
        Whether the share of the most predicted wrong class is added to the share of wrong
        predictions; without it the score is 1 - accessibility, less a constant.
    held_out
        Weight of networks that were not trained on the example, against 1 for those that were.
        None: networks are trained on all examples.
    margin
        Weight of the rank of the mean margin over epochs, against 1 for the rank of the votes;
        0 for the votes alone.
    """

    first: float = 1.0
    after: float = 0.0
    until: float = 1.0
    rival: bool = True
    held_out: float | None = None
    margin: float = 0.0

    @property
    def name(self) -> str:
        """A name for tables."""
        parts = ["suspicion" if self.rival else "accessibility", f"records from {self.first:g}"]
        if (self.after, self.until) != (0.0, 1.0):
            parts.append(f"{self.after:.0%} to {self.until:.0%} of epochs")
        if self.held_out is not None:
            parts.append(f"held out x {self.held_out:g}")
        if self.margin:
            parts.append(f"and AUM x {self.margin:g}, by ranks")
        return ", ".join(parts)

    def of(self, setting: Setting, cost: int) -> Floats:
        """Score; where there are too few networks for folds, without the held-out part."""
        folds = self.held_out is not None and cost >= N_FOLDS
        return self.score((setting.folds if folds else setting.whole).first(cost), setting.given)

    def score(self, networks: Networks, given: NDArray[np.int64]) -> Floats:
        """``(example,)``, high where the label is suspected."""
        votes = self._votes(networks, given)
        if not self.margin:
            return votes
        return np.asarray(self.margin * rankdata(area_under_the_margin(networks)) + rankdata(votes))

    def _votes(self, networks: Networks, given: NDArray[np.int64]) -> Floats:
        epochs, n_epochs = networks.epoch, networks.epoch[-1]
        used = (epochs >= self.first) & (epochs <= max(1.0, self.until * n_epochs))
        used &= epochs > self.after * n_epochs
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


VOTES = tuple(
    Rule(first=first, until=until, rival=rival, held_out=held_out)
    for first in (0.0, 1.0)
    for until in (0.25, 0.5, 1.0)
    for rival in (False, True)
    for held_out in (None, 0.0, 1.0, 4.0, 16.0)
)

WITH_MARGINS = tuple(
    Rule(after=after, rival=rival, margin=margin)
    for after in (0.0, 0.5)
    for rival in (False, True)
    for margin in (1.0, 2.0, 3.0)
)

CANDIDATES = (*VOTES, *WITH_MARGINS)
"""Tried on Fashion-MNIST; docs/labels.md says what else was looked at there."""

CHOSEN = Rule(after=0.5, rival=False, margin=2.0)
"""The best of them there, by the mean AUROC of the six kinds of errors at a cost of 5."""
