"""Thumbnails side by side: each once, and where the page looks for it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from learnorder.report.sheets import ACROSS, Sheet, Sheets


def pixels_of(sheet: Sheet) -> np.ndarray:
    kind, data = sheet.uri().removeprefix("data:image/").split(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.format is not None
    assert image.format.lower() == kind
    return np.asarray(image)


@pytest.mark.parametrize("shape", [(8, 8), (5, 7, 3), (1, 1)])
def test_every_tile_is_the_picture_that_was_added(shape: tuple[int, ...]) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, size=(70, *shape), dtype=np.uint8)
    sheet = Sheet("sheet")
    tiles = [sheet.add(picture) for picture in pictures]
    whole = pixels_of(sheet)
    assert whole.shape[:2] == (sheet.size[1], sheet.size[0])
    for tile, picture in zip(tiles, pictures, strict=True):
        rows = slice(tile.top, tile.top + tile.height)
        found = whole[rows, tile.left : tile.left + tile.width]
        assert (found == picture).all()
        assert (tile.left // tile.width, tile.top // tile.height) == (
            tile.place % ACROSS,
            tile.place // ACROSS,
        )


def test_the_same_picture_is_there_once() -> None:
    sheet = Sheet("sheet")
    one, other = np.zeros((4, 4), dtype=np.uint8), np.ones((4, 4), dtype=np.uint8)
    assert sheet.add(one) == sheet.add(one.copy())
    assert sheet.add(other) != sheet.add(one)
    assert len(sheet) == 2
    assert sheet.find(other) == sheet.add(other)
    assert sheet.find(np.full((4, 4), 7, dtype=np.uint8)) is None


def test_large_noise_is_written_with_losses_and_still_found_by_its_own_pixels() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, size=(40, 64, 64, 3), dtype=np.uint8)
    sheet = Sheet("sheet")
    for picture in pictures:
        sheet.add(picture)
    assert sheet.uri().startswith("data:image/webp;")
    assert len(sheet.uri()) < pictures.nbytes / 2


def test_pictures_of_other_sizes_have_sheets_of_their_own() -> None:
    sheets = Sheets("some")
    grey, colour = np.zeros((4, 4), dtype=np.uint8), np.zeros((4, 4, 3), dtype=np.uint8)
    assert [sheets.add(p).sheet for p in (grey, colour, grey)] == ["some-0", "some-1", "some-0"]
    assert [sheet.name for sheet in sheets] == ["some-0", "some-1"]
