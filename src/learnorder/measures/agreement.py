"""How alike the answers of a collection are, epoch by epoch."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from learnorder.errors import LearnOrderError, nearest
from learnorder.measures import _arrays, _kernels
from learnorder.measures._kernels import VoteMoments
from learnorder.measures.intervals import Interval, ratio_interval, too_few
from learnorder.measures.split import SplitArrays, labelled, read_split
from learnorder.schema import EPOCH, EXAMPLE, REPLICATE, Correct, Predictions, Scores

Null = Literal["equal-difficulty", "class-conditional"]
Votes = Literal["correct", "prediction"]

BOUND = "bound"
"""Dimension of an interval: ``low``, ``high``."""


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
    ``(epoch, example)`` in [0, 1], in steps of 1/R.

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
    arrays = read_split(log, "tp_agreement")
    values = _kernels.tp_agreement(arrays.prediction, arrays.label)
    return labelled(log, "tp_agreement", values, EPOCH, EXAMPLE)


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
    ``(epoch, example)`` in (0, 1].

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
    arrays = read_split(log, "agreement", labels=False)
    values = _kernels.agreement(arrays.prediction, arrays.n_classes)
    return labelled(log, "agreement", values, EPOCH, EXAMPLE)


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
    arrays = read_split(log, "accuracy")
    values = _kernels.accuracy(arrays.prediction, arrays.label)
    return labelled(log, "accuracy", values, REPLICATE, EPOCH)


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
    arrays = read_split(log, "bimodality")
    values, undefined = np.full(len(arrays.epochs), np.nan), {}
    counts_by_epoch = _kernels.tp_counts(arrays.prediction, arrays.label)
    for e, counts in enumerate(counts_by_epoch):
        if counts.min() == counts.max():
            share = counts[0] / len(arrays.prediction)
            undefined[float(arrays.epochs[e])] = (
                f"TP-agreement is {share:.4g} for every example: no distribution to describe"
            )
        else:
            values[e] = _kernels.bimodality(counts)
    return labelled(log, "bimodality", values, EPOCH, undefined=undefined)


def bimodality_null(log: xr.Dataset, kind: Null = "equal-difficulty") -> xr.DataArray:
    """Bimodality to expect, after each epoch, if replicates shared no order.

    ``"equal-difficulty"``: every example is as hard as every other. TP-agreement is then binomial,
    and its bimodality is 2 - 2/R at any accuracy. Differences between classes alone refute this.

    ``"class-conditional"``: examples differ by class only. Each replicate is right on the examples
    of a class independently, with the accuracy it has in that class at that epoch. The moments are
    exact, those of the mixture over classes: nothing is simulated.

    Bimodality below the null speaks for a shared order; above it, it does not speak against one.

    Undefined, NaN with the reason in ``attrs["undefined"]``, where TP-agreement would be constant.
    The equal-difficulty null is always defined; with one replicate both are 0.

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
    _check_choice("bimodality_null", "kind", kind, ("equal-difficulty", "class-conditional"))
    arrays = read_split(log, "bimodality_null")
    undefined: dict[float, str] = {}
    if kind == "equal-difficulty":
        values = np.full(len(arrays.epochs), 2 - 2 / len(arrays.prediction))
    else:
        values = np.array([_class_null(arrays, e, undefined) for e in range(len(arrays.epochs))])
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
    _check_choice("fleiss_kappa", "of", of, ("correct", "prediction"))
    arrays = read_split(log, "fleiss_kappa", labels=of == "correct")
    values, undefined = np.full(len(arrays.epochs), np.nan), {}
    for e, epoch in enumerate(arrays.epochs):
        votes, n_categories = _votes(arrays, e, of)
        reason = _no_kappa(votes)
        if reason:
            undefined[float(epoch)] = reason
        else:
            values[e] = _kernels.fleiss_kappa(votes, n_categories)
    return labelled(log, "fleiss_kappa", values, EPOCH, undefined=undefined)


def fleiss_kappa_interval(log: xr.Dataset, of: Votes = "correct") -> xr.DataArray:
    """95 % interval of Fleiss' kappa, after each epoch.

    For the kappa of all replicates and examples that could have been drawn. On the scale of
    log(1 - kappa); variance from deleting one replicate at a time, plus that from examples;
    Student's t with Satterthwaite's degrees of freedom. Slightly wide by construction; a lower
    bound below what kappa can be is raised to that, -1/(R-1).

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
    fleiss1971, efron1981jackknife, satterthwaite1946
    """
    _check_choice("fleiss_kappa_interval", "of", of, ("correct", "prediction"))
    arrays = read_split(log, "fleiss_kappa_interval", labels=of == "correct")
    values, undefined = np.full((len(arrays.epochs), 2), np.nan), {}
    for e, epoch in enumerate(arrays.epochs):
        votes, n_categories = _votes(arrays, e, of)
        found: Interval | str | None = _no_kappa(votes) or too_few(*votes.shape)
        if found is None:
            found = _kappa_interval(_kernels.vote_moments(votes, n_categories))
        if isinstance(found, str):
            undefined[float(epoch)] = found
        else:
            values[e] = found
    result = labelled(log, "fleiss_kappa_interval", values, EPOCH, BOUND, undefined=undefined)
    return result.assign_coords({BOUND: ["low", "high"]})


def _class_null(arrays: SplitArrays, epoch: int, undefined: dict[float, str]) -> float:
    predicted = arrays.prediction[:, epoch]
    by_class = _kernels.class_accuracy(predicted, arrays.label, arrays.n_classes)
    share = np.bincount(arrays.label, minlength=arrays.n_classes) / len(arrays.label)
    constant = ((by_class == 0) | (by_class == 1) | (share == 0)).all()
    expected = by_class.sum(axis=0)[share > 0]
    if constant and expected.min() == expected.max():
        undefined[float(arrays.epochs[epoch])] = (
            "every replicate is right on all or on none of each class, and TP-agreement would be "
            f"{expected[0] / len(predicted):.4g} for every example: no distribution to describe"
        )
        return float("nan")
    return _arrays.bimodality_null_class(by_class, share)


def _votes(arrays: SplitArrays, epoch: int, of: Votes) -> tuple[Predictions | Correct, int]:
    """``(replicate, example)`` votes at one epoch, and the number of categories."""
    predicted = arrays.prediction[:, epoch]
    if of == "correct":
        return predicted == arrays.label, 2
    return predicted, arrays.n_classes


def _no_kappa(votes: Predictions | Correct) -> str | None:
    """Reason why kappa is undefined, or None."""
    if len(votes) < 2:
        return "kappa compares pairs of replicates; there is 1 replicate"
    if votes.min() == votes.max():
        return "all votes are in one category, so chance alone would agree always"
    return None


def _kappa_interval(moments: VoteMoments) -> Interval | str:
    """Interval of kappa, or the reason why there is none."""
    n_replicates, n_examples = len(moments.matches), len(moments.squares)
    pairs = n_replicates * (n_replicates - 1)
    differing_at = (n_replicates**2 - moments.squares) / pairs
    differing = float(differing_at.mean())
    overall = moments.share.mean(axis=0)
    by_chance = float(1 - (overall**2).sum())

    total = moments.matches.sum()
    pairs_without = n_examples * (n_replicates - 1) * (n_replicates - 2)
    differing_without: Scores = 1 - (total - 2 * moments.matches) / pairs_without
    overall_without = (moments.share.sum(axis=0) - moments.share) / (n_replicates - 1)
    if (total - 2 * moments.matches == pairs_without).any():
        return "all replicates, or all but one, vote alike on every example: no spread to estimate"
    by_chance_without: Scores = 1 - (overall_without**2).sum(axis=1)

    # The chance term is quadratic in the shares, so its derivative carries a factor 2.
    chance_at = -2 * (moments.typical - moments.typical.mean())
    without = (differing_without, by_chance_without)
    at = (differing_at - differing, chance_at)
    low, high = ratio_interval(differing, by_chance, without, at)
    return max(low, -1 / (n_replicates - 1)), high


def _check_choice(caller: str, option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise LearnOrderError(f"{caller}: unknown {option} {value!r}. {nearest(str(value), known)}")
