"""Dense networks side by side: the weights of all slots stacked, one batched product per layer.

A small product alone leaves the processor waiting between two calls, and PyTorch's autograd costs
as much as the product. So gradients are written out here, which a dense network is simple enough
for. Activations are ``(slot, unit, example)``: the wide side of a product is the contiguous one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.plainness import peculiarity
from learnorder.training.executors.stacked import VECTOR, StackedWeights, filled_slots
from learnorder.training.networks import initial_network
from learnorder.training.optimization import learning_rate, make_optimizer
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import Arrays

USUAL_WIDTH: Final = 8
"""More gain nothing on a CPU: what is gathered for them leaves the cache."""

SMALL_WEIGHTS: Final = 1_000_000
"""Up to this size of its largest layer a dense network pays for being grouped; products of larger
ones keep a core busy one by one, and a group takes the memory of all its replicates."""


def unsupported(spec: TrainingSpec, network: nn.Module) -> str | None:
    """Say why a network cannot be trained in groups; None if it can."""
    if spec.augmentation.flip or spec.augmentation.crop:
        return "the training images are augmented"
    if type(network) is not nn.Sequential:
        return f"it is a {type(network).__name__}, not an nn.Sequential"
    kinds = [type(layer) for layer in network]
    for kind in kinds:
        if kind not in (nn.Flatten, nn.Linear, nn.ReLU, nn.Identity):
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
        # a layer without weights may stand in several places, and any may have a name of its own
        self._layers, self._names = _in_order(networks[0])
        self._weights = StackedWeights(networks, execution.device)
        for row in self._weights.parameters():
            row.grad = torch.zeros_like(row)
        self._optimizer = make_optimizer(spec, self._weights.parameters())
        self._inputs = tensors.flat_bfloat16 if execution.precision == "bfloat16" else tensors.flat
        self._loss = torch.zeros(execution.width, device=execution.device)
        self._less_one = torch.tensor(-1.0, device=execution.device)
        self._factors: dict[int, torch.Tensor] = {}
        self._filling: dict[int, torch.Tensor] = {}

    @contextmanager
    def epoch(self, epoch: int, first_step: int) -> Iterator[None]:
        """Set the learning rate; such networks draw nothing at random while they train."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self.spec, epoch)
        yield

    @torch.no_grad()
    def step(self, positions: torch.Tensor) -> None:
        """Train every slot on its batch: ``(slot, batch)`` positions of the training split."""
        chosen, weights = self._filled(positions)
        batch = self._inputs["train"].index_select(0, chosen.flatten()).view(*chosen.shape, -1)
        self._read_weights()
        values = self._forward(batch.transpose(1, 2))
        labels = self.tensors.labels["train"].index_select(0, chosen.flatten())
        labels = labels.view(len(chosen), 1, -1)
        log_chance = torch.log_softmax(values.pop(), 1)
        self._loss -= (log_chance.gather(1, labels) * weights).sum((1, 2))
        delta = log_chance.exp_().scatter_add_(1, labels, self._less_one.expand_as(labels))
        self._backward(delta.mul_(weights), values)
        self._optimizer.step()

    def _filled(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fill up slots, and batches to whole vectors, with what has no weight in the mean.

        Vectors and what is left over at the end are computed in two ways, which round otherwise:
        so every slot begins at a whole vector.
        """
        size = positions.shape[1]
        if size not in self._filling:
            whole = -(-size // VECTOR) * VECTOR
            weights = torch.zeros(whole, device=positions.device)
            weights[:size] = 1 / size
            self._filling[size] = weights
        weights = self._filling[size]
        if missing := len(weights) - size:
            positions = torch.cat([positions, positions[:, :1].expand(-1, missing)], 1)
        return filled_slots(positions, self.execution.width), weights

    def _read_weights(self) -> None:
        """Take the factors of the products from the weights, in the precision of the products."""
        for i, layer in enumerate(self._layers):
            if isinstance(layer, nn.Linear):
                weight = self._weights[f"{self._names[i]}.weight"].detach()
                self._factors[i] = weight.to(self._inputs["train"].dtype)

    def _forward(self, values: torch.Tensor) -> list[torch.Tensor]:
        """What each layer reads and the logits, ``(slot, unit, example)``, float32 after products.

        The first may be ``(feature, example)``, the same for all slots.
        """
        read = []
        for i, layer in enumerate(self._layers):
            if isinstance(layer, nn.Linear):
                values = values.to(self._factors[i].dtype)
                read.append(values)
                values = _product(self._factors[i], values)
                bias = self._weights.get(f"{self._names[i]}.bias")
                values = values.float() if bias is None else values + bias.detach().unsqueeze(2)
            else:
                read.append(values)
                values = values.clamp_min(0) if isinstance(layer, nn.ReLU) else values
        return [*read, values]

    def _backward(self, delta: torch.Tensor, read: list[torch.Tensor]) -> None:
        """Set the gradients from that by the logits, ``(slot, class_id, example)``."""
        first = next(i for i, layer in enumerate(self._layers) if isinstance(layer, nn.Linear))
        for i in range(len(self._layers) - 1, first - 1, -1):
            if isinstance(self._layers[i], nn.ReLU):
                delta = delta * (read[i] > 0)
            elif isinstance(self._layers[i], nn.Linear):
                name = self._names[i]
                if f"{name}.bias" in self._weights:
                    self._weights.gradient(f"{name}.bias").copy_(delta.sum(2))
                delta = delta.to(read[i].dtype)
                gradient = self._weights.gradient(f"{name}.weight")
                if delta.dtype == gradient.dtype:
                    torch.bmm(delta, read[i].transpose(1, 2), out=gradient)
                else:
                    gradient.copy_(torch.bmm(delta, read[i].transpose(1, 2)))
                if i > first:
                    delta = torch.bmm(self._factors[i].transpose(1, 2), delta).float()

    @contextmanager
    def evaluation(self, step: int) -> Iterator[None]:
        """Read the weights once; such networks draw nothing at random."""
        with torch.inference_mode():
            self._read_weights()
            yield

    def logits(self, split: str, part: slice) -> torch.Tensor:
        """Float32 ``(slot, example, class_id)`` of consecutive examples."""
        return self._forward(self._inputs[split][part].t())[-1].transpose(1, 2)

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


def _in_order(network: nn.Module) -> tuple[list[nn.Module], list[str]]:
    """Layers in the order of the forward pass, and their names."""
    assert isinstance(network, nn.Sequential)
    return list(network), list(network._modules)


def _product(factor: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """``(slot, unit, example)``; one product for all slots where all read the same."""
    if values.ndim == 3:
        return torch.bmm(factor, values)
    return torch.mm(factor.flatten(0, 1), values).view(*factor.shape[:2], -1)
