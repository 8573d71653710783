"""What is recorded of the label: the numbers of float64, whatever the place in a group."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn

from learnorder.datasets.dataset import Dataset
from learnorder.schema import OF_LABEL
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.recording import of_label
from learnorder.training.grid import recording_grid
from learnorder.training.inputs import encode
from learnorder.training.loop import Group
from learnorder.training.spec import RecordingSpec, TrainingSpec

RECORDING = {"initial": True, "probability": True, "margin": True, "error_norm": True}


def exact(logits, labels):
    """The definitions, in float64, from logits ``(..., class_id)``."""
    logits = np.asarray(logits, dtype=np.float64)
    is_label = np.arange(logits.shape[-1]) == labels[:, None]
    chances = softmax(logits, axis=-1)
    own = np.where(is_label, logits, 0).sum(-1)
    return {
        "probability": np.where(is_label, chances, 0).sum(-1),
        "margin": own - np.where(is_label, -np.inf, logits).max(-1),
        "error_norm": np.sqrt(((chances - is_label) ** 2).sum(-1)),
    }


def assert_rounded(found, expected, error=1e-6):
    """Half floats next to the exact numbers: half a step of theirs, and single precision."""
    assert found.dtype == np.float16
    step = np.spacing(np.abs(expected).astype(np.float16)).astype(np.float64)
    assert (np.abs(found.astype(np.float64) - expected) <= step / 2 + error).all()


@pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
def test_quantities_are_those_of_the_definitions(n_classes, scale):
    rng = np.random.default_rng(0)
    logits = (scale * rng.normal(size=(3, 200, n_classes))).astype(np.float32)
    labels = rng.integers(0, n_classes, 200)
    found = of_label(torch.from_numpy(logits), torch.from_numpy(labels), list(OF_LABEL))
    for quantity, values in exact(logits, labels).items():
        assert_rounded(found[quantity].numpy(), values, 1e-6 * max(1, scale))


def test_only_what_is_asked_for_is_there():
    logits, labels = torch.zeros(1, 4, 3), torch.zeros(4, dtype=torch.int64)
    assert of_label(logits, labels, ()) == {}
    assert list(of_label(logits, labels, ("margin",))) == ["margin"]
    assert set(RecordingSpec.model_fields) >= set(OF_LABEL)


def test_sign_of_the_margin_says_who_is_right_whatever_the_probability():
    """The label may win with a probability below one half; a tie has margin 0."""
    logits = torch.tensor([[[1.0, 0.9, 0.8], [1.0, 1.1, 0.8], [1.0, 1.0, 0.8]]])
    found = of_label(logits, torch.zeros(3, dtype=torch.int64), list(OF_LABEL))
    assert found["margin"].sign().tolist() == [[1, -1, 0]]
    assert (found["probability"] < 0.5).all()
    assert found["margin"][0, 0].item() == pytest.approx(0.1, abs=1e-4)


def test_error_norm_is_a_norm_that_loses_nothing_where_the_network_is_sure():
    logits = torch.tensor([[[0.0, 30.0], [16.118, 0.0], [0.0, 0.0]]])
    (found,) = of_label(logits, torch.zeros(3, dtype=torch.int64), ("error_norm",)).values()
    sure = np.sqrt(2) / (1 + np.exp(16.118))  # 1.4e-7, where 1 - p would go by steps of 6e-8
    expected = np.array([np.sqrt(2), sure, np.sqrt(0.5)]).astype(np.float16)
    assert found[0].tolist() == expected.tolist()
    assert found[0, 0].item() <= OF_LABEL["error_norm"].high


def test_margin_beyond_half_precision_is_infinite_and_not_cut():
    logits = torch.tensor([[[7e4, 0.0], [0.0, 7e4], [6.5e4, 0.0], [3e38, -3e38]]])
    labels = torch.zeros(4, dtype=torch.int64)
    (found,) = of_label(logits, labels, ("margin",)).values()
    assert found[0].tolist() == [np.inf, -np.inf, 64992, np.inf]
    (alone,) = of_label(logits[:, :, :1], labels, ("margin",)).values()
    assert torch.isposinf(alone).all()  # one class: there is no other


@pytest.mark.parametrize("n_classes", [2, 3, 7, 10, 33])
@pytest.mark.parametrize("n_examples", [1, 2, 15, 16, 17, 200])
def test_place_in_the_group_and_in_memory_do_not_matter(n_classes, n_examples):
    rng = np.random.default_rng(1)
    own = torch.from_numpy(rng.normal(0, 4, (n_classes, n_examples)).astype(np.float32))
    labels = torch.from_numpy(rng.integers(0, n_classes, n_examples))
    alone = of_label(own.t()[None].contiguous(), labels, list(OF_LABEL))
    for width in (1, 2, 3, 8):
        # as a group gives them: (slot, class_id, example), seen from the other side
        group = torch.stack([torch.randn(n_classes, n_examples) for _ in range(width)])
        for place in range(width):
            group[place] = own
            found = of_label(group.transpose(1, 2), labels, list(OF_LABEL))
            for quantity, values in alone.items():
                assert torch.equal(found[quantity][place], values[0]), (width, place, quantity)


@pytest.fixture(scope="module")
def tensors() -> TrainingTensors:
    """Digits: 51 examples to train on, one to test on, and some without labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    data = Dataset.from_arrays(pixels[:51], labels[:51], pixels[51:52], labels[51:52])
    return TrainingTensors.from_inputs(encode(data))


def with_dropout(input_shape, n_classes):
    """Network of which train and eval mode differ by much."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(32, n_classes),
    )  # fmt: skip


@pytest.fixture
def own(monkeypatch):
    """Offer it as a user's own architecture."""
    module = ModuleType("own_of_recording")
    module.with_dropout = with_dropout
    monkeypatch.setitem(sys.modules, "own_of_recording", module)


@pytest.mark.parametrize("batch", [1, 10, 200])
def test_training_records_what_the_network_gives_in_eval_mode(tensors, own, batch):
    """Parts of one example too, and the last of 51 by tens; no dropout, no augmentation."""
    spec = TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": "own_of_recording:with_dropout"},
            "augmentation": {"crop": 2},
            "training": {"epochs": 2, "batch_size": 17},
            "recording": RECORDING,
        }
    )
    group = Group(spec, tensors, [3], Execution(evaluation_batch=batch))
    for point in recording_grid(spec, tensors.n_train):
        (record,) = group.advance_to(point)
        for split, inputs in tensors.splits.items():
            labels = tensors.labels[split].numpy()
            network = with_dropout((1, 8, 8), 10).double()
            network.load_state_dict(group.executor.network.state_dict())
            with torch.no_grad():
                logits = network.eval()(inputs.double()).numpy()
                in_training = network.train()(inputs.double()) if len(inputs) > 1 else None
            for quantity, values in exact(logits, labels).items():
                assert_rounded(record.of_label[quantity][split], values, 2e-5)
            if in_training is not None:
                other = exact(in_training.numpy(), labels)["margin"]
                assert np.abs(record.of_label["margin"][split] - other).max() > 0.1
            margin, right = record.of_label["margin"][split], record.predictions[split] == labels
            assert right[margin > 0].all()
            assert not right[margin < 0].any()
