"""What a network costs to train and to predict with: multiplications and additions in matrices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Work:
    """Floating-point operations for one example.

    Counted are matrix products and convolutions. A gradient costs as much as the forward pass, for
    the weights and for the input; an input that takes no gradient, as that of the first layer,
    saves its half.
    """

    forward: int
    training: int

    def of_an_epoch(self, n_train: int, n_predicted: int) -> int:
        """One epoch of training, and the predictions after it."""
        return n_train * self.training + n_predicted * self.forward


def count(network: nn.Module, example: torch.Tensor) -> Work:
    """Pass one example, a batch of 1, through the network and count."""
    forward = training = 0

    def add(layer: nn.Module, given: tuple[torch.Tensor, ...], put_out: object) -> None:
        nonlocal forward, training
        own, of_input = _work(layer, given[0], put_out)
        forward += own
        training += 2 * own + (own if given[0].requires_grad else own - of_input)

    layers = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.LSTM)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    try:
        network.eval()
        network(example)
    finally:
        for hook in hooks:
            hook.remove()
    return Work(forward, training)


def _work(layer: nn.Module, given: torch.Tensor, put_out: object) -> tuple[int, int]:
    """Operations of the forward pass, and those of them that read the input of the layer."""
    if isinstance(layer, nn.LSTM):
        directions = 2 if layer.bidirectional else 1
        tokens = given.shape[0] * given.shape[1] * directions
        of_input, of_state = (
            2 * tokens * 4 * layer.hidden_size * n for n in (layer.input_size, layer.hidden_size)
        )
        return of_input + of_state, of_input
    if isinstance(layer, nn.Conv2d) and isinstance(put_out, torch.Tensor):
        own = 2 * layer.weight[0].numel() * put_out.numel()
    else:
        own = 2 * layer.weight.numel()
    return own, own
