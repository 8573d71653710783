"""The small network of Inception modules."""

from __future__ import annotations

import torch
from torch import nn

from learnorder.training.architectures.normalised import NormalisedConv2d


def inception(input_shape: tuple[int, ...], n_classes: int, width: int = 16) -> nn.Module:
    """Return a 3x3 convolution, eight Inception modules with two halvings between, and the mean.

    Channels are multiples of ``width``. The convolution has 96; the modules have, of 1x1 and of 3x3
    kernels, 32 and 32, 32 and 48; 112 and 48, 96 and 64, 80 and 80, 48 and 96; 176 and 160, twice.

    References
    ----------
    zhang2017understanding, appendix A, "Inception (small)", with the mean over the whole image.
    """
    layers: list[nn.Module] = [*_convolution(input_shape[0], 6 * width, 3)]
    channels = 6 * width
    stages = ([(2, 2), (2, 3)], [(7, 3), (6, 4), (5, 5), (3, 6)], [(11, 10), (11, 10)])
    halvings = (0, 5, 6)
    for modules, halving in zip(stages, halvings, strict=True):
        if halving:
            layers.append(Halving(channels, halving * width))
            channels += halving * width
        for ones, threes in modules:
            layers.append(InceptionModule(channels, ones * width, threes * width))
            channels = (ones + threes) * width
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, n_classes)
    )


class InceptionModule(nn.Module):
    """Convolutions with 1x1 and with 3x3 kernels, side by side."""

    def __init__(self, inputs: int, ones: int, threes: int) -> None:
        super().__init__()
        self.ones = _convolution(inputs, ones, 1)
        self.threes = _convolution(inputs, threes, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, ones + threes, h, w)``."""
        return torch.cat([self.ones(images), self.threes(images)], dim=1)


class Halving(nn.Module):
    """A 3x3 convolution and a 3x3 max-pool side by side, both with stride 2."""

    def __init__(self, inputs: int, added: int) -> None:
        super().__init__()
        self.convolution = _convolution(inputs, added, 3, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, added + inputs, h / 2, w / 2)``, rounded up."""
        return torch.cat([self.convolution(images), self.pool(images)], dim=1)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(NormalisedConv2d(inputs, outputs, kernel, stride), nn.ReLU(inplace=True))
