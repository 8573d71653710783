"""Self-checks: what theory says of replicates that are what they seem, held against a log.

A note says that something is odd and what that may mean; it never says that something is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.measures import _kernels
from learnorder.measures.intervals import (
    MIN_REPLICATES,
    Component,
    replicate_component,
    t_interval,
    too_few,
)
from learnorder.measures.split import Split, read_split
from learnorder.measures.sweep import sweep
from learnorder.measures.tiles import Tile
from learnorder.schema import REPLICATE, Labels

LEVEL = 0.99
"""Share of collections for which a test is silent where its theory holds exactly. A log is tested
whenever it is measured, so that a common 0.95 would cry wolf too often."""

FAR = 0.5
"""Share of the error rate by which disagreement differs where it is far from it. Disagreement of
two replicates lies between 0 and twice their error rate: beyond this it is nearer to one of these
ends, where errors are all shared or none is, than to what calibration says."""

MIN_SPREAD_REPLICATES = 5
"""Replicates from which a variance of accuracy is worth a test: with fewer, four times the variance
expected may still be chance."""

MIN_UNSETTLED = 10.0
"""Sum of p(1 - p) over examples from which the number of right answers is near enough to normal:
its excess kurtosis is at most 1 over this sum, and half of that is the share by which the sampling
variance of its variance is above what chi-square says."""


def self_checks(log: xr.Dataset) -> tuple[str, ...]:
    r"""What is odd about a collection, by what theory says of independent replicates.

    *Copies.* Replicates with the same predictions at every recorded epoch > 0, unless these are all
    right: knowing everything is one way to be alike that needs no copy. Networks that differ in
    their seed differ somewhere. A copy agrees with itself, and inflates all that is said of
    agreement.

    *Disagreement against error*, on a split named test with labels, from 3 replicates. Two networks
    of one architecture, calibrated together, disagree on as many new examples as one of them is
    wrong on. The note comes where the difference is beyond its own uncertainty (a 99 % interval,
    from deleting replicates and from examples) and more than half of the error rate: a small one
    that is merely certain is the rule in practice. Calibration is what this rests on; it may fail
    without anything being wrong, and under shift it does.

    *Spread of accuracy*, with labels, from 5 replicates. If a replicate errs on one example
    independently of the others, accuracy varies over replicates by

    .. math:: \frac{R}{R - 1} \sum_x \frac{p(x) (1 - p(x))}{n^2}

    with p the TP-agreement, and (R - 1) times the variance found over this follows a chi-square
    distribution with R - 1 degrees of freedom. The note comes beyond its 0.5 % or 99.5 % quantile.
    More: replicates differ in skill. Less: chance cannot do it; they were picked, or stopped, by
    their accuracy. There is no test where the sum of p(1 - p) is below 10.

    *Learned before training*, with labels, where epoch 0 was recorded. It counts in no order, so a
    loop that numbers its epochs from 0 loses its first one. Predictions that know nothing of the
    labels are right on no more than the share of the largest class, on average over initial
    weights; one network may lie above it, as its errors go together over examples. The note comes
    from 3 replicates, where the 99 % interval of their mean accuracy lies above that share.

    The second and third are about the last recorded epoch, where that is > 0. Thresholds come from
    theory, none from data.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    One line each; empty if nothing is odd.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.

    References
    ----------
    jiang2022disagreement, kirsch2022disagreement, jordan2024variance

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1, 1]], [[0, 0, 1]], [[0, 1, 1]]], seeds=[3, 4, 7])
    >>> for note in self_checks(log):
    ...     print(note)
    seeds 3, 7 have the same predictions at every recorded epoch > 0: ...
    """
    split = read_split(log, "self_checks", labels=False)
    totals = CheckTotals(split)
    sweep(split, totals)
    return totals.notes()


class CheckTotals:
    """What the self-checks are made of."""

    def __init__(self, split: Split) -> None:
        self._split = split
        self._copies = CopyTotals(split)
        # Before training there is nothing to be calibrated, or skilled, about.
        has_end = len(split.label) > 0 and split.epochs[-1] > 0
        self._end = EndTotals(split) if has_end else None
        has_start = len(split.label) > 0 and split.epochs[0] == 0
        self._right_before = np.zeros(split.n_replicates, dtype=np.int64) if has_start else None

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        self._copies.add(tile)
        if self._right_before is not None and tile.epochs.start == 0:
            self._right_before += (tile.prediction[:, 0] == tile.label).sum(axis=1)
        if self._end is not None and tile.epochs.stop == self._split.n_epochs:
            last = slice(tile.epochs.stop - 1, tile.epochs.stop)
            self._end.add(replace(tile, epochs=last, prediction=tile.prediction[:, -1:]))

    def notes(self) -> tuple[str, ...]:
        """What is odd."""
        found = [copies_note(self._copies.seeds())]
        if self._right_before is not None:
            found.append(_learned_before(self._right_before, self._split.label))
        if self._end is not None:
            where = f"{self._split.log.attrs.get('split')}, epoch {self._split.epochs[-1]:g}"
            if self._split.log.attrs.get("split") == "test":
                found.append(_far_from_error(self._end, where))
            found.append(_odd_spread(self._end, where))
        return tuple(note for note in found if note)


class CopyTotals:
    """Groups of replicates that nothing has told apart yet; most are told apart by the first tile.

    Only what is still in a group is looked at, so this costs next to nothing.
    """

    def __init__(self, split: Split) -> None:
        self._trained = split.epochs > 0
        self._seeds = split.log[REPLICATE].values.tolist()
        self._groups = [list(range(split.n_replicates))] if self._trained.any() else []
        # Without labels nobody is known to be right.
        self._wrong = np.full(split.n_replicates, len(split.label) == 0)

    def add(self, tile: Tile) -> None:
        """Take a tile in."""
        before = int((~self._trained[tile.epochs]).sum())  # epoch 0, and only at the beginning
        alike: list[list[int]] = []
        for group in self._groups:
            by_votes: dict[bytes, list[int]] = {}
            for r in group:
                by_votes.setdefault(tile.prediction[r, before:].tobytes(), []).append(r)
            alike += [members for members in by_votes.values() if len(members) > 1]
        self._groups = alike
        for first, *others in alike:
            if not self._wrong[first] and (tile.prediction[first, before:] != tile.label).any():
                self._wrong[[first, *others]] = True

    def seeds(self) -> list[list[int]]:
        """Seeds of replicates that always predict the same, and are wrong somewhere."""
        # By their first seed: the order in which they were told apart depends on how a log is cut.
        groups = sorted(group for group in self._groups if self._wrong[group[0]])
        return [[self._seeds[r] for r in group] for group in groups]


class EndTotals:
    """What is known of the last epoch.

    Attributes
    ----------
    n_replicates, n_examples
        R and n.
    right
        ``(replicate,)``, examples each has right.
    matches
        ``(replicate,)``, over all examples, how many other replicates predict the same.
    unsettled
        Sum over examples of the replicates that are right times those that are wrong.
    gap
        Sum over examples of R(R - 1) times the share of pairs that disagree less the share of
        replicates that are wrong.
    gap_squared
        The same of its square.
    """

    def __init__(self, split: Split) -> None:
        self.n_replicates, self.n_examples = split.n_replicates, split.n_examples
        self._n_classes = split.n_classes
        self.right = np.zeros(split.n_replicates, dtype=np.int64)
        self.matches = np.zeros_like(self.right)
        self.unsettled = self.gap = 0
        self.gap_squared = 0.0

    def add(self, tile: Tile) -> None:
        """Take a tile of the last epoch in."""
        for part in tile.parts(_kernels.BLOCK):
            bits = _kernels.right_bits(part.prediction, part.label)
            self.right += _kernels.count_bits(bits)[:, 0]
            self.matches += _kernels.matches(part.prediction)[:, 0]
            right = part.tp_counts[0].astype(np.int64)
            wrong = self.n_replicates - right
            squares = _kernels.tally(part.prediction, self._n_classes).squares[0].astype(np.int64)
            gap = self.n_replicates**2 - squares - (self.n_replicates - 1) * wrong
            self.unsettled += int(right @ wrong)
            self.gap += int(gap.sum())
            self.gap_squared += float((gap.astype(np.float64) ** 2).sum())

    @property
    def disagreement(self) -> float:
        """Share of examples for which two replicates differ, mean over pairs."""
        n_pairs = self.n_replicates * (self.n_replicates - 1)
        return 1 - int(self.matches.sum()) / (n_pairs * self.n_examples)

    @property
    def error(self) -> float:
        """Mean error rate."""
        return 1 - int(self.right.sum()) / (self.n_replicates * self.n_examples)

    def gap_components(self) -> list[Component]:
        """Variance of disagreement less error, from replicates and from examples."""
        n_left = self.n_replicates - 1
        alike = self.matches.sum() - 2 * self.matches
        agreement = alike / (n_left * (n_left - 1) * self.n_examples)
        accuracy = (self.right.sum() - self.right) / (n_left * self.n_examples)
        n, unit = self.n_examples, self.n_replicates * n_left
        spread = (self.gap_squared - self.gap**2 / n) / unit**2
        return [
            replicate_component(accuracy - agreement),
            Component(spread / n**2, 2 * (spread / n**2) ** 2 / (n - 1)),
        ]


def copies_note(groups: Sequence[Sequence[int]]) -> str | None:
    """Note on replicates that always predict the same."""
    if not groups:
        return None
    listed = "; ".join(
        ", ".join(map(str, group[:5])) + (", ..." if len(group) > 5 else "") for group in groups[:5]
    )
    more = f"; and {len(groups) - 5} groups more" if len(groups) > 5 else ""
    return (
        f"seeds {listed}{more} have the same predictions at every recorded epoch > 0: one seed "
        "trained twice, a copied replicate, a seed on which nothing depends, or networks that do "
        "not learn; they agree with themselves, which inflates every measure of agreement"
    )


def _learned_before(right: NDArray[np.int64], label: Labels) -> str | None:
    """Note on an epoch 0 after which replicates know something already.

    Parameters
    ----------
    right
        ``(replicate,)``, examples each has right.
    label
        ``(example,)``
    """
    from scipy.special import stdtrit

    n, n_replicates = len(label), len(right)
    if n_replicates < MIN_REPLICATES:
        return None
    largest = float(np.bincount(label).max()) / n
    shares = right / n
    half = stdtrit(n_replicates - 1, (1 + LEVEL) / 2) * shares.std(ddof=1) / math.sqrt(n_replicates)
    if float(shares.mean() - half) <= largest:
        return None
    return (
        "epoch 0 stands for what networks predict before training, and counts in no order, but its "
        f"accuracy is {_percent(float(right.mean()) / n)} (its largest class has "
        f"{_percent(largest)}): if it is the first epoch of training, number epochs from 1"
    )


def _far_from_error(end: EndTotals, where: str) -> str | None:
    """Note on disagreement that is far from the error rate."""
    if too_few(end.n_replicates, end.n_examples):
        return None
    difference = end.disagreement - end.error
    interval = t_interval(difference, end.gap_components(), end.n_replicates, LEVEL)
    if isinstance(interval, str) or interval[0] <= 0 <= interval[1]:
        return None
    if abs(difference) <= FAR * end.error:
        return None
    meaning = (
        "more disagreement than error can mean underconfident networks, or examples that are in "
        "the training data too"
        if difference > 0
        else "less disagreement than error can mean overconfident networks, seeds that change "
        "little, wrong labels, or examples unlike the training data"
    )
    return (
        f"{where}: two replicates disagree on {_percent(end.disagreement)} of the examples, one is "
        f"wrong on {_percent(end.error)}; calibrated together they would disagree as often as they "
        f"are wrong; so much {meaning}"
    )


def _odd_spread(end: EndTotals, where: str) -> str | None:
    """Note on accuracies that differ by more, or by less, than chance."""
    from scipy.special import chdtr, chdtrc

    n_replicates, n = end.n_replicates, end.n_examples
    if n_replicates < MIN_SPREAD_REPLICATES:
        return None
    unsettled = end.unsettled / (n_replicates * (n_replicates - 1))
    if unsettled < MIN_UNSETTLED:
        return None
    squared = float(((end.right - end.right.mean()) ** 2).sum())
    less, more = (float(tail(n_replicates - 1, squared / unsettled)) for tail in (chdtr, chdtrc))
    if min(less, more) > (1 - LEVEL) / 2:
        return None
    found, expected = math.sqrt(squared / (n_replicates - 1)) / n, math.sqrt(unsettled) / n
    meaning = (
        "more than chance: replicates differ in skill, not only in luck"
        if more < less
        else "less than chance: have replicates been picked, or stopped, by their accuracy?"
    )
    return (
        f"{where}: the accuracy of replicates has a deviation of {_percent(found)}, where errors "
        f"that are independent over examples give {_percent(expected)}, {meaning}"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
