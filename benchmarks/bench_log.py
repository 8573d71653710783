"""Committing an epoch and reading it back, at the size of Fashion-MNIST in full."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from learnorder.log.reader import open_log
from learnorder.log.writer import NewLog, ReplicateWriter, create_log
from learnorder.schema import EpochPredictions, Examples

SIZES = {"train": 60_000, "test": 10_000}
N_EPOCHS = 30
VOTES = {
    name: np.random.default_rng(0).integers(0, 10, n).astype(np.uint8) for name, n in SIZES.items()
}


def empty_log(path):
    examples = {
        name: (Examples(np.arange(n), np.arange(n) % 10), None) for name, n in SIZES.items()
    }
    about = {
        "name": "bench",
        "kind": "image",
        "fingerprint": "f",
        "class_names": [str(k) for k in range(10)],
    }
    create_log(path, NewLog({}, "identity", about, {}, examples))
    return path


@pytest.mark.benchmark(group="log, 70,000 examples an epoch")
def test_commit_an_epoch(benchmark, tmp_path):
    path = empty_log(tmp_path / "log.zarr")
    indices = itertools.count()
    with ReplicateWriter(path, 0, [e + 1.0 for e in range(N_EPOCHS)], {}) as writer:

        def commit():
            index = next(indices)
            writer.write(EpochPredictions(0, index, index + 1.0, VOTES))

        benchmark.pedantic(commit, rounds=20, warmup_rounds=2)
        assert writer.n_committed == next(indices)


@pytest.mark.benchmark(group="log, 70,000 examples an epoch")
def test_read_an_epoch(benchmark, tmp_path):
    path = empty_log(tmp_path / "log.zarr")
    with ReplicateWriter(path, 0, [1.0], {}) as writer:
        writer.write(EpochPredictions(0, 0, 1.0, VOTES))
        writer.finish()

    def read():
        log = open_log(path)
        return {name: log[name].prediction.values for name in log}

    found = benchmark.pedantic(read, rounds=20, warmup_rounds=2)
    assert all(np.array_equal(found[name][0, 0], VOTES[name]) for name in SIZES)
