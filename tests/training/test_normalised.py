"""A convolution that takes up its normalisation computes what both do one after the other."""

from __future__ import annotations

import pytest
import torch

from learnorder.training.architectures.normalised import NormalisedConv2d


@pytest.fixture
def trained():
    """A layer whose statistics and weights are those of no beginner."""
    torch.manual_seed(0)
    layer = NormalisedConv2d(3, 8, 3, stride=2)
    with torch.no_grad():
        layer.normalisation.weight.uniform_(0.5, 2)
        layer.normalisation.bias.normal_()
    for _ in range(5):
        layer(3 + 2 * torch.randn(16, 3, 9, 9))
    return layer


def test_values_in_eval_mode_are_the_same_but_for_rounding(trained):
    images = 3 + 2 * torch.randn(10, 3, 9, 9)
    trained.eval()
    expected = trained.one_after_the_other(images)
    torch.testing.assert_close(trained(images), expected, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        trained.normalisation.running_var.mul_(4)
    assert not torch.allclose(trained(images), expected, rtol=1e-2)


def test_training_and_a_normalisation_kept_in_train_mode_go_by_the_batch(trained):
    images = torch.randn(10, 3, 9, 9)
    expected = trained.one_after_the_other(images)
    assert torch.equal(trained(images), expected)
    trained.eval()
    trained.normalisation.train()
    assert torch.equal(trained(images), expected)


def test_gradients_in_eval_mode_are_the_same_but_for_rounding(trained):
    images = torch.randn(4, 3, 9, 9)
    trained.eval()
    gradients = [
        torch.autograd.grad(forward(images).square().sum(), list(trained.parameters()))
        for forward in (trained, trained.one_after_the_other)
    ]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("inputs", [1, 4, 15, 16])
def test_few_channels_with_stride_are_computed_as_many_are(inputs):
    """A 1x1 kernel reads each second pixel alone, whether its convolution or a slice skips them."""
    torch.manual_seed(0)
    layer = NormalisedConv2d(inputs, 6, 1, stride=2).to(memory_format=torch.channels_last)
    assert (layer.convolution.stride == (1, 1)) == (inputs < 16)
    images = torch.randn(10, inputs, 9, 8).contiguous(memory_format=torch.channels_last)
    convolved = torch.nn.functional.conv2d(images, layer.convolution.weight, stride=2)
    torch.testing.assert_close(layer(images), layer.normalisation(convolved))
    assert layer.eval()(images).shape == (10, 6, 5, 4)
    for _ in range(20):
        layer.train()(images).square().sum().backward()
    assert torch.isfinite(layer.convolution.weight.grad).all()
