"""Splits of a log as arrays: npz, npy, and what cleanlab reads."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.exchange.source import (
    Source,
    baselines_of,
    blocks,
    labels_of,
    replicate_values,
    true_labels_of,
    vote_shares,
)
from learnorder.schema import EXAMPLE, LABEL, PREDICTION, REPLICATE

OLDEST = (1980, 1, 1, 0, 0, 0)
"""Time of everything in an archive, so that equal logs give equal files."""


@dataclass(frozen=True)
class _Array:
    """An array that is written part by part, along its first axis."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    parts: Iterator[NDArray[Any]]


def write_npz(source: Source, target: Path) -> list[str]:
    """Write all arrays into one compressed file."""
    _write_archive(target, _arrays(source))
    return []


def write_npy(source: Source, target: Path) -> list[str]:
    """Write each array into a file of a folder."""
    for name, array in _arrays(source).items():
        with (target / f"{name}.npy").open("wb") as file:
            _write_array(file, array)
    return []


def write_cleanlab(source: Source, target: Path) -> list[str]:
    """Write labels, ids and the share of replicates that predict each class at one epoch."""
    split, position = source.only, source.epoch_position()
    labels = labels_of(split, "cleanlab")
    shape = (len(labels), len(source.class_names))
    parts = (
        vote_shares(split, position, examples).astype(np.float32)
        for examples in blocks(split, per_example=8 * shape[1])
    )
    arrays = {
        "labels": _whole(labels),
        "pred_probs": _Array(shape, np.dtype(np.float32), parts),
        "ids": _whole(split[EXAMPLE].values),
        "class_names": _whole(np.array(source.class_names, dtype=np.str_)),
    }
    _write_archive(target, arrays)
    return []


def write_arrays(target: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays into one compressed file."""
    _write_archive(target, {name: _whole(array) for name, array in arrays.items()})


def _arrays(source: Source) -> dict[str, _Array]:
    found = {
        "seeds": _whole(np.array(source.seeds, dtype=np.int64)),
        "epochs": _whole(np.array(source.epochs, dtype=np.float64)),
        "class_names": _whole(np.array(source.class_names, dtype=np.str_)),
    }
    for name, split in source.splits.items():
        for quantity in source.quantities(split):
            called = "predictions" if quantity == PREDICTION else quantity
            values = split[quantity]
            parts = _replicates(split, quantity)
            found[f"{called}_{name}"] = _Array(values.shape, values.dtype, parts)
        found[f"ids_{name}"] = _whole(split[EXAMPLE].values)
        if LABEL in split:
            found[f"labels_{name}"] = _whole(labels_of(split, "npz"))
        if (true := true_labels_of(split)) is not None:
            found[f"true_labels_{name}"] = _whole(true)
        for of, numbers in baselines_of(split).items():
            found[f"baseline.{of}.{name}"] = _whole(numbers)
    return found


def _replicates(split: xr.Dataset, quantity: str) -> Iterator[NDArray[Any]]:
    for position in range(split.sizes[REPLICATE]):
        yield replicate_values(split, quantity, position)


def _whole(array: NDArray[Any]) -> _Array:
    return _Array(array.shape, array.dtype, iter([array]))


def _write_archive(target: Path, arrays: Mapping[str, _Array]) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", OLDEST)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as file:
                _write_array(file, array)


def _write_array(file: BinaryIO | Any, array: _Array) -> None:
    header = {
        "descr": np.lib.format.dtype_to_descr(array.dtype),
        "fortran_order": False,
        "shape": tuple(int(n) for n in array.shape),
    }
    np.lib.format.write_array_header_2_0(file, header)
    for part in array.parts:
        file.write(np.ascontiguousarray(part, dtype=array.dtype).tobytes())
