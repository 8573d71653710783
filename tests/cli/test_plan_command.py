"""``plan`` and ``train --until-reliability``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import learnorder as lo
from learnorder.cli import main
from learnorder.collection.train import TrainingResult
from learnorder.collection.until import UntilResult
from learnorder.log.creation import plan_replicates
from learnorder.measures.planning import ReplicatesNeeded

TRAIN = ("train", "SPEC", "--until-reliability", "0.9", "--out", "x")

SPEC = """
[dataset]
name = "digits"
train_limit = 200
test_limit = 100
[architecture]
name = "linear"
[training]
epochs = 2
batch_size = 20
"""


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def run_alone(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "learnorder", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> Path:
    """Train real digits until reliability is at least 0.8, through the command line."""
    folder = tmp_path_factory.mktemp("grown")
    (folder / "spec.toml").write_text(SPEC)
    done = run_alone(
        "train", folder / "spec.toml", "--seeds", "0:5", "--workers", 1,
        "--until-reliability", 0.8, "--out", folder / "log.zarr",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "round 1: 5 replicates, reliability of the order on test 0." in done.stderr
    assert "replicates finished" in done.stdout
    return folder


def test_the_log_it_leaves_is_as_reliable_as_was_asked(grown):
    assert lo.reliability(lo.open_log(grown / "log.zarr")["test"]).ci[0] >= 0.8


def test_a_cap_that_is_too_low_is_status_1_and_the_log_stays(grown, tmp_path):
    n = len(lo.open_log(grown / "log.zarr").replicates)
    done = run(
        "train", grown / "spec.toml", "--seeds", "0:5", "--until-reliability", 0.999,
        "--most-replicates", max(n, 5), "--out", grown / "log.zarr",
    )  # fmt: skip
    assert done.exit_code == 1
    assert "learnorder: train: a reliability of 0.999 was not reached: it is 0." in done.stderr
    assert done.stderr.strip().endswith("Allow more to go on.")
    assert "Traceback" not in done.stderr
    assert len(lo.open_log(grown / "log.zarr").replicates) == n


def test_plan_prints_the_documented_object(grown):
    content = json.loads(run("plan", grown / "log.zarr", "--target", 0.98, "--json").output)
    assert set(content) == {"split", "needed", "designs"}
    needed = content["needed"]
    log = lo.open_log(grown / "log.zarr")["test"]
    assert needed["reliability"] == lo.reliability(log).value
    assert needed["more"] == lo.replicates_needed(log, 0.98).more > 0
    assert needed["more_ci"][0] <= needed["more"] <= (needed["more_ci"][1] or 10**9)
    keys = "n_replicates epochs every n_points quantity cost correlation corrected"
    assert set(keys.split()) <= set(content["designs"]["front"][0])
    # trained on are 200, predicted 200 + 100
    first = next(d for d in content["designs"]["front"] if (d["n_points"], d["epochs"]) == (1, 1))
    assert content["designs"]["cost_model"] == {"n_train": 200, "n_predicted": 300}
    share = first["n_replicates"] * (600 + 300) / (log.sizes["replicate"] * 2 * (600 + 300))
    assert first["cost"] == pytest.approx(share)


def test_plan_prints_what_it_takes_and_a_table(grown):
    text = run("plan", grown / "log.zarr", "--target", 0.98, "--correlation", 0.5).output
    assert "reliability of the order, split test, " in text
    assert "reliability 0.98: " in text
    assert re.search(r"more replicates? \(\d+ to \S+ by the ends of the interval\)", text)
    assert "lower end of its interval at 0.98: " in text
    assert text.count("cheapest for 0.5") == 1
    header = next(line for line in text.splitlines() if line.startswith("replicates"))
    columns = "replicates epochs recorded every quantity cost correlation over draws corrected"
    assert header.split() == columns.split()


def test_what_is_left_out_is_said_as_measure_says_it(grown, tmp_path):
    log = tmp_path / "log.zarr"
    shutil.copytree(grown / "log.zarr", log)
    n = len(lo.open_log(log).replicates)
    plan_replicates(log, [70, 71])
    planned = run("plan", log)
    assert (
        f"{n} of {n + 2} replicates are finished; left out: seed 70 planned, seed 71 planned"
        in (planned.stderr)
    )
    assert planned.stderr == run("measure", log).stderr
    assert json.loads(run("plan", log, "--json").stdout)["needed"]["n_replicates"] == n
    assert run("plan", grown / "log.zarr").stderr == ""


def test_too_few_replicates_are_undefined_with_the_reason(tiny_log):
    done = run("plan", tiny_log)
    assert done.exit_code == 0
    assert "undefined: planning needs 5 replicates; there are 3" in done.output
    assert "4 or more replicates; there are 3" in done.output
    content = json.loads(run("plan", tiny_log, "--json").output)
    assert content["needed"]["more"] is content["designs"]["cheapest"] is None
    assert content["designs"]["undefined"]["cheapest"]


def test_without_a_train_split_replicates_are_planned_and_designs_undefined(
    tmp_path,
):
    label = np.arange(60) % 3
    for seed in range(5):
        rng = np.random.default_rng(seed)
        recorder = lo.Recorder(tmp_path / "own.zarr", seed=seed, labels={"test": label})
        for epoch in range(2):  # a loop that counts from 0
            recorder.record(epoch, "test", np.eye(3)[label] + rng.normal(size=(60, 3)) / 2)
        recorder.finish()
    done = run("plan", tmp_path / "own.zarr")
    assert (done.exit_code, "reliability of the order, split test" in done.stdout) == (0, True)
    assert "the log has no split 'train' (it has test)" in done.stderr
    content = json.loads(run("plan", tmp_path / "own.zarr", "--json").stdout)
    assert content["needed"]["n_replicates"] == 5
    assert "no split 'train'" in content["designs"]["undefined"]["designs"]
    asked = run("measure", tmp_path / "own.zarr", "-m", "accuracy")
    assert "number epochs from 1" in asked.stderr
    assert "cannot keep to 95 %" not in asked.stderr, "it has no interval, and there are five"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "no.zarr"], "no.zarr does not exist"),
        (["plan", "LOG", "--split", "tset"], "'test'"),
        (["plan", "LOG", "--target", "nan"], "the target is nan"),
        (["plan", "LOG", "--correlation", "nan"], "the goal is nan"),
        (
            ["train", "SPEC", "--until-reliability", "nan", "--out", "x.zarr"],
            "the reliability to reach is nan",
        ),
        (
            [*TRAIN, "--seeds", "0:10", "--most-replicates", "7"],
            "at most 7 replicates are allowed, and 10 are the first round",
        ),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else None,
)
def test_what_cannot_be_done_is_one_line_and_status_1(
    arguments, message, tiny_log, tmp_path, monkeypatch
):
    (tmp_path / "spec.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    places = {"LOG": tiny_log, "SPEC": "spec.toml"}
    done = run(*(places.get(word, word) for word in arguments))
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["spec.toml"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan"],
        ["plan", "LOG", "--target", "1.5"],
        ["plan", "LOG", "--correlation", "0"],
        ["train", "SPEC", "--out", "x", "--most-replicates", "20"],
        ["train", "SPEC", "--out", "x", "--until-reliability", "1"],
        ["train", "SPEC", "--out", "x", "--until-reliability", "0.9", "--most-replicates", "4"],
    ],
    ids=" ".join,
)
def test_malformed_command_line_is_status_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("failed", [{}, {3: "it broke."}])
@pytest.mark.parametrize("reached", [True, False])
def test_exit_status_says_whether_it_is_as_reliable_as_was_asked(
    reached, failed, tmp_path, monkeypatch
):
    asked = {}

    def stand_in(spec, reliability, seeds, **options):
        asked.update(options, reliability=reliability, seeds=seeds)
        needed = ReplicatesNeeded(reliability, 8, 0.91, (0.8, 0.95), 3, (1, 5), 4)
        training = TrainingResult(Path("x.zarr"), tuple(range(8)), failed, (7,))
        return UntilResult(training, needed, reached, 2, "That is all.")

    monkeypatch.setattr("learnorder.collection.until.train_until", stand_in)
    (tmp_path / "spec.toml").write_text(SPEC)
    command = ["train", tmp_path / "spec.toml", "--out", tmp_path / "x.zarr", "--seeds", "2:9"]
    done = run(*command, "--until-reliability", 0.93, "--most-replicates", 50)
    assert done.exit_code == (0 if reached and not failed else 1)
    assert (asked["reliability"], asked["seeds"]) == (0.93, list(range(2, 9)))
    assert asked["most_replicates"] == 50
    shortfall = (
        "0.93 was not reached: it is 0.910 (95 % interval 0.800 to 0.950) with 8 finished "
        "replicates in x.zarr. That is all."
    )
    assert ("1 of 9 replicates failed; the first is seed 3: it broke." in done.stderr) == (
        bool(failed)
    )
    assert (shortfall in done.stderr) == (not reached)
    assert ("The reliability of 0.93 was reached without" in done.stderr) == (
        reached and bool(failed)
    )
    assert done.stderr.count("\n") == (0 if reached and not failed else 1)
    if reached and not failed:
        assert done.output == "x.zarr: 8 replicates finished, 1 trained now\n"


def test_plan_never_loads_torch(tiny_log):
    code = (
        "import sys; from learnorder.cli import main\n"
        f"main(['plan', {str(tiny_log)!r}], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'zarr' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
