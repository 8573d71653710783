"""Dense networks side by side: the weights of all slots stacked, one batched product per layer.

A small product alone leaves the processor waiting between two calls. Activations are kept
``(slot, unit, example)``, so that the wide side of every product is the contiguous one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.arithmetic import arithmetic
from learnorder.training.executors.contract import SplitPredictions
from learnorder.training.executors.plainness import peculiarity
from learnorder.training.executors.recording import EVALUATION_BATCH, Recording
from learnorder.training.executors.stacked import VECTOR, StackedWeights, filled_slots
from learnorder.training.networks import initial_network
from learnorder.training.optimization import learning_rate, make_optimizer
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import Arrays

USUAL_WIDTH: Final = 8
"""More gain nothing on a CPU: what is gathered for them leaves the cache."""

SMALL_WEIGHTS: Final = 100_000
"""Up to this size of its largest layer a dense network pays for being grouped, see docs."""

ACTIVATIONS: dict[type[nn.Module], Callable[[torch.Tensor], torch.Tensor]] = {
    nn.ReLU: torch.relu,
    nn.Identity: lambda values: values,
}
"""Exact for every value. Where a function is approximated, as tanh is, vectors and what is left
over at the end are computed in two ways, so the last slot would get other bits than the first."""


def unsupported(spec: TrainingSpec, network: nn.Module) -> str | None:
    """Say why a network cannot be trained in groups; None if it can."""
    if spec.augmentation.flip or spec.augmentation.crop:
        return "the training images are augmented"
    if type(network) is not nn.Sequential:
        return f"it is a {type(network).__name__}, not an nn.Sequential"
    kinds = [type(layer) for layer in network]
    for kind in kinds:
        if kind not in (nn.Flatten, nn.Linear, *ACTIVATIONS):
            return f"it has a layer of type {kind.__name__}"
    if nn.Linear not in kinds or nn.Flatten in kinds[1:]:
        return "it is not a stack of dense layers"
    return peculiarity(network)


def worthwhile(network: nn.Module) -> bool:
    """Whether grouping such a network has been measured to pay on a CPU."""
    largest = max(p.numel() for p in network.parameters())
    return largest <= SMALL_WEIGHTS


class Grouped:
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
        self._layers = list(networks[0].children())
        self._weights = StackedWeights(networks, execution.device)
        self._optimizer = make_optimizer(spec, self._weights.parameters())
        self._inputs = tensors.flat_bfloat16 if execution.precision == "bfloat16" else tensors.flat
        self._loss = torch.zeros(execution.width, device=execution.device)

    @contextmanager
    def epoch(self, epoch: int, first_step: int) -> Iterator[None]:
        """Set the learning rate; such networks draw nothing at random while they train."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.spec, epoch)
        yield

    def step(self, positions: torch.Tensor) -> None:
        """Train every slot on its batch: ``(slot, batch)`` positions of the training split."""
        chosen, weights = self._filled(positions)
        batch = self._inputs["train"].index_select(0, chosen.flatten()).view(*chosen.shape, -1)
        self._optimizer.zero_grad(set_to_none=True)
        with arithmetic(self.execution):
            logits = self._forward(batch.transpose(1, 2))
        labels = self.tensors.labels["train"][chosen.flatten()]
        # row by row, for the same reason as the choice of activations
        rows = logits.float().transpose(1, 2).reshape(len(labels), -1)
        losses = functional.cross_entropy(rows, labels, reduction="none").view(chosen.shape)
        losses = (losses * weights).sum(1)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._loss += losses.detach()

    def _filled(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fill up slots, and batches to whole vectors, with what has no weight in the mean.

        Products round otherwise where a slot does not begin at a whole vector.
        """
        size = positions.shape[1]
        whole = -(-size // VECTOR) * VECTOR
        weights = torch.zeros(whole, device=positions.device)
        weights[:size] = 1 / size
        filled = torch.cat([positions, positions[:, :1].expand(-1, whole - size)], 1)
        return filled_slots(filled, self.execution.width), weights

    def _forward(self, values: torch.Tensor) -> torch.Tensor:
        """Logits ``(slot, class_id, example)`` of ``([slot,] feature, example)``."""
        for i, layer in enumerate(self._layers):
            if isinstance(layer, nn.Linear):
                bias = self._weights.get(f"{i}.bias")
                values = _product(self._weights[f"{i}.weight"], values)
                values = values if bias is None else values + bias.unsqueeze(2)
            elif not isinstance(layer, nn.Flatten):
                values = ACTIVATIONS[type(layer)](values)
        return values

    def predict(self, step: int) -> dict[str, SplitPredictions]:
        """Predict every example of every split, ``(slot, example)``."""
        with torch.inference_mode():
            return {split: self._predict(split) for split in self._inputs}

    def _predict(self, split: str) -> SplitPredictions:
        inputs = self._inputs[split]
        record = Recording(self.spec, self.tensors, split, self._n_slots)
        for start in range(0, len(inputs), EVALUATION_BATCH):
            part = slice(start, start + EVALUATION_BATCH)
            with arithmetic(self.execution):
                logits = self._forward(inputs[part].t())
            record.add(part, logits[: self._n_slots].float(), class_dim=1)
        return record.done()

    def finite_losses(self) -> NDArray[np.bool_]:
        """``(slot,)`` whether every loss so far was a finite number."""
        return torch.isfinite(self._loss[: self._n_slots]).cpu().numpy()

    def is_plain(self) -> bool:
        """Weights and moments are all there is."""
        return True

    def capture(self, slot: int) -> Arrays:
        """Copy weights and optimiser state of a slot."""
        return self._weights.capture(slot, self._optimizer)

    def restore(self, slot: int, arrays: Arrays) -> None:
        """Put a captured state back, bit for bit."""
        self._weights.restore(slot, arrays, self._optimizer)


def _product(weight: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """``(slot, unit, example)``; every slot by a product of the same form, whatever its place."""
    if values.ndim == 3:
        return torch.bmm(weight, values)
    return torch.stack([torch.mm(of_slot, values) for of_slot in weight])
