"""Orders from parts of a log, and how they go with the order from all of it.

The order of some replicates is the mean of their scores. So its correlation with another order is
known from the covariances of single replicates, which are added up once for all choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.measures.moments import NEGLIGIBLE, ROUNDING
from learnorder.measures.of_label import label_tiles
from learnorder.measures.planning import spearman_brown
from learnorder.measures.split import Split
from learnorder.measures.tiles import cuts
from learnorder.schema import PREDICTION, PROBABILITY, Scores

MOST_EXAMPLES = 20_000
"""A correlation over so many examples is known to about 0.002."""

MOST_VALUES = 1 << 27
"""Values of replicates, epochs and examples held at once; fewer examples are drawn beyond."""

BLOCK_VALUES = 1 << 22
"""Values turned into scores at once."""

DRAWS = 20
"""Random halves of the replicates."""


@dataclass(frozen=True)
class Draws:
    """Replicates that designs come from, and other ones that the full order comes from.

    Attributes
    ----------
    pool
        ``(draw, member)``, positions; the first r of a row are the replicates of a design of r.
    reference
        ``(draw, member)``, positions, none of them in the same row of ``pool``.
    """

    pool: NDArray[np.intp]
    reference: NDArray[np.intp]

    @classmethod
    def halves(cls, n_replicates: int) -> Draws:
        """Random halves of the replicates, always the same ones."""
        rng = np.random.default_rng(0)
        drawn = np.array([rng.permutation(n_replicates) for _ in range(DRAWS)])
        return cls(drawn[:, : n_replicates // 2], drawn[:, n_replicates // 2 :])


@dataclass(frozen=True)
class FullOrder:
    """Scores of replicates over the whole log, from their mean, and their covariance.

    Attributes
    ----------
    deviation
        ``(replicate, example)``.
    covariance
        ``(replicate, replicate)``, over examples.
    """

    deviation: Scores
    covariance: Scores

    def variance(self, draws: Draws) -> Scores:
        """Variance of the full order of each draw, ``(draw,)``."""
        return of_means(self.covariance, draws.reference, draws.reference)

    def differs(self, draws: Draws) -> bool:
        """Whether it differs between examples in every draw."""
        return bool((self.variance(draws) > negligible(self.covariance)).all())

    def reliability(self, n_replicates: int) -> float | None:
        """Reliability of the full order of so many replicates; None if not above 0."""
        n = len(self.covariance)
        variance = float(np.diag(self.covariance).mean())
        shared = (float(self.covariance.sum()) - n * variance) / (n * (n - 1))
        if shared <= negligible(self.covariance):
            return None
        return spearman_brown(min(1.0, shared / variance), 1, n_replicates)


def full_order(right: NDArray[Any]) -> FullOrder:
    """Full order from ``(replicate, epoch, example)``, whether replicates are right."""
    scores: Scores = right.mean(axis=1, dtype=np.float64)
    scores -= scores.mean(axis=1, keepdims=True)
    return FullOrder(scores, scores @ scores.T / scores.shape[1])


def values_of(split: Split, quantity: str) -> NDArray[Any]:
    """Whether replicates are right, or their probabilities, for the examples drawn.

    ``(replicate, epoch, drawn example)``; the log is read once, part by part.
    """
    chosen = some_examples(split)
    kind = np.dtype(bool if quantity == PREDICTION else np.float16)
    values = np.empty((split.n_replicates, split.n_epochs, len(chosen)), kind)
    for epochs, examples, tile in _tiles(split, quantity):
        first, last = np.searchsorted(chosen, (examples.start, examples.stop))
        values[:, epochs, first:last] = tile[:, :, chosen[first:last] - examples.start]
    return values


def _tiles(split: Split, quantity: str) -> Iterator[tuple[slice, slice, NDArray[Any]]]:
    if quantity == PROBABILITY:
        for of_label in label_tiles(split, PROBABILITY):
            yield of_label.epochs, of_label.examples, of_label.values
    else:
        for tile in split.tiles():
            yield tile.epochs, tile.examples, tile.prediction == tile.label


def covariances(
    values: NDArray[Any], deviation: Scores
) -> dict[tuple[int, int], tuple[Scores, Scores]]:
    """Covariance of replicates' scores with each other and with their full ones, by design.

    A design is (stop, every): the first ``stop`` points, of which every so manieth counts. Scores
    are means over these. ``deviation`` is that of full scores, ``(replicate, example)``.
    """
    n_replicates, n_points, n_examples = values.shape
    grids = [(stop, k) for stop in steps(n_points) for k in steps(stop) if stop % k == 0]
    sums = {grid: np.zeros(n_replicates) for grid in grids}
    own = {grid: np.zeros((n_replicates, n_replicates)) for grid in grids}
    cross = {grid: np.zeros((n_replicates, n_replicates)) for grid in grids}
    # As differences from one example: so constant scores are exactly 0.
    first = values[:, :, :1].astype(np.float64)
    width = max(1, BLOCK_VALUES // (n_replicates * n_points))
    for here in cuts(slice(0, n_examples), width):
        block = values[:, :, here].astype(np.float64) - first
        for every in {k for _, k in grids}:
            total = block[:, every - 1 :: every].cumsum(axis=1)
            for stop in (stop for stop, k in grids if k == every):
                scores = total[:, stop // every - 1] / (stop // every)
                sums[stop, every] += scores.sum(axis=1)
                own[stop, every] += scores @ scores.T
                cross[stop, every] += scores @ deviation[:, here].T
    means = {grid: total / n_examples for grid, total in sums.items()}
    return {
        g: (own[g] / n_examples - np.outer(means[g], means[g]), cross[g] / n_examples)
        for g in grids
    }


def of_means(covariance: Scores, a: NDArray[np.intp], b: NDArray[np.intp]) -> Scores:
    """Covariance of the mean over a row of ``a`` with that over the row of ``b``, ``(draw,)``."""
    return np.array(
        [covariance[np.ix_(rows, columns)].mean() for rows, columns in zip(a, b, strict=True)]
    )


def negligible(covariance: Scores) -> float:
    """Variance of a mean of these replicates up to which only rounding is left.

    Scores that differ can have a mean that does not, of which their rounding remains.
    """
    return NEGLIGIBLE + ROUNDING * float(np.diag(covariance).mean())


def steps(most: int) -> list[int]:
    """Numbers 1, 2, 3, 4, 6, 8, 12, ... up to ``most``, and that one.

    Examples
    --------
    >>> steps(15)
    [1, 2, 3, 4, 6, 8, 12, 15]
    """
    powers = [2**k for k in range(most.bit_length())]
    return sorted({n for p in powers for n in (p, p + p // 2) if n <= most} | {most})


def some_examples(split: Split) -> NDArray[np.intp]:
    """Positions of as many examples as memory and precision ask for, drawn always alike."""
    most = max(2, min(MOST_EXAMPLES, MOST_VALUES // (split.n_replicates * split.n_epochs)))
    if split.n_examples <= most:
        return np.arange(split.n_examples)
    rng = np.random.default_rng(0)
    return np.sort(rng.choice(split.n_examples, most, replace=False))
