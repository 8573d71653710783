"""A pass through a network leaves all as it was that its modules keep."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from learnorder.adapters.network import evaluated


class Keeping(nn.Module):
    """Returns what it keeps, which changes with every pass, and adds it to what it is given."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.kept = self.made()

    def made(self):
        raise NotImplementedError

    def drawn(self):
        raise NotImplementedError

    def forward(self, x):
        return self.layer(x + self.drawn())


class Replaced(Keeping):
    def made(self):
        return torch.zeros(4)

    def drawn(self):
        self.kept = 0.9 * self.kept + 1
        return self.kept


class Changed(Replaced):
    def drawn(self):
        return self.kept.mul_(0.9).add_(1)


class ChangedAndForgotten(Replaced):
    def drawn(self):
        kept = torch.zeros(4) if self.kept is None else self.kept
        value = kept.add_(1).clone()
        self.kept = None if self.kept is not None and not self.training else kept
        return value


class Buffered(Keeping):
    """Its buffer is None every other time."""

    def made(self):
        self.register_buffer("kept", None)

    def drawn(self):
        value = torch.ones(4) if self.kept is None else self.kept + 1
        self.kept = None if self.training and self.kept is not None else value
        return value


class Sparse(Changed):
    def made(self):
        return torch.eye(4).to_sparse()

    def drawn(self):
        self.kept.mul_(2)
        return self.kept.to_dense().sum(0)


class DrawnByTorch(Keeping):
    def made(self):
        return torch.Generator().manual_seed(1)

    def drawn(self):
        return torch.rand(4, generator=self.kept)


class DrawnByNumpy(Keeping):
    def made(self):
        return np.random.default_rng(1)

    def drawn(self):
        return torch.tensor(self.kept.random(4, dtype=np.float32))


class DrawnByOldNumpy(Keeping):
    def made(self):
        return np.random.RandomState(1)

    def drawn(self):
        return torch.tensor(self.kept.rand(4)).float()


class DrawnByPython(Keeping):
    def made(self):
        return random.Random(1)

    def drawn(self):
        return self.kept.random()


KINDS = [
    *(Replaced, Changed, ChangedAndForgotten, Buffered, Sparse),
    *(DrawnByTorch, DrawnByNumpy, DrawnByOldNumpy, DrawnByPython),
]


def weights(kind, *, is_predicted):
    """Weights after three steps, with or without a pass after each."""
    torch.manual_seed(3)
    network, x, y = kind(), torch.rand(8, 4), torch.arange(8) % 2
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()
        if is_predicted:
            with evaluated(network):
                network(x)
                network(x)
            assert network.training
    return [value.detach().numpy().tobytes() for value in network.parameters()]


@pytest.mark.parametrize("kind", KINDS)
def test_training_goes_on_to_the_same_weights(kind):
    assert weights(kind, is_predicted=True) == weights(kind, is_predicted=False)


def test_what_kept_its_values_is_not_written():
    """A graph that training holds on to can still be walked back."""
    network = Replaced()
    network.buffer = nn.Buffer(torch.ones(4))
    weight = torch.ones(4, requires_grad=True)
    loss = (weight * network.buffer * network.kept).sum()
    with evaluated(network):
        network(torch.rand(8, 4))
    loss.backward()
    assert (weight.grad == 0).all()
