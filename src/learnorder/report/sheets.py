"""Thumbnails side by side in one picture: each of them once, however often it is shown."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learnorder.report.page import data_uri

ACROSS = 32
"""Thumbnails in a line of a sheet."""

MOST_HIGH = 4096
"""Pixels: a sheet is no higher; browsers and formats refuse what is."""

MOST_BYTES_EACH = 1200
"""Beyond, on average, a sheet is written with losses that nobody sees at this size."""

QUALITY = 82


@dataclass(frozen=True)
class Tile:
    """Where one thumbnail lies.

    Attributes
    ----------
    sheet
        Name of its sheet.
    place
        Its number there.
    left, top, width, height
        Pixels.
    """

    sheet: str
    place: int
    left: int
    top: int
    width: int
    height: int


class Sheet:
    """Thumbnails of one size, in the order in which they were first asked for.

    Parameters
    ----------
    name
        Its id on the page.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._places: dict[bytes, int] = {}
        self._pixels: list[NDArray[np.uint8]] = []
        self._written: tuple[int, str] = (0, "")

    def __len__(self) -> int:
        return len(self._pixels)

    def add(self, pixels: NDArray[np.uint8]) -> Tile:
        """Where a thumbnail lies, now that it is there; the same pixels have one place."""
        digest = _digest(pixels)
        if digest not in self._places:
            self._places[digest] = len(self._pixels)
            self._pixels.append(pixels)
        return self.tile(self._places[digest])

    def find(self, pixels: NDArray[np.uint8]) -> Tile | None:
        """Where a thumbnail lies, if it is there."""
        place = self._places.get(_digest(pixels))
        return None if place is None else self.tile(place)

    def tile(self, place: int) -> Tile:
        """Where the thumbnail of a place lies."""
        height, width = self._pixels[place].shape[:2]
        line, column = divmod(place, ACROSS)
        return Tile(self.name, place, column * width, line * height, width, height)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self._pixels[0].shape[:2]
        return min(len(self), ACROSS) * width, -(-len(self) // ACROSS) * height

    def uri(self) -> str:
        """The sheet as an address that needs no network; written again only where it has grown."""
        if self._written[0] != len(self):
            self._written = (len(self), self._encoded())
        return self._written[1]

    def _encoded(self) -> str:
        from PIL import Image

        width, height = self.size
        whole = np.full((height, width, *self._pixels[0].shape[2:]), 255, dtype=np.uint8)
        for place, pixels in enumerate(self._pixels):
            tile = self.tile(place)
            rows = slice(tile.top, tile.top + tile.height)
            whole[rows, tile.left : tile.left + tile.width] = pixels
        image = Image.fromarray(whole)
        exact = io.BytesIO()
        image.save(exact, format="PNG", optimize=True)
        if exact.tell() <= MOST_BYTES_EACH * len(self):
            return data_uri(exact.getvalue(), "image/png")
        lossy = io.BytesIO()
        image.save(lossy, format="WEBP", quality=QUALITY, method=4)
        return data_uri(lossy.getvalue(), "image/webp")


class Sheets:
    """Sheets for thumbnails of any size; a sheet that is full is followed by another."""

    def __init__(self, prefix: str = "sheet") -> None:
        self._prefix = prefix
        self._by_shape: dict[tuple[int, ...], list[Sheet]] = {}

    def __iter__(self) -> Iterator[Sheet]:
        return (sheet for sheets in self._by_shape.values() for sheet in sheets)

    def add(self, pixels: NDArray[np.uint8]) -> Tile:
        """Where a thumbnail lies, now that it is there."""
        found = self.find(pixels)
        if found is not None:
            return found
        sheets = self._by_shape.setdefault(pixels.shape, [])
        full = max(1, MOST_HIGH // pixels.shape[0]) * ACROSS
        if not sheets or len(sheets[-1]) == full:
            sheets.append(Sheet(f"{self._prefix}-{sum(1 for _ in self)}"))
        return sheets[-1].add(pixels)

    def find(self, pixels: NDArray[np.uint8]) -> Tile | None:
        """Where a thumbnail lies, if it is there."""
        found = (sheet.find(pixels) for sheet in self._by_shape.get(pixels.shape, ()))
        return next((tile for tile in found if tile is not None), None)


def _digest(pixels: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(pixels).tobytes(), digest_size=16).digest()
