"""How alike the predictions of two replicates are: measures of pairs, averaged over all pairs.

Every pair of different replicates counts once. A replicate is never held against itself.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from learnorder.errors import check_choice
from learnorder.measures.agreement import per_epoch
from learnorder.measures.pair_values import (
    KINDS,
    ONE_REPLICATE,
    as_table,
    mean_over_pairs,
    values_by_epoch,
    why_undefined,
)
from learnorder.measures.split import labelled, read_split
from learnorder.schema import EPOCH, REPLICATE

OTHER = "other"
"""Dimension of the second replicate of a pair."""


def disagreement(log: xr.Dataset) -> xr.DataArray:
    r"""Share of examples for which two replicates predict different classes, after each epoch.

    .. math:: d_{rs}(e) = \frac{1}{n} \sum_x [P_{r,e}(x) \ne P_{s,e}(x)]

    Also called churn. The mean over all pairs. 0: all predict the same. 1: no two predict the same
    for any example. It falls with the error rate whatever replicates share, since two wrong answers
    are needed less often: at equal accuracy lower is more alike. For networks that are calibrated
    together it equals the error rate to expect on new data. 1 minus it is the observed agreement
    that Fleiss' kappa of predictions is made of. Labels are not needed.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``(epoch,)`` in [0, 1].

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.

    References
    ----------
    skalak1996, milanifard2016churn, jiang2022disagreement

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1, 1, 2]], [[0, 1, 2, 2]], [[0, 1, 2, 1]]])
    >>> disagreement(log).values.round(3)
    array([0.333])
    """
    return mean_over_pairs(log, "disagreement")


def corrected_disagreement(log: xr.Dataset) -> xr.DataArray:
    r"""Disagreement of two replicates for each error of one of them, after each epoch.

    .. math:: \frac{d_{rs}}{2} \left( \frac{1}{q_r} + \frac{1}{q_s} \right)

    where q is the error rate. Fort, Hu and Lakshminarayanan divide by the error rate of a network
    that is held against a reference; here each is held against the other, and both directions are
    averaged; then all pairs. 0: they predict the same. 2, at equal error rates: they are never
    wrong on the same example. With error rates that differ much it has no bound. For networks that
    are calibrated together it is about 1.

    A pair with a replicate that is right on every example is undefined. The mean is over the
    others, and ``attrs["left_out"]`` says at which epochs, how many and why. Undefined, NaN with
    the reason in ``attrs["undefined"]``, where none is left, and for one replicate.

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
    fort2019ensembles
    """
    return mean_over_pairs(log, "corrected_disagreement")


def normalised_disagreement(log: xr.Dataset) -> xr.DataArray:
    r"""Disagreement of two replicates between the least and the most their errors allow, by epoch.

    .. math:: \frac{d_{rs} - |q_r - q_s|}{\min(q_r + q_s, 1) - |q_r - q_s|}

    where q is the error rate. The mean over all pairs. 0: what the better has wrong the other has
    wrong in the same way. 1: they differ as often as they can: they are never wrong on the same
    example or, where both error rates add up to more than 1, they differ on every example.

    A pair with a replicate that is right on every example is undefined: it can differ in one way
    only. The mean is over the others, and ``attrs["left_out"]`` says at which epochs, how many and
    why. Undefined, NaN with the reason in ``attrs["undefined"]``, where none is left, and for one
    replicate.

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
    klabunde2022instability
    """
    return mean_over_pairs(log, "normalised_disagreement")


def cohen_kappa(log: xr.Dataset) -> xr.DataArray:
    r"""Agreement of two replicates on the class beyond chance, after each epoch.

    .. math:: \frac{p_o - p_c}{1 - p_c}, \quad p_c = \sum_k \pi_r(k) \pi_s(k)

    where p_o is the share of examples for which both predict the same class, and pi_r(k) the share
    of k among the predictions of replicate r. The mean over all pairs. 1: the same predictions.
    0: as often the same as by chance. At least -1. Labels are not needed. `fleiss_kappa` of
    predictions takes one chance from the votes of all; this one takes the chance of each pair.

    A pair of which both predict one same class throughout is undefined. The mean is over the
    others, and ``attrs["left_out"]`` says at which epochs, how many and why. Undefined, NaN with
    the reason in ``attrs["undefined"]``, where none is left, and for one replicate.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``(epoch,)`` in [-1, 1].

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.

    References
    ----------
    cohen1960
    """
    return mean_over_pairs(log, "cohen_kappa")


def discrepancy(log: xr.Dataset) -> xr.DataArray:
    r"""Largest disagreement of a replicate with any other, after each epoch.

    .. math:: \frac{1}{R} \sum_r \max_{s \ne r} d_{rs}(e)

    The mean over replicates, each the reference once: how many predictions may change when a
    network is replaced by another that was trained in the same way. 0: all predict the same. 1:
    each has another from which it differs on every example. A maximum grows with the number of
    replicates: compare it at equal numbers. Labels are not needed.

    Undefined, NaN with the reason in ``attrs["undefined"]``, for one replicate.

    Parameters
    ----------
    log
        One split of a log.

    Returns
    -------
    ``(epoch,)`` in [0, 1], at least `disagreement`.

    Raises
    ------
    LearnOrderError
        A prediction was not recorded.

    References
    ----------
    marx2020multiplicity
    """
    split = read_split(log, "discrepancy", labels=False)
    n_replicates = split.n_replicates
    found: list[float | str] = []
    for values in values_by_epoch(split, KINDS["disagreement"]):
        if n_replicates < 2:
            found.append(ONE_REPLICATE)
        else:
            largest = np.nanmax(as_table(values, n_replicates), axis=1)
            found.append(float(largest.mean()))
    means, undefined = per_epoch(split, found)
    return labelled(log, "discrepancy", means, EPOCH, undefined=undefined)


def pairs(log: xr.Dataset, name: str) -> xr.DataArray:
    """Values of a measure for every two replicates, after each epoch.

    The mean of either half of the table, without its diagonal, is what the measure of this name
    gives.

    Parameters
    ----------
    log
        One split of a log, with labels where the measure needs them.
    name
        ``"disagreement"``, ``"cohen_kappa"``, ``"error_consistency"`` and the like.

    Returns
    -------
    ``(epoch, replicate, other)``, symmetric, 8 bytes each; `other` has the seeds of the replicates.
    The diagonal, which is no pair, is NaN. ``attrs["undefined"]`` says at which epochs other pairs
    are, how many and why.

    Raises
    ------
    LearnOrderError
        Unknown name, no labels where they are needed, or a prediction was not recorded.

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1, 1, 2]], [[0, 1, 2, 2]], [[0, 1, 2, 1]]], seeds=[3, 4, 7])
    >>> float(pairs(log, "disagreement").sel(epoch=1, replicate=3, other=7))
    0.5
    """
    check_choice("pairs", "measure of pairs", name, KINDS)
    kind = KINDS[name]
    split = read_split(log, "pairs", labels=kind.labels)
    tables = np.empty((split.n_epochs, split.n_replicates, split.n_replicates))
    undefined = {}
    for e, values in enumerate(values_by_epoch(split, kind)):
        tables[e] = as_table(values, split.n_replicates)
        if reason := why_undefined(values, kind):
            undefined[float(split.epochs[e])] = reason
    result = labelled(log, name, tables, EPOCH, REPLICATE, OTHER, undefined=undefined)
    return result.assign_coords({OTHER: log[REPLICATE].values})
