"""Training without processes, for tests that are about commands."""

from __future__ import annotations

import pytest
from tests.collection import here

from learnorder.collection.engines import local
from learnorder.training import cost


@pytest.fixture
def probe_here(monkeypatch):
    """Let `train_collection` probe in this process; it then cannot train."""
    monkeypatch.setattr(cost, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(local, "Pool", here.ProbesHere)


@pytest.fixture(scope="session")
def train_here():
    """Return what trains in this process."""
    return here.train_here
