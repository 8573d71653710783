"""Fixtures every stage uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real datasets, or skip, visibly."""
    root = os.environ.get("LEARNORDER_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("LEARNORDER_DATA is not set to a folder with the datasets")
    return Path(root)
