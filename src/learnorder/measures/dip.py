"""Is TP-agreement two-peaked? Hartigan's dip on the R + 1 values that TP-agreement can have."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.measures import distribution
from learnorder.measures.agreement import per_epoch
from learnorder.measures.permutations import N_DRAWS, check_draws
from learnorder.measures.split import Split, labelled, read_split
from learnorder.measures.sweep import CorrectTotals, sweep
from learnorder.measures.tiles import cuts
from learnorder.schema import EPOCH, Scores

MIN_EXAMPLES = 4
"""Two peaks and a valley are three values; a fourth example is the first that can weigh them."""

ROUNDING = 1e-12
"""Share of examples that is rounding."""

WIDER = 2.0
"""How far the flattest distribution may be from the data, in dips. Within one dip it still follows
what chance made of the data, and in simulations a test at 5 % refused one-peaked distributions
in up to 12 %; within two, in 4 to 6 % where it is hardest (``benchmarks/dip_size.py``)."""

BLOCK = 1 << 15
"""Values gone through at once: they stay in the caches."""


def dip(log: xr.Dataset) -> xr.DataArray:
    r"""Distance of the distribution of TP-agreement from the nearest one with one peak, by epoch.

    .. math:: D(e) = \min_G \max_k |F_e(k) - G(k)|

    where :math:`F_e(k)` is the share of examples that at most k of R replicates have right, and G
    goes through all distribution functions on 0..R with one peak: what belongs to each count rises
    up to it and falls after it. So a peak at the end, as near accuracy 1, is one peak, and any
    one-peaked shares have D = 0. That is the definition of Hartigan and Hartigan for the values
    that TP-agreement can have. Theirs is for continuous scores, in which no two are equal: by the
    ties alone it exceeds this one by up to half the largest share of examples with equal counts.

    0: one peak. 1/2 - 1/(R+1), the most: half of the examples are known to all replicates, the
    others to none. If every replicate has the same chance on an example, and the chances of the
    examples have a density with one peak, then the counts to expect have one peak too.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate, for fewer than 4
    examples, and where TP-agreement is the same for all examples.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1/2).

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    hartigan1985dip
    """
    split, histogram = _counted(log, "dip")
    values, undefined = per_epoch(split, dips(histogram))
    return labelled(log, "dip", values, EPOCH, undefined=undefined)


def dip_test(log: xr.Dataset, n_draws: int = N_DRAWS, seed: int = 0) -> xr.DataArray:
    """P value of the dip, after each epoch: how often one peak alone dips as far by chance.

    (1 + how many of n draws dip at least as far) / (1 + n). Small: two peaks or more. Draws are of
    as many examples, independent of each other, from a distribution with one peak: of all that lie
    within two dips of the data the flattest, because flat stretches dip furthest by chance. It is
    the shortest path through the tube of that radius around the distribution function (the taut
    string). A draw is held against distributions with the peak where the nearest one to the data
    has it, or else a peak that the data have for sure would be free to move in the draws.

    Drawing from a flat distribution instead would not be safe: where most examples are spread
    evenly, and a few more are known to all, it refuses one peak in 23 % of cases at 5 %. This test
    does in 4 to 6 %, and in far fewer where the distribution has slopes. The p value speaks of
    examples that could have been drawn, for these replicates.

    Undefined where `dip` is.

    Parameters
    ----------
    log
        One split of a log, with labels.
    n_draws
        How many, at least 39. More give a finer p value.
    seed
        Fixes the draws; each epoch begins anew with it.

    Returns
    -------
    ``(epoch,)`` in (0, 1].

    Raises
    ------
    LearnOrderError
        Too few draws, no labels, or a prediction was not recorded.

    References
    ----------
    hartigan1985dip, davies2001taut
    """
    check_draws("dip_test", n_draws)
    split, histogram = _counted(log, "dip_test")
    values, undefined = per_epoch(split, dip_p_values(histogram, n_draws, seed))
    return labelled(log, "dip_test", values, EPOCH, undefined=undefined)


def dips(histogram: NDArray[np.int64]) -> list[float | str]:
    """Dip of each row, examples that 0..R replicates have right, or why there is none."""
    found = _distances(_cumulative(histogram))
    return [no_dip(row) or float(d) for row, d in zip(histogram, found, strict=True)]


def dip_p_values(
    histogram: NDArray[np.int64], n_draws: int = N_DRAWS, seed: int = 0
) -> list[float | str]:
    """P value of the dip of each row, or why there is none."""
    distances = _distances(_cumulative(histogram))
    found: list[float | str] = []
    for row, distance in zip(histogram, distances, strict=True):
        reason = no_dip(row)
        # Nothing dips less than 0.
        found.append(reason or (p_value_of(row, distance, n_draws, seed) if distance else 1.0))
    return found


def no_dip(histogram: NDArray[np.int64]) -> str | None:
    """Reason why there is no dip, or None."""
    if len(histogram) < 3:
        return "with 1 replicate TP-agreement is 0 or 1: nothing between two values could dip"
    if histogram.sum() < MIN_EXAMPLES:
        return f"a dip needs {MIN_EXAMPLES} examples; there are {histogram.sum()}"
    constant = distribution.bimodality_of(histogram)
    return constant if isinstance(constant, str) else None


def _counted(log: xr.Dataset, caller: str) -> tuple[Split, NDArray[np.int64]]:
    split = read_split(log, caller)
    totals = CorrectTotals(split)
    sweep(split, totals)
    return split, totals.histogram


def _cumulative(histogram: NDArray[np.int64]) -> Scores:
    """Share of examples that at most -1..R replicates have right, ``(point, row)``."""
    counts = np.cumsum(np.pad(histogram, ((0, 0), (1, 0))), axis=1).T
    share: Scores = counts / counts[-1]
    return share


def _distances(cumulative: Scores) -> Scores:
    """Distance of each column from the nearest with one peak, by halving."""
    low, high = np.zeros(cumulative.shape[1]), np.full(cumulative.shape[1], 0.5)
    one_peak = _peaks(cumulative, low).any(axis=0)
    while (high - low).max() > ROUNDING / 10:
        middle = (low + high) / 2
        near = _peaks(cumulative, middle).any(axis=0)
        low, high = np.where(near, low, middle), np.where(near, middle, high)
    return np.where(one_peak, 0.0, high)


def p_value_of(histogram: NDArray[np.int64], distance: float, n_draws: int, seed: int) -> float:
    """P value of a dip that is above 0."""
    data = _cumulative(histogram[np.newaxis])
    peak = _peaks(data, np.array([distance]))[:, 0]
    share = np.maximum(np.diff(taut_string(*_tube(data[:, 0], WIDER * distance))), 0)
    rng = np.random.default_rng(seed)
    drawn = _cumulative(rng.multinomial(histogram.sum(), share / share.sum(), n_draws))
    # A draw that dips as far is not near to one peak at a distance that is less by rounding.
    near = _peaks(drawn, np.full(n_draws, distance - 10 * ROUNDING))[peak].any(axis=0)
    return float((1 + (~near).sum()) / (1 + n_draws))


def _tube(cumulative: Scores, radius: Scores | float) -> tuple[Scores, Scores]:
    """Lowest and highest values within a distance; what begins at 0 and ends at 1 stays there."""
    low = np.maximum(cumulative - radius, 0)
    high = np.minimum(cumulative + radius, 1)
    low[0] = high[0] = 0
    low[-1] = high[-1] = 1
    return low, high


def _peaks(cumulative: Scores, distance: Scores) -> NDArray[np.bool_]:
    """Where, ``(point, column)``, a distribution within the distance can have its only peak.

    Shares that rise up to a point and fall after it make a sum that is convex before and concave
    after; the two meet there in any value that both can have. The convex part can end as high as
    is allowed, the concave one begin as low, so the lowest and the highest value decide.
    """
    found = []
    for part in cuts(slice(0, len(distance)), max(1, BLOCK // len(cumulative))):
        low, high = _tube(cumulative[:, part], distance[part])
        rising = _lowest_end(low, high)
        # Turned by half a turn, the concave part is a convex one.
        falling = 1 - _lowest_end(1 - high[::-1], 1 - low[::-1])[::-1]
        found.append(rising <= falling + ROUNDING)
    return np.concatenate(found, axis=1)


def _lowest_end(low: Scores, high: Scores) -> Scores:
    """Lowest value that a convex path from the first point can end with at each; infinite: none.

    A path that passes ``high`` at one point and is not below ``low`` at a later one goes on at
    least as steeply as the line through both.
    """
    steepness = np.zeros_like(low)
    for step in range(1, len(low)):
        slope = (low[step:] - high[:-step]) / step
        np.maximum(steepness[step:], slope, out=steepness[step:])
    lowest = low.copy()
    for step in range(1, len(low)):
        np.maximum(lowest[step:], low[:-step] + step * steepness[:-step], out=lowest[step:])
    lowest[np.logical_or.accumulate(lowest > high + ROUNDING, axis=0)] = np.inf
    return lowest


def taut_string(low: Scores, high: Scores) -> Scores:
    """Shortest path through gates ``(point,)``, from the first to the last, which are points.

    From where it stands, a string goes straight as far as there is a line through all gates; then
    it bends at the gate that stops it.
    """
    path, start, last = np.array(low), 0, len(low) - 1
    while start < last:
        ahead = np.arange(1, last - start + 1)
        lowest = np.maximum.accumulate((low[start + 1 :] - path[start]) / ahead)
        highest = np.minimum.accumulate((high[start + 1 :] - path[start]) / ahead)
        closed = np.flatnonzero(lowest > highest)
        stop = closed[0] if closed.size else len(ahead)
        bends_up = closed.size and lowest[stop] > lowest[stop - 1]
        wall, slopes = (high, highest) if bends_up or not closed.size else (low, lowest)
        # The last gate at which the wall was as near as it gets before the way is closed.
        slope = slopes[stop - 1]
        gate = (
            start
            + int(
                np.flatnonzero(
                    (wall[start + 1 : start + 1 + stop] - path[start]) / ahead[:stop] == slope
                )[-1]
            )
            + 1
        )
        path[start + 1 : gate + 1] = path[start] + slope * ahead[: gate - start]
        path[gate] = wall[gate]
        start = gate
    return path
