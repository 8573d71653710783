"""Initial weights by name, in place of those that torch gives its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import nn
from torch.nn import init
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import is_parametrized

from learnorder.errors import LearnOrderError

NORMAL_DEVIATION: Final = 0.05
"""Standard deviation of ``normal``, whatever the size of a layer."""

_DRAWN: Final[Mapping[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "he-normal": lambda weight: init.kaiming_normal_(weight, nonlinearity="relu"),
    "he-uniform": lambda weight: init.kaiming_uniform_(weight, nonlinearity="relu"),
    "xavier-normal": init.xavier_normal_,
    "xavier-uniform": init.xavier_uniform_,
    "orthogonal": init.orthogonal_,
    "normal": lambda weight: init.normal_(weight, std=NORMAL_DEVIATION),
}


def initialise(network: nn.Module, name: str, architecture: str) -> None:
    """Draw the weights of convolutions and dense layers anew, and set their biases to zero.

    Drawn from torch's global stream, layer by layer. Embeddings, normalisations, recurrent layers
    and what is frozen keep what they have. ``default`` changes and draws nothing.

    Parameters
    ----------
    network
        As built; changed in place.
    name
        ``he-normal``, ``he-uniform`` (variance 2 / inputs), ``xavier-normal``, ``xavier-uniform``
        (variance 2 / (inputs + outputs)), ``orthogonal`` (rows or columns of length 1),
        ``normal`` (deviation `NORMAL_DEVIATION`), or ``default``.
    architecture
        Of the network, for messages.

    Raises
    ------
    LearnOrderError
        It has no such layer, or computes the weights of one from others.

    References
    ----------
    he2015delving, glorot2010understanding, saxe2014exact.
    """
    if name == "default":
        return
    layers = [
        (path, layer)
        for path, layer in network.named_modules()
        if isinstance(layer, nn.Linear | _ConvNd) and layer.weight.requires_grad
    ]
    if not layers:
        raise LearnOrderError(
            f"architecture: initialisation = {name!r} would change nothing, because the network of "
            f"{architecture!r} has no convolution or dense layer that is trained. It is of these. "
            "Leave initialisation out."
        )
    for path, layer in layers:
        if is_parametrized(layer, "weight"):
            raise LearnOrderError(
                f"architecture: initialisation = {name!r} cannot be given to {path!r} of "
                f"{architecture!r}, whose weights are computed from other numbers. "
                "Leave initialisation out, and draw them in the architecture."
            )
        _DRAWN[name](layer.weight)
        if layer.bias is not None and layer.bias.requires_grad:
            init.zeros_(layer.bias)
