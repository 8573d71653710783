"""One numpy file with the arrays of every split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.source import Source
from learnorder.errors import LearnOrderError

NEEDED = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path) -> Source:
    """Arrays ``x_<split>``, ``y_<split>`` and ``ids_<split>`` of each split, and ``class_names``.

    Splits other than train and test may lack ``y_<split>``; ids and class names may be missing.
    Object arrays are refused, because reading them would run code of the file.

    Raises
    ------
    LearnOrderError
        The file is no npz file, is damaged, or lacks an array or has one more.
    """
    arrays = _read_arrays(path)
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        raise LearnOrderError(
            f"load_dataset: {path} has no {missing[0]}; it has: {', '.join(arrays) or 'nothing'}. "
            f"It needs {', '.join(NEEDED)}. Save it with np.savez(path, x_train=..., ...)."
        )
    splits = [name.removeprefix("x_") for name in arrays if name.startswith("x_")]
    allowed = {f"{part}_{split}" for split in splits for part in ("x", "y", "ids")} | {
        "class_names"
    }
    for name in arrays:
        if name not in allowed:
            raise LearnOrderError(
                f"load_dataset: {path} has an array {name!r} that belongs to no split. "
                "Arrays are x_NAME, y_NAME and ids_NAME of a split, and class_names. "
                "Rename it or leave it out."
            )
    return Source(
        {
            split: RawSplit(
                arrays[f"x_{split}"], arrays.get(f"y_{split}"), arrays.get(f"ids_{split}")
            )
            for split in splits
        },
        class_names=_names(arrays.get("class_names"), path),
    )


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    if path.is_dir():
        raise LearnOrderError(
            f"load_dataset: {path} is a folder. npz is one file. Give the path of the .npz file."
        )
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("one array without a name")
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged archive fails in many ways, each of its own class
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LearnOrderError(
            f"load_dataset: {path} cannot be read as npz ({reason}). "
            "It is a file of np.savez with arrays of numbers or str, never of objects. Save it "
            "again."
        ) from error


def _names(array: NDArray[Any] | None, path: Path) -> tuple[str, ...] | None:
    if array is None:
        return None
    if array.ndim != 1 or array.dtype.kind != "U":
        raise LearnOrderError(
            f"load_dataset: class_names in {path} has the type {array.dtype} and shape "
            f"{array.shape}. "
            "It is one str per class. Save it as np.array([...]) of str."
        )
    return tuple(array.tolist())
