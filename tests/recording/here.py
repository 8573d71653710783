"""A small split of labels, and what a recorder of them needs."""

from __future__ import annotations

import numpy as np
import pytest

import learnorder as lo

LABELS = {"train": np.arange(12) % 3, "test": np.arange(7) % 3}


def classes(epoch: float, split: str, seed: int = 0) -> np.ndarray:
    """Predictions that a seed, an epoch and a split fix."""
    rng = np.random.default_rng([seed, int(epoch * 8), len(split)])
    return rng.integers(0, 3, len(LABELS[split]))


def record(recorder: lo.Recorder, epochs, seed: int = 0) -> None:
    """Record whole epochs."""
    for epoch in epochs:
        for split in LABELS:
            recorder.record(epoch, split, classes(epoch, split, seed))


def refused(message, kind=lo.LearnOrderError):
    """Expect one line that says so."""
    return pytest.raises(kind, match=rf"^(Recorder|log): [^\n]*{message}[^\n]*\Z")
