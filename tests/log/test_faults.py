"""Whatever file operation a writer dies in, what was acknowledged stays, and it can go on."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import numpy as np
import pytest

from learnorder.log import files
from learnorder.log.creation import NewLog, create_log
from learnorder.log.reader import open_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples

GRID = [1.0, 2.0, 3.0]
SIZES = {"train": 8, "test": 5}


class DyingSystem:
    """The file operations of ``os``, until the ``n``-th; from there on none works any more."""

    def __init__(self, n: int) -> None:
        self.left = n
        watched = ("open", "fsync", "replace")
        alive = {name: getattr(os, name) for name in ("close", "O_RDONLY")}
        self.os = SimpleNamespace(**alive, **{name: self._watch(name) for name in watched})

    def _watch(self, name):
        def operation(*arguments):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.EIO, "the disk is gone")
            return getattr(os, name)(*arguments)

        return operation


def predictions(index: int) -> EpochPredictions:
    rng = np.random.default_rng(index)
    votes = {split: rng.integers(0, 3, n).astype(np.uint8) for split, n in SIZES.items()}
    return EpochPredictions(0, index, GRID[index], votes)


def new_log(path):
    splits = {s: (Examples(np.arange(n), np.arange(n) % 3), None) for s, n in SIZES.items()}
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": ["a", "b", "c"]}
    create_log(path, NewLog({}, "identity", about, {}, splits))


def write_rest(path, acknowledged):
    with ReplicateWriter(path, 0, GRID, {}) as writer:
        for index in range(len(GRID)):
            writer.write(predictions(index))
            acknowledged.append(index)
        writer.finish()


def test_writer_that_dies_at_any_file_operation_loses_nothing_acknowledged(tmp_path, monkeypatch):
    n, died = 0, True
    while died:
        path, acknowledged = tmp_path / f"{n}.zarr", []
        new_log(path)
        system = DyingSystem(n)
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", system.os)
            try:
                write_rest(path, acknowledged)
            except Exception:
                assert system.left < 0
            died = system.left < 0
        if acknowledged:
            kept = open_log(path, unfinished=True)
            for index in acknowledged:
                for split, votes in predictions(index).predictions.items():
                    stored = kept[split].prediction.sel(replicate=0, epoch=GRID[index]).values
                    assert np.array_equal(stored, votes), (n, split, index)
        write_rest(path, [])
        assert open_log(path)["test"].sizes["epoch"] == len(GRID)
        n += 1
    assert n > 50


@pytest.mark.parametrize("step", range(0, 60, 3))
def test_log_appears_whole_or_not_at_all(tmp_path, monkeypatch, step):
    system = DyingSystem(step)
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", system.os)
        try:
            new_log(tmp_path / "log.zarr")
        except OSError:
            assert list(tmp_path.iterdir()) == []
    new_log(tmp_path / "log.zarr")
    write_rest(tmp_path / "log.zarr", [])
