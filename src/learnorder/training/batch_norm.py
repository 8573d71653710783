"""Statistics of BatchNorm layers for predictions, and the batches such layers cannot train on.

In eval mode a BatchNorm layer normalises by running statistics, a mean over the last steps of
training. Early, when weights move fast, they lag behind the weights. Re-estimated statistics are
those that the present weights have on a fixed random part of the training split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from learnorder.errors import LearnOrderError
from learnorder.training.inputs import select
from learnorder.training.spec import TrainingSpec
from learnorder.training.streams import Purpose, generator

LARGEST_BATCH: Final = 500
"""Examples per forward pass; fixed, because statistics are means over these batches."""


def check(spec: TrainingSpec, network: torch.nn.Module, n_train: int) -> None:
    """Refuse what a network with BatchNorm layers cannot be trained on, or one without cannot do.

    Raises
    ------
    LearnOrderError
        A batch would hold a single example, which has no deviation to be normalised by; or
        statistics are to be re-estimated and the network has none.
    """
    with _modes_put_back(network):
        network.train()
        layers = [n for n, m in network.named_modules() if isinstance(m, _BatchNorm) and m.training]
        moving = [name for name, _ in _moving(network)]
    size = spec.training.batch_size
    if spec.recording.batch_norm == "reestimated" and not moving:
        raise LearnOrderError(
            "train: recording.batch_norm = 'reestimated' and the network of "
            f"{spec.architecture.name!r} has no BatchNorm layer with running statistics. Without "
            "one there is nothing to re-estimate. Leave recording.batch_norm out."
        )
    if layers and (size == 1 or n_train % size == 1):
        which = "every batch" if size == 1 else "the last batch of an epoch"
        raise LearnOrderError(
            f"train: {which} would hold a single example ({n_train} training examples, "
            f"training.batch_size = {size}), and the network has BatchNorm layers, the first is "
            f"{layers[0]!r}. They normalise by the differences between the examples of a batch. "
            f"{_advice(size, n_train)}"
        )


def statistics_for_predictions(
    spec: TrainingSpec, network: torch.nn.Module, train_inputs: torch.Tensor
) -> AbstractContextManager[None]:
    """Within it, BatchNorm layers predict with the statistics that ``recording.batch_norm`` names.

    Enter it in the arithmetic of training. See `reestimated` for what it does to the network.
    """
    if spec.recording.batch_norm == "running":
        return nullcontext()
    return reestimated(network, batches(train_inputs, spec.recording.batch_norm_examples))


def batches(train_inputs: torch.Tensor, n_examples: int) -> Iterator[torch.Tensor]:
    """Random part of the training split, the same for all replicates and epochs, in batches.

    Batches are equal in size but for one example, so that each counts the same in a mean over them.

    Parameters
    ----------
    train_inputs
        ``(example, ...)``, un-augmented.
    n_examples
        How many of them; all, in random order, where there are fewer.
    """
    # the order is random too: a batch of neighbours may be a batch of one class
    order = generator(0, Purpose.STATISTICS).permutation(len(train_inputs))[:n_examples]
    positions = torch.from_numpy(order).to(train_inputs.device)
    for part in positions.tensor_split(-(-len(positions) // LARGEST_BATCH)):
        yield select(train_inputs, part)


@contextmanager
def reestimated(network: torch.nn.Module, batches: Iterable[torch.Tensor]) -> Iterator[None]:
    """Network in eval mode whose BatchNorm layers hold the statistics of these batches.

    Each layer gets the mean over the batches of their mean and unbiased variance. Everything else
    is in eval mode while they are taken, dropout included, and layers that do not take part in
    training keep their statistics. Afterwards running statistics, counts, momentum and modes are
    those of before, bit for bit.
    """
    with _modes_put_back(network):
        network.train()
        layers = [layer for _, layer in _moving(network)]
        network.eval()
        with _buffers_put_back(layers):
            with torch.no_grad(), _accumulating(layers):
                for batch in batches:
                    network(batch)
            yield


def _moving(network: torch.nn.Module) -> Iterator[tuple[str, _BatchNorm]]:
    """Layers whose running statistics move in training: one that is kept in eval mode is frozen."""
    for name, layer in network.named_modules():
        if isinstance(layer, _BatchNorm) and layer.training and layer.running_mean is not None:
            yield name, layer


@contextmanager
def _accumulating(layers: Iterable[_BatchNorm]) -> Iterator[None]:
    """Let statistics begin anew and become plain means over the batches that follow."""
    momenta = [(layer, layer.momentum) for layer in layers]
    for layer, _ in momenta:
        layer.reset_running_stats()
        layer.training, layer.momentum = True, None
    try:
        yield
    finally:
        for layer, momentum in momenta:
            layer.training, layer.momentum = False, momentum


@contextmanager
def _buffers_put_back(layers: Iterable[_BatchNorm]) -> Iterator[None]:
    kept = [(tensor, tensor.clone()) for layer in layers for tensor in layer.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in kept:
                tensor.copy_(before)


@contextmanager
def _modes_put_back(network: torch.nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in network.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _advice(size: int, n_train: int) -> str:
    """Name the closest batch size that leaves no batch of one example; the smaller of two."""
    possible = (s for s in range(2, n_train + 1) if n_train % s != 1)
    nearest = min(possible, key=lambda s: (abs(s - size), s), default=None)
    return f"Use training.batch_size = {nearest}." if nearest else "Give more training examples."
