"""What all adapters have in common: recording that fails leaves its mark as soon as it can."""

from __future__ import annotations

import errno
import os
import shutil

import numpy as np
import pytest
from tests.adapters.here import state_of, told

from learnorder.adapters.guarded import GuardedRecorder
from learnorder.log import attempt, writer

LABELS = {"test": [0, 1, 1]}


class Disk:
    """A disk on which there may be no room."""

    def __init__(self):
        self.is_full = False

    def __call__(self, write):
        def written(*arguments):
            if self.is_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(*arguments)

        return written


@pytest.fixture
def disk(monkeypatch):
    """Return the disk that replicates are written to."""
    found = Disk()
    for module, name in [
        (writer, "write_durably"),
        (writer, "write_record"),
        (attempt, "write_record"),
    ]:
        monkeypatch.setattr(module, name, found(getattr(module, name)))
    return found


def begun(path, **options):
    recorder = GuardedRecorder("test", {"log": path, "seed": 0, "n_classes": 2, **options})
    recorder.begin(lambda: {"labels": LABELS})
    return recorder


def record(recorder, epoch):
    recorder.record(
        epoch, lambda: (piece for piece in [("test", None, np.array([0, 1, epoch % 2]))])
    )


def stopped_on_a_full_disk(path, disk, **options):
    """Return a recorder that could not write its second epoch, nor the mark that says so."""
    recorder = begun(path, **options)
    record(recorder, 1)
    disk.is_full = True
    with told("No space left.*could not be marked.*once more after training"):
        record(recorder, 2)
    assert state_of(path)["status"] == "interrupted"
    return recorder


@pytest.mark.parametrize("end", ["finish", "close"])
def test_a_full_disk_is_marked_when_there_is_room_again(path, disk, end):
    recorder = stopped_on_a_full_disk(path, disk, resume=False)
    disk.is_full = False
    getattr(recorder, end)()
    state = state_of(path)
    assert (state["status"], state["epochs"]["test"]) == ("failed", 1)
    assert "No space left" in state["reason"]
    # its claim is let go, and the next training goes on
    again = begun(path)
    record(again, 1)
    record(again, 2)
    again.finish()
    assert state_of(path)["status"] == "finished"


def test_a_script_that_changes_its_folder_marks_the_same_log(path, disk, tmp_path, monkeypatch):
    recorder = stopped_on_a_full_disk(path.name, disk)
    disk.is_full = False
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    recorder.finish()
    assert state_of(path)["status"] == "failed"
    assert not list(tmp_path.glob("elsewhere/*"))


def test_where_the_disk_stays_full_nothing_is_raised(path, disk):
    recorder = stopped_on_a_full_disk(path, disk)
    recorder.finish()
    disk.is_full = False
    recorder.finish()  # it is tried once
    assert state_of(path)["status"] == "interrupted"


def test_a_log_that_was_removed_is_not_made_again(path, disk):
    recorder = stopped_on_a_full_disk(path, disk)
    disk.is_full = False
    shutil.rmtree(path)
    recorder.finish()
    assert not path.exists()


@pytest.mark.parametrize(
    ("epochs", "end", "status"),
    [([1], "finish", "finished"), ([1, 2], "close", "interrupted")],
    ids=["finished", "further"],
)
def test_what_another_training_has_done_meanwhile_stays_so(path, disk, epochs, end, status):
    recorder = stopped_on_a_full_disk(path, disk)
    disk.is_full = False
    other = begun(path)
    for epoch in epochs:
        record(other, epoch)
    getattr(other, end)()
    recorder.finish()
    assert state_of(path)["status"] == status


def test_the_claim_of_another_training_is_not_taken(path, disk):
    recorder = stopped_on_a_full_disk(path, disk, take_over=True)
    disk.is_full = False
    other = begun(path)
    recorder.finish()
    record(other, 1)
    record(other, 2)
    other.finish()
    assert other.problem is None
    assert state_of(path)["status"] == "finished"
