"""The benchmark of the log runs, and the logs it makes are what it says they are."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from benchmarks import bench, growth, log_at_scale, rates, synthetic, whole
from benchmarks.log_at_scale import SECTIONS
from benchmarks.processes import Outcome, run_operation
from benchmarks.results import PERCENT, Goal, Row, Section, keep
from benchmarks.sizes import Size
from numcodecs import Zstd

from learnorder.errors import SpecDiffers
from learnorder.log.reader import open_log
from learnorder.schema import prediction_dtype

ROOT = Path(__file__).parent.parent
SMALL = Size(replicates=3, epochs=5, examples=200, classes=10, seed=1)


def stacked(size, replicate=0):
    world = synthetic.World.draw(size)
    return np.stack(list(synthetic.predictions(world, size, replicate)))


def order(tmp_path, *sections):
    places = "--results", tmp_path / "RESULTS.md", "--scratch", tmp_path / "scratch"
    return [str(word) for word in (*sections, "--quick", "--write", *places)]


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_every_section_runs_in_its_quick_form(tmp_path, monkeypatch, capsys):
    for module in (bench, growth, rates, whole):
        monkeypatch.setattr(module, "run_operation", in_this_process)
    monkeypatch.setattr(sys, "argv", ["bench-log", *order(tmp_path)])
    log_at_scale.main()
    assert capsys.readouterr().err.startswith("bench-log: needs up to")
    written = (tmp_path / "RESULTS.md").read_text()
    assert all(f"<!-- {name} -->" in written for name in SECTIONS)
    assert list((tmp_path / "scratch").iterdir()) == []


def in_this_process(name, *, one_core=False, **arguments):
    """Do what the benchmark lets a fresh process do, which takes a second to start."""
    if name == "real:train":  # it changes the process it runs in
        return run_operation(name, one_core=one_core, **arguments)
    module, function = name.split(":")
    given = json.loads(json.dumps(arguments, default=str))
    start = time.perf_counter()
    answer = getattr(import_module(f"benchmarks.{module}"), function)(**given)
    return Outcome(time.perf_counter() - start, 1 << 20, json.loads(json.dumps(answer)))


def test_the_command_runs_its_operations_in_processes_of_their_own(tmp_path):
    command = [sys.executable, "-m", "benchmarks.log_at_scale", *order(tmp_path, "compact")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "RESULTS.md").read_text()
    assert [name for name in SECTIONS if f"<!-- {name} -->" in written] == ["compact"]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_synthetic_log_holds_what_was_drawn(tmp_path):
    world = synthetic.write_log(tmp_path / "log.zarr", SMALL)
    log = open_log(tmp_path / "log.zarr")[synthetic.SPLIT]
    assert log.prediction.shape == (3, 5, 200)
    assert np.array_equal(log.label, world.label)
    for replicate in range(3):
        assert np.array_equal(log.prediction[replicate], stacked(SMALL, replicate))


def test_the_seed_fixes_every_prediction():
    assert np.array_equal(stacked(SMALL), stacked(SMALL))
    other = Size(**{**vars(SMALL), "seed": 2})
    assert not np.array_equal(stacked(SMALL), stacked(other))
    assert not np.array_equal(stacked(SMALL, 0), stacked(SMALL, 1))


def test_writing_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    drawn = synthetic.predictions

    def stopped(world, size, replicate):
        yield from list(drawn(world, size, replicate))[: 2 if replicate == 1 else None]
        if replicate == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "predictions", stopped)
    with pytest.raises(KeyboardInterrupt):
        synthetic.write_log(tmp_path / "log.zarr", SMALL)
    states = open_log(tmp_path / "log.zarr").replicates
    assert [state.count_epochs(synthetic.SPLIT) for state in states] == [5, 2]
    monkeypatch.setattr(synthetic, "predictions", drawn)
    synthetic.write_log(tmp_path / "log.zarr", SMALL)
    found = open_log(tmp_path / "log.zarr")[synthetic.SPLIT].prediction
    assert np.array_equal(found, [stacked(SMALL, r) for r in range(3)])


def test_a_log_of_another_size_is_refused(tmp_path):
    synthetic.write_log(tmp_path / "log.zarr", SMALL, range(1))
    with pytest.raises(SpecDiffers):
        synthetic.write_log(tmp_path / "log.zarr", Size(**{**vars(SMALL), "epochs": 6}), range(1))


@pytest.mark.parametrize("classes", [1, 2, 3, 70_000])
def test_predictions_are_classes(classes):
    votes = stacked(Size(1, 3, 500, classes))
    assert votes.dtype == prediction_dtype(classes)
    assert votes.max() < classes
    assert Size(1, 3, 500, classes).raw_bytes == votes.nbytes


def test_predictions_compress_as_those_of_networks_do():
    size = Size(1, 50, 16_384, 1000)
    votes, codec = stacked(size), Zstd(level=1)
    by_epoch = sum(len(codec.encode(v.copy())) for v in votes)
    by_block = sum(len(codec.encode(votes[:, x : x + 8192].copy())) for x in (0, 8192))
    assert 1.3 < size.raw_bytes / by_epoch < 2.5
    assert 10 < size.raw_bytes / by_block < 17


def test_networks_get_better_agree_and_forget():
    size = Size(2, 50, 20_000, 10)
    label = synthetic.World.draw(size).label
    first, second = stacked(size, 0), stacked(size, 1)
    accuracy = (first == label).mean(1)
    assert 0.6 < accuracy[0] < accuracy[-1] < 0.95
    changed = (first[1:] != first[:-1]).mean(1)
    assert 0.1 < changed[0] < 0.2
    assert changed[-1] < changed[0] / 3
    forgotten = (first[:-1] == label) & (first[1:] != label)
    assert 0.001 < forgotten.mean() < 0.05
    alike_by_chance = (accuracy**2)[-1]
    assert (first[-1] == second[-1]).mean() > alike_by_chance + 0.02


def test_a_section_takes_the_place_of_its_older_form(tmp_path):
    path = tmp_path / "RESULTS.md"
    goal = Goal.at_least(0.5, PERCENT)
    for name, values in (("b", [0.6]), ("a", [0.7]), ("b", [0.3, 0.1, 0.4])):
        row = Row(f"of {name}", PERCENT, values, goal=goal)
        keep(Section(name, f"Title {name}", "About.", [row]), ["a", "b"], path)
    text = path.read_text()
    assert text.index("## Title a") < text.index("## Title b")
    assert "| of a | 70 % |  | 1 | >= 50 % | met |" in text
    assert "| of b | 30 % (10 to 40) |  | 3 | >= 50 % | **missed** |" in text
    assert "60 %" not in text
