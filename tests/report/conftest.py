"""Logs as the report sees them: simulated replicates over real digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from learnorder.log.labelled import from_arrays
from learnorder.report.render import render_report
from learnorder.schema import Previews


@dataclass
class _StandIn:
    """A log in memory with the attributes that the report asks for."""

    splits: dict[str, xr.Dataset]
    shown: dict[str, Previews] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=lambda: {"architecture": {"name": "mlp"}})
    provenance: Mapping[str, Any] = field(
        default_factory=lambda: {"created": "2026-11-23", "seeds": [0, 1, 2]}
    )

    def previews(self, split: str) -> Previews | None:
        return self.shown.get(split)

    def __getitem__(self, split: str) -> xr.Dataset:
        return self.splits[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)


def _simulate(
    labels: np.ndarray,
    *,
    n_replicates: int = 8,
    n_epochs: int = 8,
    n_classes: int = 10,
    seed: int = 0,
    skill: float = 0.0,
    own: float = 0.6,
) -> np.ndarray:
    """Predictions of replicates that share a difficulty per example and add a deviation each.

    The shared difficulty depends on the examples alone, so two calls over the same labels share
    it; ``own`` is the standard deviation of what is each replicate's own.
    """
    n = len(labels)
    shared = np.random.default_rng(42).normal(size=n)
    by_class = np.random.default_rng(43).normal(size=n_classes)[labels]
    difficulty = 2.4 * shared + 0.7 * by_class
    rng = np.random.default_rng(seed)
    deviation = own * rng.normal(size=(n_replicates, 1, n))
    growth = 1.9 * np.log(np.linspace(1, 12, n_epochs))[None, :, None] - 1.2 + skill
    chance = 1 / (1 + np.exp(-(growth - difficulty - deviation) * 3.0))
    right = rng.random((n_replicates, n_epochs, n)) < chance
    other = (labels + rng.integers(1, n_classes, size=right.shape)) % n_classes
    return np.where(right, labels, other)


def _collection_log(
    labels: np.ndarray, *, split: str = "test", names: list[str] | None = None, **how: Any
) -> xr.Dataset:
    """A simulated split of a collection."""
    n_classes = how.setdefault("n_classes", int(labels.max()) + 1)
    names = names or [str(k) for k in range(n_classes)]
    predictions = _simulate(labels, **how)
    return from_arrays(predictions, labels, class_names=names, split=split)


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Real images as uint8 ``(example, 8, 8)`` and their labels."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return np.round(loaded.images * 255 / 16).astype(np.uint8), loaded.target.astype(np.int64)


@pytest.fixture(scope="session")
def digits_log(digits: tuple[np.ndarray, np.ndarray]) -> Callable[..., Any]:
    """Maker of a collection over digits, with pictures, in the splits train and test."""
    images, labels = digits

    def make(**how: Any) -> _StandIn:
        parts = {"train": slice(0, 1297), "test": slice(1297, None)}
        splits = {
            name: _collection_log(labels[part], split=name, **how) for name, part in parts.items()
        }
        shown = {
            name: Previews(np.arange(len(images[part])), images[part])
            for name, part in parts.items()
        }
        return _StandIn(splits, shown)

    return make


@pytest.fixture(scope="session")
def digits_report(digits_log: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about two collections over digits."""
    logs = {"mlp": digits_log(), "lenet": digits_log(seed=5, skill=0.7, n_replicates=10)}
    return render_report(logs, tmp_path_factory.mktemp("digits") / "report.html")


@pytest.fixture(scope="session")
def stand_in() -> type[_StandIn]:
    """The log in memory."""
    return _StandIn


@pytest.fixture(scope="session")
def simulate() -> Callable[..., np.ndarray]:
    """Maker of predictions with a shared difficulty."""
    return _simulate


@pytest.fixture(scope="session")
def collection_log() -> Callable[..., xr.Dataset]:
    """Maker of one simulated split."""
    return _collection_log


@pytest.fixture(scope="session")
def small_log() -> Callable[..., Any]:
    """Maker of a collection of 60 examples, quick to render."""

    def make(**how: Any) -> _StandIn:
        how = {"n_replicates": 4, "n_epochs": 3, **how}
        labels = np.arange(60) % 3
        return _StandIn({s: _collection_log(labels, split=s, **how) for s in ("train", "test")})

    return make


@pytest.fixture
def plain_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing where the words are the point: drawing is most of the time a page takes."""
    svg = "<svg xmlns='http://www.w3.org/2000/svg'/>"
    monkeypatch.setattr("learnorder.report.figures.drawing.Drawing.svg", lambda *_, **__: svg)
