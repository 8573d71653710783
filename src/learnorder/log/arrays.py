"""Arrays on disk: Zarr v3, written durably, with a checksum in every chunk."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from learnorder.errors import LogDamaged
from learnorder.log.files import make_folder, write_durably
from learnorder.schema import not_recorded

COMPRESSORS = (ZstdCodec(level=3, checksum=True), Crc32cCodec())
FLAT_KEYS = {"name": "default", "configuration": {"separator": "."}}
"""Chunk files lie in the folder of their array, so one fsynced folder covers them."""


class DurableStore(LocalStore):
    """Zarr's local store, except that every file is fsynced before it appears."""

    async def set(self, key: str, value: Buffer) -> None:
        """Write one key durably."""
        await asyncio.to_thread(self._write, self.root / key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Write one key durably unless it is there."""
        if not (self.root / key).exists():
            await self.set(key, value)

    @staticmethod
    def _write(path: Path, value: Buffer) -> None:
        make_folder(path.parent)
        write_durably(path, value.to_bytes())


def create_group(folder: Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Make a Zarr group, so that other tools can walk through the log.

    Two processes may make the same one at the same moment, which Zarr itself refuses.
    """
    make_folder(folder)
    group = {"attributes": dict(attributes or {}), "zarr_format": 3, "node_type": "group"}
    write_durably(folder / "zarr.json", json.dumps(group, indent=2).encode())


def create_predictions(folder: Path, n_epochs: int, n_examples: int, dtype: np.dtype[Any]) -> None:
    """Allocate ``(epoch, example)``, all "not recorded", one chunk per epoch; never resized."""
    zarr.create_array(
        store=DurableStore(folder),
        shape=(n_epochs, n_examples),
        chunks=(1, max(n_examples, 1)),
        dtype=dtype,
        fill_value=not_recorded(dtype),
        compressors=COMPRESSORS,
        chunk_key_encoding=FLAT_KEYS,  # type: ignore[arg-type]
        dimension_names=("epoch", "example"),
        config={"write_empty_chunks": True},
    )


def write_array(folder: Path, array: NDArray[Any]) -> int:
    """Write a whole array and return the checksum of its raw bytes."""
    chunks = tuple(max(1, n) for n in array.shape)
    if array.ndim > 1:
        chunks = (max(1, min(array.shape[0], 4096)), *chunks[1:])
    stored = zarr.create_array(
        store=DurableStore(folder),
        shape=array.shape,
        chunks=chunks,
        dtype=array.dtype,
        compressors=COMPRESSORS,
        chunk_key_encoding=FLAT_KEYS,  # type: ignore[arg-type]
        config={"write_empty_chunks": True},
    )
    if array.size:
        stored[...] = array
    return checksum(array)


def read_array(folder: Path, expected: int) -> NDArray[Any]:
    """Read a whole array and hold it against its checksum.

    Raises
    ------
    LogDamaged
        The array is missing, unreadable or differs.
    """
    array = read_part(open_array(folder), folder, ...)
    if checksum(array) != expected:
        raise LogDamaged(
            f"log: {folder} differs from the checksum in the log's header. "
            "It never changes once written. Restore the folder from a copy."
        )
    return array


def open_array(folder: Path, *, write: bool = False) -> zarr.Array[Any]:
    """Open an array for reading, or for durable writing."""
    try:
        if write:
            return zarr.open_array(DurableStore(folder), mode="r+")
        return zarr.open_array(LocalStore(folder, read_only=True), mode="r")
    except Exception as error:
        raise LogDamaged(
            f"log: cannot open the array {folder} ({_reason(error)}). "
            "A committed array stays where it is. Restore the folder from a copy."
        ) from error


def read_part(array: zarr.Array[Any], folder: Path, key: Any) -> NDArray[Any]:
    """Read by index; whatever goes wrong below is one clear error."""
    try:
        return np.asarray(array[key])
    except Exception as error:
        raise LogDamaged(
            f"log: cannot read {key if key is not ... else 'all'} of the array {folder} "
            f"({_reason(error)}). Restore the folder from a copy."
        ) from error


def checksum(array: NDArray[Any]) -> int:
    """CRC-32 of the raw bytes, little-endian, in C order."""
    little = array.dtype.newbyteorder("<")
    return zlib.crc32(np.ascontiguousarray(array, dtype=little).data)


def _reason(error: Exception) -> str:
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__
