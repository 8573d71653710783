"""Residual networks for small images."""

from __future__ import annotations

import torch
from torch import nn

from learnorder.training.architectures.normalised import NormalisedConv2d


def resnet_8(input_shape: tuple[int, ...], n_classes: int, width: int = 16) -> nn.Module:
    """Return the residual network with one block each of 1, 2 and 4 times ``width`` channels."""
    return _resnet(input_shape, n_classes, width, ResidualBlock, (1, 1, 1))


def resnet_20(input_shape: tuple[int, ...], n_classes: int, width: int = 16) -> nn.Module:
    """Return the residual network with three blocks each of 1, 2 and 4 times ``width`` channels.

    References
    ----------
    he2016deep, section 4.2, with a projection where the shortcut changes size.
    """
    return _resnet(input_shape, n_classes, width, ResidualBlock, (3, 3, 3))


def resnet_18(input_shape: tuple[int, ...], n_classes: int, width: int = 64) -> nn.Module:
    """Return the network of ImageNet with two blocks each of 1, 2, 4 and 8 times ``width``.

    References
    ----------
    he2016deep, table 1, with a 3x3 convolution without pool in place of the first 7x7.
    """
    return _resnet(input_shape, n_classes, width, ResidualBlock, (2, 2, 2, 2))


def resnet_50(input_shape: tuple[int, ...], n_classes: int, width: int = 64) -> nn.Module:
    """Return the network of ImageNet with 3, 4, 6 and 3 bottlenecks.

    References
    ----------
    he2016deep, table 1, with a 3x3 convolution without pool in place of the first 7x7, and the
    stride of a bottleneck in its 3x3 convolution.
    """
    return _resnet(input_shape, n_classes, width, Bottleneck, (3, 4, 6, 3))


class _Block(nn.Module):
    """A body beside a shortcut; ReLU after the sum."""

    EXPANSION: int
    """Channels that come out, in multiples of what the block is named by."""

    def __init__(self, body: nn.Sequential, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = body
        same_form = inputs == outputs and stride == 1
        self.shortcut = nn.Sequential(
            *([] if same_form else [NormalisedConv2d(inputs, outputs, 1, stride)])
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``(n, inputs, h, w)`` to ``(n, outputs, h / stride, w / stride)``, rounded up."""
        # in place: no backward pass reads the output of a normalisation, or a sum
        total: torch.Tensor = self.body(images).add_(self.shortcut(images))
        return total.relu_()


class ResidualBlock(_Block):
    """Two 3x3 convolutions with batch normalisation beside a shortcut; ReLU after the sum."""

    EXPANSION = 1

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        body = nn.Sequential(
            NormalisedConv2d(inputs, channels, 3, stride),
            nn.ReLU(inplace=True),
            NormalisedConv2d(channels, channels, 3, 1),
        )
        super().__init__(body, inputs, channels, stride)


class Bottleneck(_Block):
    """A 1x1, a 3x3 and a 1x1 convolution, with batch normalisation, beside a shortcut."""

    EXPANSION = 4

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        outputs = self.EXPANSION * channels
        body = nn.Sequential(
            NormalisedConv2d(inputs, channels, 1, 1),
            nn.ReLU(inplace=True),
            NormalisedConv2d(channels, channels, 3, stride),
            nn.ReLU(inplace=True),
            NormalisedConv2d(channels, outputs, 1, 1),
        )
        super().__init__(body, inputs, outputs, stride)


def _resnet(
    input_shape: tuple[int, ...],
    n_classes: int,
    width: int,
    block: type[ResidualBlock | Bottleneck],
    blocks: tuple[int, ...],
) -> nn.Module:
    """Stages of so many blocks; from one to the next the channels double and the image halves."""
    layers: list[nn.Module] = [
        NormalisedConv2d(input_shape[0], width, 3, 1),
        nn.ReLU(inplace=True),
    ]
    inputs = width
    for stage, n_blocks in enumerate(blocks):
        for i in range(n_blocks):
            channels, stride = 2**stage * width, 2 if stage > 0 and i == 0 else 1
            layers.append(block(inputs, channels, stride))
            inputs = block.EXPANSION * channels
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, n_classes)
    )
