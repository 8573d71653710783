"""Flips and crops of training images, drawn per epoch for every example, whatever its batch.

What happens to an example depends on the generator and the example's position in the training
split only. So the order of examples, the batch size and the neighbours in a batch change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.training.inputs import InputShape


@dataclass(frozen=True)
class Draws:
    """The augmentation of every training example in one epoch.

    Attributes
    ----------
    mirrored
        ``(example,)`` bool, whether left and right are exchanged.
    offsets
        ``(example, 2)`` int64, row and column in the padded image where the crop begins.
    padding
        Mean pixels added on every side before cropping; 0 for no crop.
    """

    mirrored: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    padding: int


def check(shape: InputShape, flip: bool, crop: int) -> None:
    """Raise where inputs of this shape cannot be flipped or cropped by ``crop`` pixels.

    Raises
    ------
    LearnOrderError
        The inputs are no images, or the crop is negative or as large as the image.
    """
    if not flip and crop == 0:
        return
    if shape.kind != "image":
        raise LearnOrderError(
            f"augmentation: flip and crop were asked for, and the inputs are of kind "
            f"{shape.kind!r}. Only images can be flipped and cropped. Leave both out."
        )
    smallest = min(shape.shape[1:])
    if not 0 <= crop < smallest:
        raise LearnOrderError(
            f"augmentation: crop is {crop}, and images are {shape.shape[1]} by {shape.shape[2]}. "
            f"crop is between 0 and {smallest - 1}. Choose a smaller one."
        )


def draw(n_examples: int, generator: np.random.Generator, flip: bool, crop: int) -> Draws:
    """Augmentation of each of the training examples for one epoch.

    A flip happens with probability 1/2; a crop begins anywhere in the image padded by ``crop``
    pixels. Both are always drawn, so that switching one on or off leaves the other as it was.

    Examples
    --------
    >>> draws = draw(4, np.random.default_rng(0), flip=False, crop=2)
    >>> draws.offsets.shape, int(draws.offsets.max()) <= 4, bool(draws.mirrored.any())
    ((4, 2), True, False)
    """
    mirrored = generator.random(n_examples) < 0.5
    unit = generator.random((n_examples, 2))
    offsets = np.floor(unit * (2 * crop + 1)).astype(np.int64)
    return Draws(mirrored & flip, offsets, crop)


def apply(images: torch.Tensor, positions: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Augmented batch, of the shape of the given one.

    Parameters
    ----------
    images
        ``(batch, channel, height, width)``, normalised, so that padding with 0 is the mean pixel.
    positions
        ``(batch,)`` int64, the position of each image in the training split.
    draws
        Of this epoch.

    Raises
    ------
    LearnOrderError
        The batch holds no images.
    """
    if images.ndim != 4:
        raise LearnOrderError(
            f"augmentation: the batch has the shape {tuple(images.shape)}. Only images (batch, "
            "channel, height, width) can be flipped and cropped. Leave flip and crop out."
        )
    if draws.padding:
        offsets = torch.from_numpy(draws.offsets).to(images.device)[positions]
        images = _crop(images, offsets, draws.padding)
    mirrored = torch.from_numpy(draws.mirrored).to(images.device)[positions]
    return torch.where(mirrored[:, None, None, None], images.flip(-1), images)


def _crop(images: torch.Tensor, offsets: torch.Tensor, padding: int) -> torch.Tensor:
    """Window of the padded image that begins at each offset; windows are views until chosen."""
    height, width = images.shape[2:]
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    row, column = offsets.unbind(1)
    return windows[torch.arange(len(images), device=images.device), :, row, column]
