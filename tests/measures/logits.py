"""Logits behind predictions, and what a log records of them: the definitions in float64."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

ARGUMENTS = {"probability": "probabilities", "margin": "margins", "error_norm": "error_norms"}
"""Names that the quantities have as arguments of ``from_arrays``."""


def logits_of(prediction, n_classes, rng):
    """Random logits ``(..., class_id)`` of which that of the predicted class is the largest."""
    logits = rng.normal(0, 2, (*prediction.shape, n_classes))
    largest = logits.max(-1) + rng.exponential(size=prediction.shape)
    np.put_along_axis(logits, prediction[..., None].astype(np.intp), largest[..., None], -1)
    return logits


def numbers_of(logits, label):
    """Each quantity of the label, ``(replicate, epoch, example)``, by its argument."""
    is_label = np.arange(logits.shape[-1]) == label[:, None]
    chances = softmax(logits, axis=-1)
    largest_other = np.where(is_label, -np.inf, logits).max(-1)
    return {
        "probabilities": np.where(is_label, chances, 0).sum(-1),
        "margins": np.where(is_label, logits, 0).sum(-1) - largest_other,
        "error_norms": np.linalg.norm(chances - is_label, axis=-1),
    }
