"""Encoded pictures become one uint8 array: the only place where image files are decoded."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Decoders in use; the many others Pillow has are a risk without a benefit here."""

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm"),
)

MAX_PIXELS = 50_000_000
"""A picture of more is a mistake, or made to exhaust the memory."""


def decode_images(
    encoded: Mapping[str, Iterable[tuple[str, bytes]]], image_size: int | None
) -> dict[str, NDArray[np.uint8]]:
    """Images of every split, all of one size, and all grey or all RGB.

    Grey stays grey where every picture is; an alpha channel that is opaque is dropped, 16 bits are
    scaled to 8, of an animation the first picture counts, and a photograph is turned as its camera
    says.

    Parameters
    ----------
    encoded
        By split, the words that say where a picture is, and its bytes.
    image_size
        Height and width to resize to (bilinear, whatever the proportions), or None.

    Returns
    -------
    uint8 ``(example, height, width)`` or ``(example, height, width, 3)`` by split.

    Raises
    ------
    LearnOrderError
        A picture is damaged, too large or transparent anywhere, or they differ in size and
        ``image_size`` is None.
    """
    first: tuple[str, tuple[int, ...]] | None = None
    decoded: dict[str, list[NDArray[np.uint8]]] = {}
    with warnings.catch_warnings():
        # What Pillow warns of (odd metadata, size) is either harmless here or refused below.
        warnings.simplefilter("ignore")
        for split, items in encoded.items():
            decoded[split] = []
            for where, data in items:
                picture = _decode(data, where, image_size)
                first = first or (where, picture.shape[:2])
                _refuse_other_size(first, where, picture.shape[:2])
                decoded[split].append(picture)
    colour = any(picture.ndim == 3 for pictures in decoded.values() for picture in pictures)
    return {split: _stack(pictures, colour) for split, pictures in decoded.items()}


def _decode(data: bytes, where: str, image_size: int | None) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Image.DecompressionBombError(f"{opened.width}x{opened.height} pixels")
            # Decoding alone lets some flipped bits of a PNG pass.
            opened.verify()
        # Once verified, a picture has to be opened again.
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            turned = ImageOps.exif_transpose(opened)
            _refuse_transparent(turned, where)
            picture = _eight_bits(turned)
            if image_size is not None and picture.size != (image_size, image_size):
                picture = picture.resize((image_size, image_size), Image.Resampling.BILINEAR)
            return np.array(picture, dtype=np.uint8)
    except Image.DecompressionBombError as error:
        raise LearnOrderError(
            f"load_dataset: {where} is too large ({error}). A picture has at most "
            f"{MAX_PIXELS} pixels. Leave it out or shrink it."
        ) from error
    except LearnOrderError:
        raise
    except Exception as error:  # decoders fail in many ways on damaged bytes
        reason = " ".join(str(error).split()).split(" <_io")[0] or type(error).__name__
        raise LearnOrderError(
            f"load_dataset: {where} cannot be decoded ({reason}). "
            f"Pictures are complete files of the formats {', '.join(FORMATS)}. Replace it or "
            "leave it out."
        ) from error


def _refuse_transparent(picture: Image.Image, where: str) -> None:
    """Refuse pixels that show what is behind them: their own colour is nobody's choice."""
    if not picture.has_transparency_data:
        return
    band = picture.getbands()[-1]
    if band in ("A", "a"):
        alpha = np.asarray(picture.getchannel(band))
    elif picture.mode.startswith("I;16"):  # which Pillow would convert as if it were opaque
        alpha = np.where(np.asarray(picture) == picture.info["transparency"], 0, 255)
    else:  # one colour, or entries of the palette
        alpha = np.asarray(picture.convert("RGBA").getchannel("A"))
    see_through = np.count_nonzero(alpha < 255)
    if see_through:
        raise LearnOrderError(
            f"load_dataset: {where} is transparent, wholly or in part, at {see_through} of its "
            f"{alpha.size} pixels. Inputs have no transparency. Put it on a background, for "
            "instance with Pillow: Image.alpha_composite(Image.new('RGBA', picture.size, 'white'), "
            "picture.convert('RGBA')).convert('RGB')."
        )


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Convert any mode to grey (L) or RGB."""
    from PIL import Image

    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode in ("1", "LA", "La"):
        return picture.convert("L")
    if picture.mode.startswith("I;16"):
        deep = np.asarray(picture).astype(np.uint32)
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"mode {picture.mode} has no fixed range")
    return picture.convert("RGB")


def _refuse_other_size(
    first: tuple[str, tuple[int, ...]], where: str, shape: tuple[int, ...]
) -> None:
    if shape != first[1]:
        raise LearnOrderError(
            f"load_dataset: {where} is {shape[0]}x{shape[1]}, {first[0]} is "
            f"{first[1][0]}x{first[1][1]} "
            "(height x width). All images have one size. Give image_size to resize them."
        )


def _stack(pictures: list[NDArray[np.uint8]], colour: bool) -> NDArray[np.uint8]:
    if not pictures:
        return np.zeros((0, 1, 1), dtype=np.uint8)
    same: list[NDArray[Any]] = [
        np.repeat(picture[:, :, None], 3, axis=2) if colour and picture.ndim == 2 else picture
        for picture in pictures
    ]
    return np.stack(same)
