"""What a log is made from: predictions of replicates on their grids, whatever file they come from.

Readers return a `Content`; `importing` makes a log of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.log.baselines import Baselines
from learnorder.schema import (
    BASELINE,
    DIMS,
    EPOCH,
    EXAMPLE,
    LABEL,
    OF_LABEL,
    PREDICTION,
    ROLE,
    SEED,
    TRUE_LABEL,
    Examples,
    not_recorded,
)

Cell = tuple[int, float]
"""Seed and epoch."""

Cells = Mapping[Cell, NDArray[Any]]
"""By seed and epoch, ``(example,)``."""


@dataclass(frozen=True)
class SplitContent:
    """What is known of one split.

    Attributes
    ----------
    examples
        Ids, and labels where there are any.
    cells
        For each quantity that is recorded, its values for every seed and epoch.
    baselines
        As in a log.
    """

    examples: Examples
    cells: Mapping[str, Cells]
    baselines: Baselines = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """Predictions of replicates, as a log holds them.

    Attributes
    ----------
    class_names
        One for each class.
    grids
        For each seed the epochs that are recorded, ascending.
    splits
        By name; each has the cells of all seeds on their grids.
    notes
        What a person should know of how the source was read.
    """

    class_names: Sequence[str]
    grids: Mapping[int, Sequence[float]]
    splits: Mapping[str, SplitContent]
    notes: Sequence[str] = ()

    @property
    def quantities(self) -> tuple[str, ...]:
        """What every split with labels has, predictions first.

        Raises
        ------
        LearnOrderError
            Splits with labels differ in them.
        """
        labelled = {n: s for n, s in self.splits.items() if s.examples.labels is not None}
        kinds = {name: sorted(set(s.cells) - {PREDICTION}) for name, s in labelled.items()}
        if len({tuple(kind) for kind in kinds.values()}) > 1:
            listed = "; ".join(f"{n}: {', '.join(k) or 'none'}" for n, k in kinds.items())
            raise LearnOrderError(
                f"import: the splits have different quantities beside predictions ({listed}). A "
                "log has the same for all splits with labels. Give all, or leave them out."
            )
        of_label = next(iter(kinds.values()), [])
        return PREDICTION, *(name for name in OF_LABEL if name in of_label)

    def digest(self) -> str:
        """Digest of everything that is recorded, so that other content has another identity."""
        found = hashlib.blake2b(digest_size=16)
        found.update(repr((list(self.class_names), sorted(self.splits))).encode())
        for name in sorted(self.splits):
            split = self.splits[name]
            found.update(split.examples.fingerprint().encode())
            for quantity in sorted(split.cells):
                for cell in sorted(split.cells[quantity]):
                    found.update(repr((quantity, cell)).encode())
                    found.update(np.ascontiguousarray(split.cells[quantity][cell]).data)
        return found.hexdigest()


def content_of_datasets(splits: Mapping[str, xr.Dataset]) -> Content:
    """Content of datasets as `from_arrays` and `open_log` return them, by name of the split.

    Raises
    ------
    LearnOrderError
        One is no such dataset, replicates, epochs or class names differ between splits, or a
        prediction was not recorded.
    """
    first_name, first = next(iter(splits.items()))
    for name, split in splits.items():
        if PREDICTION not in split or split[PREDICTION].dims != DIMS:
            raise LearnOrderError(
                f"import: the dataset of split {name!r} has no prediction (replicate, epoch, "
                "example). Datasets are those of `from_arrays` or `open_log`. Make one of them."
            )
        for dim, what in ((SEED, "seeds"), (EPOCH, "epochs")):
            if not np.array_equal(split[dim].values, first[dim].values):
                raise LearnOrderError(
                    f"import: the splits {first_name!r} and {name!r} have different {what}. All "
                    "splits of a log have the same. Select what both have."
                )
        if list(split.attrs["class_names"]) != list(first.attrs["class_names"]):
            raise LearnOrderError(
                f"import: the splits {first_name!r} and {name!r} have different class names. "
                "A log has one list. Give class_names to `from_arrays`."
            )
    epochs = [float(e) for e in first[EPOCH].values]
    return Content(
        list(first.attrs["class_names"]),
        {int(seed): epochs for seed in first[SEED].values},
        {name: _split_of_dataset(name, split) for name, split in splits.items()},
    )


def _split_of_dataset(name: str, split: xr.Dataset) -> SplitContent:
    examples = Examples(
        split[EXAMPLE].values,
        split[LABEL].values.astype(np.int64) if LABEL in split else None,
        split[TRUE_LABEL].values.astype(np.int64) if TRUE_LABEL in split else None,
    )
    seeds, epochs = split[SEED].values.tolist(), split[EPOCH].values.tolist()
    cells: dict[str, Cells] = {}
    for quantity in (PREDICTION, *OF_LABEL):
        if quantity in split:
            values = split[quantity].values
            _refuse_unrecorded(name, quantity, values)
            cells[quantity] = {
                (int(seed), float(epoch)): values[r, e]
                for r, seed in enumerate(seeds)
                for e, epoch in enumerate(epochs)
            }
    named = {n: v for n, v in split.data_vars.items() if v.attrs.get(ROLE) == BASELINE}
    return SplitContent(examples, cells, {str(n): v.values for n, v in named.items()})


def _refuse_unrecorded(name: str, quantity: str, values: NDArray[Any]) -> None:
    floats = values.dtype.kind == "f"
    missing = np.isnan(values) if floats else values == not_recorded(values.dtype)
    if missing.any():
        raise LearnOrderError(
            f"import: {int(missing.sum()):,} values of {quantity} in split {name!r} were not "
            "recorded. A log made from a dataset has all. Select replicates and epochs that are "
            "whole."
        )
