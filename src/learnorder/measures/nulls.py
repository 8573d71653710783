"""What the measures of a shared order would show if replicates shared none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, check_choice
from learnorder.measures import distribution, order
from learnorder.measures.null_moments import alpha_null, difficulty_null, kappa_null
from learnorder.measures.permutations import (
    N_DRAWS,
    OF_COUNTS,
    Groups,
    Null,
    check_draws,
    check_seed,
    counts_null,
)
from learnorder.measures.shuffles import PredictionsAt, Segments, agreement_null, drawn_alpha_null
from learnorder.measures.split import BOUND, Split, labelled, read_split
from learnorder.measures.sweep import ClassTotals, CorrectTotals, class_passes, sweep
from learnorder.schema import EPOCH, PREDICTION

Kind = Literal["equal-difficulty", "class-conditional"]
Statistic = Literal["fleiss_kappa", "difficulty", "bimodality", "agreement", "reliability"]
Within = Literal["all", "class"]

MOMENTS: dict[str, Callable[[NDArray[np.int64], Groups], Null | str]] = {
    "fleiss_kappa": kappa_null,
    "difficulty": difficulty_null,
}
"""Nulls of statistics of counts from exact moments."""

COUNT = "count"
"""Dimension of a distribution of TP-agreement: how many replicates are right, 0..R."""


def tp_agreement_null(log: xr.Dataset, kind: Kind = "equal-difficulty") -> xr.DataArray:
    r"""Share of examples that 0..R replicates would have right if they shared no order, by epoch.

    ``"equal-difficulty"``: no example is harder than another. Replicate r is right on each with its
    own accuracy at that epoch, whatever the others do, so the count is Poisson-binomial: the sum of
    R independent trials with unequal chances.

    ``"class-conditional"``: examples differ by class only. The chances are the accuracies in the
    class, and the classes mix by their size.

    These are also exactly the mean shares if the right answers of each replicate were shuffled over
    all examples, or within each class: only correctness is counted, and chances are not estimated.
    The distribution is made by adding one replicate at a time; no term is negative, so nothing
    cancels. Where observed shares are higher at both ends, replicates share an order. The
    bimodality of the rows is `bimodality_null` of the kind ``"unequal-accuracy"``, and of the same
    kind.

    Parameters
    ----------
    log
        One split of a log, with labels.
    kind
        Which null.

    Returns
    -------
    ``(epoch, count)`` in [0, 1], with the sum 1 at each epoch; ``count`` is 0..R.

    Raises
    ------
    LearnOrderError
        Unknown kind, no labels, or a prediction was not recorded.

    References
    ----------
    hong2013poisson

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[1, 1, 0, 0]], [[1, 1, 1, 0]]], [1, 1, 1, 1])
    >>> tp_agreement_null(log).values
    array([[0.125, 0.5  , 0.375]])
    """
    check_choice("tp_agreement_null", "kind", kind, ("equal-difficulty", "class-conditional"))
    split = read_split(log, "tp_agreement_null")
    if kind == "equal-difficulty":
        totals = CorrectTotals(split)
        sweep(split, totals)
        shares = distribution.count_shares(totals.right / split.n_examples)
    else:
        found = []
        for epochs in class_passes(split, ClassTotals.bytes_per_epoch(split)):
            classes = ClassTotals(split, epochs)
            sweep(split, classes, epochs=epochs)
            found += distribution.class_count_shares(classes)
            del classes
        shares = np.array(found)
    result = labelled(log, "tp_agreement_null", shares, EPOCH, COUNT)
    return result.assign_coords({COUNT: np.arange(split.n_replicates + 1)})


@dataclass(frozen=True)
class PermutationNull:
    """What a statistic would be if replicates shared no order, and where the observed one stands.

    Arrays are ``(epoch,)``, or without dims for reliability; undefined is NaN.

    Attributes
    ----------
    observed
        The statistic.
    mean
        Its mean under the null.
    interval
        Besides ``(bound,)``, ``low`` and ``high``: 95 % of values like the draws lie within.
    p_value
        (1 + how many of n draws say at least as much) / (1 + n), or without draws the chance of
        that. At least as much is: at least as high; for bimodality, at least as low.
    n_draws
        n, or None.
    undefined
        The reason for each epoch without values; for reliability under ``"reliability"``.
    """

    observed: xr.DataArray
    mean: xr.DataArray
    interval: xr.DataArray
    p_value: xr.DataArray
    n_draws: int | None
    undefined: dict[float | str, str] = field(default_factory=dict)


def permutation_null(
    log: xr.Dataset,
    of: Statistic = "fleiss_kappa",
    within: Within = "all",
    n_draws: int | None = N_DRAWS,
    seed: int = 0,
) -> PermutationNull:
    """What a statistic would be if replicates shared no order: examples of each are shuffled.

    In every draw the examples of each replicate are shuffled, independently of the other
    replicates: of one epoch at a time, or for reliability its scores over all epochs. So each keeps
    its accuracy, and what the statistic owes to that; what it owes to a shared order goes. With
    ``within="class"`` examples change places within their class only, so the difficulty of the
    classes stays too, and for agreement which classes are taken for which.

    The observed value is one more draw if the null holds, so the interval and the p value are right
    at any number of replicates and examples, and err towards wide and large where values tie.

    ``n_draws=None``: nothing is drawn. For kappa, difficulty and reliability the mean, variance and
    skewness over all shufflings are known exactly, and the distribution is taken for the one of
    Pearson's type III that has them. That costs next to nothing; see docs/measures.md for how well
    it covers.

    Cost: of kappa, difficulty and bimodality, a draw costs a random number for each replicate and
    number of right replicates that occurs (for each class), whatever the number of examples. Of
    agreement and reliability all examples of all replicates are shuffled, for agreement at each
    epoch; take some epochs of a large log. Results depend on the seed, and not on how a log is cut.

    Undefined, NaN with the reason in ``undefined``: for one replicate, and where the statistic is;
    for reliability also where in some draw it is; without draws for fewer than 10 examples.

    Parameters
    ----------
    log
        One split of a log, with labels; without them for agreement within all.
    of
        ``"fleiss_kappa"`` of correctness, ``"difficulty"`` (the variance of TP-agreement),
        ``"bimodality"``, mean ``"agreement"``, or ``"reliability"``.
    within
        Where examples change places.
    n_draws
        How many, at least 39; or None.
    seed
        Fixes the draws; each epoch begins anew with it.

    Raises
    ------
    LearnOrderError
        An unknown choice; too few draws, or none for bimodality or agreement; no epoch > 0 for
        reliability, no labels where they are needed, or a prediction was not recorded.

    References
    ----------
    phipson2010zero, kazi1995refined
    """
    caller = "permutation_null"
    check_choice(caller, "of", of, (*OF_COUNTS, "agreement", "reliability"))
    check_choice(caller, "within", within, ("all", "class"))
    check_seed(caller, seed)
    if n_draws is not None:
        check_draws(caller, n_draws)
    elif of in ("bimodality", "agreement"):
        raise LearnOrderError(
            f"{caller}: the moments of {of} are not known. Without draws there are the nulls of "
            f"fleiss_kappa, difficulty and reliability. Give `n_draws`, for example {N_DRAWS}."
        )
    if of == "reliability":
        split, weight = order.weighted(log, caller, "equal", "correct")
        table = order.replicate_scores(split, weight)
        label = split.label if within == "class" else None
        if n_draws is None:
            null = alpha_null(table, label)
        else:
            null = drawn_alpha_null(table, label, n_draws, seed)
        return _result(split, of, [null], n_draws)
    split = read_split(log, caller, labels=of != "agreement" or within == "class")
    if of == "agreement" and n_draws is not None:
        found = _agreement_nulls(split, within, n_draws, seed)
    else:
        found = [
            MOMENTS[of](histogram, groups)
            if n_draws is None
            else counts_null(OF_COUNTS[of], histogram, groups, n_draws, seed)
            for histogram, groups in _counted(split, within)
        ]
    return _result(split, of, found, n_draws)


def _counted(split: Split, within: Within) -> Iterator[tuple[NDArray[np.int64], Groups]]:
    """Yield what is right at each epoch: a histogram of counts, and the groups to shuffle in."""
    totals = CorrectTotals(split)
    if within == "all":
        sweep(split, totals)
        for histogram, right in zip(totals.histogram, totals.right.T, strict=True):
            yield histogram, Groups.all_in_one(right, split.n_examples)
        return
    for epochs in class_passes(split, ClassTotals.bytes_per_epoch(split)):
        classes = ClassTotals(split, epochs)
        sweep(split, totals, classes, epochs=epochs)
        for e, histogram in enumerate(totals.histogram[epochs]):
            yield histogram, Groups.of_classes(classes.right[:, e], classes.size)
        del classes


def _agreement_nulls(split: Split, within: Within, n_draws: int, seed: int) -> list[Null | str]:
    """Null of mean agreement at each epoch, or why there is none."""
    label = split.label if within == "class" else None
    segments = Segments.of(split.n_examples, label)
    dtype = split.log[PREDICTION].dtype
    found: list[Null | str] = []
    for epochs in class_passes(split, split.n_replicates * split.n_examples * dtype.itemsize):
        kept = PredictionsAt(split, epochs, dtype)
        sweep(split, kept, epochs=epochs)
        for e in range(epochs.stop - epochs.start):
            at_epoch = kept.prediction[:, e]
            found.append(agreement_null(at_epoch, segments, split.n_classes, n_draws, seed))
        del kept
    return found


def _result(
    split: Split, of: str, found: Sequence[Null | str], n_draws: int | None
) -> PermutationNull:
    """Arrays of all epochs, or of the one value that there is."""
    whole = of == "reliability"
    dims = () if whole else (EPOCH,)
    names = ("observed", "mean", "low", "high", "p_value")
    values = np.full((len(found), len(names)), np.nan)
    undefined: dict[float | str, str] = {}
    for row, (e, null) in zip(values, enumerate(found), strict=True):
        if isinstance(null, str):
            undefined[of if whole else float(split.epochs[e])] = null
        else:
            row[:] = [getattr(null, name) for name in names]

    def array(name: str, *columns: str) -> xr.DataArray:
        chosen = values[:, [names.index(c) for c in columns or (name,)]]
        bound = (BOUND,) if columns else ()
        shape = [len(found)] * len(dims) + [2] * len(bound)
        return labelled(split.log, name, chosen.reshape(shape), *dims, *bound)

    return PermutationNull(
        observed=array("observed"),
        mean=array("mean"),
        interval=array("interval", "low", "high"),
        p_value=array("p_value"),
        n_draws=n_draws,
        undefined=undefined,
    )
