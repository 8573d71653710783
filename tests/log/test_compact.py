"""Compacted, a log holds the same predictions, in the old form or the new whatever happens."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
import zarr
from click.testing import CliRunner

from learnorder.cli import main
from learnorder.errors import LogBusy, LogDamaged
from learnorder.log import compact as compact_module
from learnorder.log import compaction, layout
from learnorder.log.claim import Claim
from learnorder.log.compact import compact_log
from learnorder.log.description import describe
from learnorder.log.garbage import collect_garbage
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions


@pytest.fixture(params=[7, 8192], ids=["several chunks", "one chunk"])
def log(tiny_log, tmp_path, request, monkeypatch):
    """Copy a finished log, and make chunks narrower than the splits."""
    monkeypatch.setattr(compaction, "CHUNK_EXAMPLES", request.param)
    shutil.copytree(tiny_log, tmp_path / "log.zarr")
    return tmp_path / "log.zarr"


def values(path):
    log = open_log(path)
    return {split: log[split].prediction.values for split in log}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[s], b[s]) for s in a)


def votes(index):
    return {name: np.full(n, index % 3, np.uint8) for name, n in (("train", 40), ("test", 24))}


def continue_to(path, seed, n_epochs):
    with ReplicateWriter(path, seed, [e + 1.0 for e in range(n_epochs)], {}) as writer:
        for index in range(writer.n_committed, n_epochs):
            writer.write(EpochPredictions(seed, index, index + 1.0, votes(index)))
        writer.finish()


def test_predictions_are_the_same_and_the_log_is_intact(log):
    before = values(log)
    report = compact_log(log)
    assert report.compacted == [0, 1, 2]
    assert same(values(log), before)
    found = verify_log(log)
    assert (found.problems, found.orphans, found.n_epochs) == ([], [], 9)
    assert not list(log.rglob("segment-*"))
    assert not list(log.rglob("commits/*/*.json"))


def test_second_time_there_is_nothing_to_do(log):
    compact_log(log)
    files = sorted(log.rglob("*"))
    assert compact_log(log).already == [0, 1, 2]
    assert sorted(log.rglob("*")) == files


def test_any_reader_of_zarr_opens_it(log):
    before = values(log)
    compact_log(log)
    (folder,) = log.glob("replicates/r0001/attempt-*/compact-*/test")
    array = zarr.open_array(folder, mode="r")
    assert array.attrs == {}
    assert array.metadata.dimension_names == ("epoch", "example")
    assert np.array_equal(array[...], before["test"][1])


def test_chunks_are_told_to_whoever_reads_in_blocks(log):
    def chunks():
        return open_log(log)["train"].prediction.encoding["preferred_chunks"]

    assert chunks() == {"replicate": 1, "epoch": 1, "example": 40}
    compact_log(log)
    width = min(40, compaction.CHUNK_EXAMPLES)
    assert chunks() == {"replicate": 1, "epoch": 3, "example": width}


@pytest.mark.parametrize(
    "key",
    [
        {"example": slice(5, 23)},
        {"example": [3, 1, 30], "epoch": [2, 0]},
        {"replicate": 1, "epoch": 1},
        {"example": 39},
        {"example": slice(None, None, -3)},
        {"example": []},
    ],
)
def test_any_part_reads_as_it_did(log, key):
    before = values(log)["train"]
    dims = ("replicate", "epoch", "example")
    compact_log(log)
    part = open_log(log)["train"].prediction.isel(key)
    expected = before
    for axis, dim in reversed(list(enumerate(dims))):
        if dim in key:
            chosen = key[dim]
            index = np.array(chosen, int) if isinstance(chosen, list) else chosen
            expected = expected[(slice(None),) * axis + (index,)]
    assert np.array_equal(part.values, expected)


def test_reader_opened_before_reads_on(log):
    before = values(log)
    early = open_log(log)
    opened = {split: early[split] for split in early}
    compact_log(log)
    assert same({s: opened[s].prediction.values for s in opened}, before)


def test_reader_survives_compaction_of_a_longer_replicate(log):
    compact_log(log)
    continue_to(log, 0, 5)
    early = open_log(log)["train"].sel(replicate=0)
    compact_log(log)
    assert early.sizes["epoch"] == 3
    assert (
        open_log(log, unfinished=True)["train"].sel(replicate=0, epoch=5.0) == 1
    ).prediction.all()


def test_readers_all_the_while_see_old_or_new(tmp_path, tiny_log):
    before = values(tiny_log)
    for attempt in range(5):
        path = tmp_path / f"{attempt}.zarr"
        shutil.copytree(tiny_log, path)
        wrong, stop = [], threading.Event()

        def read(path=path, wrong=wrong, stop=stop):
            while not stop.is_set():
                try:
                    if not same(values(path), before):
                        wrong.append("other values")
                except Exception as error:
                    wrong.append(repr(error))

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        compact_log(path)
        stop.set()
        for reader in readers:
            reader.join()
        assert wrong == []


def test_compacted_replicate_can_be_continued_and_compacted_again(log):
    before = values(log)
    compact_log(log)
    for seed in range(3):
        continue_to(log, seed, 5)
    after = values(log)
    assert all(np.array_equal(after[s][:, :3], before[s]) for s in before)
    assert all((after[s][:, 4] == 1).all() for s in before)
    assert verify_log(log).problems == []
    assert compact_log(log).compacted == [0, 1, 2]
    assert same(values(log), after)
    assert verify_log(log).problems == []
    assert len(list(log.rglob("compact-*"))) == 3


def test_continued_but_unfinished_replicate_is_left_as_it_is(log):
    compact_log(log)
    with ReplicateWriter(log, 1, [1.0, 2.0, 3.0, 4.0, 5.0], {}) as writer:
        writer.write(EpochPredictions(1, 3, 4.0, votes(3)))
    report = compact_log(log)
    assert report.left_out == {1: "it is being continued"}
    assert verify_log(log).problems == []
    assert [r["epochs"]["test"] for r in describe(open_log(log))["replicates"]] == [3, 4, 3]


def test_failure_while_continuing_keeps_what_was_compacted(log):
    before = values(log)
    compact_log(log)
    with ReplicateWriter(log, 1, [1.0, 2.0, 3.0, 4.0], {}) as writer:
        writer.fail("diverged", 4.0, "loss is nan")
    kept = open_log(log, unfinished=True)
    assert np.array_equal(kept["test"].prediction.values, before["test"])
    assert verify_log(log).problems == []


def test_other_predictions_for_a_compacted_epoch_are_refused(log):
    compact_log(log)
    with (
        ReplicateWriter(log, 1, [1.0, 2.0, 3.0], {}) as writer,
        pytest.raises(Exception, match="trained again"),
    ):
        writer.write(EpochPredictions(1, 0, 1.0, votes(2)))


def test_unfinished_and_claimed_replicates_are_left_and_named(log):
    with ReplicateWriter(log, 7, [1.0, 2.0], {}) as writer:
        writer.write(EpochPredictions(7, 0, 1.0, votes(0)))
        with Claim(layout.claim_file(log, 2), "replicate 2"):
            report = compact_log(log)
    assert report.left_out.keys() == {2, 7}
    assert "replicate 2 is being written by this process already" in report.left_out[2]
    assert report.left_out[7] == "it is not finished"
    assert report.compacted == [0, 1]


def test_damaged_replicate_stays_as_it_was_and_is_named(log):
    chunk = sorted(log.glob("replicates/r0001/attempt-*/segment-*/train/c.*"))[0]
    chunk.write_bytes(chunk.read_bytes()[:-1])
    report = compact_log(log)
    assert report.compacted == [0, 2]
    assert "train/c.0.0" in report.damaged[1]
    assert chunk.exists()
    assert [len(list(log.glob(f"replicates/r000{s}/*/compact-*"))) for s in range(3)] == [1, 0, 1]


def test_what_was_written_wrongly_is_noticed_before_the_switch(log, monkeypatch):
    before = values(log)
    real = compact_module.encode_chunk
    monkeypatch.setattr(
        compact_module, "encode_chunk", lambda chunk, level: real((chunk + 1) % 3, level)
    )
    damaged = compact_log(log).damaged
    assert damaged.keys() == {0, 1, 2}
    assert all("differs from the commit record" in reason for reason in damaged.values())
    monkeypatch.undo()
    assert same(values(log), before)
    assert verify_log(log).orphans == []


def test_lost_outcome_of_a_compacted_replicate_loses_nothing_more(log):
    before = values(log)
    compact_log(log)
    (outcome,) = log.glob("replicates/r0002/attempt-*/outcome.json")
    content = outcome.read_bytes()
    outcome.unlink()
    assert str(outcome) in verify_log(log).problems[0].problem
    assert "outcome.json is missing" in collect_garbage(log).damaged[2]
    with pytest.raises(LogDamaged, match=r"outcome\.json is missing"):
        ReplicateWriter(log, 2, [1.0], {})
    outcome.write_bytes(content)
    assert same(values(log), before)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_replicate(tmp_path):
    """One replicate of 200 MB, compacted within half as much above what Python needs."""
    script = """
import re, sys
from pathlib import Path
import numpy as np
from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.log import compact
from learnorder.schema import EpochPredictions, Examples
path, n = sys.argv[1], 1_000_000
about = {"name": "d", "kind": "k", "fingerprint": "f", "class_names": [str(k) for k in range(300)]}
create_log(path, NewLog({}, "i", about, {}, {"test": (Examples(np.arange(n), None), None)}))
votes = np.arange(n, dtype=np.uint16) % 300
with ReplicateWriter(path, 0, range(1, 101), {}) as writer:
    for e in range(100):
        writer.write(EpochPredictions(0, e, e + 1.0, {"test": votes}))
    writer.finish()
def peak():  # ru_maxrss would begin with the peak of whoever started this process
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
compact.BLOCK_BYTES = 16 << 20
print(compact.compact_log(path).compacted)
print(peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "log.zarr")],
        capture_output=True,
        text=True,
        check=True,
    )
    compacted, kilobytes = done.stdout.splitlines()
    assert compacted == "[0]"
    assert int(kilobytes) < 100_000


def test_command_says_what_became_smaller(log):
    done = CliRunner().invoke(main, ["compact", str(log)])
    assert done.exit_code == 0, done.output
    assert "3 replicates compacted, 0 were already" in done.output
    assert "times smaller" in done.output
    again = CliRunner().invoke(main, ["compact", str(log)])
    assert "0 replicates compacted, 3 were already" in again.output


def test_two_compactions_at_once_leave_one(log):
    before = values(log)
    found = []

    def run():
        try:
            found.append(compact_log(log).compacted)
        except LogBusy as error:
            found.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seed for seeds in found for seed in seeds) == [0, 1, 2]
    assert same(values(log), before)
    assert verify_log(log).problems == []
    assert len(list(log.rglob("compact-*"))) == 3


def test_it_works_on_another_file_system(tiny_log, tmp_path):
    import fsspec

    place = f"memory://{tmp_path.name}/log.zarr"
    fsspec.filesystem("memory").put(str(tiny_log), place, recursive=True)
    before = values(tiny_log)
    early = open_log(place)["train"]
    assert compact_log(place).compacted == [0, 1, 2]
    assert same(values(place), before)
    assert np.array_equal(early.prediction.values, before["train"])
    found = verify_log(place)
    assert (found.problems, found.orphans) == ([], [])
    assert collect_garbage(place).paths == []
    continue_to(place, 1, 5)
    assert compact_log(place).compacted == [1]
    assert verify_log(place).problems == []


def test_a_damaged_new_manifest_never_reads_as_other_values(log):
    """Neither the first read after the move, which looks again, nor a second one."""
    early = open_log(log)["train"].prediction
    before = early.isel(epoch=[0]).values
    compact_log(log)
    manifests = list(log.glob("replicates/*/attempt-*/compact-*/manifest.json"))
    contents = {path: path.read_bytes() for path in manifests}
    for path in manifests:
        path.write_bytes(b"{}")
    for _ in range(2):
        with pytest.raises(LogDamaged):
            early.isel(epoch=[1]).values  # noqa: B018
    for path, content in contents.items():
        path.write_bytes(content)
    assert np.array_equal(early.isel(epoch=[0]).values, before)


def test_finished_replicate_with_a_lost_record_is_touched_by_nobody(log):
    record = next(log.glob("replicates/r0001/attempt-*/commits/test/000002.json"))
    content = record.read_bytes()
    record.unlink()
    for touch in (compact_log, collect_garbage):
        assert "000002.json is missing" in touch(log).damaged[1]
    with pytest.raises(LogDamaged, match=r"000002\.json is missing"):
        values(log)
    record.write_bytes(content)
    assert verify_log(log).problems == []


def test_lost_outcome_keeps_the_manifest_for_when_it_is_restored(log):
    outcome = next(log.glob("replicates/r0001/attempt-*/outcome.json"))
    content = outcome.read_bytes()
    outcome.unlink()
    for touch in (compact_log, collect_garbage):
        assert "lost its outcome.json" in touch(log).damaged[1]
    with pytest.raises(LogDamaged, match=r"lost its outcome\.json"):
        values(log)
    outcome.write_bytes(content)
    assert verify_log(log).problems == []


def test_what_was_finished_stays_protected_after_a_failure(log):
    with ReplicateWriter(log, 1, [1.0, 2.0, 3.0, 4.0], {}) as writer:
        writer.fail("diverged", 4.0, "loss is nan")
    for name in ("train/000002.json", "test/000002.json"):
        next(log.glob(f"replicates/r0001/attempt-*/commits/{name}")).unlink()
    assert verify_log(log).problems != []
    assert collect_garbage(log).damaged.keys() == {1}


def test_shorter_grid_than_was_committed_finishes_with_all_of_it(log):
    with ReplicateWriter(log, 7, [1.0, 2.0, 3.0, 4.0, 5.0], {}) as writer:
        for index in range(4):
            writer.write(EpochPredictions(7, index, index + 1.0, votes(index)))
    with ReplicateWriter(log, 7, [1.0, 2.0], {}) as writer:
        writer.finish()
    assert describe(open_log(log))["replicates"][-1]["epochs"] == {"train": 4, "test": 4}
    assert compact_log(log).compacted == [0, 1, 2, 7]
    assert verify_log(log).problems == []


def test_verify_while_logs_are_compacted_and_continued_calls_them_intact(tiny_log, tmp_path):
    path = tmp_path / "log.zarr"
    shutil.copytree(tiny_log, path)
    found, stop = [], threading.Event()

    def check():
        while not stop.is_set():
            found.extend(verify_log(path).problems)

    checker = threading.Thread(target=check)
    checker.start()
    for n_epochs in (4, 5, 6):
        for seed in range(3):
            continue_to(path, seed, n_epochs)
        compact_log(path)
    stop.set()
    checker.join()
    assert found == []
