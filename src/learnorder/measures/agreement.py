"""How alike the answers of a collection are, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import xarray as xr

from learnorder.errors import check_choice
from learnorder.measures import distribution, kappa
from learnorder.measures.intervals import Interval
from learnorder.measures.split import BOUND, Split, labelled, read_split
from learnorder.measures.sweep import (
    ClassTotals,
    CorrectTotals,
    TpShare,
    class_passes,
    sweep,
    sweep_counts,
)
from learnorder.measures.votes import LargestShare, LargestTotal, PairTotals, VoteTotals
from learnorder.schema import CLASS_ID, EPOCH, EXAMPLE, REPLICATE, Scores

Null = Literal["equal-difficulty", "unequal-accuracy", "class-conditional"]
Votes = Literal["correct", "prediction"]


def tp_agreement(log: xr.Dataset) -> xr.DataArray:
    r"""Share of replicates that classify each example correctly, after each epoch.

    .. math:: TP(e, x) = \frac{1}{R} \sum_r [P_{r,e}(x) = y(x)]

    1: every replicate knows the example. 0: none does. In between, replicates differ. With one
    replicate it is 0 or 1.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch, example)`` in [0, 1], in steps of 1/R: 8 bytes each, which is all the memory it needs
    beside the part of the log that is being read.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    hacohen2020agree

    Examples
    --------
    >>> import learnorder as lo
    >>> predictions = [[[1, 1, 1], [0, 1, 1]], [[1, 0, 1], [1, 1, 1]]]
    >>> log = lo.from_arrays(predictions, [0, 1, 1])
    >>> tp_agreement(log).values
    array([[0. , 0.5, 1. ],
           [0.5, 1. , 1. ]])
    """
    split = read_split(log, "tp_agreement")
    found = TpShare(split)
    sweep_counts(split, found)
    return labelled(log, "tp_agreement", found.share, EPOCH, EXAMPLE)


def agreement(log: xr.Dataset) -> xr.DataArray:
    r"""Largest share of replicates that predict one same class, right or wrong.

    .. math:: A(e, x) = \max_k \frac{1}{R} \sum_r [P_{r,e}(x) = k]

    1: all replicates give the same answer. The smallest value possible is 1 / min(R, classes),
    rounded up to a step of 1/R; so it is 1 for one replicate, which says nothing. Ties do not
    matter: the share is the same. Labels are not needed.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``(epoch, example)`` in (0, 1], 8 bytes each, as `tp_agreement`.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.

    References
    ----------
    hacohen2020agree

    Examples
    --------
    >>> import learnorder as lo
    >>> predictions = [[[1, 1, 1], [0, 1, 1]], [[1, 0, 1], [1, 1, 1]]]
    >>> log = lo.from_arrays(predictions, [0, 1, 1])
    >>> agreement(log).values
    array([[1. , 0.5, 1. ],
           [0.5, 1. , 1. ]])
    """
    split = read_split(log, "agreement", labels=False)
    found = LargestShare(split)
    sweep(split, found)
    return labelled(log, "agreement", found.share, EPOCH, EXAMPLE)


def mean_agreement(log: xr.Dataset) -> xr.DataArray:
    """Mean of `agreement` over epochs.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``(example,)`` in (0, 1].

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.
    """
    split = read_split(log, "mean_agreement", labels=False)
    found = LargestTotal(split)
    sweep(split, found)
    values = found.total / (split.n_replicates * split.n_epochs)
    return labelled(log, "mean_agreement", values, EXAMPLE)


def accuracy(log: xr.Dataset) -> xr.DataArray:
    """Share of examples each replicate classifies correctly, after each epoch.

    0: none. 1: all. Its mean over replicates is the mean of TP-agreement over examples.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(replicate, epoch)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    Examples
    --------
    >>> import learnorder as lo
    >>> predictions = [[[1, 1, 1], [0, 1, 1]], [[1, 0, 1], [1, 1, 1]]]
    >>> log = lo.from_arrays(predictions, [0, 1, 1])
    >>> accuracy(log).values.round(2)
    array([[0.67, 1.  ],
           [0.33, 0.67]])
    """
    split = read_split(log, "accuracy")
    found = CorrectTotals(split)
    sweep(split, found)
    return labelled(log, "accuracy", found.right / split.n_examples, REPLICATE, EPOCH)


def accuracy_by_class(log: xr.Dataset) -> xr.DataArray:
    """Share of the examples of each class that each replicate classifies correctly, by epoch.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(replicate, epoch, class_id)`` in [0, 1]; 0 for a class without examples.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.
    """
    split = read_split(log, "accuracy_by_class")
    found = ClassTotals(split, slice(0, split.n_epochs))
    sweep(split, found)
    share = found.right / np.maximum(found.size, 1)
    return labelled(log, "accuracy_by_class", share, REPLICATE, EPOCH, CLASS_ID)


def bimodality(log: xr.Dataset) -> xr.DataArray:
    """Kurtosis - skewness**2 - 1 of TP-agreement over examples, after each epoch.

    Population moments; the kurtosis of a normal distribution is 3. 0: every example is known to all
    replicates or to none. 0.8 is flat and 2 is normal. Low values say that replicates know the same
    examples, but near accuracy 0 or 1 the index can be far above its null although they agree well:
    read it beside `bimodality_null`, `fleiss_kappa` and the distribution.

    Undefined, NaN with the reason in ``attrs["undefined"]``, where TP-agreement is the same for all
    examples. With one replicate it is 0 wherever it is defined, and says nothing.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)``, at least 0, no upper bound.

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    pearson1894, hacohen2020agree
    """
    split = read_split(log, "bimodality")
    found = CorrectTotals(split)
    sweep(split, found)
    values, undefined = per_epoch(split, map(distribution.bimodality_of, found.histogram))
    return labelled(log, "bimodality", values, EPOCH, undefined=undefined)


def bimodality_null(log: xr.Dataset, kind: Null = "equal-difficulty") -> xr.DataArray:
    """Bimodality to expect, after each epoch, if replicates shared no order.

    ``"equal-difficulty"``: every example is as hard as every other, and every replicate as good as
    every other. TP-agreement is then binomial, and its bimodality is 2 - 2/R at any accuracy.
    Differences between classes alone refute this.

    ``"unequal-accuracy"``: as hard as every other, but each replicate is right with its own
    accuracy at that epoch, and TP-agreement Poisson-binomial. That is near 2 - 2/R where accuracies
    are alike, and may be above or below it where they are not.

    ``"class-conditional"``: examples differ by class only. Each replicate is right on the examples
    of a class independently, with the accuracy it has in that class at that epoch. The moments are
    exact, those of the mixture over classes: nothing is simulated.

    Bimodality below the null speaks for a shared order; above it, it does not speak against one.

    Undefined, NaN with the reason in ``attrs["undefined"]``, where TP-agreement would be constant.
    The equal-difficulty null is always defined; with one replicate all are 0.

    Parameters
    ----------
    log
        One split of a log, with labels.
    kind
        Which null.

    Returns
    -------
    ``(epoch,)``, at least 0.

    Raises
    ------
    LearnOrderError
        Unknown kind, no labels, or a prediction was not recorded.

    References
    ----------
    pearson1894, hong2013poisson
    """
    kinds = ("equal-difficulty", "unequal-accuracy", "class-conditional")
    check_choice("bimodality_null", "kind", kind, kinds)
    split = read_split(log, "bimodality_null")
    if kind == "equal-difficulty":
        sweep(split)
        found: list[float | str] = [
            distribution.equal_difficulty_null(split.n_replicates)
        ] * split.n_epochs
    elif kind == "unequal-accuracy":
        correct = CorrectTotals(split)
        sweep(split, correct)
        found = distribution.unequal_accuracy_nulls(correct.right, split.n_examples)
    else:
        found = []
        for epochs in class_passes(split, ClassTotals.bytes_per_epoch(split)):
            totals = ClassTotals(split, epochs)
            sweep(split, totals, epochs=epochs)
            found += distribution.class_nulls(totals)
            del totals
    values, undefined = per_epoch(split, found)
    return labelled(log, "bimodality_null", values, EPOCH, undefined=undefined)


def fleiss_kappa(log: xr.Dataset, of: Votes = "correct") -> xr.DataArray:
    r"""Agreement of pairs of replicates beyond chance, after each epoch.

    .. math:: \kappa(e) = 1 - \frac{D(e)}{1 - \sum_k \pi_k(e)^2}

    where D is the share of pairs of different replicates that vote differently, over all examples,
    and :math:`\pi_k` the share of all votes that go to k. ``of="correct"``: the vote is whether the
    replicate is right, and kappa is the intraclass correlation of correctness; accuracy is
    accounted for. ``of="prediction"``: the vote is the predicted class; labels are not needed.

    1: all replicates vote alike on every example. 0: as often as chance. Below 0, down to
    -1/(R-1): less often than chance.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate, and where all votes
    are in one category.

    Parameters
    ----------
    log
        One split of a log; with labels for ``of="correct"``.
    of
        What is voted on.

    Returns
    -------
    ``(epoch,)`` in [-1/(R-1), 1].

    Raises
    ------
    LearnOrderError
        Unknown ``of``, no labels where they are needed, or a prediction was not recorded.

    References
    ----------
    fleiss1971
    """
    check_choice("fleiss_kappa", "of", of, ("correct", "prediction"))
    split = read_split(log, "fleiss_kappa", labels=of == "correct")
    found: list[float | str] = []
    if of == "correct":
        correct = CorrectTotals(split)
        sweep(split, correct)
        found += [kappa.correct_kappa(counts) for counts in correct.histogram]
    else:
        for epochs in class_passes(split, VoteTotals.bytes_per_epoch(split)):
            totals = VoteTotals(split, epochs)
            sweep(split, totals, epochs=epochs)
            found += kappa.prediction_kappas(totals, split.n_examples)
    values, undefined = per_epoch(split, found)
    return labelled(log, "fleiss_kappa", values, EPOCH, undefined=undefined)


def fleiss_kappa_interval(log: xr.Dataset, of: Votes = "correct") -> xr.DataArray:
    """95 % interval of Fleiss' kappa, after each epoch.

    For the kappa to expect of as many replicates, over all that could have been drawn and all
    examples. On the scale of log(1 - kappa); variance from examples, plus what deleting one
    replicate at a time shows beyond it; Student's t with Satterthwaite's degrees of freedom. A
    lower bound below what kappa can be is raised to that, -1/(R-1).

    Undefined, NaN with the reason in ``attrs["undefined"]``, where kappa is, for fewer than 3
    replicates or 10 examples, where all replicates but one vote in one category, and where kappa
    is 1 among all replicates or all but one.

    Parameters
    ----------
    log
        One split of a log; with labels for ``of="correct"``.
    of
        What is voted on.

    Returns
    -------
    ``(epoch, bound)``, bounds ``low`` and ``high``, in [-1/(R-1), 1].

    Raises
    ------
    LearnOrderError
        As `fleiss_kappa`.

    References
    ----------
    fleiss1971, efron1981jackknife, cameron2011multiway, satterthwaite1946
    """
    check_choice("fleiss_kappa_interval", "of", of, ("correct", "prediction"))
    split = read_split(log, "fleiss_kappa_interval", labels=of == "correct")
    found: list[Interval | str] = []
    if of == "correct":
        correct = CorrectTotals(split)
        sweep(split, correct)
        found += kappa.correct_kappa_intervals(correct)
    else:
        for epochs in class_passes(split, PairTotals.bytes_per_epoch(split)):
            found += kappa.prediction_kappa_intervals(split, epochs)
    values, undefined = per_epoch(split, found, width=2)
    return labelled(log, "fleiss_kappa_interval", values, EPOCH, BOUND, undefined=undefined)


def per_epoch(
    split: Split, found: Iterable[float | Interval | str], width: int | None = None
) -> tuple[Scores, dict[float, str]]:
    """Values by epoch, NaN where there is a reason instead, and the reasons."""
    values = np.full((split.n_epochs,) if width is None else (split.n_epochs, width), np.nan)
    undefined = {}
    for e, value in enumerate(found):
        if isinstance(value, str):
            undefined[float(split.epochs[e])] = value
        else:
            values[e] = value
    return values, undefined
