"""Networks without any nonlinearity: what they can compute is linear in the input."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from torch import nn


def linear(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """Return one linear layer from all input values to the logits."""
    return nn.Sequential(nn.Flatten(), nn.Linear(prod(input_shape), n_classes))


def deep_linear(
    input_shape: tuple[int, ...], n_classes: int, depth: int = 3, width: int = 256
) -> nn.Module:
    """Return ``depth`` linear layers, ``width`` units between them: linear, with deep dynamics.

    References
    ----------
    saxe2014exact.
    """
    widths = [prod(input_shape), *[width] * (depth - 1), n_classes]
    return nn.Sequential(nn.Flatten(), *(nn.Linear(a, b) for a, b in pairwise(widths)))
