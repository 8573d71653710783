"""Recorders that are closed after each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.recording.here import LABELS

import learnorder as lo


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the log will be."""
    return tmp_path / "runs.zarr"


@pytest.fixture
def begin(path):
    """Make a recorder of the small splits, with whatever else is asked for."""
    made = []

    def begin(seed: int = 0, **options) -> lo.Recorder:
        made.append(lo.Recorder(path, **{"seed": seed, "labels": LABELS, **options}))
        return made[-1]

    yield begin
    for recorder in made:
        recorder.close()
