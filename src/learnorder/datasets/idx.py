"""The idx format of MNIST: a magic number, the shape, then one byte per value."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.source import Source, require_folder
from learnorder.errors import DataNotFound, LearnOrderError

PREFIXES = {"train": "train", "test": "t10k"}
PIECE = 1 << 22
"""Bytes read at a time, so that a damaged header cannot ask for more memory than there is data."""


def read_idx(folder: Path) -> Source:
    """Read the four idx files of a folder, plain or gzipped; ids are positions.

    Raises
    ------
    DataNotFound
        One of the files is missing.
    LearnOrderError
        A file is truncated, too long, or no idx file.
    """
    require_folder(folder)
    splits = {
        split: RawSplit(
            _read_array(_file(folder, f"{prefix}-images", 3), 3),
            _read_array(_file(folder, f"{prefix}-labels", 1), 1),
        )
        for split, prefix in PREFIXES.items()
    }
    return Source(splits)


def _file(folder: Path, stem: str, n_dims: int) -> Path:
    """First of the usual spellings that is there."""
    names = [f"{stem}{mark}idx{n_dims}-ubyte{end}" for mark in "-." for end in (".gz", "")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataNotFound(
        f"load_dataset: {folder} has no {names[0]} (or plain {names[1]}). "
        "An idx folder has four such files: images and labels of train and of t10k. "
        "Add it, or give the path of the folder that has it."
    )


def _read_array(path: Path, n_dims: int) -> NDArray[np.uint8]:
    try:
        with path.open("rb") as file, _unpacked(file, path) as stream:
            return _parse(stream, path, n_dims)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise LearnOrderError(
            f"load_dataset: {path} is damaged ({error}). "
            "It must be a complete gzip file. Copy or download it again."
        ) from error


def _unpacked(file: BinaryIO, path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file


def _parse(stream: BinaryIO, path: Path, n_dims: int) -> NDArray[np.uint8]:
    head = stream.read(4 + 4 * n_dims)
    magic = head[:4]
    if magic != bytes([0, 0, 8, n_dims]):
        raise LearnOrderError(
            f"load_dataset: {path} starts with 0x{magic.hex()}, not 0x000008{n_dims:02x}. "
            f"An idx file of unsigned bytes in {n_dims} dimensions starts with that. "
            "Check that it is the right file."
        )
    if len(head) < 4 + 4 * n_dims:
        raise LearnOrderError(
            f"load_dataset: {path} ends within its header, after {len(head)} bytes. "
            f"The header has {4 + 4 * n_dims}. Copy or download it again."
        )
    shape = struct.unpack(f">{n_dims}I", head[4:])
    expected = math.prod(shape)
    payload = _up_to(stream, expected + 1)
    if len(payload) != expected:
        found = f"{len(payload)}" if len(payload) < expected else f"more than {expected}"
        raise LearnOrderError(
            f"load_dataset: {path} holds {found} bytes after its header, which announces "
            f"{expected} "
            f"(shape {shape}). Both must agree. Copy or download it again."
        )
    return np.frombuffer(payload, dtype=np.uint8).reshape(shape).copy()


def _up_to(stream: BinaryIO, limit: int) -> bytes:
    payload = bytearray()
    while len(payload) < limit:
        piece = stream.read(min(PIECE, limit - len(payload)))
        if not piece:
            break
        payload += piece
    return bytes(payload)
