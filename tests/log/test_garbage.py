"""`gc` removes what nothing refers to, nothing else, and nothing that a live process writes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from learnorder.cli import main
from learnorder.log import layout
from learnorder.log.compact import compact_log
from learnorder.log.garbage import collect_garbage
from learnorder.log.reader import open_log
from learnorder.log.resume import save_state
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions


@pytest.fixture
def log(tiny_log, tmp_path):
    shutil.copytree(tiny_log, tmp_path / "log.zarr")
    return tmp_path / "log.zarr"


def files(path):
    return {p.relative_to(path) for p in path.rglob("*") if p.name != "claim"}


def votes(index=0):
    return {name: np.full(n, index % 3, np.uint8) for name, n in (("train", 40), ("test", 24))}


def test_nothing_of_an_intact_log_is_removed(log):
    for _ in range(2):
        before = files(log)
        assert collect_garbage(log).paths == []
        assert files(log) == before
        compact_log(log)


def scatter(log):
    """Everything a killed process can leave, and where."""
    (attempt,) = log.glob("replicates/r0001/attempt-*")
    (segment,) = attempt.glob("segment-*")
    left = [
        attempt / "commits/train/000003.json.0123.partial",
        segment / "train/c.0.0.abc.partial",
        attempt / "manifest-dead.json",
        log / "replicates/r0000/zarr.json.99.partial",
        log / "resume/r0002.npz",
        log / "resume/r0000.npz.77.partial",
    ]
    for path in left:
        path.write_bytes(b"half")
    for name in ("attempt-dead", "r0001"):
        target = log / "replicates/r0000" / name if name != "r0001" else attempt / "segment-3-abc"
        shutil.copytree(log / "examples", target)
        left.append(target)
    shutil.copytree(segment, attempt / "compact-0123")
    return [*left, attempt / "compact-0123"]


def test_everything_left_behind_is_removed_and_nothing_else(log):
    before = files(log)
    left = scatter(log)
    assert sorted(verify_log(log).orphans) == sorted(map(str, left))
    dry = collect_garbage(log, dry_run=True)
    assert sorted(dry.paths) == sorted(left)
    assert all(path.exists() for path in left)
    found = collect_garbage(log)
    assert (sorted(found.paths), found.n_bytes) == (sorted(left), dry.n_bytes)
    assert files(log) == before
    assert verify_log(log).problems == []


def test_chunk_without_record_is_removed_and_trained_again(log):
    with ReplicateWriter(log, 7, [1.0, 2.0], {}) as writer:
        writer.write(EpochPredictions(7, 0, 1.0, votes()))
        writer.write(EpochPredictions(7, 1, 2.0, votes(1)))
    (record,) = log.glob("replicates/r0007/attempt-*/commits/train/000001.json")
    record.unlink()
    (chunk,) = log.glob("replicates/r0007/attempt-*/segment-*/train/c.1.0")
    assert collect_garbage(log).paths == [chunk]
    with ReplicateWriter(log, 7, [1.0, 2.0], {}) as writer:
        writer.write(EpochPredictions(7, 1, 2.0, votes(1)))
        writer.finish()
    assert (open_log(log)["train"].sel(replicate=7, epoch=2.0).prediction == 1).all()
    assert verify_log(log).problems == []


def test_what_a_live_process_writes_is_not_touched(log):
    with ReplicateWriter(log, 7, [1.0, 2.0], {}) as writer:
        writer.write(EpochPredictions(7, 0, 1.0, votes()))
        left = log / "replicates/r0007/x.partial"
        left.write_bytes(b"being written")
        found = collect_garbage(log)
        assert (found.paths, found.busy) == ([], [7])
        assert left.exists()
    assert collect_garbage(log).paths == [left]


def test_resume_state_of_an_unfinished_replicate_stays(log):
    with ReplicateWriter(log, 7, [1.0, 2.0], {}) as writer:
        writer.write(EpochPredictions(7, 0, 1.0, votes()))
        save_state(log, 7, {"w": np.ones(3)}, {"epoch": 1})
    with ReplicateWriter(log, 1, [1.0, 2.0, 3.0, 4.0], {}) as writer:
        writer.write(EpochPredictions(1, 3, 4.0, votes()))
        save_state(log, 1, {"w": np.ones(3)}, {"epoch": 4})
    assert collect_garbage(log).paths == []
    assert layout.resume_file(log, 7).exists()
    assert layout.resume_file(log, 1).exists()


def test_damaged_replicate_is_not_touched(log):
    left = scatter(log)
    record = next(log.glob("replicates/r0001/attempt-*/commits/train/000001.json"))
    record.write_bytes(record.read_bytes()[:-5])
    assert "000001.json" in collect_garbage(log).damaged[1]
    done = CliRunner().invoke(main, ["gc", str(log)])
    assert done.exit_code == 1
    assert "0 files or folders" in done.stdout
    assert "damaged were not touched (seeds 1; first:" in done.stderr
    assert all(path.exists() for path in left if "r0001" in str(path))


def test_log_that_was_never_completed_is_removed_beside_the_one_that_was(log):
    staging = log.with_name(f".log.zarr.{'0' * 32}.partial")
    shutil.copytree(log / "examples", staging)
    other = log.with_name(f".other.zarr.{'0' * 32}.partial")
    other.mkdir()
    assert collect_garbage(log).paths == [staging]
    assert other.exists()


def test_command_says_what_it_removes(log):
    left = scatter(log)
    dry = CliRunner().invoke(main, ["gc", str(log), "--dry-run"])
    assert dry.exit_code == 0
    assert dry.output.count("would remove") == len(left)
    done = CliRunner().invoke(main, ["gc", str(log)])
    assert f"{len(left)} files or folders" in done.output
    assert "0 files or folders" in CliRunner().invoke(main, ["gc", str(log)]).output
