"""What is exported: splits of a log, read part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.schema import (
    BASELINE,
    EPOCH,
    EXAMPLE,
    LABEL,
    OF_LABEL,
    PREDICTION,
    REPLICATE,
    ROLE,
    SEED,
    TRUE_LABEL,
)

BLOCK_BYTES = 64 << 20
"""What is read of a split at once."""


@dataclass(frozen=True)
class Source:
    """Splits of one log.

    Attributes
    ----------
    splits
        By name, as `open_log` returns them.
    epoch
        Which one a format that holds one gets; None for the last.
    """

    splits: Mapping[str, xr.Dataset]
    epoch: float | None = None

    @property
    def first(self) -> xr.Dataset:
        """The first split; all have the same seeds, epochs and classes."""
        return next(iter(self.splits.values()))

    @property
    def only(self) -> xr.Dataset:
        """The split, where there is one."""
        (split,) = self.splits.values()
        return split

    @property
    def seeds(self) -> list[int]:
        """Seeds of the replicates."""
        return [int(seed) for seed in self.first[SEED].values]

    @property
    def epochs(self) -> list[float]:
        """Recorded epochs."""
        return [float(epoch) for epoch in self.first[EPOCH].values]

    @property
    def class_names(self) -> list[str]:
        """One for each class."""
        return list(self.first.attrs["class_names"])

    @property
    def names_are_ids(self) -> bool:
        """Whether classes are called by their ids."""
        return self.class_names == [str(k) for k in range(len(self.class_names))]

    def quantities(self, split: xr.Dataset) -> list[str]:
        """What is recorded of a split."""
        return [name for name in (PREDICTION, *OF_LABEL) if name in split]

    def epoch_position(self) -> int:
        """Position of the epoch that was chosen.

        Raises
        ------
        LearnOrderError
            It is not recorded.
        """
        if self.epoch is None:
            return len(self.epochs) - 1
        if self.epoch not in self.epochs:
            listed = ", ".join(f"{e:g}" for e in self.epochs[:20])
            raise LearnOrderError(
                f"export: epoch {self.epoch:g} is not recorded; recorded are: {listed}. Choose one."
            )
        return self.epochs.index(self.epoch)


def labels_of(split: xr.Dataset, what: str) -> NDArray[np.int64]:
    """Labels of a split.

    Raises
    ------
    LearnOrderError
        It has none.
    """
    if LABEL not in split:
        raise LearnOrderError(
            f"export: the split {split.attrs.get('split')!r} has no labels, which {what} needs. "
            "Choose another split with --split, or another format."
        )
    labels: NDArray[np.int64] = split[LABEL].values.astype(np.int64)
    return labels


def replicate_values(split: xr.Dataset, quantity: str, position: int) -> NDArray[Any]:
    """``(epoch, example)`` of one replicate, read and kept nowhere else."""
    return np.asarray(split[quantity].variable[position].values)


def blocks(split: xr.Dataset, *, per_example: int) -> Iterator[slice]:
    """Examples in parts of which not too much is read at once; ``per_example`` in bytes."""
    n = split.sizes[EXAMPLE]
    width = max(8192, BLOCK_BYTES // max(1, per_example) // 8192 * 8192)
    for start in range(0, n, width):
        yield slice(start, min(start + width, n))


def baselines_of(split: xr.Dataset) -> dict[str, NDArray[Any]]:
    """Baselines by name."""
    named = split.data_vars.items()
    return {str(name): v.values for name, v in named if v.attrs.get(ROLE) == BASELINE}


def vote_shares(split: xr.Dataset, position: int, examples: slice) -> NDArray[np.float64]:
    """``(example, class)``, the share of replicates that predict each class after one epoch."""
    votes = np.asarray(split[PREDICTION].variable[:, position, examples].values)
    n_replicates, n = votes.shape
    n_classes = len(split.attrs["class_names"])
    flat = np.arange(n) * n_classes + votes.astype(np.int64)
    counts = np.bincount(flat.ravel(), minlength=n * n_classes)
    shares: NDArray[np.float64] = counts.reshape(n, n_classes) / n_replicates
    return shares


def ids_as_json(split: xr.Dataset) -> list[Any]:
    """Ids as whole numbers or texts."""
    ids: list[Any] = split[EXAMPLE].values.tolist()
    return ids


def per_example_bytes(split: xr.Dataset, quantities: Sequence[str]) -> int:
    """Bytes of all replicates and epochs of one example."""
    size = sum(split[name].dtype.itemsize for name in quantities)
    return int(split.sizes[REPLICATE] * split.sizes[EPOCH] * size)


def true_labels_of(split: xr.Dataset) -> NDArray[np.int64] | None:
    """True labels, where labels were changed on purpose."""
    if TRUE_LABEL not in split:
        return None
    labels: NDArray[np.int64] = split[TRUE_LABEL].values.astype(np.int64)
    return labels
