"""The benchmark of training runs, and counts and times what it says it does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks import flops, ordinary
from benchmarks.engine import steady_rate
from benchmarks.log_at_scale import SECTIONS as LOG_SECTIONS
from benchmarks.measuring import SECTIONS as MEASURE_SECTIONS
from benchmarks.plain_networks import as_a_user_writes
from benchmarks.results import ORDER
from benchmarks.training_speed import SECTIONS
from benchmarks.workloads import PRECISIONS, WORKLOADS
from torch import nn

from learnorder.collection.prepare import prepare
from learnorder.training.architectures import build
from learnorder.training.inputs import InputShape
from learnorder.training.spec import TrainingSpec

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    os.environ.get("LEARNORDER_LONG") != "1", reason="of a benchmark, takes long: make test-long"
)
DIGITS = {
    "dataset": {"name": "digits"},
    "architecture": {"name": "mlp"},
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
    "training": {"batch_size": 100},
}


@pytest.mark.slow
def test_every_section_runs_in_its_quick_form(data_dir, tmp_path):
    results, scratch = tmp_path / "RESULTS.md", tmp_path / "scratch"
    order = ["--quick", "--write", "--results", results, "--scratch", scratch]
    command = [sys.executable, "-m", "benchmarks.training_speed", *map(str, order)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = results.read_text()
    present = [name for name in SECTIONS if f"{name}: left out" not in done.stderr]
    assert present
    assert all(f"<!-- {name} -->" in written for name in present)
    assert list(scratch.iterdir()) == []


def test_sections_of_all_benchmarks_have_a_place_in_the_results():
    assert set(ORDER) == {*LOG_SECTIONS, *MEASURE_SECTIONS, *SECTIONS}


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_workload_is_a_spec(workload, precision):
    spec = TrainingSpec.from_tables(workload.tables(precision))
    assert (spec.training.batch_size, spec.optimizer.momentum) == (128, 0.9)
    assert spec.training.precision == precision


@pytest.mark.parametrize(
    ("name", "shape", "millions"),
    [("mlp", (1, 28, 28), 0.41), ("lenet", (1, 28, 28), 2.23), ("resnet-8", (3, 32, 32), 25.0)],
)
def test_operations_of_a_network_are_counted(name, shape, millions):
    network = as_a_user_writes(name, build(name, InputShape("image", shape), 10, {}), shape[-1])
    work = flops.count(network, torch.zeros(1, *shape))
    assert work.forward / 1e6 == pytest.approx(millions, rel=0.01)
    assert 2 * work.forward < work.training < 3 * work.forward


def test_the_gradient_of_the_first_input_is_not_counted():
    one, two = nn.Linear(6, 4), nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2))
    example = torch.zeros(1, 6)
    assert flops.count(one, example) == flops.Work(forward=48, training=96)
    assert flops.count(two, example) == flops.Work(forward=64, training=96 + 48)
    assert flops.Work(2, 5).of_an_epoch(n_train=10, n_predicted=12) == 74


def test_operations_of_an_lstm_are_those_of_its_gates():
    lstm = nn.LSTM(5, 3, batch_first=True)
    work = flops.count(nn.Sequential(lstm), torch.zeros(1, 7, 5))
    of_input, of_state = (2 * 7 * 4 * 3 * n for n in (5, 3))
    assert work.forward == of_input + of_state
    assert work.training == 2 * work.forward + of_state


def test_a_steady_rate_leaves_out_the_start():
    # two at a time: the start takes 10 s, then each epoch of both takes 1 s
    moments = [(10.0, 1), (10.5, 2), (11.0, 3), (11.5, 4), (12.0, 5), (12.5, 6), (13.0, 6)]
    assert steady_rate(moments, first=2) == pytest.approx(2.0)


def test_a_rate_needs_more_than_the_first_points():
    with pytest.raises(ValueError, match="all 2 points"):
        steady_rate([(1.0, 1), (2.0, 2)], first=2)


def test_the_ordinary_loop_learns_and_predicts_every_example():
    spec = TrainingSpec.from_tables(DIGITS)
    inputs = prepare(spec, None).encoded()
    loop = ordinary.OrdinaryLoop(spec, inputs)
    losses = [loop.train() for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    predictions = loop.predict()
    assert {k: len(v) for k, v in predictions.items()} == {
        k: len(v) for k, v in inputs.splits.items()
    }
    assert np.mean(predictions["test"] == inputs.labels["test"]) > 0.8


def test_a_limited_loop_takes_a_few_batches():
    spec = TrainingSpec.from_tables(DIGITS)
    loop = ordinary.OrdinaryLoop(spec, prepare(spec, None).encoded(), batches=2)
    assert len(loop.predict()["test"]) == 200
