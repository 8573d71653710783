"""How alike the errors of two replicates are: measures of pairs, averaged over all pairs.

Of two replicates, n11 examples are right in both, n00 wrong in both, n10 and n01 right in one only.
"""

from __future__ import annotations

import xarray as xr

from learnorder.measures.pair_values import mean_over_pairs


def error_consistency(log: xr.Dataset) -> xr.DataArray:
    r"""Agreement of two replicates on being right beyond chance, after each epoch.

    .. math:: \frac{c - c_0}{1 - c_0}, \quad c = \frac{n_{11} + n_{00}}{n}, \quad
              c_0 = a_r a_s + (1 - a_r)(1 - a_s)

    where a is accuracy: Cohen's kappa of right and wrong. The mean over all pairs. 1: right and
    wrong on the same examples. 0: as often as replicates of these accuracies would by chance. At
    least -1. `fleiss_kappa` of correctness takes one chance from the accuracy of all.

    A pair of which both are right on every example, or both on none, is undefined, never 1. The
    mean is over the others, and ``attrs["left_out"]`` says at which epochs, how many and why.
    Undefined, NaN with the reason in ``attrs["undefined"]``, where none is left, and for one
    replicate.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [-1, 1].

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    geirhos2020consistency, cohen1960

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 0, 0, 1]], [[0, 0, 1, 1]]], [0, 0, 0, 0])
    >>> error_consistency(log).values
    array([0.5])
    """
    return mean_over_pairs(log, "error_consistency")


def error_inconsistency(log: xr.Dataset) -> xr.DataArray:
    r"""Share of examples that one of two replicates alone has right, after each epoch.

    .. math:: \frac{n_{10} + n_{01}}{n}

    The mean over all pairs, which is 2R/(R-1) times the mean of p(1 - p) over examples, with p the
    TP-agreement. 0: right and wrong on the same examples. 1: whatever one has right the other has
    wrong, which no three replicates can all do. As `disagreement` it falls with the error rate.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    gontijolopes2022noone, skalak1996
    """
    return mean_over_pairs(log, "error_inconsistency")


def same_wrong_share(log: xr.Dataset) -> xr.DataArray:
    """Share of the examples both replicates have wrong for which they agree, after each epoch.

    They agree where both predict the same wrong class. The mean over all pairs. 1: one same wrong
    answer wherever both are wrong, which is always so with two classes. 0: always two different
    ones; by chance it would be about 1 / (classes - 1), if wrong classes were equally likely.

    A pair without an example that both have wrong is undefined. The mean is over the others, and
    ``attrs["left_out"]`` says at which epochs, how many and why. Undefined, NaN with the reason in
    ``attrs["undefined"]``, where none is left, and for one replicate.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    aksela2003
    """
    return mean_over_pairs(log, "same_wrong_share")


def error_ratio(log: xr.Dataset) -> xr.DataArray:
    """Errors that two replicates make differently for each they make alike, after each epoch.

    Of the examples both have wrong, those with different predictions over those with the same:
    1 / s - 1, where s is the share of `same_wrong_share`. The mean over all pairs. 0: wrong in the
    same way wherever both are wrong, which is always so with two classes. Higher is less alike.

    A pair without an example that both have wrong alike is undefined: the ratio would be infinite,
    or nothing over nothing. The mean is over the others, and ``attrs["left_out"]`` says at which
    epochs, how many and why. As the pairs that differ most are those left out, read
    `same_wrong_share` wherever there are any. Undefined, NaN with the reason in
    ``attrs["undefined"]``, where none is left, and for one replicate.

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
    aksela2003
    """
    return mean_over_pairs(log, "error_ratio")


def q_statistic(log: xr.Dataset) -> xr.DataArray:
    r"""Association of being right in two replicates by the odds, after each epoch.

    .. math:: Q = \frac{n_{11} n_{00} - n_{10} n_{01}}{n_{11} n_{00} + n_{10} n_{01}}

    The mean over all pairs. 0: independent. 1: one is never right alone: what the weaker has right
    the stronger has, at any two accuracies. -1: they are never both right, or never both wrong.

    A pair with n11 n00 = n10 n01 = 0 is undefined. The mean is over the others, and
    ``attrs["left_out"]`` says at which epochs, how many and why. Undefined, NaN with the reason in
    ``attrs["undefined"]``, where none is left, and for one replicate.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [-1, 1].

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    yule1900, kuncheva2003diversity
    """
    return mean_over_pairs(log, "q_statistic")


def correctness_correlation(log: xr.Dataset) -> xr.DataArray:
    r"""Correlation of being right in two replicates over examples, after each epoch.

    .. math:: \rho = \frac{n_{11} n_{00} - n_{10} n_{01}}
              {\sqrt{(n_{11} + n_{10})(n_{01} + n_{00})(n_{11} + n_{01})(n_{10} + n_{00})}}

    Pearson's correlation of two columns of 0 and 1, the phi coefficient. The mean over all pairs.
    1: right and wrong on the same examples. 0: uncorrelated. -1: what one has right the other has
    wrong. Where accuracies differ it cannot reach 1.

    A pair with a replicate that is right on every example, or on none, is undefined. The mean is
    over the others, and ``attrs["left_out"]`` says at which epochs, how many and why. Undefined,
    NaN with the reason in ``attrs["undefined"]``, where none is left, and for one replicate.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [-1, 1].

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    kuncheva2003diversity
    """
    return mean_over_pairs(log, "correctness_correlation")


def double_fault(log: xr.Dataset) -> xr.DataArray:
    r"""Share of examples that two replicates both have wrong, after each epoch.

    .. math:: \frac{n_{00}}{n}

    The mean over all pairs. 0: no example is wrong in both. At most the smaller error rate of the
    two, so it falls with the error rate: at equal accuracy higher is more alike.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(epoch,)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        The split has no labels, or a prediction was not recorded.

    References
    ----------
    giacinto2001design, kuncheva2003diversity
    """
    return mean_over_pairs(log, "double_fault")
