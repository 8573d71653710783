"""Splits that are read lazily, and note how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from learnorder.log.labelled import from_arrays
from learnorder.schema import PREDICTION


class _Chunked(BackendArray):
    """Predictions behind xarray's lazy indexing; ``reads`` holds the slices that were asked for."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.reads: list[tuple[Any, ...]] = []

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        outer = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, outer, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        self.reads.append(key)
        axes = [np.atleast_1d(np.arange(n)[k]) for n, k in zip(self.shape, key, strict=True)]
        drop = tuple(i for i, k in enumerate(key) if isinstance(k, int | np.integer))
        return self.values[np.ix_(*axes)].squeeze(drop)


def _lazy(
    log: xr.Dataset, chunk: tuple[int, int] | None, quantity: str = PREDICTION
) -> tuple[xr.Dataset, _Chunked]:
    """The same split, one quantity read lazily; ``chunk`` is (epochs, examples)."""
    array = _Chunked(log[quantity].values)
    copied = indexing.CopyOnWriteArray(indexing.LazilyIndexedArray(array))
    lazy = log.assign({quantity: (log[quantity].dims, indexing.MemoryCachedArray(copied))})
    if chunk is not None:
        chunks = {"replicate": 1, "epoch": chunk[0], "example": chunk[1]}
        lazy[quantity].encoding["preferred_chunks"] = chunks
    return lazy, array


@pytest.fixture(scope="session")
def lazy() -> Callable[..., tuple[xr.Dataset, _Chunked]]:
    """Maker of the same split, read lazily, and of the array that notes the reads."""
    return _lazy


def _random_log(
    shape: tuple[int, int, int], n_classes: int, seed: int = 0, first_epoch: float = 0.0
) -> xr.Dataset:
    """Predictions of which the easier examples are more often right."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, n_classes, shape[2])
    right = rng.random(shape) < rng.beta(0.7, 0.7, shape[2])
    prediction = np.where(right, label, rng.integers(0, n_classes, shape))
    names = [str(k) for k in range(n_classes)]
    epochs = first_epoch + np.cumsum(rng.choice([0.5, 1.0, 2.0], shape[1])) - 0.5
    return from_arrays(prediction, label, epochs=epochs.tolist(), class_names=names)


@pytest.fixture(scope="session")
def random_log() -> Callable[..., xr.Dataset]:
    """Maker of a split with random predictions."""
    return _random_log
