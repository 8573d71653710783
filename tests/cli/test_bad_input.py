"""What cannot be trained ends `learnorder train` with one clear line; nothing is written."""

from __future__ import annotations

import pytest
import torch
from click.testing import CliRunner

from learnorder.cli import main

SPEC = """
[dataset]
name = "digits"
train_limit = 101
test_limit = 40
[architecture]
name = "linear"
[training]
epochs = 2
batch_size = 25
"""

NETWORKS = """
from torch import nn


def too_wide(input_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes + 2))


def no_network(input_shape, n_classes):
    return lambda images: images


def frozen(input_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes)).requires_grad_(False)


def in_place(input_shape, n_classes):
    return nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, n_classes))


def normalised(input_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, n_classes))
"""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["architecture.name=own:too_wide"], "put out the shape (2, 12) for 2 examples and 10"),
        (["architecture.name=own:no_network"], "returned function. An architecture returns a"),
        (["architecture.name=own:frozen"], "no parameter that can be trained (2 in all)"),
        (["architecture.name=own:in_place"], "'own:in_place' writes into its input"),
        (["training.batch_size=102"], "batch_size = 102 is larger than the training split (101"),
        (["architecture.name=resnet-8"], "last batch of an epoch would hold a single example"),
        (["architecture.name=own:normalised"], "Use training.batch_size = 24."),
        (
            ["architecture.name=resnet-8", "training.batch_size=1"],
            "every batch would hold a single example (101 training examples, training.batch_size",
        ),
        (["recording.batch_norm=reestimated"], "network of 'linear' has no BatchNorm layer"),
        (["recording.every=log", "training.epochs=5"], "but 4 and 6 are"),
        pytest.param(
            ["execution.device=cuda"],
            "execution.device = 'cuda' is not there",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
    ids=[
        "output width", "no module", "nothing to train", "input changed", "batch larger than data",
        "last batch of one", "last batch of one, own", "batches of one", "nothing to reestimate",
        "end not recorded", "device not there",
    ],
)  # fmt: skip
def test_bad_input_is_one_line_before_training_and_writes_nothing(
    tmp_path, monkeypatch, settings, message, request
):
    if settings != ["architecture.name=own:too_wide"]:  # one of them asks a real worker
        request.getfixturevalue("probe_here")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own.py").write_text(NETWORKS)
    (tmp_path / "spec.toml").write_text(SPEC)
    before = sorted(tmp_path.iterdir())
    options = [part for setting in settings for part in ("--set", setting)]
    out = tmp_path / "log.zarr"
    arguments = ["train", tmp_path / "spec.toml", "--seeds", "0:2", "--out", out, *options]
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 1, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("learnorder: ")]
    assert message in line
    assert "Traceback" not in done.output
    assert "replicates x" not in done.stderr, "training was announced"
    assert sorted(p for p in tmp_path.iterdir() if p.name != "__pycache__") == before
