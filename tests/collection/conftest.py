"""A small real collection with everything that draws at random: dropout, augmentation, order."""

from __future__ import annotations

import numpy as np
import pytest
from tests.collection import here

from learnorder.collection.engines import local
from learnorder.datasets.dataset import Dataset
from learnorder.training import cost
from learnorder.training.spec import TrainingSpec

NETWORKS = '''
import os
import signal
import sys
import time

import torch
from torch import nn


def with_dropout(input_shape, n_classes, width=16):
    """A small network that draws dropout masks."""
    channels = input_shape[0]
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(width * input_shape[1] * input_shape[2], n_classes),
    )


def nan_for_some(input_shape, n_classes):
    """Every second initialisation gives logits that are no numbers once it is trained."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes))
    if network[1].weight[0, 0].item() > 0:
        network.register_full_backward_hook(spoil)
    return network


def spoil(module, grad_input, grad_output):
    with torch.no_grad():
        module[1].weight.fill_(float("nan"))


class Trouble(nn.Module):
    """Linear, until training comes back from its second evaluation; a probe has only one."""

    def __init__(self, n_classes):
        super().__init__()
        self.linear = nn.Linear(64, n_classes)
        self.evaluations = 0
        self.was_training = True

    def forward(self, images):
        self.evaluations += self.was_training and not self.training
        self.was_training = self.training
        if self.training and self.evaluations >= 3:
            self.happen()
        return self.linear(images.flatten(1))


class Breaks(Trouble):
    def happen(self):
        raise RuntimeError("the fan fell off\\nin two lines")


def is_first():
    """Whether this process is the first to come here; of two at one moment, one is."""
    try:
        open(os.environ["LEARNORDER_TEST_MARK"], "x").close()
    except FileExistsError:
        return False
    return True


class Dies(Trouble):
    def happen(self):
        if is_first():
            os.kill(os.getpid(), signal.SIGKILL)


class BreaksAtOnce(Trouble):
    def forward(self, images):
        if self.training and len(images) > 2:
            raise RuntimeError("no first step")
        return super().forward(images)


def breaks(input_shape, n_classes):
    return Breaks(n_classes)


def breaks_at_once(input_shape, n_classes):
    return BreaksAtOnce(n_classes)


class Hungry(Trouble):
    """Asks for more memory than there is, once."""

    def happen(self):
        if is_first():
            torch.empty(1 << 50)


class Insatiable(Trouble):
    def happen(self):
        torch.empty(1 << 50)


def hungry(input_shape, n_classes):
    return Hungry(n_classes)


def insatiable(input_shape, n_classes):
    return Insatiable(n_classes)


class Slow(nn.Module):
    """Linear, and takes the time it is told, so that something can happen meanwhile."""

    def __init__(self, n_classes):
        super().__init__()
        self.linear = nn.Linear(64, n_classes)

    def forward(self, images):
        time.sleep(float(os.environ.get("LEARNORDER_TEST_PAUSE", 0)))
        return self.linear(images.flatten(1))


def slow(input_shape, n_classes):
    return Slow(n_classes)


class DiesAlways(Trouble):
    def happen(self):
        os.kill(os.getpid(), signal.SIGKILL)


def deadly_for_some(input_shape, n_classes):
    """Every second initialisation ends the process that trains it."""
    network = DiesAlways(n_classes)
    if network.linear.weight[0, 0].item() < 0:
        network.happen = lambda: None
    return network


class DiesWithChild(Dies):
    """Its child outlives it, with whatever it has inherited."""

    def happen(self):
        if not os.path.exists(os.environ["LEARNORDER_TEST_MARK"]) and os.fork() == 0:
            time.sleep(90)
            os._exit(0)
        super().happen()


def dies_with_child(input_shape, n_classes):
    return DiesWithChild(n_classes)


class Exits(Trouble):
    def happen(self):
        sys.exit("enough")


def exits(input_shape, n_classes):
    print("printed where results belong")
    return Exits(n_classes)


def exits_at_once(input_shape, n_classes):
    sys.exit(4)


class Asks(Trouble):
    def happen(self):
        breakpoint()


class AsksAtOnce(Trouble):
    def forward(self, images):
        input("go on? ")


def asks(input_shape, n_classes):
    return Asks(n_classes)


def asks_at_once(input_shape, n_classes):
    return AsksAtOnce(n_classes)


class Boundless(Trouble):
    """Asks for more memory than there is at once, with many examples or few."""

    def forward(self, images):
        if self.training and len(images) > 2:
            torch.empty(1 << 50)
        return super().forward(images)


def boundless(input_shape, n_classes):
    return Boundless(n_classes)
'''


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """Put a module ``own_networks`` on the path, as a user's own architectures would be."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_networks.py").write_text(NETWORKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Digits: 120 to train on, 60 to test on."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    return Dataset.from_arrays(pixels[:120], labels[:120], pixels[120:180], labels[120:180])


@pytest.fixture
def probe_here(monkeypatch):
    """Let `train_collection` probe in this process; it then cannot train."""
    monkeypatch.setattr(cost, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(local, "Pool", here.ProbesHere)


@pytest.fixture(scope="session")
def train_here():
    """Return what trains in this process."""
    return here.train_here


@pytest.fixture(scope="session")
def make_spec():
    """Make specs that use every random stream."""

    def spec(architecture="own_networks:with_dropout", epochs=4, **tables):
        return TrainingSpec.from_tables(
            {
                "dataset": {"name": "arrays"},
                "architecture": {"name": architecture},
                "augmentation": {"flip": True, "crop": 1},
                "training": {"epochs": epochs, "batch_size": 24},
                **tables,
            }
        )

    return spec
