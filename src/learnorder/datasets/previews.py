"""What a person sees of the examples: thumbnails and excerpts, small enough for every log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.checks import Kind
from learnorder.datasets.dataset import Split
from learnorder.schema import MAX_PREVIEWS, Previews

LONGER_SIDE = 64
"""Pixels of a thumbnail's longer side, at most."""

EXCERPT = 500
"""Characters of an excerpt, at most."""


def previews(split: Split, kind: Kind, limit: int = MAX_PREVIEWS) -> Previews | None:
    """Previews of a split, of at most ``limit`` examples spread evenly over it.

    Images are shrunk so that the longer side has at most 64 pixels, never enlarged; of texts the
    first 500 characters are kept. Features have no previews: None.

    Parameters
    ----------
    split
        The examples to show.
    kind
        Of the dataset.
    limit
        Previews to make, at least 1.
    """
    if kind == "features":
        return None
    positions = np.arange(len(split), dtype=np.int64)
    if len(split) > limit:
        positions = np.arange(limit, dtype=np.int64) * len(split) // limit
    return previews_at(split, kind, positions)


def previews_at(split: Split, kind: Kind, positions: NDArray[np.int64]) -> Previews:
    """Previews of the examples at some positions, of images or texts."""
    if kind == "text":
        return Previews(positions, texts=tuple(str(split.inputs[i])[:EXCERPT] for i in positions))
    return Previews(positions, images=_thumbnails(split.inputs[positions]))


def _thumbnails(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = images.shape[1:3]
    if max(height, width) <= LONGER_SIDE:
        return images
    from PIL import Image

    scale = LONGER_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk = [Image.fromarray(image).resize(size, Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in shrunk])
