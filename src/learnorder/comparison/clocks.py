"""When replicates are held against each other: after the same epochs, or equally far in learning.

A collection that learns in the same order, only slower, differs from a faster one after any epoch.
Clocks other than epochs compare replicates where they have reached the same level: of accuracy, or
of the share of their own final accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from learnorder.schema import Scores

Clock = Literal["epoch", "accuracy", "progress"]

N_LEVELS = 10
"""Levels at which replicates are matched. A fixed number, so that a longer grid of epochs does not
change what is asked; ten, since accuracy is seldom recorded in finer steps than a tenth of its
range."""

Positions = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level, and where the collections stand when their replicates have reached it.

    Attributes
    ----------
    level
        Accuracy, or share of the own final accuracy.
    reached
        Mean over replicates of what they have there, by collection: as near to the level as the
        recorded epochs come.
    epoch
        Mean over replicates of that epoch, by collection.
    gap
        Largest difference of ``reached`` between two collections: how well they are matched.
    """

    level: float
    reached: Mapping[str, float]
    epoch: Mapping[str, float]
    gap: float


@dataclass(frozen=True)
class Points:
    """Where each replicate stands at each level.

    Attributes
    ----------
    levels
        ``(level,)``, ascending.
    at
        By collection ``(replicate, level)``, positions among its epochs.
    progress
        By collection ``(replicate, epoch)``, what is matched.
    """

    levels: Scores
    at: Mapping[str, Positions]
    progress: Mapping[str, Scores]

    def weights(self, name: str) -> Scores:
        """How many levels each replicate of a collection stands at after each epoch."""
        weights = np.zeros_like(self.progress[name])
        rows = np.arange(len(weights))[:, np.newaxis]
        np.add.at(weights, (rows, self.at[name]), 1)
        return weights

    def table(self, epochs: Mapping[str, Scores]) -> tuple[Level, ...]:
        """Levels for a reader; ``epochs`` are those of each collection."""
        reached = {
            name: np.take_along_axis(progress, self.at[name], axis=1).mean(axis=0)
            for name, progress in self.progress.items()
        }
        when = {name: epochs[name][at].mean(axis=0) for name, at in self.at.items()}
        return tuple(
            Level(
                level=float(level),
                reached={name: float(values[i]) for name, values in reached.items()},
                epoch={name: float(values[i]) for name, values in when.items()},
                gap=float(np.ptp([values[i] for values in reached.values()])),
            )
            for i, level in enumerate(self.levels)
        )


def match_accuracy(accuracy: Mapping[str, Scores]) -> Points | str:
    """Match replicates at equal accuracies, or why that is not possible.

    The `N_LEVELS` levels are equally spaced: from the accuracy that some replicate has already at
    its first epoch, the highest such, to the one that all replicates of all collections reach.
    A replicate stands at a level after the epoch, up to the first that reaches it, whose accuracy
    is nearest. The first that reaches it would lie above it, by the more the faster a collection
    learns: one order at two paces would look like two orders on a coarse grid.

    ``accuracy`` is, by collection, ``(replicate, epoch)``, of the epochs > 0.
    """
    return _match(accuracy, "accuracy")


def match_progress(accuracy: Mapping[str, Scores]) -> Points | str:
    """Match replicates at equal shares of the accuracy that each has at its last epoch, or why not.

    Levels as in `match_accuracy`, of these shares; the highest is 1: a replicate that is better on
    the way than at its end passes it, and all of them reach it.
    """
    for name, values in accuracy.items():
        if not values[:, -1].all():
            return f"a replicate of {name!r} has no example right at its end: no share of that"
    shares = {name: values / values[:, -1:] for name, values in accuracy.items()}
    return _match(shares, "share of final accuracy", highest=1.0)


def _match(progress: Mapping[str, Scores], what: str, highest: float = np.inf) -> Points | str:
    first = {name: float(values[:, 0].max()) for name, values in progress.items()}
    most = {
        name: min(float(values.max(axis=1).min()), highest) for name, values in progress.items()
    }
    early, late = max(first, key=lambda k: first[k]), min(most, key=lambda k: most[k])
    if most[late] <= first[early]:
        return (
            f"no range of {what} that all replicates pass: one of {early!r} begins at "
            f"{first[early]:.3g}, one of {late!r} reaches {most[late]:.3g} at most"
        )
    levels = np.linspace(first[early], most[late], N_LEVELS)
    return Points(levels, {k: nearest_epochs(v, levels) for k, v in progress.items()}, progress)


def nearest_epochs(progress: Scores, levels: Scores) -> Positions:
    """Nearest epoch up to the first that reaches each level, ``(replicate, level)``."""
    distance = progress[:, np.newaxis, :] - levels[:, np.newaxis]
    reached = np.logical_or.accumulate(distance >= 0, axis=2)
    np.abs(distance, out=distance)
    # What comes after the first that reaches it.
    distance[..., 1:][reached[..., :-1]] = np.inf
    nearest: Positions = distance.argmin(axis=2)
    return nearest
