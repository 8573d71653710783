"""Densely connected networks for small images."""

from __future__ import annotations

import torch
from torch import nn

from learnorder.errors import LearnOrderError
from learnorder.training.architectures.normalised import NormalisedConv2d

_BLOCKS = 3


def densenet(
    input_shape: tuple[int, ...], n_classes: int, depth: int = 40, growth: int = 12
) -> nn.Module:
    """Return the DenseNet-BC of CIFAR: three dense blocks of bottlenecks, compressed by half.

    Every layer adds ``growth`` channels to all that came before it; ``depth`` counts convolutions
    and the output layer, two convolutions to a layer.

    Raises
    ------
    LearnOrderError
        ``depth`` is not 4 more than a multiple of 6, so that the blocks would not be equal.

    References
    ----------
    huang2017densely, section 4.2, without dropout.
    """
    layers_per_block, over = divmod(depth - 4, 2 * _BLOCKS)
    if over or layers_per_block < 1:
        lower = max(1, layers_per_block)
        raise LearnOrderError(
            f"architecture: option 'depth' of 'densenet' is {depth}. Three equal blocks of layers "
            "with two convolutions each make it 4 more than a multiple of 6, 10 at least. "
            f"Use {2 * _BLOCKS * lower + 4} or {2 * _BLOCKS * (lower + 1) + 4}."
        )
    channels = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False)]
    for block in range(_BLOCKS):
        if block > 0:
            layers += _transition(channels)
            channels //= 2
        for _ in range(layers_per_block):
            layers.append(DenseLayer(channels, growth))
            channels += growth
    layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, n_classes)
    )


class DenseLayer(nn.Module):
    """All channels so far, and ``growth`` more computed from them."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.added = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            NormalisedConv2d(inputs, 4 * growth, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, inputs + growth, h, w)``."""
        return torch.cat([images, self.added(images)], dim=1)


def _transition(channels: int) -> list[nn.Module]:
    """Halve the channels and the sides of the image."""
    return [
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels // 2, 1, bias=False),
        nn.AvgPool2d(2),
    ]
