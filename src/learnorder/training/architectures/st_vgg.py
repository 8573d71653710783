"""The small convolutional network on which most experiments of the paper were made."""

from __future__ import annotations

from torch import nn

from learnorder.training.architectures.dropout import Dropout
from learnorder.training.architectures.pooling import MaxPool2d


def st_vgg(
    input_shape: tuple[int, ...], n_classes: int, batch_norm: bool = False, dropout: bool = True
) -> nn.Module:
    """Return four pairs of convolutions, then dense 512, with ELU throughout.

    The pairs have 32, 64, 128 (3x3) and 256 (2x2) channels, keep the size of the image, and end in
    a 2x2 max-pool. Dropout is 0.25 after each pair and 0.5 after the dense layer;
    ``dropout=False`` leaves it out. ``batch_norm`` adds a batch normalisation after each
    convolution, before ELU. Images have at least 16 by 16 pixels.

    References
    ----------
    hacohen2020agree.
    """
    channels, height, width = input_shape
    layers: list[nn.Module] = []
    for inputs, outputs, kernel in [(channels, 32, 3), (32, 64, 3), (64, 128, 3), (128, 256, 2)]:
        layers += [*_convolution(inputs, outputs, kernel, batch_norm), nn.ELU(inplace=True)]
        layers += _convolution(outputs, outputs, kernel, batch_norm)
        # ELU is monotone: after the pool it gives the same values for a quarter of the work
        layers += [MaxPool2d(), nn.ELU(inplace=True), Dropout(0.25 if dropout else 0.0)]
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(256 * (height // 16) * (width // 16), 512),
        nn.ELU(inplace=True),
        Dropout(0.5 if dropout else 0.0),
        nn.Linear(512, n_classes),
    )


def _convolution(inputs: int, outputs: int, kernel: int, batch_norm: bool) -> list[nn.Module]:
    """Convolution that keeps the size of the image; an even kernel is padded right and below."""
    before, after = (kernel - 1) // 2, kernel // 2
    padding: list[nn.Module] = []
    if before != after:
        padding = [nn.ZeroPad2d((before, after, before, after))]
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=before if before == after else 0)
    normalisation = [nn.BatchNorm2d(outputs)] if batch_norm else []
    return [*padding, convolution, *normalisation]
