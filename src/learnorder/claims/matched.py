"""Logs in which each replicate stands where it has reached an accuracy, whatever its pace."""

from __future__ import annotations

import numpy as np
import xarray as xr

from learnorder.comparison.clocks import Positions, nearest_epochs
from learnorder.log.labelled import from_arrays
from learnorder.measures.agreement import accuracy
from learnorder.schema import EPOCH, EXAMPLE, LABEL, PREDICTION, REPLICATE, SEED, Scores

TOO_FAR = 0.25
"""Of the way from chance to what all reach: a replicate that far from halfway is not at it."""


def trained(log: xr.Dataset) -> xr.Dataset:
    """Return a log without what was recorded before training."""
    return log.sel({EPOCH: log[EPOCH] > 0})


def accuracies(log: xr.Dataset) -> Scores:
    """Accuracy of each replicate, ``(replicate, epoch)``."""
    return np.asarray(accuracy(log).transpose(REPLICATE, EPOCH).values, dtype=np.float64)


def standing_at(log: xr.Dataset, at: Positions) -> xr.Dataset:
    """A log whose epochs are points that replicates have reached, each at its own epoch.

    ``at`` is ``(replicate, point)``, positions among the epochs of the log.
    """
    prediction = log[PREDICTION].transpose(REPLICATE, EPOCH, EXAMPLE).values
    rows = np.arange(len(at))[:, np.newaxis]
    return from_arrays(
        prediction[rows, at],
        log[LABEL].values,
        seeds=log[SEED].values.tolist(),
        ids=log[EXAMPLE].values,
        class_names=[str(name) for name in log.attrs["class_names"]],
    )


def halfway(log: xr.Dataset) -> xr.Dataset | str:
    """Each replicate where its accuracy is nearest to halfway, as a log of one point; or why not.

    Halfway lies between chance, one over the number of classes, and the highest accuracy that
    every replicate reaches. There examples differ most; near the end of training all are known.
    By epoch, replicates of another pace would be at other accuracies, and agree the less. One that
    was never near halfway when it was recorded, for instance since it learns at a stroke, leaves
    nothing to look at.
    """
    log = trained(log)
    if not log.sizes[EPOCH]:
        return "nothing is recorded after the beginning of training"
    values, chance = accuracies(log), 1 / len(log.attrs["class_names"])
    reached = float(values.max(axis=1).min())
    if reached <= chance:
        return f"a replicate reaches an accuracy of {reached:.3g}, chance is {chance:.3g}"
    level, first = (chance + reached) / 2, float(values[:, 0].mean())
    if first > level:
        return (
            f"at the first recorded epoch the accuracy is {first:.3g} already, halfway is "
            f"{level:.3g}"
        )
    at = nearest_epochs(values, np.array([level]))
    there = np.take_along_axis(values, at, axis=1)[:, 0]
    furthest = float(there[np.abs(there - level).argmax()])
    if abs(furthest - level) > TOO_FAR * (reached - chance):
        return (
            f"halfway is an accuracy of {level:.3g}, and {furthest:.3g} is the nearest at which "
            "one of the replicates was recorded"
        )
    return standing_at(log, at)
