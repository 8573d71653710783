"""Fixtures of the datasets stage."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError


@pytest.fixture
def refused() -> Callable[..., str]:
    """Call something that must raise one line with all the fragments."""

    def check(
        call: Callable[[], Any], *fragments: str, error: type[Exception] = LearnOrderError
    ) -> str:
        with pytest.raises(error) as caught:
            call()
        message = str(caught.value)
        assert "\n" not in message
        assert message.count(". ") >= 1, message
        for fragment in fragments:
            assert fragment in message, message
        return message

    return check


@pytest.fixture
def png() -> Callable[..., bytes]:
    """Encode an array as a picture file."""

    def encode(array: Any, format: str = "PNG") -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(array)).save(buffer, format)
        return buffer.getvalue()

    return encode


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """Make four small idx files, images gzipped and labels plain."""
    images = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    labels = np.array([0, 1, 2, 2, 1, 0], dtype=np.uint8)
    for prefix, n in (("train", 6), ("t10k", 3)):
        header = struct.pack(">IIII", 0x803, n, 4, 3)
        packed = gzip.compress(header + images[:n].tobytes())
        (tmp_path / f"{prefix}-images-idx3-ubyte.gz").write_bytes(packed)
        header = struct.pack(">II", 0x801, n)
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels[:n].tobytes())
    return tmp_path


@pytest.fixture
def small() -> Dataset:
    """Make 40 train and 12 test examples of 3 classes of unequal size."""
    labels = np.array([0] * 25 + [1] * 10 + [2] * 5)
    x = np.arange(40.0)[:, None]
    return Dataset.from_arrays(x, labels, x[:12], np.arange(12) % 3, class_names=["a", "b", "c"])
