"""Fixtures every stage uses."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

# as in the workers: small networks are slower, not faster, on several threads of a busy machine
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from scipy import stats

from learnorder.collection.processes import ready_to_fork
from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that are free in memory if temporary folders lie there."""

# a log waits for the disk after every file, which tests that are not about disks need not
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session", autouse=True)
def forked_workers() -> Iterator[None]:
    """Fork the workers of all tests from one process, so that PyTorch is loaded once."""
    with ready_to_fork(at_once=False):
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real datasets, or skip, visibly."""
    root = os.environ.get("LEARNORDER_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("LEARNORDER_DATA is not set to a folder with the datasets")
    return Path(root)


def write_log(path: Path, seeds: range = range(3), n_epochs: int = 3, shift: int = 0) -> Path:
    """Write a small finished log: predictions that get better from epoch to epoch."""
    rng = np.random.default_rng(shift)
    sizes = {"train": 40, "test": 24}
    examples = {s: Examples(np.arange(n), np.arange(n) % 3) for s, n in sizes.items()}
    about = {"name": "tiny", "kind": "features", "fingerprint": "f", "class_names": ["a", "b", "c"]}
    spec = {"architecture": {"name": "mlp"}}
    splits = {name: (split, None) for name, split in examples.items()}
    create_log(path, NewLog(spec, "identity", about, {"learnorder": "0"}, splits))
    hardness = {s: np.random.default_rng(5).random(n) for s, n in sizes.items()}
    for seed in seeds:
        with ReplicateWriter(path, seed, [float(e + 1) for e in range(n_epochs)], {}) as writer:
            for e in range(n_epochs):
                known = {
                    s: rng.random(n) * (e + 1) / n_epochs > hardness[s] * 0.7
                    for s, n in sizes.items()
                }
                votes = {
                    s: np.where(known[s], examples[s].labels, rng.integers(0, 3, n)).astype("u1")
                    for s, n in sizes.items()
                }
                writer.write(EpochPredictions(seed, e, float(e + 1), votes))
            writer.finish()
    return path


@pytest.fixture(scope="session")
def tiny_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a finished log of 3 replicates, 3 epochs, 40 + 24 examples, 3 classes."""
    return write_log(tmp_path_factory.mktemp("logs") / "tiny.zarr")


@pytest.fixture(scope="session")
def tiny_log_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write another log over the same examples."""
    return write_log(tmp_path_factory.mktemp("logs") / "twin.zarr", shift=1)


@pytest.fixture(scope="session")
def recomputed() -> Callable[..., tuple[float, float]]:
    """Value, and half its interval, from computing it again without replicates and examples."""
    return _recomputed


def _recomputed(statistic, *tables: np.ndarray, slope: float = 1.0) -> tuple[float, float]:
    """Two-way jackknife of ``(replicate, example)`` tables, by deleting and nothing else.

    ``slope`` is the derivative of the value on the scale of the interval.
    """
    value, n = statistic(*tables), tables[0].shape[1]

    def influence(*left: np.ndarray) -> np.ndarray:
        """Pseudo-values of examples, less their mean."""
        whole = [statistic(*(np.delete(t, x, axis=1) for t in left)) for x in range(n)]
        return (n - 1) * (np.mean(whole) - np.array(whole))

    squares = influence(*tables) ** 2
    variance, error = squares.sum() / n**2, n * squares.var() / n**4
    for k, table in enumerate(tables):
        size = len(table)
        left = [(*tables[:k], np.delete(table, r, axis=0), *tables[k + 1 :]) for r in range(size)]
        whole = (size - 1) * np.var([statistic(*part) for part in left])
        cells = (size - 1) * np.var([influence(*part) for part in left], axis=0).sum() / n**2
        sure = stats.chi2.cdf((size - 1) * whole / cells, size - 1)
        variance += max(whole - cells, 0)
        error += 2 * (sure * whole) ** 2 / (size - 1)
    fewest = min(len(table) for table in tables)
    df = max(2 * variance**2 / error, fewest - 1)
    return value, float(stats.t.ppf(0.975, df) * np.sqrt(variance)) * slope
