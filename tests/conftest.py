"""Fixtures every stage uses."""

from __future__ import annotations

import os
from pathlib import Path

# as in the workers: small networks are slower, not faster, on several threads of a busy machine
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples


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
