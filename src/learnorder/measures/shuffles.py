"""Nulls for which examples are shuffled one by one: of reliability, and of agreement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.measures import _kernels
from learnorder.measures.moments import deviations
from learnorder.measures.order import NO_DIFFERENCE, cronbach_alpha, order_moments
from learnorder.measures.permutations import ONE_REPLICATE, Null, null_of
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import Split
from learnorder.measures.tiles import Tile, cuts
from learnorder.schema import Labels, Predictions, Scores

SUMMED = 1 << 22
"""Sums over replicates, of all examples in some draws, that are made at once. The draws depend on
it, so it is fixed."""

ROUNDING = 1e-12
"""Share of a sum of squares that is rounding."""


@dataclass(frozen=True)
class Segments:
    """Examples by the group within which they are shuffled.

    Attributes
    ----------
    order
        ``(example,)``, where the examples are, group by group.
    parts
        Where each group lies in this order.
    """

    order: NDArray[np.int64]
    parts: tuple[slice, ...]

    @classmethod
    def of(cls, n_examples: int, label: Labels | None) -> Segments:
        """Segments of the classes, or without labels one of all examples."""
        if label is None:
            return cls(np.arange(n_examples), (slice(0, n_examples),))
        order = np.argsort(label, kind="stable")
        starts = [*np.flatnonzero(np.diff(label[order], prepend=-1)).tolist(), n_examples]
        return cls(order, tuple(map(slice, starts[:-1], starts[1:])))


def drawn_alpha_null(
    scores: ScoreTable, label: Labels | None, n_draws: int, seed: int
) -> Null | str:
    """Null of Cronbach's alpha from draws, or why there is none.

    The scores of each replicate are shuffled over all examples, or within the classes of ``label``.
    """
    moment = order_moments(deviations(scores))
    alpha = moment if isinstance(moment, str) else cronbach_alpha(moment)
    if isinstance(alpha, str):
        return alpha
    segments = Segments.of(scores.n_examples, label)
    own, of_sum = _drawn_squares(scores, segments, n_draws, np.random.default_rng(seed))
    if not (of_sum > ROUNDING * own).all():
        return f"in some draws {NO_DIFFERENCE}: too few of them"
    n = scores.n_replicates
    return replace(null_of(n / (n - 1) * (1 - own / of_sum)), observed=alpha)


def _drawn_squares(
    scores: ScoreTable, segments: Segments, n_draws: int, rng: np.random.Generator
) -> tuple[float, Scores]:
    """Squared deviations of scores, summed over replicates, and of the sums of scores over them.

    The former is the same in every draw, the latter is given as it is and for each draw.
    """
    n_examples = scores.n_examples
    kind: type[Any] = np.int64 if scores.dtype.kind in "iu" else np.float64
    observed, own = np.zeros(n_examples, dtype=kind), 0.0
    for r in range(scores.n_replicates):
        row = _row(scores, r).astype(kind)
        observed += row
        own += float(row @ row) - float(row.sum()) ** 2 / n_examples
    squares = [float(observed @ observed)]
    for draws in cuts(slice(0, n_draws), max(1, SUMMED // n_examples)):
        sums = np.zeros((draws.stop - draws.start, n_examples), dtype=kind)
        for r in range(scores.n_replicates):
            row = _row(scores, r)[segments.order]
            for part in segments.parts:
                shuffled = np.broadcast_to(row[part], sums[:, part].shape).copy()
                sums[:, part] += rng.permuted(shuffled, axis=1, out=shuffled)
        squares += np.einsum("dx,dx->d", sums, sums).tolist()
    return own, np.array(squares) - float(observed.sum()) ** 2 / n_examples


def _row(scores: ScoreTable, replicate: int) -> NDArray[Any]:
    (row,) = scores.kept(slice(0, scores.n_examples), slice(replicate, replicate + 1))
    kept: NDArray[Any] = row
    return kept


class PredictionsAt:
    """Predictions at some epochs, ``prediction``: ``(replicate, epoch, example)``."""

    def __init__(self, split: Split, epochs: slice, dtype: np.dtype[Any]) -> None:
        self._first = epochs.start
        shape = (split.n_replicates, epochs.stop - epochs.start, split.n_examples)
        self.prediction = np.empty(shape, dtype=dtype)

    def add(self, tile: Tile) -> None:
        """Take a tile in; it lies within the epochs."""
        rows = slice(tile.epochs.start - self._first, tile.epochs.stop - self._first)
        self.prediction[:, rows, tile.examples] = tile.prediction


def agreement_null(
    prediction: Predictions, segments: Segments, n_classes: int, n_draws: int, seed: int
) -> Null | str:
    """Null of mean agreement at one epoch, from draws, or why there is none.

    The ``(replicate, example)`` predictions of each replicate are shuffled within segments.
    """
    if len(prediction) < 2:
        return ONE_REPLICATE
    rng = np.random.default_rng(seed)
    prediction = prediction[:, segments.order]
    shuffled = prediction.copy()
    values = [_mean_agreement(prediction, n_classes)]
    for _ in range(n_draws):
        for part in segments.parts:
            shuffled[:, part] = rng.permuted(prediction[:, part], axis=1)
        values.append(_mean_agreement(shuffled, n_classes))
    return null_of(np.array(values))


def _mean_agreement(prediction: Predictions, n_classes: int) -> float:
    largest = _kernels.largest_vote(prediction[:, np.newaxis], n_classes)
    return int(largest.sum(dtype=np.int64)) / prediction.size
