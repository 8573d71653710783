"""The small convolutional network on which most experiments of the paper were made."""

from __future__ import annotations

from torch import nn

from learnorder.training.architectures.dropout import Dropout
from learnorder.training.architectures.pooling import MaxPool2d


def st_vgg(
    input_shape: tuple[int, ...],
    n_classes: int,
    batch_norm: bool = False,
    dropout: bool = True,
    width: int = 32,
) -> nn.Module:
    """Return four pairs of convolutions, then dense 512, with ELU throughout.

    The pairs have 32, 64, 128 (3x3) and 256 (2x2) channels, keep the size of the image, and end in
    a 2x2 max-pool. Dropout is 0.25 after each pair and 0.5 after the dense layer;
    ``dropout=False`` leaves it out. ``batch_norm`` adds a batch normalisation after each
    convolution, before ELU. ``width`` is the number of channels of the first pair; all others, and
    the dense layer, grow with it. Images have at least 16 by 16 pixels.

    References
    ----------
    hacohen2020agree.
    """
    channels, height, across = input_shape
    layers: list[nn.Module] = []
    inputs = channels
    for factor, kernel in [(1, 3), (2, 3), (4, 3), (8, 2)]:
        outputs = factor * width
        layers += [*_convolution(inputs, outputs, kernel, batch_norm), nn.ELU(inplace=True)]
        layers += _convolution(outputs, outputs, kernel, batch_norm)
        # ELU is monotone: after the pool it gives the same values for a quarter of the work
        layers += [MaxPool2d(), nn.ELU(inplace=True), Dropout(0.25 if dropout else 0.0)]
        inputs = outputs
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(inputs * (height // 16) * (across // 16), 16 * width),
        nn.ELU(inplace=True),
        Dropout(0.5 if dropout else 0.0),
        nn.Linear(16 * width, n_classes),
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
