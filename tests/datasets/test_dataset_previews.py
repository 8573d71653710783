from __future__ import annotations

import numpy as np

from learnorder.datasets.dataset import Split
from learnorder.datasets.previews import previews
from learnorder.datasets.registry import load_dataset
from learnorder.schema import Examples


def _split(inputs):
    return Split(inputs, Examples(np.arange(len(inputs)), None))


def test_small_images_are_shown_as_they_are():
    digits = load_dataset("digits")
    shown = previews(digits.test, digits.kind)
    np.testing.assert_array_equal(shown.images, digits.test.inputs)
    np.testing.assert_array_equal(shown.positions, np.arange(500))


def test_beyond_the_limit_positions_are_spread_evenly():
    digits = load_dataset("digits")
    shown = previews(digits.train, digits.kind, limit=100)
    assert len(shown.positions) == len(shown.images) == 100
    assert set(np.diff(shown.positions)) <= {12, 13}
    np.testing.assert_array_equal(shown.images, digits.train.inputs[shown.positions])


def test_large_images_are_shrunk_to_64_pixels_and_keep_their_colour():
    inputs = np.zeros((2, 100, 200, 3), dtype=np.uint8)
    inputs[1] = (200, 100, 50)
    shown = previews(_split(inputs), "image")
    assert shown.images.shape == (2, 32, 64, 3)
    assert shown.images.dtype == np.uint8
    np.testing.assert_array_equal(shown.images[1], inputs[1, :32, :64])


def test_a_very_flat_image_keeps_a_pixel_of_height():
    assert previews(_split(np.zeros((1, 2, 500), np.uint8)), "image").images.shape == (1, 1, 64)


def test_texts_are_cut_to_500_characters():
    shown = previews(_split(np.array(["a" * 900, "kurz"], dtype=object)), "text")
    assert shown.texts == ("a" * 500, "kurz")
    assert shown.images is None


def test_features_have_no_previews():
    assert previews(_split(np.zeros((3, 2), np.float32)), "features") is None
