"""Residual networks for small images."""

from __future__ import annotations

import torch
from torch import nn

from learnorder.training.architectures.normalised import NormalisedConv2d


def resnet_8(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """Return the residual network with one block each of 16, 32 and 64 channels."""
    return _resnet(input_shape, n_classes, blocks=1)


def resnet_20(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """Return the residual network with three blocks each of 16, 32 and 64 channels.

    References
    ----------
    he2016deep, section 4.2, with a projection where the shortcut changes size.
    """
    return _resnet(input_shape, n_classes, blocks=3)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation beside a shortcut; ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            NormalisedConv2d(inputs, outputs, 3, stride),
            nn.ReLU(inplace=True),
            NormalisedConv2d(outputs, outputs, 3, 1),
        )
        same_form = inputs == outputs and stride == 1
        self.shortcut = nn.Sequential(
            *([] if same_form else [NormalisedConv2d(inputs, outputs, 1, stride)])
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, outputs, h / stride, w / stride)``, rounded up."""
        # in place: no backward pass reads the output of a normalisation, or a sum
        total: torch.Tensor = self.body(images).add_(self.shortcut(images))
        return total.relu_()


def _resnet(input_shape: tuple[int, ...], n_classes: int, blocks: int) -> nn.Module:
    layers: list[nn.Module] = [NormalisedConv2d(input_shape[0], 16, 3, 1), nn.ReLU(inplace=True)]
    for inputs, outputs, stride in [(16, 16, 1), (16, 32, 2), (32, 64, 2)]:
        layers.append(ResidualBlock(inputs, outputs, stride))
        layers += [ResidualBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, n_classes))
