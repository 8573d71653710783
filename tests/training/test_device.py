"""A device that is not there is refused, and the line names what is."""

from __future__ import annotations

import pytest
import torch

from learnorder.errors import LearnOrderError
from learnorder.training import device
from learnorder.training.device import check_device


@pytest.fixture
def gpus(monkeypatch):
    """Pretend that so many GPUs are there."""

    def pretend(n):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n)

    return pretend


@pytest.mark.parametrize(("name", "n"), [("cpu", 0), ("cuda", 1), ("cuda:0", 1), ("cuda:1", 2)])
def test_device_that_is_there_is_accepted(gpus, name, n):
    gpus(n)
    check_device(name)


@pytest.mark.parametrize(
    ("name", "n", "message"),
    [
        ("cuda", 0, r"'cuda' is not there\. PyTorch .*\. Use one of: 'cpu'\."),
        ("cuda:1", 1, r"not there\. PyTorch sees 1 GPU here\. Use one of: 'cpu', 'cuda:0'\."),
        ("cuda:2", 2, r"not there\. PyTorch sees 2 GPUs here\..* 'cuda:0', 'cuda:1'\."),
        ("gpu", 1, r"'gpu' is no device\. .*'cpu', 'cuda:0'"),
        ("cuda:-1", 1, r"'cuda:-1' is no device"),
        ("", 0, r"'' is no device"),
    ],
)
def test_device_that_is_not_there_names_what_is(gpus, name, n, message):
    gpus(n)
    with pytest.raises(LearnOrderError, match=message) as raised:
        check_device(name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("slower_by", "pays"), [(0.5, False), (1.1, False), (1.5, True)])
def test_bfloat16_pays_where_float32_takes_clearly_longer(monkeypatch, slower_by, pays):
    now = 0.0
    seconds = {torch.float32: slower_by, torch.bfloat16: 1.0}

    def multiply(matrix, _):
        nonlocal now
        now += seconds[matrix.dtype]

    monkeypatch.setattr(torch, "mm", multiply)
    monkeypatch.setattr(device.time, "perf_counter", lambda: now)
    assert device.bfloat16_pays() is pays


def test_bfloat16_is_tried_on_this_processor():
    assert device.bfloat16_pays() in (True, False)
