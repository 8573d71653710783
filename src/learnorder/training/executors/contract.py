"""What the loop asks of an executor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.schema import Predictions
from learnorder.training.state import Arrays


@dataclass(frozen=True)
class SplitPredictions:
    """What every slot predicts for one split.

    Attributes
    ----------
    classes
        ``(slot, example)``; ties go to the lowest class id.
    probabilities
        ``(slot, example)`` float16, of the given label; None where it is not asked for.
    finite
        ``(slot,)`` bool, whether all logits of the slot are finite numbers; otherwise its
        predictions mean nothing.
    """

    classes: Predictions
    probabilities: NDArray[np.float16] | None
    finite: NDArray[np.bool_]


class Executor(Protocol):
    """Replicates trained side by side; slot i holds the i-th seed it was made with.

    Made with ``(spec, tensors, seeds, execution)``, it holds the networks of the seeds before
    training. What a slot becomes depends on its seed alone, never on its neighbours or its place.
    """

    def epoch(self, epoch: int, first_step: int) -> AbstractContextManager[None]:
        """Enter the random streams of an epoch, at its first step or where it was left."""

    def step(self, positions: torch.Tensor) -> None:
        """Train every slot on a batch of its own: ``(slot, batch)`` training positions."""

    def predict(self, step: int) -> Mapping[str, SplitPredictions]:
        """Predict every example of every split in eval mode, in source order."""

    def finite_losses(self) -> NDArray[np.bool_]:
        """``(slot,)`` whether every loss so far was a finite number."""

    def is_plain(self) -> bool:
        """Whether all that the networks keep is in arrays."""

    def capture(self, slot: int) -> Arrays:
        """Copy weights, buffers and optimiser state of a slot."""

    def restore(self, slot: int, arrays: Arrays) -> None:
        """Put a captured state back, bit for bit."""
