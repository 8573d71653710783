"""`learnorder train` on a file of several specs: one log for each, resumed like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import learnorder as lo
from learnorder.cli import main

SPEC = """
[dataset]
name = "digits"
train_limit = 60
test_limit = 30
[architecture]
name = "linear"
[training]
epochs = 2
batch_size = 20
[variants.slow.optimizer]
learning_rate = 0.01
"""
NAMES = ("base", "slow")


def train(*arguments: object):
    return CliRunner().invoke(
        main, ["train", *map(str, arguments), "--workers", "1"], catch_exceptions=False
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("variants")
    (folder / "spec.toml").write_text(SPEC)
    done = train(folder / "spec.toml", "--seeds", "0", "--out", folder / "logs")
    assert done.exit_code == 0, done.output
    assert "variant 2 of 2: slow" in done.stderr
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == [
        "1 replicate finished, 1 trained now"
    ] * 2
    return folder


def test_each_variant_has_a_log_of_its_own_spec(trained):
    assert {path.name for path in (trained / "logs").iterdir()} == {f"{n}.zarr" for n in NAMES}
    about = {name: lo.open_log(trained / "logs" / f"{name}.zarr") for name in NAMES}
    assert about["slow"].header.spec["optimizer"]["learning_rate"] == 0.01
    assert about["base"].header.spec["optimizer"]["learning_rate"] == 0.05


def test_training_again_does_nothing(trained):
    again = train(trained / "spec.toml", "--seeds", "0", "--out", trained / "logs")
    assert again.exit_code == 0
    assert again.stdout.count("1 replicate finished, nothing to do") == 2


def test_a_point_of_a_grid_that_cannot_be_trained_does_not_keep_back_the_rest(tmp_path):
    base = SPEC.partition("[variants")[0]
    (tmp_path / "spec.toml").write_text(base + "[grid]\ntraining.batch_size = [100, 20]\n")
    done = train(tmp_path / "spec.toml", "--seeds", "0", "--out", tmp_path / "logs")
    assert done.exit_code == 1
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["batch_size=20.zarr"]
    assert "1 of 2 variants did not come out" in done.stderr
    assert "variant 'batch_size=100': training.batch_size = 100 is" in done.stderr.splitlines()[-1]


def test_what_is_wrong_in_one_is_found_before_any_is_trained(tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC + "[grid]\narchitecture.options.depth = [2]\n")
    done = train(tmp_path / "spec.toml", "--out", tmp_path / "logs")
    assert done.exit_code == 1
    assert "variant 'depth=2': architecture: 'linear' has no option" in done.stderr
    assert not (tmp_path / "logs").exists()


def test_a_log_is_no_folder_for_several(trained):
    done = train(trained / "spec.toml", "--out", trained / "logs" / "base.zarr")
    assert done.exit_code == 1
    assert "lies inside the log" in done.stderr


def test_settings_of_what_is_varied_are_refused(trained, tmp_path):
    setting = ("--set", "optimizer.learning_rate=0.1")
    done = train(trained / "spec.toml", "--out", tmp_path / "logs", *setting)
    assert done.exit_code == 1
    assert "'optimizer.learning_rate' is overridden, and variant 'slow' says" in done.stderr
