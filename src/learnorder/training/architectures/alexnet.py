"""A network of the AlexNet kind at the size of CIFAR."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn
from torch.nn import functional

_SUMMAND: Final = 2.0
_FACTOR: Final = 1e-4
_EXPONENT: Final = 0.75
_REACH: Final = 2
"""Of the normalisation, as in krizhevsky2012imagenet: k, alpha, beta, and half of n."""


def alexnet(input_shape: tuple[int, ...], n_classes: int, width: int = 64) -> nn.Module:
    """Return twice a 5x5 convolution, ReLU, max-pool and normalisation; dense 384 and 192.

    Both convolutions have ``width`` channels and keep the size of the image; pools are over 3x3
    with stride 2. The dense layers have 6 and 3 times ``width`` units with ReLU.

    References
    ----------
    zhang2017understanding, appendix A, "Alexnet (small)"; the numbers of the normalisation, which
    it leaves open, from krizhevsky2012imagenet.
    """
    channels, height, across = input_shape
    layers: list[nn.Module] = []
    for inputs in (channels, width):
        layers += [nn.Conv2d(inputs, width, 5, padding=2), nn.MaxPool2d(3, stride=2, padding=1)]
        # ReLU is monotone: after the pool it gives the same values for a quarter of the work
        layers += [nn.ReLU(inplace=True), LocalResponseNorm()]
    n_values = width * -(-height // 4) * -(-across // 4)
    layers.append(nn.Flatten())
    for inputs, outputs in ((n_values, 6 * width), (6 * width, 3 * width)):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(3 * width, n_classes))


class LocalResponseNorm(nn.Module):
    """Each value divided by ``(2 + 1e-4 s) ** 0.75``, s the sum of squares in 5 nearby channels.

    PyTorch's own averages over a volume, which has no deterministic gradient on a GPU.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``(n, channel, h, w)`` to the same."""
        squares = functional.pad(images.square(), (0, 0, 0, 0, _REACH, _REACH))
        windows = [squares[:, i : i + images.shape[1]] for i in range(2 * _REACH + 1)]
        total = torch.stack(windows).sum(0)
        return images * (_SUMMAND + _FACTOR * total).pow(-_EXPONENT)
