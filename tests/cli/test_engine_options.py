"""``train --engine`` and ``plan --cluster``: options that fit, and one line where they do not."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

import learnorder as lo
from learnorder.cli import engines, main
from learnorder.cli.engines import make_engine

TRAIN = ("train", "spec.toml", "--out", "log.zarr")


def run(*arguments: object):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--engine", "ray", "--workers", "2"), "--workers counts processes of this machine"),
        (("--address", "auto"), "--address is for --engine ray, and this is local."),
        (("--engine", "ray", "--partition", "gpu"), "--partition is for --engine slurm"),
        (
            ("--cpus-per-replicate", "2"),
            "--cpus-per-replicate is for --engine ray or --engine slurm, and this is local.",
        ),
        (("--engine", "pbs"), "'pbs' is not one of"),
        (("--engine", "slurm", "--time", "0"), "0 is not in the range"),
    ],
)
def test_options_of_another_engine_are_refused_with_exit_status_2(given, message):
    done = run(*TRAIN, *given)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_options_become_an_engine(monkeypatch, tmp_path):
    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    nothing = dict.fromkeys(option.key for option in engines._OPTIONS)
    given = {**nothing, "sbatch": (), "engine": "slurm", "time": 30, "replicates_per_job": 4}
    slurm = make_engine(
        {**given, "gpus_per_replicate": 1.0, "sbatch": ("account=ml", "exclusive")}, None
    )
    assert slurm._parameters["timeout_min"] == 30
    assert slurm._parameters["gpus_per_node"] == 4
    assert slurm._parameters["slurm_additional_parameters"] == {"account": "ml", "exclusive": True}
    with pytest.raises(click.BadParameter, match="'array=3' is set by learnorder"):
        make_engine({**given, "sbatch": ("array=3",)}, None)
    ray = make_engine({**nothing, "sbatch": (), "engine": "ray", "gpus_per_replicate": 0.5}, None)
    assert (ray._resources.cpus, ray._resources.gpus) == (1, 0.5)
    assert make_engine({**nothing, "sbatch": (), "engine": "local"}, 3).n_at_once == 3


def test_workers_and_an_engine_are_not_given_together(tmp_path):
    with pytest.raises(lo.LearnOrderError, match="workers = 2 and an engine are given"):
        lo.train_collection(
            lo.TrainingSpec.from_tables(
                {"dataset": {"name": "digits"}, "architecture": {"name": "linear"}}
            ),
            [0],
            out=tmp_path / "log.zarr",
            workers=2,
            engine=lo.RayEngine(),
        )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A log of two replicates that were trained in one go."""
    path = tmp_path_factory.mktemp("measured") / "log.zarr"
    spec = lo.TrainingSpec.from_tables(
        {
            "dataset": {"name": "digits", "train_limit": 200, "test_limit": 100},
            "architecture": {"name": "linear"},
            "training": {"epochs": 3},
        }
    )
    lo.train_collection(spec, [0, 1], out=path, workers=1)
    return path


def plan(path, *options):
    done = run("plan", path, "--cluster", "--json", *options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_larger_collection_costs_in_proportion_to_its_work(measured):
    own = plan(measured)
    assert own["collection"]["n_replicates"] == 2
    assert own["collection"]["epochs"] == 3
    assert own["cluster"]["n_measured"] == 2
    doubled = plan(measured, "--train", 400)["collection"]
    assert doubled["n_predicted"] == 500, "what is trained on is predicted too"
    more = plan(measured, "--train", 2000, "--predicted", 3000, "--replicates", 20, "--epochs", 30)
    assert more["collection"]["points"] == 30
    hours = [found["cluster"]["hours_per_replicate"] for found in (own, more)]
    assert hours[1] == pytest.approx(100 * hours[0])
    assert more["cluster"]["worker_hours"] == pytest.approx(20 * hours[1])
    assert more["cluster"]["inputs"] == 1.25 * 64 * 4 * 3000
    # 30 points of 3,000 predictions of a byte, and two blocks for each of two splits
    assert more["cluster"]["disk"] == 20 * 30 * (3000 + 2 * 2 * 4096)
    many = plan(measured, "--classes", 1000)["collection"]
    assert many["bytes_per_prediction"] == own["collection"]["bytes_per_prediction"] + 1


def test_replicates_are_not_divided_between_workers(measured):
    # the two were trained side by side by one worker, and so would each two of ten
    slots = plan(measured, "--replicates", 10, "--slots", "1,4,100")["cluster"]["slots"]
    each = slots[-1]["hours"]
    assert each == pytest.approx(2 * plan(measured)["cluster"]["hours_per_replicate"])
    assert [row["hours"] / each for row in slots] == pytest.approx([5, 2, 1])
    assert slots[2]["log_rate"] == pytest.approx(5 * slots[0]["log_rate"])


def test_what_a_replicate_took_stays_with_a_compacted_log_and_is_shown(measured):
    before = plan(measured)
    assert run("compact", measured).exit_code == 0
    assert plan(measured) == before
    shown = run("plan", measured, "--cluster").output
    assert "a replicate:" in shown
    assert "until all are trained" in shown


def test_a_log_that_was_not_measured_says_what_to_do(tiny_log):
    done = run("plan", tiny_log, "--cluster")
    assert done.exit_code == 1
    assert "Train one more seed." in done.output


@pytest.mark.parametrize(
    "option", ["--replicates", "--epochs", "--train", "--predicted", "--classes", "--slots"]
)
def test_options_of_a_cluster_need_it(tiny_log, option):
    done = run("plan", tiny_log, option, "3")
    assert done.exit_code == 2
    assert f"{option} says what a cluster trains" in done.output
