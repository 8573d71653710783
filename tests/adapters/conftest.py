"""Where logs of adapters are."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the log will be; frameworks leave their files beside it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs.zarr"
