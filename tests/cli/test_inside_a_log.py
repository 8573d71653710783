"""No command writes into the folder of a log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import learnorder as lo
from learnorder.cli import main


@pytest.fixture
def log(tmp_path) -> Path:
    votes = np.random.default_rng(0).integers(0, 2, (3, 2, 8))
    split = lo.from_arrays(votes, [0, 1] * 4, split="train")
    test = lo.from_arrays(votes, [0, 1] * 4)
    return lo.import_log({"train": split, "test": test}, tmp_path / "a.zarr").path


def _content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


COMMANDS = [
    ["rank", "LOG", "--out", "OUT"],
    ["rank", "LOG", "--corrected", "OUT"],
    ["measure", "LOG", "--out", "OUT"],
    ["export", "LOG", "--to", "csv", "--out", "OUT", "--overwrite"],
    ["report", "LOG", "--out", "OUT"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c[:3:2]))
@pytest.mark.parametrize(
    "place", ["zarr.json", "new.csv", "train/x.json", "to_file.csv", "to_folder/x.csv"]
)
def test_what_is_written_lies_outside_every_log(command, place, log, tmp_path):
    out = log / place
    if place == "to_file.csv":
        out = tmp_path / place
        out.symlink_to(log / "zarr.json")
    elif place == "to_folder/x.csv":
        (tmp_path / "to_folder").symlink_to(log)
        out = tmp_path / place
    before = _content(log)
    arguments = [{"LOG": str(log), "OUT": str(out)}.get(a, a) for a in command]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert "lies inside the log" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert _content(log) == before
    assert lo.open_log(log)["train"].sizes["example"] == 8
