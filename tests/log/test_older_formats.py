"""Logs of older formats, written by earlier versions and kept as files, read as they did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from learnorder.errors import LearnOrderError
from learnorder.log.compact import compact_log
from learnorder.log.description import describe
from learnorder.log.garbage import collect_garbage
from learnorder.log.layout import read_header
from learnorder.log.merge import merge_logs
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions

STORED = {version: Path(__file__).with_name(f"format{version}.zarr") for version in (1, 2)}
SIZES = {"train": 8, "test": 5}


def expected(seed, index):
    """The same draws as when the logs were written."""
    rng = np.random.default_rng([seed, index])
    return {split: rng.integers(0, 3, n).astype("u1") for split, n in SIZES.items()}


@pytest.fixture(params=STORED)
def version(request):
    return request.param


@pytest.fixture
def log(tmp_path, version):
    shutil.copytree(STORED[version], tmp_path / "log.zarr")
    return tmp_path / "log.zarr"


def check(path, seeds):
    shown = open_log(path)
    for split in SIZES:
        assert shown[split].seed.values.tolist() == seeds
        assert "probability" not in shown[split]
        for seed in seeds:
            for index in range(3):
                found = shown[split].prediction.sel(replicate=seed, epoch=index + 1.0)
                assert np.array_equal(found, expected(seed, index)[split])


def finish(path, **more):
    with ReplicateWriter(path, 2, [1.0, 2.0, 3.0], {}) as writer:
        assert writer.n_committed == 2
        writer.write(EpochPredictions(2, 2, 3.0, expected(2, 2), **more))
        writer.finish()


def test_they_are_of_their_formats(version):
    header = read_header(STORED[version])
    assert header.format_version == version
    assert (dict(header.execution), header.quantities) == ({}, ("prediction",))
    assert (STORED[version] / "seeds").exists() == (version > 1)
    compacted = list(STORED[version].glob("replicates/r0001/attempt-*/compact-*"))
    assert len(compacted) == version - 1


def test_they_read_as_they_did_and_are_intact(log):
    check(log, [0, 1])
    shown = open_log(log)
    assert shown["train"].label.values.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert shown["test"].example.values.tolist() == [f"ex-{i}" for i in range(5)]
    assert shown.previews("train").texts == ("first text", "second text")
    states = [r["status"] for r in describe(shown)["replicates"]]
    assert states[:3] == ["finished", "finished", "interrupted"]
    assert (verify_log(log).problems, verify_log(log).unfinished) == ([], [2])


def test_they_can_be_finished_compacted_and_merged(log, tmp_path, version):
    finish(log)
    collect_garbage(log)
    assert compact_log(log).compacted == [0, 1, 2]
    check(log, [0, 1, 2])
    assert (verify_log(log).problems, verify_log(log).orphans) == ([], [])
    shutil.copytree(STORED[version], tmp_path / "other.zarr")
    merge_logs([log, tmp_path / "other.zarr"], tmp_path / "merged.zarr")
    check(tmp_path / "merged.zarr", [0, 1, 2])
    assert verify_log(tmp_path / "merged.zarr").problems == []
    assert read_header(tmp_path / "merged.zarr").format_version == version


def test_what_is_committed_to_them_is_as_the_version_that_wrote_them_knows_it(log):
    (begun,) = log.glob("replicates/r0002/attempt-*/commits/test/000001.json")
    finish(log)
    added = begun.with_name("000002.json")
    assert json.loads(added.read_bytes()).keys() == json.loads(begun.read_bytes()).keys()


def test_probabilities_are_refused_where_the_log_has_none(log):
    chances = {split: np.ones(n, np.float16) for split, n in SIZES.items()}
    with pytest.raises(LearnOrderError, match=r"the probability for .*; the log has it for \[\]"):
        finish(log, of_label={"probability": chances})
