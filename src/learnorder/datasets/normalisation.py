"""Mean and deviation of the training split, and what inputs become by them, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BLOCK_VALUES: Final = 4_000_000
"""Values worked on at a time (32 MB in float64): no wide copy of a whole split ever exists."""

Moments = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Mean and deviation, of channels or features."""

_LEVELS: Final = np.arange(256) / 255.0
"""What the values of a byte mean."""


def blocks(array: NDArray[Any]) -> Iterator[slice]:
    """Consecutive slices of examples, none of them large."""
    per_example = max(1, array[:1].size)
    step = max(1, BLOCK_VALUES // per_example)
    for start in range(0, len(array), step):
        yield slice(start, min(start + step, len(array)))


def pixel_moments(images: NDArray[Any]) -> Moments:
    """Mean and deviation per channel; exact of bytes, which are counted, then averaged."""
    if images.dtype != np.uint8:
        return _float_pixel_moments(images)
    counts = np.zeros((images.shape[1], 256), np.int64)
    for block in blocks(images):
        for channel in range(images.shape[1]):
            counts[channel] += np.bincount(images[block, channel].ravel(), minlength=256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ _LEVELS
    variance = np.sum(shares * (_LEVELS - mean[:, np.newaxis]) ** 2, axis=1)
    return mean.astype(np.float32), _usable(np.sqrt(variance))


def _float_pixel_moments(images: NDArray[Any]) -> Moments:
    """The same of images that a transform made floats."""
    axes, n_values = (0, 2, 3), images[:, 0].size
    total = sum(np.sum(images[block], axis=axes, dtype=np.float64) for block in blocks(images))
    mean = np.asarray(total) / n_values
    centre = mean[:, np.newaxis, np.newaxis]
    squares = sum(np.sum((images[block] - centre) ** 2, axis=axes) for block in blocks(images))
    return mean.astype(np.float32), _usable(np.sqrt(np.asarray(squares) / n_values))


def feature_moments(features: NDArray[Any]) -> Moments:
    """Mean and deviation per feature; shifted by the first example, so a constant has exactly 0."""
    first = features[0].astype(np.float64)
    shift = sum(np.sum(features[block] - first, axis=0) for block in blocks(features))
    mean = first + shift / len(features)
    squares = sum(np.sum((features[block] - mean) ** 2, axis=0) for block in blocks(features))
    return mean.astype(np.float32), _usable(np.sqrt(squares / len(features)))


def normalised_images(images: NDArray[Any], moments: Moments) -> Iterator[NDArray[np.float32]]:
    """Blocks ``(example, height, width, channel)`` of images ``(example, channel, height, width)``.

    Each byte becomes ``(byte / 255 - mean) / deviation``, worked out once for all 256 of them;
    floats, which a transform made, become ``(value - mean) / deviation``.
    """
    if images.dtype != np.uint8:
        means, stds = (of_channel.astype(np.float64) for of_channel in moments)
        for block in blocks(images):
            last = np.moveaxis(images[block], 1, 3)
            yield np.ascontiguousarray(((last - means) / stds).astype(np.float32))
        return
    mean, std = (of_channel.astype(np.float64)[:, np.newaxis] for of_channel in moments)
    becomes = ((_LEVELS - mean) / std).astype(np.float32)
    for block in blocks(images):
        planes = images[block]
        out = np.empty((len(planes), *planes.shape[2:], planes.shape[1]), np.float32)
        for channel in range(planes.shape[1]):
            out[..., channel] = becomes[channel][planes[:, channel]]
        yield out


def normalised_features(features: NDArray[Any], moments: Moments) -> Iterator[NDArray[np.float32]]:
    """Blocks ``(example, feature)`` of ``(value - mean) / deviation``."""
    mean, std = (of_feature.astype(np.float64) for of_feature in moments)
    for block in blocks(features):
        yield ((features[block] - mean) / std).astype(np.float32)


def _usable(std: NDArray[np.float64]) -> NDArray[np.float32]:
    """Deviation to divide by: 1 where every value is the same."""
    narrow = std.astype(np.float32)
    return np.where(narrow > 0, narrow, np.float32(1))
