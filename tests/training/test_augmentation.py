"""What happens to an image depends on its generator and position, never on its batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learnorder.errors import LearnOrderError
from learnorder.training import augmentation
from learnorder.training.inputs import InputShape

IMAGE = InputShape("image", (3, 9, 7))


def images(n: int = 50) -> torch.Tensor:
    return torch.randn((n, *IMAGE.shape), generator=torch.Generator().manual_seed(1))


def drawn(n: int = 50, flip: bool = True, crop: int = 2, seed: int = 0) -> augmentation.Draws:
    return augmentation.draw(n, np.random.default_rng(seed), flip, crop)


def by_hand(image: np.ndarray, mirrored: bool, offset: np.ndarray, padding: int) -> np.ndarray:
    padded = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
    row, column = offset
    window = padded[:, row : row + image.shape[1], column : column + image.shape[2]]
    return window[:, :, ::-1] if mirrored else window


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("crop", [0, 1, 3])
def test_equals_the_definition_image_by_image(flip: bool, crop: int) -> None:
    x, draws = images(), drawn(flip=flip, crop=crop)
    augmented = augmentation.apply(x, torch.arange(50), draws).numpy()
    for i in range(50):
        expected = by_hand(x[i].numpy(), bool(draws.mirrored[i]), draws.offsets[i], crop)
        assert np.array_equal(augmented[i], expected)


def test_batches_and_order_change_nothing() -> None:
    x, draws = images(), drawn()
    whole = augmentation.apply(x, torch.arange(50), draws)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(3))
    for size in (1, 7, 50):
        for positions in order.split(size):
            assert torch.equal(augmentation.apply(x[positions], positions, draws), whole[positions])


def test_memory_layout_changes_nothing() -> None:
    x, draws = images(), drawn()
    last = x.contiguous(memory_format=torch.channels_last)
    positions = torch.arange(50)
    augmented = augmentation.apply(last, positions, draws)
    assert torch.equal(augmented, augmentation.apply(x, positions, draws))


def test_the_given_images_are_left_as_they_were() -> None:
    x = images()
    before = x.clone()
    augmentation.apply(x, torch.arange(50), drawn())
    assert torch.equal(x, before)


def test_without_flip_and_crop_images_stay_the_same() -> None:
    x = images()
    same = augmentation.apply(x, torch.arange(50), drawn(flip=False, crop=0))
    assert torch.equal(same, x)


def test_one_generator_state_gives_one_draw_and_another_gives_another() -> None:
    first, again, other = drawn(), drawn(), drawn(seed=1)
    assert np.array_equal(first.offsets, again.offsets)
    assert np.array_equal(first.mirrored, again.mirrored)
    assert not np.array_equal(first.offsets, other.offsets)
    assert not np.array_equal(first.mirrored, other.mirrored)


def test_flip_and_crop_do_not_change_each_other() -> None:
    both, flip_only, crop_only = drawn(), drawn(crop=0), drawn(flip=False)
    assert np.array_equal(both.mirrored, flip_only.mirrored)
    assert np.array_equal(both.offsets, crop_only.offsets)
    assert not crop_only.mirrored.any()
    assert not flip_only.offsets.any()


def test_half_are_flipped_and_every_offset_is_equally_likely() -> None:
    draws = drawn(n=20_000, crop=2)
    assert abs(draws.mirrored.mean() - 0.5) < 0.02
    cells = np.bincount(draws.offsets[:, 0] * 5 + draws.offsets[:, 1], minlength=25)
    assert len(cells) == 25
    # 800 expected in each cell, deviation 28; five deviations
    assert np.abs(cells - 800).max() < 140
    assert abs(np.corrcoef(draws.mirrored, draws.offsets[:, 0])[0, 1]) < 0.035


@pytest.mark.parametrize("kind", ["features", "text"])
@pytest.mark.parametrize(("flip", "crop"), [(True, 0), (False, 1)])
def test_only_images_can_be_augmented(kind: str, flip: bool, crop: int) -> None:
    shape = InputShape(kind, (5,))  # type: ignore[arg-type]
    with pytest.raises(LearnOrderError, match=f"of kind '{kind}'. Only images"):
        augmentation.check(shape, flip, crop)
    augmentation.check(shape, False, 0)


@pytest.mark.parametrize("crop", [-1, 7, 100])
def test_crop_outside_the_image_names_the_range(crop: int) -> None:
    with pytest.raises(LearnOrderError, match=f"crop is {crop}, .* 9 by 7. .*between 0 and 6"):
        augmentation.check(IMAGE, False, crop)
    augmentation.check(IMAGE, True, 6)


def test_a_batch_that_holds_no_images_is_refused() -> None:
    with pytest.raises(LearnOrderError, match=r"the batch has the shape \(4, 5\)"):
        augmentation.apply(torch.zeros(4, 5), torch.arange(4), drawn())
