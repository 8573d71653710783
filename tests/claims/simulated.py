"""Logs with a known answer: replicates that share an order, to a known degree, or none."""

from __future__ import annotations

import numpy as np
import xarray as xr

from learnorder.log.labelled import from_arrays

N_CLASSES = 4
N_EXAMPLES = 400
PROGRESS = np.linspace(-1.5, 1.5, 10)


def simulated_log(
    own: float,
    n_replicates: int = 8,
    seed: int = 0,
    order: int = 0,
    progress: np.ndarray = PROGRESS,
) -> xr.Dataset:
    """Replicates that have an example right once progress passes its difficulty.

    Difficulty has variance 1, of which a share ``own`` is each replicate's own; the rest is that of
    ``order``. So the order of single replicates has a reliability of about 1 - own.
    """
    label = np.arange(N_EXAMPLES) % N_CLASSES
    common = np.random.default_rng([1, order]).normal(size=N_EXAMPLES)
    rng = np.random.default_rng([2, seed])
    private = rng.normal(size=(n_replicates, 1, N_EXAMPLES))
    difficulty = np.sqrt(1 - own) * common + np.sqrt(own) * private
    right = progress[:, np.newaxis] > difficulty
    wrong = (label + rng.integers(1, N_CLASSES, right.shape)) % N_CLASSES
    return from_arrays(np.where(right, label, wrong), label)


def unlabelled_log(agreeing: float, n_replicates: int = 8) -> xr.Dataset:
    """Replicates that predict the same class of an example with a chance of ``agreeing``."""
    rng = np.random.default_rng(3)
    shape = (n_replicates, 2, N_EXAMPLES)
    common = rng.integers(0, N_CLASSES, N_EXAMPLES)
    own = rng.integers(0, N_CLASSES, shape)
    prediction = np.where(rng.random(shape) < agreeing, common, own)
    return from_arrays(prediction, None, class_names=[str(k) for k in range(N_CLASSES)])
