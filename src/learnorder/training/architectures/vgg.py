"""The deep networks of 3x3 convolutions, at the size of CIFAR."""

from __future__ import annotations

from typing import Final

from torch import nn

from learnorder.training.architectures.normalised import NormalisedConv2d
from learnorder.training.architectures.pooling import MaxPool2d

_FACTORS: Final = (1, 2, 4, 8, 8)
"""Channels of the five stages, in multiples of the first."""


def vgg_16(input_shape: tuple[int, ...], n_classes: int, width: int = 64) -> nn.Module:
    """Return 2, 2, 3, 3 and 3 convolutions, each stage ending in a max-pool, and one dense layer.

    References
    ----------
    simonyan2015very, configuration D; see `_vgg` for what differs.
    """
    return _vgg(input_shape, n_classes, width, convolutions=(2, 2, 3, 3, 3))


def vgg_19(input_shape: tuple[int, ...], n_classes: int, width: int = 64) -> nn.Module:
    """Return 2, 2, 4, 4 and 4 convolutions, each stage ending in a max-pool, and one dense layer.

    References
    ----------
    simonyan2015very, configuration E; see `_vgg` for what differs.
    """
    return _vgg(input_shape, n_classes, width, convolutions=(2, 2, 4, 4, 4))


def _vgg(
    input_shape: tuple[int, ...], n_classes: int, width: int, convolutions: tuple[int, ...]
) -> nn.Module:
    """Stages of convolutions with batch normalisation and ReLU, then the mean, then the output.

    The original has no normalisation and three dense layers. A pool is left out where the image is
    one pixel wide already; at 32x32 all five are there, and the mean is over a single pixel.
    """
    inputs, *size = input_shape
    layers: list[nn.Module] = []
    for factor, n_convolutions in zip(_FACTORS, convolutions, strict=True):
        for _ in range(n_convolutions - 1):
            layers += [NormalisedConv2d(inputs, factor * width, 3, 1), nn.ReLU(inplace=True)]
            inputs = factor * width
        layers.append(NormalisedConv2d(inputs, factor * width, 3, 1))
        if min(size) > 1:
            layers.append(MaxPool2d())
            size = [pixels // 2 for pixels in size]
        # ReLU is monotone: after the pool it gives the same values for a quarter of the work
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, n_classes)
    )
