"""Any network side by side through ``torch.func.vmap``, for devices that one network does not fill.

On a CPU that is slower than one after the other, and libraries there may round otherwise from slot
to slot: then a collection is refused, as the choice tries it first.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call, vmap
from torch.nn import functional

from learnorder.errors import LearnOrderError
from learnorder.training.attributes import Attributes
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.arithmetic import arithmetic
from learnorder.training.executors.plainness import peculiarity
from learnorder.training.executors.stacked import StackedWeights, filled_slots
from learnorder.training.inputs import select
from learnorder.training.networks import initial_network
from learnorder.training.optimization import learning_rate, make_optimizer
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import Arrays, is_plain
from learnorder.training.streams import python_streams

USUAL_WIDTH: Final = 8

DRAWING: Final = (nn.modules.dropout._DropoutNd, nn.RReLU)
"""Layers that draw at random: one stream for all slots would make a replicate depend on others."""


def unsupported(spec: TrainingSpec, network: nn.Module) -> str | None:
    """Say why a network cannot be trained so; None if it can, as far as can be seen."""
    if spec.augmentation.flip or spec.augmentation.crop:
        return "the training images are augmented"
    if spec.recording.batch_norm == "reestimated":
        return "statistics are to be re-estimated"
    for layer in network.modules():
        if isinstance(layer, DRAWING) and getattr(layer, "p", 1) > 0:
            return f"its layer {type(layer).__name__} draws at random"
        if isinstance(layer, nn.RNNBase):
            return f"its layer {type(layer).__name__} has no batching rule in PyTorch"
    if reason := peculiarity(network):
        return reason
    return None if is_plain(network) else "it keeps more than arrays"


class Vmapped:
    """A group of up to ``execution.width`` replicates; missing ones are filled up by the last.

    Parameters
    ----------
    spec, tensors, execution
        What to train, on what, how many side by side.
    seeds
        One to ``execution.width``.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        tensors: TrainingTensors,
        seeds: Sequence[int],
        execution: Execution,
    ) -> None:
        self.spec, self.tensors, self.execution = spec, tensors, execution
        self._n_slots = len(seeds)
        networks = [initial_network(spec, tensors.inputs, seed) for seed in seeds]
        networks += networks[-1:] * (execution.width - len(seeds))
        self._weights = StackedWeights(networks, execution.device)
        self._optimizer = make_optimizer(spec, self._weights.parameters())
        self._form = copy.deepcopy(networks[0]).to("meta")
        self._attributes = Attributes(self._form)
        self._loss = torch.zeros(execution.width, device=execution.device)

    @contextmanager
    def epoch(self, epoch: int, first_step: int) -> Iterator[None]:
        """Set the learning rate; such networks draw nothing at random while they train."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.spec, epoch)
        self._form.train()
        yield

    def step(self, positions: torch.Tensor) -> None:
        """Train every slot on its batch: ``(slot, batch)`` positions of the training split."""
        chosen = filled_slots(positions, self.execution.width)
        rows = select(self.tensors.splits["train"], chosen.flatten())
        labels = self.tensors.labels["train"][chosen.flatten()]
        self._optimizer.zero_grad(set_to_none=True)
        with arithmetic(self.execution):
            logits = self._forward(torch.unflatten(rows, 0, chosen.shape), 0)
        losses = functional.cross_entropy(logits.float().flatten(0, 1), labels, reduction="none")
        losses = losses.view(chosen.shape).mean(1)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._loss += losses.detach()

    def _forward(self, inputs: torch.Tensor, slot_dim: int | None) -> torch.Tensor:
        """Logits ``(slot, example, class_id)``; without ``slot_dim`` all slots read the same."""
        weights, buffers = self._weights.named(), self._weights.buffers

        def forward(
            weights: dict[str, torch.Tensor], buffers: dict[str, torch.Tensor], x: torch.Tensor
        ) -> torch.Tensor:
            logits: torch.Tensor = functional_call(self._form, (weights, buffers), (x,))
            return logits

        side_by_side = vmap(forward, in_dims=(0, 0, slot_dim), randomness="error")
        before = python_streams()
        logits: torch.Tensor = side_by_side(weights, buffers, inputs)
        if python_streams() != before:
            raise LearnOrderError(
                f"train: the network of {self.spec.architecture.name!r} draws from random or "
                "numpy.random. Networks side by side would share one stream, so that a replicate "
                "would depend on the others. Use execution.executor = 'sequential'."
            )
        return logits

    @contextmanager
    def evaluation(self, step: int) -> Iterator[None]:
        """Enter eval mode; such networks draw nothing at random."""
        self._form.eval()
        with torch.no_grad(), arithmetic(self.execution):
            yield

    def logits(self, split: str, part: slice) -> torch.Tensor:
        """Float32 ``(slot, example, class_id)`` of consecutive examples."""
        return self._forward(self.tensors.splits[split][part], None).float()

    def finite_losses(self) -> NDArray[np.bool_]:
        """``(slot,)`` whether every loss so far was a finite number."""
        return torch.isfinite(self._loss[: self._n_slots]).cpu().numpy()

    def is_plain(self) -> bool:
        """Whether nothing has changed but weights, buffers and moments."""
        return self._attributes.changed() is None

    def capture(self, slot: int) -> Arrays:
        """Copy weights, buffers and optimiser state of a slot."""
        return self._weights.capture(slot, self._optimizer)

    def restore(self, slot: int, arrays: Arrays) -> None:
        """Put a captured state back, bit for bit."""
        self._weights.restore(slot, arrays, self._optimizer)
