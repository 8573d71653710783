"""A log of format 1, written by an earlier version and kept as files, reads as it did."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from learnorder.log.compact import compact_log
from learnorder.log.description import describe
from learnorder.log.garbage import collect_garbage
from learnorder.log.layout import read_header
from learnorder.log.merge import merge_logs
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions

STORED = Path(__file__).with_name("format1.zarr")
SIZES = {"train": 8, "test": 5}


def expected(seed, index):
    """The same draws as when the log was written."""
    rng = np.random.default_rng([seed, index])
    return {split: rng.integers(0, 3, n).astype("u1") for split, n in SIZES.items()}


@pytest.fixture
def log(tmp_path):
    shutil.copytree(STORED, tmp_path / "log.zarr")
    return tmp_path / "log.zarr"


def check(path, seeds):
    shown = open_log(path)
    for split in SIZES:
        assert shown[split].seed.values.tolist() == seeds
        for seed in seeds:
            for index in range(3):
                found = shown[split].prediction.sel(replicate=seed, epoch=index + 1.0)
                assert np.array_equal(found, expected(seed, index)[split])


def test_it_is_of_format_1():
    assert read_header(STORED).format_version == 1
    assert not (STORED / "seeds").exists()


def test_it_reads_as_it_did_and_is_intact(log):
    check(log, [0, 1])
    shown = open_log(log)
    assert shown["train"].label.values.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert shown["test"].example.values.tolist() == [f"ex-{i}" for i in range(5)]
    assert shown.previews("train").texts == ("first text", "second text")
    assert [r["status"] for r in describe(shown)["replicates"]][:2] == ["finished"] * 2
    assert (verify_log(log).problems, verify_log(log).unfinished) == ([], [2])


def test_it_can_be_finished_compacted_and_merged(log, tmp_path):
    with ReplicateWriter(log, 2, [1.0, 2.0, 3.0], {}) as writer:
        assert writer.n_committed == 2
        writer.write(EpochPredictions(2, 2, 3.0, expected(2, 2)))
        writer.finish()
    collect_garbage(log)
    assert compact_log(log).compacted == [0, 1, 2]
    check(log, [0, 1, 2])
    assert (verify_log(log).problems, verify_log(log).orphans) == ([], [])
    shutil.copytree(STORED, tmp_path / "other.zarr")
    merge_logs([log, tmp_path / "other.zarr"], tmp_path / "merged.zarr")
    check(tmp_path / "merged.zarr", [0, 1, 2])
    assert verify_log(tmp_path / "merged.zarr").problems == []
