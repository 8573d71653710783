"""Scores that do not fit into memory go to a temporary file, and come back or fail in one line."""

from __future__ import annotations

import errno
import io
import subprocess
import sys

import numpy as np
import pytest

from learnorder.errors import LearnOrderError
from learnorder.measures import scores
from learnorder.measures.scores import ScoreTable


@pytest.fixture
def filed_table(monkeypatch):
    """Maker of a table that is kept in a file, four examples in memory."""
    monkeypatch.setattr(scores, "TABLE_BYTES", 8)
    monkeypatch.setattr(scores, "COLUMN_BYTES", 8)
    return lambda: ScoreTable(2, 10, np.dtype(np.uint8))


class Faulty(io.RawIOBase):
    """A file that takes and gives a few bytes at a time, up to so many."""

    def __init__(self, most):
        super().__init__()
        self.most, self.content = most, bytearray(100)
        self.place = 0

    def seek(self, place):
        self.place = place

    def write(self, content):
        if self.place >= self.most:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = min(3, len(content))
        self.content[self.place : self.place + n] = content[:n]
        self.place += n
        return n

    def readinto(self, into):
        n = max(0, min(2, len(into), self.most - self.place))
        into[:n] = self.content[self.place : self.place + n]
        self.place += n
        return n


def test_a_file_that_takes_a_few_bytes_at_a_time_is_filled_and_read(monkeypatch, filed_table):
    monkeypatch.setattr(scores.tempfile, "TemporaryFile", lambda **_: Faulty(100))
    table = filed_table()
    values = np.arange(20, dtype=np.uint8).reshape(2, 10)
    for start in range(0, 10, 4):
        column = slice(start, min(start + 4, 10))
        table.column(column)[...] += values[:, column]
    np.testing.assert_array_equal(table.array(), values)


def test_a_full_disk_is_one_clear_line(monkeypatch, filed_table):
    monkeypatch.setattr(scores.tempfile, "TemporaryFile", lambda **_: Faulty(2))
    table = filed_table()
    table.column(slice(0, 4))
    with pytest.raises(LearnOrderError, match=r"written \(No space left.*TMPDIR") as caught:
        table.column(slice(4, 8))
    assert "\n" not in str(caught.value)


def test_a_file_that_lost_its_end_is_one_clear_line(monkeypatch, filed_table):
    file = Faulty(100)
    monkeypatch.setattr(scores.tempfile, "TemporaryFile", lambda **_: file)
    table = filed_table()
    table.column(slice(0, 10))[...] = 1
    table.kept(slice(0, 10))
    file.most = 15
    with pytest.raises(LearnOrderError, match=r"cannot be read \(it ends too early\)"):
        table.kept(slice(0, 10))


def test_no_folder_for_temporary_files_is_one_clear_line(monkeypatch, tmp_path, filed_table):
    monkeypatch.setattr(scores.tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(
        LearnOrderError, match=r"cannot be created \(No such file.*TMPDIR"
    ) as caught:
        filed_table()
    assert "\n" not in str(caught.value)


LIMITED_FILE = """
import resource
import numpy as np
from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import order, scores
scores.TABLE_BYTES, scores.COLUMN_BYTES = 1, 600
rng = np.random.default_rng(0)
log = from_arrays(rng.integers(0, 3, (6, 2, 4000)), rng.integers(0, 3, 4000))
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    order.reliability(log)
except LearnOrderError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are those of POSIX")
def test_a_file_that_may_not_grow_leaves_nothing_but_that_line():
    done = subprocess.run(
        [sys.executable, "-c", LIMITED_FILE], capture_output=True, text=True, check=True
    )
    assert "cannot be written (File too large)" in done.stdout
    assert done.stdout.count("\n") == 1
    assert not done.stderr
