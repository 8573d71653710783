"""Intervals for single examples, of which a few replicates say all there is to know."""

from __future__ import annotations

import numpy as np
import xarray as xr

from learnorder.measures.intervals import LEVEL
from learnorder.measures.order import Of, Weights, mean_scores, weighted
from learnorder.measures.split import BOUND, Split, labelled, read_split
from learnorder.measures.sweep import sweep_counts
from learnorder.measures.tiles import CountTile, Tile
from learnorder.schema import EPOCH, EXAMPLE, Scores

ROUNDING = 1e-12
"""Distance from 0 or 1 up to which a weighted mean is 0 or 1 but for rounding."""


def tp_agreement_interval(log: xr.Dataset) -> xr.DataArray:
    r"""95 % interval of TP-agreement, for each example by itself, after each epoch.

    For the chance that another replicate is right, of which R replicates tried: from the 2.5 % to
    the 97.5 % quantile of Jeffreys' posterior :math:`\mathrm{Beta}(k + 1/2, R - k + 1/2)`, where k
    are right. The lower end is 0 where none is right, and the upper end 1 where all are: in the
    limit of chance 0 or 1 the interval would else never hold it.

    Averaged over chances from 0 to 1, it holds the chance in 95 % of collections, and in 96 to 98 %
    for 5 replicates to 1. Counts are whole numbers, so at a single chance that varies: 85 % is the
    least for one replicate, 87 % for more. With one it is [0, 0.85] or [0.15, 1]. It is no interval
    for all examples at once: one in twenty is expected to lie outside its own.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch, example, bound)``, bounds ``low`` and ``high``, in [0, 1]: 16 bytes for each epoch and
    example. There are R + 1 different intervals.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    brown2001binomial

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[1, 1]], [[0, 1]], [[1, 1]], [[1, 1]]], [1, 1])
    >>> tp_agreement_interval(log).values.round(2)
    array([[[0.28, 0.97],
            [0.56, 1.  ]]])
    """
    split = read_split(log, "tp_agreement_interval")
    found = _Bounds(split)
    sweep_counts(split, found)
    return labelled(log, "tp_agreement_interval", found.bounds, EPOCH, EXAMPLE, BOUND)


def accessibility_interval(
    log: xr.Dataset, weights: Weights = "equal", of: Of = "correct"
) -> xr.DataArray:
    r"""95 % interval of accessibility, for each example by itself.

    For the mean over all replicates that could have been trained. What a replicate says after one
    epoch and after the next is not independent, so there are R trials, not R times the epochs:
    :math:`\mathrm{Beta}(A R + 1/2, (1 - A) R + 1/2)`, with the ends as in `tp_agreement_interval`.

    That is as if each replicate were right always or never, which is the most that values in [0, 1]
    with the mean A can vary. Where replicates differ by when they learn an example, they vary less,
    and the interval errs towards wide; nothing is assumed about how epochs depend on each other.

    Parameters
    ----------
    log
        One split of a log, with labels.
    weights, of
        As in `accessibility`.

    Returns
    -------
    ``(example, bound)``, bounds ``low`` and ``high``, in [0, 1].

    Raises
    ------
    LearnOrderError
        As `accessibility`.

    References
    ----------
    brown2001binomial, bhatia2000variance

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[1, 1], [0, 1]], [[0, 1], [1, 1]]], [1, 1])
    >>> accessibility_interval(log).values.round(2)
    array([[0.06, 0.94],
           [0.33, 1.  ]])
    """
    split, weight = weighted(log, "accessibility_interval", weights, of)
    # Many examples share a value, and quantiles are dear.
    values, place = np.unique(mean_scores(split, weight, of), return_inverse=True)
    bounds = jeffreys_bounds(values, split.n_replicates)[place]
    return labelled(log, "accessibility_interval", bounds, EXAMPLE, BOUND)


def jeffreys_bounds(share: Scores, n_trials: int) -> Scores:
    """Ends of Jeffreys' interval, ``(..., bound)``, where of so many trials a share succeeded."""
    from scipy.special import betaincinv

    success, failure = share * n_trials + 0.5, (1 - share) * n_trials + 0.5
    low, high = (betaincinv(success, failure, q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    low = np.where(share <= ROUNDING, 0.0, low)
    high = np.where(share >= 1 - ROUNDING, 1.0, high)
    return np.stack([low, high], axis=-1)


class _Bounds:
    """Intervals of TP-agreement, ``bounds``: ``(epoch, example, bound)``."""

    def __init__(self, split: Split) -> None:
        counts = np.arange(split.n_replicates + 1)
        self._of_count = jeffreys_bounds(counts / split.n_replicates, split.n_replicates)
        self.bounds = np.empty((split.n_epochs, split.n_examples, 2))

    def add(self, tile: CountTile | Tile) -> None:
        """Take a tile in."""
        self.bounds[tile.epochs, tile.examples] = self._of_count[tile.tp_counts]
