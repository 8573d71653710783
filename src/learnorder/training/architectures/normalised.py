"""A convolution and the batch normalisation after it, as one layer."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

SAFE_CHANNELS: Final = 16
"""With fewer inputs the gradient of a 1x1 convolution with stride writes outside its memory on CPUs
(https://github.com/uxlfoundation/oneDNN/issues/6035), and a process ends or goes on with rubbish.
"""


class NormalisedConv2d(nn.Module):
    """Convolution without bias, which the batch normalisation after it would cancel.

    In eval mode the normalisation is a factor and a summand for each channel, which the weights of
    the convolution take up: the values are the same but for rounding, and the images are gone
    through once less.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        # a 1x1 kernel with stride reads no other pixels than these
        self._every = stride if kernel == 1 and inputs < SAFE_CHANNELS else 1
        self.convolution = nn.Conv2d(
            inputs, outputs, kernel, stride // self._every, padding=kernel // 2, bias=False
        )
        self.normalisation = nn.BatchNorm2d(outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, outputs, h / stride, w / stride)``, rounded up."""
        if self.normalisation.training:
            return self.one_after_the_other(images)
        variance, mean = self.normalisation.running_var, self.normalisation.running_mean
        assert variance is not None, "the layer keeps statistics"
        assert mean is not None, "the layer keeps statistics"
        factor = self.normalisation.weight * (variance + self.normalisation.eps).rsqrt()
        convolution = self.convolution
        return nn.functional.conv2d(
            self._read(images),
            convolution.weight * factor[:, None, None, None],
            self.normalisation.bias - mean * factor,
            convolution.stride,
            convolution.padding,
        )

    def one_after_the_other(self, images: torch.Tensor) -> torch.Tensor:
        """Return the same without taking anything up, as in training."""
        normalised: torch.Tensor = self.normalisation(self.convolution(self._read(images)))
        return normalised

    def _read(self, images: torch.Tensor) -> torch.Tensor:
        return images if self._every == 1 else images[..., :: self._every, :: self._every]
