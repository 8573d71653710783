"""Dropout is that of its definition, value by value, whatever its speed."""

from __future__ import annotations

import pytest
import torch

from learnorder.training.architectures.dropout import Dropout


@pytest.mark.parametrize("p", [0.25, 0.5, 1 / 256])
@pytest.mark.parametrize("shape", [(40, 8, 16, 16), (401, 203)], ids=["images", "vectors"])
def test_values_are_dropped_at_random_and_the_others_scaled(p, shape):
    torch.manual_seed(0)
    out = Dropout(p)(torch.ones(shape))
    dropped = out == 0
    torch.testing.assert_close(out[~dropped], torch.full_like(out[~dropped], 1 / (1 - p)))
    n = dropped.numel()
    # five standard deviations, of the whole and of neighbours dropped together
    assert abs(dropped.double().mean() - p) < 5 * (p * (1 - p) / n) ** 0.5
    flat = dropped.flatten().double() - p
    for apart in (1, 2, 8, shape[1]):
        together = (flat[apart:] * flat[:-apart]).mean()
        assert abs(together) < 5 * p * (1 - p) / (n - apart) ** 0.5
    by_example = dropped.flatten(1).double().mean(1)
    assert by_example.std() < 1.5 * (p * (1 - p) / dropped[0].numel()) ** 0.5


def test_every_byte_is_equally_likely():
    torch.manual_seed(1)
    thresholds = [Dropout(k / 256) for k in (1, 64, 128, 192, 255)]
    for dropout in thresholds:
        share = (dropout(torch.ones(1000, 333)) == 0).double().mean()
        assert abs(share - dropout.p) < 5 * (dropout.p * (1 - dropout.p) / 333_000) ** 0.5


def test_gradient_passes_where_the_value_did():
    torch.manual_seed(2)
    values = torch.ones((8, 4, 5, 5), requires_grad=True)
    out = Dropout(0.25)(values)
    out.sum().backward()
    assert torch.equal(values.grad, out.detach())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_type_and_memory_layout_stay(dtype):
    images = torch.ones((4, 8, 6, 6), dtype=dtype).contiguous(memory_format=torch.channels_last)
    out = Dropout(0.5)(images)
    assert (out.dtype, out.stride()) == (images.dtype, images.stride())


def test_the_seed_decides_and_layout_does_not():
    images = torch.ones((4, 8, 6, 6))
    outs = []
    for given in (images, images.contiguous(memory_format=torch.channels_last), images):
        torch.manual_seed(3)
        outs.append(Dropout(0.5)(given))
    assert torch.equal(outs[0], outs[1])
    assert torch.equal(outs[0], outs[2])
    assert not torch.equal(outs[0], Dropout(0.5)(images))


def test_nothing_is_dropped_in_evaluation_or_with_probability_zero():
    values = torch.randn(4, 7)
    assert torch.equal(Dropout(0.5).eval()(values), values)
    state = torch.get_rng_state()
    assert torch.equal(Dropout(0.0)(values), values)
    assert torch.equal(torch.get_rng_state(), state)


def test_probability_that_bytes_cannot_tell_is_refused():
    with pytest.raises(ValueError, match=r"p is 0\.3"):
        Dropout(0.3)
