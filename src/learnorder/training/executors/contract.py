"""What the loop asks of an executor."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.training.execution import Execution
from learnorder.training.state import Arrays


class Executor(Protocol):
    """Replicates trained side by side; slot i holds the i-th seed it was made with.

    Made with ``(spec, tensors, seeds, execution)``, it holds the networks of the seeds before
    training. What a slot becomes depends on its seed alone, never on its neighbours or its place.
    """

    @property
    def execution(self) -> Execution:
        """How it trains and evaluates."""

    def epoch(self, epoch: int, first_step: int) -> AbstractContextManager[None]:
        """Enter the random streams of an epoch, at its first step or where it was left."""

    def step(self, positions: torch.Tensor) -> None:
        """Train every slot on a batch of its own: ``(slot, batch)`` training positions."""

    def evaluation(self, step: int) -> AbstractContextManager[None]:
        """Enter eval mode and the random streams of what is predicted at this step."""

    def logits(self, split: str, part: slice) -> torch.Tensor:
        """Float32 ``(slot, example, class_id)`` of consecutive examples, inside `evaluation`.

        There may be more slots than seeds; the last ones mean nothing.
        """

    def finite_losses(self) -> NDArray[np.bool_]:
        """``(slot,)`` whether every loss so far was a finite number."""

    def is_plain(self) -> bool:
        """Whether all that the networks keep is in arrays."""

    def capture(self, slot: int) -> Arrays:
        """Copy weights, buffers and optimiser state of a slot."""

    def restore(self, slot: int, arrays: Arrays) -> None:
        """Put a captured state back, bit for bit."""
