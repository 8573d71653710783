"""Real processes: killed while they record, many at one log at once, and two that share a split."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from forks import fork
from tests.recording.here import LABELS, classes, record

import learnorder as lo
from learnorder.log.garbage import collect_garbage
from learnorder.log.verify import verify_log

ROOT = Path(__file__).parents[2]


def together(acts):
    """Let each act in a process of its own, from one moment on; return what they acknowledged."""
    waiting, holding = os.pipe()

    def held(act):
        def wait_and_act(acknowledge):
            os.close(holding)
            os.read(waiting, 1)
            act(acknowledge)

        return wait_and_act

    children = [fork(held(act)) for act in acts]
    os.close(holding)
    os.close(waiting)
    assert [child.wait() for child in children] == [0] * len(acts)
    return [pair for child in children for pair in child.acknowledged]


def test_ten_processes_create_one_log_at_one_moment(path):
    def act(seed):
        def record_all(acknowledge):
            with lo.Recorder(path, seed=seed, labels=LABELS, about={"lr": 1}) as recorder:
                record(recorder, [1, 2], seed)
            acknowledge(seed, 2)

        return record_all

    assert len(together([act(seed) for seed in range(10)])) == 10
    found = lo.open_log(path)["test"].prediction
    assert found.replicate.values.tolist() == list(range(10))
    for seed in range(10):
        for epoch in (1, 2):
            votes = found.sel(replicate=seed, epoch=epoch)
            assert np.array_equal(votes, classes(epoch, "test", seed))
    assert verify_log(path).intact
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_of_processes_with_one_seed_one_records_and_the_others_are_told(path):
    def record_or_be_told(acknowledge):
        try:
            with lo.Recorder(path, seed=7, labels=LABELS) as recorder:
                record(recorder, [1])
                time.sleep(2.5)
        except lo.LogBusy as error:
            assert re.fullmatch(r"log: replicate 7 is being written by another .*", str(error))
            acknowledge(7, 0)
        else:
            acknowledge(7, 1)

    assert sorted(together([record_or_be_told] * 3)) == [(7, 0), (7, 0), (7, 1)]


def test_of_processes_with_other_labels_the_later_are_told(path):
    def act(label):
        def record_or_be_told(acknowledge):
            try:
                lo.Recorder(path, seed=label, labels={"test": [label, 2]}).close()
            except lo.ExamplesDiffer as error:
                assert "the first at position 0" in str(error)
            else:
                acknowledge(label, 0)

        return record_or_be_told

    assert len(together([act(label) for label in (0, 1, 2)])) == 1


def test_recorder_that_is_still_there_is_named(begin):
    first = begin()
    with pytest.raises(lo.LogBusy, match=r"by this process already .* Finish or close the one"):
        begin()
    first.close()
    begin().close()
    lo.Recorder(first._log, seed=0, labels=LABELS)  # dropped, so let go
    begin()


def test_kill_at_any_moment_leaves_whole_epochs_and_all_that_were_acknowledged(path):
    chance = random.Random(5)
    acknowledged = 0
    for _ in range(8):

        def record_on(acknowledge):
            recorder = lo.Recorder(path, seed=0, labels=LABELS)
            for epoch in range((recorder.last_epoch or 0) + 1, 10_000):
                record(recorder, [epoch])
                acknowledge(0, epoch)

        child = fork(record_on)
        said = os.read(child.pipe, 1 << 16).decode().split()  # at least one epoch
        time.sleep(chance.random() * 0.05)
        child.send(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        acknowledged = max([int(said[-1]), *(epoch for _, epoch in child.acknowledged)])
        assert verify_log(path).intact
        found = lo.open_log(path, unfinished=True)["test"].prediction
        assert acknowledged <= found.sizes["epoch"] <= acknowledged + 1
        for epoch in found.epoch.values.tolist():
            assert np.array_equal(found.sel(epoch=epoch)[0], classes(epoch, "test"))
    assert acknowledged >= 8
    with lo.Recorder(path, seed=0, labels=LABELS) as recorder:
        last = recorder.last_epoch
        record(recorder, [last + 1])
    collect_garbage(path)
    log = lo.open_log(path)
    for split in LABELS:
        assert log[split].epoch.values.tolist() == list(range(1, last + 2))
    assert verify_log(path).intact
    assert verify_log(path).orphans == []


def test_child_of_a_fork_cannot_record_and_takes_nothing_away(begin):
    recorder = begin()
    record(recorder, [1])

    def record_too(acknowledge):
        with pytest.raises(lo.LogBusy, match="no longer claimed by this process"):
            record(recorder, [2])
        recorder.close()
        acknowledge(0, 0)

    child = fork(record_too)
    assert child.wait() == 0
    assert child.acknowledged
    record(recorder, [2])


def test_two_processes_of_torch_distributed_record_one_log_as_the_page_shows(tmp_path):
    """The snippet of the page, run by two processes; the sampler pads 7 examples to 8."""
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "docs/recorder.md").read_text(), re.S)
    (snippet,) = [s for s in snippets if "DistributedSampler" in s]
    environment = {**os.environ, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", snippet],
            cwd=tmp_path,
            env={**environment, "RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    said = [rank.communicate(timeout=120)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], said
    log = lo.open_log(tmp_path / "distributed.zarr")["test"]
    assert log.sizes == {"replicate": 1, "epoch": 2, "example": 7}
    assert np.array_equal(log.prediction[0], [log.label, log.label])  # a network that knows all
    assert verify_log(tmp_path / "distributed.zarr").intact
