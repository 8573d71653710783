"""The peer of the training benchmark trains the networks that the product trains."""

from __future__ import annotations

import pytest
import torch
from benchmarks.plain_networks import as_a_user_writes

from learnorder.training.architectures import build
from learnorder.training.architectures.dropout import Dropout
from learnorder.training.inputs import InputShape

IMAGES = {"lenet": (1, 28, 28), "st-vgg": (3, 32, 32), "resnet-8": (3, 32, 32)}


def modules_of(network):
    return {type(module).__module__.split(".")[0] for module in network.modules()}


@pytest.mark.parametrize("name", IMAGES)
def test_networks_of_images_give_the_same_values_but_for_rounding(name):
    torch.manual_seed(0)
    shape = IMAGES[name]
    network = build(name, InputShape("image", shape), 10, {})
    plain = as_a_user_writes(name, network, shape[-1])
    assert modules_of(plain) <= {"torch", "benchmarks"}
    images = torch.randn(6, *shape)
    for mode in (True, False):
        for each in (network, plain):
            each.train(mode)
            for layer in each.modules():
                if isinstance(layer, torch.nn.Dropout | Dropout):
                    layer.eval()
        torch.testing.assert_close(plain(images), network(images), rtol=1e-4, atol=1e-4)


def test_bilstm_gives_the_same_values_for_texts_that_fill_their_place():
    torch.manual_seed(0)
    vectors = torch.randn(40, 12).numpy()
    shape = InputShape("text", (9,), vocabulary_size=40, embedding_dim=12)
    network = build("bilstm", shape, 5, {}, embedding=vectors)
    plain = as_a_user_writes("bilstm", network, 9)
    texts = torch.randint(2, 40, (7, 9))
    torch.testing.assert_close(plain(texts), network(texts), rtol=1e-5, atol=1e-6)
    texts[0, 4:] = 0
    assert not torch.allclose(plain(texts)[0], network(texts)[0])
