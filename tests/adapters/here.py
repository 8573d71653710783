"""Digits as every framework trains on them, and what a log must hold afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import learnorder as lo
from learnorder.adapters.guarded import RecordingStopped
from learnorder.cli import main

DIGITS = lo.load_dataset("digits", train_limit=61, test_limit=33)
"""With batches of 20 and 32 the last batch has one example."""

X = {
    name: (split.inputs.reshape(len(split.inputs), -1) / 16).astype("f4")
    for name, split in DIGITS.splits.items()
}
Y = {name: split.examples.labels.astype("i8") for name, split in DIGITS.splits.items()}


def holds(path, split: str = "test") -> np.ndarray:
    """Predictions ``(epoch, example)`` of the only replicate, which is finished."""
    return lo.open_log(path)[split]["prediction"].to_numpy()[0]


def epochs(path) -> list[float]:
    """Epochs that are recorded."""
    return lo.open_log(path)["test"]["epoch"].to_numpy().tolist()


def state_of(path, seed: int = 0) -> dict:
    """What `learnorder info` says of a replicate."""
    done = CliRunner().invoke(main, ["info", str(path), "--json"])
    assert done.exit_code == 0, done.output
    return next(r for r in json.loads(done.stdout)["replicates"] if r["seed"] == seed)


def told(message: str):
    """Expect one warning, of one line."""
    return pytest.warns(RecordingStopped, match=rf"^[^\n]*{message}[^\n]*\Z")


def is_told_once(warned) -> bool:
    """Whether one of the warnings, some of which are of frameworks, is that recording stopped."""
    return sum(issubclass(w.category, RecordingStopped) for w in warned) == 1


def break_disk(path: Path) -> None:
    """Make a log a place where nothing can be written, for any user."""
    shutil.rmtree(path)
    path.write_text("no folder")
