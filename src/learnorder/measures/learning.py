"""When each replicate learns each example, whether it keeps it, and what is never learned."""

from __future__ import annotations

import numpy as np
import xarray as xr

from learnorder.measures.histories import Histories, NeverRight, changed, lasted, waited
from learnorder.measures.split import (
    NEVER,
    UNDEFINED,
    Split,
    labelled,
    read_split,
    trained_epochs,
)
from learnorder.measures.sweep import sweep
from learnorder.schema import EXAMPLE, REPLICATE, Scores

NEEDED = "Learning is followed along epochs > 0."

ONE_EPOCH = "forgetting needs 2 epochs; there is 1"
"""Why nothing is forgotten where one epoch > 0 was recorded: it may have been, unseen."""


def first_learned(log: xr.Dataset) -> xr.DataArray:
    r"""Recorded epoch at which each replicate is first right on each example.

    .. math:: F(r, x) = \min \{ e > 0 : P_{r,e}(x) = y(x) \}

    Low: learned early. Infinite, ``inf``: never learned, that is, right at no recorded epoch > 0.
    So such an example comes after all that are learned in every rank and median, and a mean over
    replicates one of which never learns it is infinite too. Epoch 0, before training, never counts.
    The value is an epoch of the grid: what happens between recorded epochs is not seen.

    An example that is learned and forgotten for good has a finite value here, and an infinite one
    in `stably_learned`.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(replicate, example)``, a recorded epoch > 0 or ``inf``, 8 bytes each. ``attrs["n_never"]`` is
    the number of infinite values and, where there are any, ``attrs["never"]`` says what they mean.

    Raises
    ------
    LearnOrderError
        No epoch > 0, no labels, or a prediction after an epoch > 0 was not recorded.

    References
    ----------
    toneva2019forgetting

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1, 1], [1, 0, 0], [1, 1, 0]]], [1, 1, 1])
    >>> first_learned(log).values
    array([[2., 1., 1.]])
    """
    split = read_split(log, "first_learned")
    epochs = trained_epochs(split, NEEDED)
    found = Histories(split, epochs, waited)
    sweep(split, found, epochs=epochs)
    values = found.values(np.append(split.epochs[epochs], np.inf))
    return _with_never(split, values, "never right at a recorded epoch > 0")


def stably_learned(log: xr.Dataset) -> xr.DataArray:
    r"""Recorded epoch from which on each replicate is always right on each example.

    .. math:: S(r, x) = \min \{ e > 0 : P_{r,e'}(x) = y(x) \text{ for all } e' \ge e \}

    Low: learned early, for good. It is at least `first_learned`, and equal to it where the example
    is never forgotten. Infinite, ``inf``: wrong at the last recorded epoch. So an example that is
    learned and then forgotten for good is not stably learned: infinite here, finite in
    `first_learned`, and with a finite number of `forgetting_events`. Everything else is as in
    `first_learned`. "Iteration learned" is another name of it.

    Whether learning is for good is known up to the last recorded epoch only: a longer run of the
    same replicate can have a higher value, and one recorded on a finer grid too.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(replicate, example)``, a recorded epoch > 0 or ``inf``; attributes as of `first_learned`.

    Raises
    ------
    LearnOrderError
        No epoch > 0, no labels, or a prediction after an epoch > 0 was not recorded.

    References
    ----------
    wu2021curricula

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1, 1], [1, 0, 0], [1, 1, 0]]], [1, 1, 1])
    >>> stably_learned(log).values
    array([[ 2.,  3., inf]])
    """
    split = read_split(log, "stably_learned")
    epochs = trained_epochs(split, NEEDED)
    found = Histories(split, epochs, lasted)
    sweep(split, found, epochs=epochs)
    values = found.values(np.append(split.epochs[epochs], np.inf)[::-1])
    return _with_never(split, values, "wrong at the last recorded epoch")


def forgetting_events(log: xr.Dataset) -> xr.DataArray:
    r"""Times that each replicate is right on each example and wrong at the next recorded epoch.

    .. math:: G(r, x) = \sum_i [P_{r,e_i}(x) = y(x)] \, [P_{r,e_{i+1}}(x) \ne y(x)]

    over the recorded epochs :math:`0 < e_1 < e_2 < \dots`. 0: unforgettable, learned once and kept;
    exactly then `first_learned` and `stably_learned` are one finite epoch. Infinite, ``inf``: never
    learned, so that what was never known is not taken for what is never forgotten. It cannot exceed
    half the number of recorded epochs > 0. Undefined, NaN with the reason in
    ``attrs["undefined"]``, where there is one such epoch.

    Toneva et al. count from one presentation of the example in training to the next; here it is
    from one recorded epoch to the next, in evaluation, so a coarser grid sees fewer events. Compare
    logs on the same grid only.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(replicate, example)``, a whole number from 0 or ``inf``; attributes as of `first_learned`.
    With one recorded epoch > 0 all are NaN.

    Raises
    ------
    LearnOrderError
        No epoch > 0, no labels, or a prediction after an epoch > 0 was not recorded.

    References
    ----------
    toneva2019forgetting

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]]], [1, 1, 1, 1])
    >>> forgetting_events(log).values
    array([[ 0.,  1.,  1., inf]])
    """
    split = read_split(log, "forgetting_events")
    epochs = trained_epochs(split, NEEDED)
    found = Histories(split, epochs, changed)
    sweep(split, found, epochs=epochs)
    # Every second change is from right to wrong.
    n_epochs = epochs.stop - epochs.start
    meaning = (np.arange(n_epochs + 1) // 2).astype(np.float64)
    meaning[0] = np.inf
    if n_epochs == 1:
        meaning[:] = np.nan
    result = _with_never(split, found.values(meaning), "never right at a recorded epoch > 0")
    if n_epochs == 1:
        result.attrs[UNDEFINED] = {"forgetting_events": ONE_EPOCH}
    return result


def never_learned(log: xr.Dataset) -> xr.DataArray:
    r"""Share of replicates that are right on each example at no recorded epoch > 0.

    .. math:: N(x) = \frac{1}{R} \sum_r [P_{r,e}(x) \ne y(x) \text{ for all } e > 0]

    0: every replicate is right on it at some time. 1: none ever is, as where a label is wrong. It
    is the share of replicates with an infinite `first_learned`. With one replicate it is 0 or 1.

    Parameters
    ----------
    log
        One split of a log, with labels.

    Returns
    -------
    ``(example,)`` in [0, 1], in steps of 1/R. High means hard.

    Raises
    ------
    LearnOrderError
        No epoch > 0, no labels, or a prediction after an epoch > 0 was not recorded.

    References
    ----------
    toneva2019forgetting

    Examples
    --------
    >>> import learnorder as lo
    >>> log = lo.from_arrays([[[0, 1], [1, 0]], [[0, 0], [0, 1]]], [1, 1])
    >>> never_learned(log).values
    array([0.5, 0. ])
    """
    split = read_split(log, "never_learned")
    found = NeverRight(split)
    sweep(split, found, epochs=trained_epochs(split, NEEDED))
    return labelled(log, "never_learned", found.count / split.n_replicates, EXAMPLE)


def _with_never(split: Split, values: Scores, what: str) -> xr.DataArray:
    """Values with the number of infinite ones, and what these are."""
    result = labelled(split.log, split.caller, values, REPLICATE, EXAMPLE)
    n_never = int(np.isinf(values).sum())
    result.attrs["n_never"] = n_never
    if n_never:
        result.attrs[NEVER] = f"{what} ({n_never} of {values.size} values)"
    return result
