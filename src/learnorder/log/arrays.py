"""Arrays as Zarr v3: metadata and small arrays through Zarr, chunks of lanes as plain bytes.

Everything reaches the disk through `files`, so that one protocol makes all of it durable. A chunk
of a lane is encoded and decoded here, without Zarr's own machinery, which costs more per chunk
than the decoding itself; any Zarr v3 reader opens the result.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import zarr
from numcodecs.zstd import Zstd
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer
from zarr.core.buffer.cpu import Buffer as CpuBuffer
from zarr.storage import MemoryStore

from learnorder.errors import LogDamaged
from learnorder.log.files import PARTIAL, make_folder, reason, write_durably
from learnorder.log.lanes import Lane
from learnorder.log.layout import METADATA
from learnorder.schema import DIMS, Predictions, not_recorded

LEVEL = 1
"""Level of Zstd: on predictions it compresses faster than higher ones, and no worse up to 15."""

THOROUGH_LEVEL = 19
"""A fifth to a third smaller than level 1 on real logs, and a hundred times slower."""

FLAT_KEYS = {"name": "default", "configuration": {"separator": "."}}
"""Chunk files lie in the folder of their array, so one fsynced folder covers them."""


def create_group(folder: Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Make a Zarr group, so that other tools can walk through the log.

    Two processes may make the same one at the same moment, which Zarr itself refuses.
    """
    make_folder(folder)
    write_durably(folder / METADATA, group_metadata(attributes))


def group_metadata(attributes: Mapping[str, Any] | None = None) -> bytes:
    """Content of the metadata file of a Zarr group."""
    group = {"attributes": dict(attributes or {}), "zarr_format": 3, "node_type": "group"}
    return json.dumps(group, indent=2).encode()


def compressors(level: int = LEVEL) -> tuple[ZstdCodec, Crc32cCodec]:
    """Codecs of every array."""
    return ZstdCodec(level=level, checksum=True), Crc32cCodec()


def create_lane(
    folder: Path, lane: Lane, n_epochs: int, chunks: tuple[int, int], level: int = LEVEL
) -> None:
    """Allocate ``(epoch, example)``, all "not recorded"; never resized."""
    make_folder(folder)
    write_durably(
        folder / METADATA, _lane_metadata(lane.dtype, (n_epochs, lane.n_examples), chunks, level)
    )


@cache
def _lane_metadata(
    dtype: np.dtype[Any], shape: tuple[int, int], chunks: tuple[int, int], level: int
) -> bytes:
    bits = np.dtype(f"u{dtype.itemsize}")
    files: dict[str, Buffer] = {}
    zarr.create_array(
        store=MemoryStore(files),
        shape=shape,
        chunks=(max(chunks[0], 1), max(chunks[1], 1)),
        dtype=dtype,
        fill_value=np.array(not_recorded(bits), bits).view(dtype)[()],
        compressors=compressors(level),
        chunk_key_encoding=FLAT_KEYS,  # type: ignore[arg-type]
        dimension_names=DIMS[1:],
    )
    return files[METADATA].to_bytes()


def chunk_name(row: int, column: int) -> str:
    """File of one chunk of an ``(epoch, example)`` array."""
    return f"c.{row}.{column}"


def encode_chunk(values: Predictions, level: int = LEVEL) -> bytes:
    """Bytes of one chunk file: Zstd with its checksum, then CRC-32C over the whole."""
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    content = bytes(Zstd(level, checksum=True).encode(little))
    return content + int(google_crc32c.value(content)).to_bytes(4, "little")


def decode_chunk(content: bytes, into: Predictions) -> None:
    """Decode one chunk file into an array of its shape and type.

    A chunk of fewer values leaves the rest as it was: whoever reads holds a checksum of it.

    Raises
    ------
    ValueError
        The bytes are damaged, or hold a larger chunk.
    """
    body = content[:-4]
    if google_crc32c.value(body) != int.from_bytes(content[-4:], "little"):
        raise ValueError("its bytes differ from its own checksum")
    try:
        if into.flags.c_contiguous and sys.byteorder == "little":
            Zstd().decode(body, out=into)
        else:
            decoded = np.frombuffer(Zstd().decode(body), into.dtype.newbyteorder("<"))
            into[...] = decoded.reshape(into.shape)
    except (RuntimeError, TypeError) as error:
        raise ValueError(str(error)) from error


def write_array(folder: Path, array: NDArray[Any]) -> int:
    """Write a whole array and return the checksum of its raw bytes."""
    chunks = tuple(max(1, n) for n in array.shape)
    if array.ndim > 1:
        chunks = (max(1, min(array.shape[0], 4096)), *chunks[1:])
    files: dict[str, Buffer] = {}
    stored = zarr.create_array(
        store=MemoryStore(files),
        shape=array.shape,
        chunks=chunks,
        dtype=array.dtype,
        compressors=compressors(),
        chunk_key_encoding=FLAT_KEYS,  # type: ignore[arg-type]
        config={"write_empty_chunks": True},
    )
    if array.size:
        stored[...] = array
    make_folder(folder)
    for name, content in files.items():
        write_durably(folder / name, content.to_bytes())
    return checksum(array)


def read_array(folder: Path, expected: int) -> NDArray[Any]:
    """Read a whole array and hold it against its checksum.

    Raises
    ------
    LogDamaged
        The array is missing, unreadable or differs.
    """
    try:
        names = [path.name for path in folder.iterdir() if not path.name.endswith(PARTIAL)]
        files: dict[str, Buffer] = {
            name: CpuBuffer.from_bytes((folder / name).read_bytes()) for name in names
        }
        array = np.asarray(zarr.open_array(MemoryStore(files), mode="r")[...])
    except OSError as error:
        raise LogDamaged(
            f"log: cannot read {error.filename or folder} ({reason(error)}). "
            "It never changes once written. Restore the file from a copy."
        ) from error
    except Exception as error:
        raise LogDamaged(
            f"log: {folder} does not hold an array, or a file of it is damaged. "
            "It never changes once written. Restore the folder from a copy."
        ) from error
    if checksum(array) != expected:
        raise LogDamaged(
            f"log: {folder} differs from the checksum in the log's header. "
            "It never changes once written. Restore the folder from a copy."
        )
    return array


def checksum(array: NDArray[Any]) -> int:
    """CRC-32 of the raw bytes, little-endian, in C order."""
    little = array.dtype.newbyteorder("<")
    return zlib.crc32(np.ascontiguousarray(array, dtype=little).data)
