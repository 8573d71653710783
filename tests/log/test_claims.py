"""One writer at a time, with locks and without; nobody else's epochs are ever acknowledged."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import uuid
from types import SimpleNamespace

import numpy as np
import pytest

from learnorder.errors import LogBusy
from learnorder.log import claim as claim_module
from learnorder.log import files, layout
from learnorder.log.claim import Claim, claim_object, drop_claim, is_claimed
from learnorder.log.creation import NewLog, create_log, dead_stagings
from learnorder.log.description import describe
from learnorder.log.garbage import collect_garbage
from learnorder.log.location import locate
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples

GRID = [1.0, 2.0, 3.0]


def no_locks(code):
    """Stand in for `fcntl` on a file system without locks."""

    def flock(*_):
        raise OSError(code, "no locks here")

    names = ("LOCK_EX", "LOCK_SH", "LOCK_NB", "LOCK_UN")
    return SimpleNamespace(flock=flock, **{name: getattr(fcntl, name) for name in names})


@pytest.fixture(params=["memory", errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def log(request, tmp_path, monkeypatch):
    """Return a log where there are no locks."""
    if request.param == "memory":
        path = locate(f"memory://{uuid.uuid4().hex}/log.zarr")
    else:
        monkeypatch.setattr(claim_module, "fcntl", no_locks(request.param))
        path = tmp_path / "log.zarr"
    return new_log(path)


def new_log(path):
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": ["a", "b", "c"]}
    create_log(path, NewLog({}, "i", about, {}, {"test": (Examples(np.arange(4), None), None)}))
    return path


def record(index, value=0):
    votes = {"test": np.full(4, value, np.uint8)}
    return EpochPredictions(0, index, GRID[index], votes)


def writer(log, **how):
    return ReplicateWriter(log, 0, GRID, {}, **how)


def claimed(log):
    return is_claimed(layout.claim_file(log, 0))


def test_two_writers_one_wins_and_the_other_is_told_by_whom(log):
    with writer(log) as first:
        first.write(record(0))
        with pytest.raises(LogBusy, match=f"replicate 0 is claimed by process {os.getpid()} on .*"):
            writer(log)
        assert describe(open_log(log))["replicates"][0]["status"] == "running"
        first.write(record(1))
    assert not claimed(log)
    with writer(log) as second:
        assert second.n_committed == 2


def test_claim_object_of_a_dead_holder_stays_until_it_is_taken_over(log):
    dead = writer(log)
    dead.write(record(0))
    del dead  # as a killed process: nothing is released
    assert claimed(log)
    with pytest.raises(LogBusy, match=r"stays when its process dies.*--take-over"):
        writer(log)
    with writer(log, take_over=True) as heir:
        assert heir.n_committed == 1
        for index in (1, 2):
            heir.write(record(index))
        heir.finish()
    assert not claimed(log)
    assert open_log(log)["test"].sizes["epoch"] == 3
    assert verify_log(log).problems == []


def test_taken_over_writer_acknowledges_nothing_more(log):
    old = writer(log)
    old.write(record(0))
    with writer(log, take_over=True) as heir:
        for act in (lambda: old.write(record(1, value=2)), lambda: old.fail("error", 1.0, "no")):
            with pytest.raises(LogBusy, match="no longer claimed by this process"):
                act()
        old.release()  # not its own any more
        assert claimed(log)
        heir.write(record(1))
        heir.write(record(2))
        heir.finish()
    stored = open_log(log)["test"].prediction.values
    assert (stored == 0).all()
    found = verify_log(log)
    assert found.problems == []
    collect_garbage(log)
    assert verify_log(log).orphans == []


def test_finish_needs_the_claim(log):
    old = writer(log)
    for index in range(3):
        old.write(record(index))
    with writer(log, take_over=True), pytest.raises(LogBusy, match="no longer claimed"):
        old.finish()


def test_of_two_that_take_over_the_last_one_has_it(log):
    with writer(log), writer(log, take_over=True) as second, writer(log, take_over=True) as third:
        third.write(record(0))
        with pytest.raises(LogBusy):
            second.write(record(0))


def test_claim_object_that_was_removed_is_lost(log):
    with writer(log) as old:
        files.remove(claim_object(layout.claim_file(log, 0)))
        with pytest.raises(LogBusy):
            old.write(record(0))
    assert not claimed(log)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_half_written_claim_object_is_a_claim_of_somebody(log, content):
    with writer(log):
        pass
    files.write_durably(claim_object(layout.claim_file(log, 0)), content)
    with pytest.raises(LogBusy, match="an unknown host"):
        writer(log)
    with writer(log, take_over=True) as heir:
        heir.write(record(0))


def test_store_that_creates_nothing_exclusively_gives_it_to_the_last(log, monkeypatch):
    """Two writers at one moment on such a store: both create, one has it, the other finds out."""
    with writer(log):
        pass
    monkeypatch.setattr(claim_module, "write_new", files.write_durably)
    with writer(log) as first, writer(log) as second:
        second.write(record(0))
        with pytest.raises(LogBusy):
            first.write(record(0))


def test_request_that_is_sent_twice_meets_itself(log, monkeypatch):
    def sent_twice(path, content):
        files.write_new(path, content)
        files.write_new(path, content)

    monkeypatch.setattr(claim_module, "write_new", sent_twice)
    with writer(log) as only:
        only.write(record(0))


def test_claim_of_a_worker_that_has_ended_is_released_by_who_knows_its_name(log):
    path = layout.claim_file(log, 0)
    dead = writer(log, token="ours")
    drop_claim(path, "another")
    assert claimed(log)
    drop_claim(path, "ours")
    assert not claimed(log)
    del dead
    drop_claim(path, "ours")


def test_child_made_by_fork_neither_holds_nor_releases(log):
    with writer(log) as parent:
        child = os.fork()
        if child == 0:
            try:
                parent.write(record(0))
            except LogBusy:
                parent.release()
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        parent.write(record(0))


def test_lock_is_not_taken_over(tmp_path):
    log = new_log(tmp_path / "log.zarr")
    with writer(log) as first:
        with pytest.raises(LogBusy, match="is locked"):
            writer(log, take_over=True)
        first.write(record(0))


def test_lock_respects_a_claim_made_where_there_were_none(tmp_path):
    log = new_log(tmp_path / "log.zarr")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claim_module, "fcntl", no_locks(errno.ENOLCK))
        old = writer(log)
    assert claimed(log)
    with pytest.raises(LogBusy, match="is claimed by process"):
        writer(log)
    with writer(log, take_over=True) as heir:
        heir.write(record(0))
        with pytest.raises(LogBusy):
            old.write(record(0))
    assert not claimed(log)


def test_other_errors_of_locking_are_not_hidden(tmp_path, monkeypatch):
    log = new_log(tmp_path / "log.zarr")
    monkeypatch.setattr(claim_module, "fcntl", no_locks(errno.EIO))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(OSError, match="no locks here"):
        writer(log)
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_claim_object_says_who_holds_it_and_no_more(log):
    with writer(log):
        content = json.loads(files.read_bytes(claim_object(layout.claim_file(log, 0))))
    assert content.keys() == {"token", "host", "process"}


CREATE_AND_DIE = """
import os, sys
import numpy as np
from learnorder.log import creation
from learnorder.schema import Examples

def die(*_):
    print("half", flush=True)
    sys.stdin.read()

creation._move_into_place = die
about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": ["a"]}
splits = {"test": (Examples(np.arange(4), None), None)}
creation.create_log(sys.argv[1], creation.NewLog({}, "i", about, {}, splits))
"""


def test_log_left_half_made_is_told_from_one_being_made(tmp_path):
    path = tmp_path / "log.zarr"
    process = subprocess.Popen(
        [sys.executable, "-c", CREATE_AND_DIE, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "half\n"
    new_log(path)
    assert dead_stagings(path) == []
    collect_garbage(path)
    assert len(list(tmp_path.glob(".log.zarr.*.partial"))) == 1
    process.kill()
    process.communicate()
    assert [p.suffix for p in dead_stagings(path)] == [".partial", ".claim"]
    collect_garbage(path)
    assert [p.name for p in tmp_path.iterdir()] == ["log.zarr"]


def test_claim_left_by_a_creation_elsewhere_is_garbage():
    log = new_log(locate(f"memory://{uuid.uuid4().hex}/log.zarr"))
    Claim(log / "claim", "the new log")
    assert open_log(log).replicates == []
    assert [p.name for p in dead_stagings(log)] == ["claim.json"]
    collect_garbage(log)
    assert dead_stagings(log) == []
