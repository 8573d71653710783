"""The second rule: margins of the records at which held-out examples are predicted best.

A network first learns what labels have in common and then each label for itself, wrong ones too.
How well it predicts the labels of examples that it is not trained on says where it stands: before
the best of its records it knows little, after it the margins of its own examples say less and less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.labels.evidence import Floats, Networks, Setting
from numpy.typing import NDArray


@dataclass(frozen=True)
class BestRecords:
    """Mean margin over networks of folds, over the records that are not surely worse than the best.

    Attributes
    ----------
    quantity
        What is averaged: ``margin``, ``error_norm`` or ``probability``.
    within
        A record counts whose share of right predictions among held-out examples is at most this
        many standard errors below the largest.
    held_out
        Weight of networks that are not trained on the example, against 1 for those that are.
    standardised
        Whether each network's values at a record are brought to mean 0 and spread 1 before they
        are averaged: else late records count more, whose margins are larger.
    """

    quantity: str = "margin"
    within: float = 2.0
    held_out: float = 2.0
    standardised: bool = True

    @property
    def name(self) -> str:
        """A name for tables."""
        scaled = ", standardised" if self.standardised else ""
        return (
            f"{self.quantity}{scaled}, records within {self.within:g} s.e. of the best held-out "
            f"accuracy, held out x {self.held_out:g}"
        )

    def of(self, setting: Setting, cost: int) -> Floats:
        """``(example,)``, high where the label is suspected, of as many networks of folds."""
        networks = setting.folds.first(cost)
        values = networks.of_label[self.quantity][:, self.records(networks)].astype(float)
        if self.standardised:
            values -= values.mean(axis=2, keepdims=True)
            spread = values.std(axis=2, keepdims=True)
            values /= np.where(spread > 0, spread, 1)
        weights = np.where(networks.held_out, self.held_out, 1.0)
        suspicion = np.average(values.mean(axis=1), axis=0, weights=weights)
        return np.asarray(suspicion if self.quantity == "error_norm" else -suspicion)

    def records(self, networks: Networks) -> NDArray[np.bool_]:
        """Which records count, ``(record,)``; by the labels as they are given."""
        held_out = networks.held_out[:, np.newaxis]
        n = int(networks.held_out.sum())
        accuracy = (networks.of_label["right"] & held_out).sum(axis=(0, 2)) / n
        best = accuracy.max()
        return np.asarray(accuracy >= best - self.within * np.sqrt(best * (1 - best) / n))


CANDIDATES = tuple(
    BestRecords(quantity, within, held_out, standardised)
    for quantity in ("margin", "error_norm")
    for within in (0.0, 1.0, 2.0, 3.0, 4.0)
    for held_out in (1.0, 2.0, 3.0, 5.0)
    for standardised in (False, True)
)
"""Tried on the three datasets of the first rule, two of them smaller; see docs/labels.md."""

CHOSEN = BestRecords()
"""The first of them there; docs/labels.md says by what, and what else was looked at."""
