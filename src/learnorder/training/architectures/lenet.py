"""A small convolutional network of the LeNet family."""

from __future__ import annotations

from torch import nn

from learnorder.training.architectures.dropout import Dropout
from learnorder.training.architectures.pooling import MaxPool2d


def lenet(
    input_shape: tuple[int, ...], n_classes: int, width: int = 16, dropout: bool = False
) -> nn.Module:
    """Return two 5x5 convolutions (16, 32) without padding, each with ReLU and pool; dense 128.

    ``width`` is the number of channels of the first; the others grow with it. ``dropout`` adds
    dropout 0.5 after the dense layer.

    Pooling is the maximum over 2x2. It comes before ReLU, which gives the same values, ReLU being
    monotone, for a quarter of the work. Images have at least 16 by 16 pixels.

    References
    ----------
    lecun1998gradient, with ReLU and max-pooling in place of the original's functions.
    """
    channels, height, across = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, width, 5),
        MaxPool2d(),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, 2 * width, 5),
        MaxPool2d(),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(2 * width * _left(_left(height)) * _left(_left(across)), 8 * width),
        nn.ReLU(inplace=True),
        *([Dropout()] if dropout else []),
        nn.Linear(8 * width, n_classes),
    )


def _left(pixels: int) -> int:
    """Pixels along one side after a 5x5 convolution and a 2x2 pool."""
    return (pixels - 4) // 2
