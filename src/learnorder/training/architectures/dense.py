"""Multilayer perceptron."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from torch import nn

from learnorder.training.architectures.dropout import Dropout


def mlp(
    input_shape: tuple[int, ...],
    n_classes: int,
    depth: int = 1,
    width: int = 256,
    dropout: bool = False,
) -> nn.Module:
    """Return ``depth`` hidden layers of ``width`` units with ReLU, and a linear output layer.

    ``dropout`` adds dropout 0.5 after each hidden layer.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise([prod(input_shape), *[width] * depth]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True)]
        layers += [Dropout()] if dropout else []
    return nn.Sequential(*layers, nn.Linear(width, n_classes))
