"""Named arrays of npz files and of folders of npy files, read without pickle and within bounds."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.exchange.safe import require_room

KINDS = "biufU"
"""Types of arrays that are read: numbers and texts. Objects would run code of the file."""

LONGEST_HEADER = 1 << 16
"""Bytes at the start of an npy file that say its type and shape."""


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of an npz file by name.

    Raises
    ------
    LearnOrderError
        It is no whole npz file, an array is of objects, or declares more than there is or than the
        memory holds.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename.removesuffix(".npy") for member in members]
            if len(set(names)) < len(names):
                raise ValueError("two arrays of one name")
            require_room(sum(m.file_size for m in members), str(path))
            for member in members:
                with archive.open(member) as file:
                    _check_header(file.read(LONGEST_HEADER), member.file_size, member.filename)
            arrays = {}
            for name, member in zip(names, members, strict=True):
                with archive.open(member) as file:
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
            return arrays
    except LearnOrderError:
        raise
    except Exception as error:  # a damaged archive fails in many ways, each of its own class
        _refuse(path, error, "npz, a file of np.savez with arrays of numbers or texts")


def read_npy(path: Path) -> NDArray[Any]:
    """Array of an npy file, which stays on the disk until it is used.

    Raises
    ------
    LearnOrderError
        It is no whole npy file, or of objects.
    """
    try:
        with path.open("rb") as file:
            _check_header(file.read(LONGEST_HEADER), path.stat().st_size, path.name)
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        return np.asarray(loaded)
    except LearnOrderError:
        raise
    except Exception as error:  # as above
        _refuse(path, error, "npy, a file of np.save with numbers or texts")


def read_npy_folder(folder: Path) -> dict[str, NDArray[Any]]:
    """Arrays of a folder of npy files by name."""
    return {path.stem: read_npy(path) for path in sorted(folder.glob("*.npy"))}


def _check_header(start: bytes, size: int, name: str) -> None:
    """Hold what an array declares against the bytes that are there, before any is allocated."""
    stream = io.BytesIO(start)
    version = np.lib.format.read_magic(stream)
    readers: Mapping[tuple[int, int], Any] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
        (3, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = readers[version](stream)
    if dtype.kind not in KINDS:
        raise ValueError(f"{name} has the type {dtype}; objects and records are not read")
    # what takes no bytes can be declared without end, and (-1, -3) has as many as (3,)
    if not dtype.itemsize or any(isinstance(n, bool) or n < 0 for n in shape):
        raise ValueError(
            f"{name} declares the shape {shape} of {dtype}; lengths are whole numbers from 0 up, "
            "and each value has a byte or more"
        )
    n_bytes = dtype.itemsize
    for length in shape:
        n_bytes *= length
    if n_bytes != size - stream.tell():
        raise ValueError(
            f"{name} declares the shape {shape} of {dtype}, {n_bytes:,} bytes, and has "
            f"{size - stream.tell():,}"
        )


def _refuse(path: Path, error: Exception, what: str) -> NoReturn:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    raise LearnOrderError(
        f"import: {path} cannot be read ({reason}). It is {what}, never of objects. Save it again."
    ) from error
