"""Max-pooling without gradients gives the values that it gives with them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from learnorder.training.architectures.pooling import MaxPool2d


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(24, 24), (7, 5), (2, 3)])
def test_values_are_those_of_pytorch_bit_for_bit(dtype, size):
    torch.manual_seed(0)
    images = torch.randn(6, 16, *size).to(dtype).to(memory_format=torch.channels_last)
    images[0, 0, 0, 0], images[1, 1, 1, 1], images[2, 0, 0, 1] = torch.inf, -torch.inf, -0.0
    images[3, 2, 1, 0] = torch.nan
    with torch.inference_mode():
        pooled, expected = MaxPool2d()(images), functional.max_pool2d(images, 2)
    assert torch.equal(pooled.nan_to_num(7), expected.nan_to_num(7))
    assert pooled[3, 2, 0, 0].isnan()
    assert pooled.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(MaxPool2d()(images).nan_to_num(7), expected.nan_to_num(7))


def test_gradients_are_those_of_pytorch():
    torch.manual_seed(0)
    images = torch.randn(4, 3, 9, 8, requires_grad=True)
    (ours,) = torch.autograd.grad(MaxPool2d()(images).square().sum(), images)
    (theirs,) = torch.autograd.grad(functional.max_pool2d(images, 2).square().sum(), images)
    assert torch.equal(ours, theirs)
