"""A convolution and the batch normalisation after it, as one layer."""

from __future__ import annotations

import torch
from torch import nn


class NormalisedConv2d(nn.Sequential):
    """Convolution without bias, which the batch normalisation after it would cancel.

    In eval mode the normalisation is a factor and a summand for each channel, which the weights of
    the convolution take up: the values are the same but for rounding, and the images are gone
    through once less.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, outputs, h / stride, w / stride)``, rounded up."""
        convolution, normalisation = self
        if normalisation.training:
            normalised: torch.Tensor = super().forward(input)
            return normalised
        factor = normalisation.weight * (normalisation.running_var + normalisation.eps).rsqrt()
        summand = normalisation.bias - normalisation.running_mean * factor
        weight = convolution.weight * factor[:, None, None, None]
        return nn.functional.conv2d(input, weight, summand, convolution.stride, convolution.padding)
