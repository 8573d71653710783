"""`measure` and `compare` say how much of an order is trivial."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from learnorder.cli import main
from learnorder.log.reader import open_log
from learnorder.training.spec import TrainingSpec


@pytest.fixture(scope="module")
def trained(tmp_path_factory, train_here):
    """Return a folder with logs of two networks that learned some of the digits."""
    folder = tmp_path_factory.mktemp("trivial")
    for name in ("linear", "mlp"):
        spec = {
            "dataset": {"name": "digits", "train_limit": 200, "test_limit": 150},
            "architecture": {"name": name},
            "training": {"epochs": 3, "batch_size": 32},
        }
        train_here(folder / f"{name}.zarr", TrainingSpec.model_validate(spec), None, range(4))
    return folder


def run(*arguments) -> str:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_measure_has_baselines_beside_the_reliability(trained):
    path = trained / "mlp.zarr"
    assert "neighbour_share" in open_log(path)["test"]
    content = json.loads(run("measure", path, "--json"))["baselines"]
    assert {b["name"] for b in content["each"]} == {
        "prototype_margin",
        "input_norm",
        "neighbour_share",
    }
    share = content["together"]["share"]
    low, high = content["together"]["share_ci"]
    assert low < share < high
    lines = run("measure", path).splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("reliability of the order"))
    below = lines[place:]
    columns = ("baseline", "correlation", "within class", "share of the shared order")
    assert all(column in "\n".join(below) for column in columns)
    (last,) = (line for line in below if line.startswith("class and all"))
    assert f"{share:.3f}" in last


def test_measure_of_a_log_without_baselines_has_class_alone(tiny_log):
    text = run("measure", tiny_log)
    assert "class and all" not in text
    assert text.count("the split has no baselines") == 1


def test_compare_goes_beyond_baselines(trained):
    logs = [trained / "linear.zarr", trained / "mlp.zarr"]
    (pair,) = json.loads(run("compare", *logs, "--json"))["pairs"]
    beyond = pair["beyond_baselines"]
    assert {"pearson", "noise_ceiling", "corrected", "corrected_ci"} <= set(beyond)
    assert -1 <= beyond["pearson"] < pair["pearson"] <= 1
    assert f"{beyond['pearson']:.3f}" in run("compare", *logs)
