"""The promise: spec and seed fix the predictions, whatever happens around the training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from learnorder.collection.train import train_collection
from learnorder.log.layout import resume_file
from learnorder.log.reader import open_log

SEEDS = range(3)

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import learnorder as lo
from learnorder.training.spec import TrainingSpec
arrays = np.load(sys.argv[2])
data = lo.Dataset.from_arrays(*(arrays[k] for k in ("x", "y", "xt", "yt")))
spec = TrainingSpec.from_tables(json.loads(sys.argv[3]))
lo.train_collection(spec, range(3), out=sys.argv[4], dataset=data, workers=2)
"""


def predictions(path: Path) -> dict[str, bytes]:
    """Raw bytes of every prediction of a log, by split."""
    log = open_log(path)
    return {split: log[split].prediction.values.tobytes() for split in log}


@pytest.fixture(scope="module")
def reference(tmp_path_factory, networks, digits, make_spec, train_here) -> Path:
    """One process, seeds in order, never interrupted."""
    path = tmp_path_factory.mktemp("reference") / "one.zarr"
    train_here(path, make_spec(epochs=6), digits, SEEDS)
    return path


def test_two_workers_and_another_order_of_seeds_give_the_same_bytes(
    tmp_path, reference, networks, digits, make_spec
):
    path = tmp_path / "two.zarr"
    train_collection(make_spec(epochs=6), [2, 0, 1], out=path, dataset=digits, workers=2)
    assert predictions(path) == predictions(reference)
    assert open_log(path)["test"].seed.values.tolist() == [0, 1, 2]


def test_seeds_differ_from_each_other(reference):
    first, second, third = open_log(reference)["train"].prediction.values
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)


def test_longer_training_continues_a_finished_log_with_the_same_bytes(
    tmp_path, reference, networks, digits, make_spec, train_here
):
    path = tmp_path / "grown.zarr"
    train_here(path, make_spec(epochs=2), digits, [0, 1])
    result = train_collection(make_spec(epochs=6), SEEDS, out=path, dataset=digits, workers=1)
    assert result.trained == (0, 1, 2)
    assert predictions(path) == predictions(reference)


def test_killed_training_resumes_to_the_same_bytes(
    tmp_path, reference, networks, digits, make_spec, monkeypatch
):
    path, arrays = tmp_path / "killed.zarr", tmp_path / "data.npz"
    x, y = digits.train, digits.test
    np.savez(arrays, x=x.inputs, y=x.examples.labels, xt=y.inputs, yt=y.examples.labels)
    spec = make_spec(epochs=6)
    arguments = [str(networks), str(arrays), json.dumps(spec.resolved()), str(path)]
    # a state is kept after every epoch, so that the next process really starts from one
    environment = {**os.environ, "LEARNORDER_SAVE_STATE_SECONDS": "0", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], env=environment, stderr=subprocess.DEVNULL
    )
    wait_for_commits(path, 3, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until_unclaimed(path)
    assert any(resume_file(path, seed).exists() for seed in SEEDS)
    monkeypatch.setenv("LEARNORDER_SAVE_STATE_SECONDS", "0")
    train_collection(spec, SEEDS, out=path, dataset=digits, workers=1)
    assert predictions(path) == predictions(reference)
    assert not any(resume_file(path, seed).exists() for seed in SEEDS)


def wait_for_commits(path: Path, n: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while len(list(path.glob("replicates/*/attempt-*/commits/test/*.json"))) < n:
        assert process.poll() is None, "training ended before it could be killed"
        assert time.monotonic() < deadline, "nothing was recorded in two minutes"
        time.sleep(0.005)


def wait_until_unclaimed(path: Path) -> None:
    """Workers die with their parent, and their claims with them."""
    from learnorder.log.claim import is_claimed

    deadline = time.monotonic() + 20
    while any(is_claimed(claim) for claim in path.glob("replicates/*/claim")):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.02)


def test_finished_replicates_are_left_alone(reference, networks, digits, make_spec):
    before = {p: p.stat().st_mtime_ns for p in reference.rglob("*") if p.is_file()}
    result = train_collection(make_spec(epochs=6), SEEDS, out=reference, dataset=digits)
    assert result.trained == ()
    assert result.finished == (0, 1, 2)
    assert {p: p.stat().st_mtime_ns for p in reference.rglob("*") if p.is_file()} == before
