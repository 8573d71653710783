"""Pictures and texts from the dataset itself, beyond those that a log keeps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import learnorder as lo
from learnorder.datasets.previews import previews as kept
from learnorder.errors import DataNotFound, ExamplesDiffer, LearnOrderError
from learnorder.report.render import render_report

SPEC = """
[dataset]
name = "npz"
path = "data.npz"
[architecture]
name = "linear"
[training]
epochs = 2
batch_size = 20
"""


def write_data(path: Path, seed: int = 0, n: int = 40, features: bool = False) -> Path:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    images = rng.integers(0, 240, size=(n, 6, 6), dtype=np.uint8) + 15 * labels[:, None, None]
    inputs = images.reshape(n, 36).astype(np.float32) if features else images.astype(np.uint8)
    parts = {"x_train": inputs, "y_train": labels, "x_test": inputs[:20], "y_test": labels[:20]}
    np.savez(path, **parts)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of images that keeps the first pictures alone, and its dataset beside it."""
    folder = tmp_path_factory.mktemp("supplied")
    write_data(folder / "data.npz")
    (folder / "spec.toml").write_text(SPEC)
    spec = lo.TrainingSpec.from_toml(folder / "spec.toml")
    with pytest.MonkeyPatch.context() as patch:
        # as if the dataset were larger than what a log keeps
        patch.setattr("learnorder.collection.prepare.previews", lambda *a: kept(*a, limit=3))
        lo.train_collection(spec, seeds=range(2), out=folder / "log.zarr", workers=1)
    return folder


@pytest.mark.usefixtures("plain_figures")
def test_data_has_pictures_of_examples_of_which_the_log_keeps_none(
    trained: Path, tmp_path: Path
) -> None:
    log = {"linear": lo.open_log(trained / "log.zarr")}
    alone = render_report(log, tmp_path / "alone.html").read_text()
    whole = render_report(log, tmp_path / "whole.html", data=trained / "data.npz").read_text()
    assert alone.count('class="thumbnail"') < whole.count('class="thumbnail"')
    assert "no preview in the log" not in whole
    payload = json.loads(re.findall(r'id="payload">(.*?)</script>', whole)[0])
    assert [split["tiles"] is not None for split in payload["splits"]] == [True, True]


def test_other_data_is_refused_by_its_first_difference(trained: Path, tmp_path: Path) -> None:
    log = {"linear": lo.open_log(trained / "log.zarr")}
    other = write_data(tmp_path / "other.npz", n=44)
    with pytest.raises(
        ExamplesDiffer,
        match=r"different examples in 'train' \(40 and 44; .*at position 40: id none and 40",
    ):
        render_report(log, tmp_path / "report.html", data=other)
    with pytest.raises(DataNotFound):
        render_report(log, tmp_path / "report.html", data=tmp_path / "nothing.npz")
    assert not (tmp_path / "report.html").exists()


def test_features_and_logs_that_name_no_dataset_have_nothing_to_supply(
    trained: Path, tmp_path: Path, tiny_log: Path
) -> None:
    features = write_data(tmp_path / "features.npz", features=True)
    log = {"linear": lo.open_log(trained / "log.zarr")}
    with pytest.raises(LearnOrderError, match="holds features, neither pictures nor texts"):
        render_report(log, tmp_path / "report.html", data=features)
    with lo.Recorder(tmp_path / "own.zarr", seed=0, labels={"test": [0, 1]}) as recorder:
        recorder.record(1, "test", [0, 1])
    with pytest.raises(LearnOrderError, match="does not say which dataset it is about"):
        render_report(
            {"own": lo.open_log(tmp_path / "own.zarr")}, tmp_path / "r.html", data=features
        )


@pytest.mark.usefixtures("plain_figures")
def test_a_report_says_nothing_of_the_machine(trained: Path, tmp_path: Path) -> None:
    import getpass
    import socket

    page = render_report(
        {"linear": lo.open_log(trained / "log.zarr")},
        tmp_path / "r.html",
        data=trained / "data.npz",
    ).read_text()
    for word in (str(trained), trained.name, "/tmp", socket.gethostname(), str(Path.home())):
        assert word not in page
    assert f"/{getpass.getuser()}/" not in page
