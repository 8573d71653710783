"""What workers share in the temporary folder does not stay there."""

from __future__ import annotations

import os
import tempfile

import pytest

from learnorder.collection.scratch import GRACE_SECONDS, scratch_folder
from learnorder.errors import LearnOrderError
from learnorder.log.claim import Claim


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Stand in for the temporary folder of the system."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def leave_behind(temporary, name, age):
    folder = temporary / name
    folder.mkdir()
    (folder / "inputs.npy").write_bytes(b"much")
    (folder / "claim").touch()
    then = (folder / "claim").stat().st_mtime - age
    os.utime(folder / "claim", (then, then))
    return folder


def test_folder_is_gone_afterwards_whatever_happens(temporary):
    def interrupted():
        with scratch_folder() as folder:
            (folder / "inputs.npy").write_bytes(b"much")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(temporary.iterdir()) == []


def test_folders_of_killed_processes_go_and_those_in_use_stay(temporary):
    killed = leave_behind(temporary, "learnorder-killed", age=2 * GRACE_SECONDS)
    used = leave_behind(temporary, "learnorder-used", age=2 * GRACE_SECONDS)
    young = leave_behind(temporary, "learnorder-young", age=0)
    other = leave_behind(temporary, "precious", age=2 * GRACE_SECONDS)
    with Claim(used / "claim", "it"), scratch_folder():
        assert not killed.exists()
        assert used.exists()
        assert young.exists()
        assert other.exists()


@pytest.mark.parametrize("known", [True, False], ids=["missing folder", "none at all"])
def test_temporary_folder_that_cannot_be_made_is_one_line(monkeypatch, tmp_path, known):
    def none_usable():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing") if known else None)
    if not known:
        monkeypatch.setattr(tempfile, "_get_default_tempdir", none_usable)
    with pytest.raises(LearnOrderError, match=r"temporary folder \(No .*TMPDIR") as raised:
        scratch_folder().__enter__()
    assert "\n" not in str(raised.value)
