"""One epoch while it is recorded: each split whole, or in pieces in any order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, count_of
from learnorder.recording.arrays import as_numpy
from learnorder.recording.classes import predicted_classes
from learnorder.schema import Examples, Predictions, not_recorded, prediction_dtype


class RecordedSplit:
    """Predictions of one split, as far as they are known.

    Parameters
    ----------
    split
        Its name.
    examples
        Its ids and labels.
    n_classes
        Number of classes.
    as_seen
        Whether they come from training itself, where an example that is seen again keeps the
        prediction of its first time. Otherwise each example has one prediction.
    """

    def __init__(self, split: str, examples: Examples, n_classes: int, as_seen: bool) -> None:
        self.split, self.n_classes, self.as_seen = split, n_classes, as_seen
        self.ids = examples.ids
        dtype = prediction_dtype(n_classes)
        self._missing = not_recorded(dtype)
        self.classes: Predictions = np.full(len(examples), self._missing, dtype)
        self.n_missing = len(examples)

    def missing(self) -> NDArray[np.int64]:
        """Positions of the examples that have no prediction yet, ascending."""
        return np.flatnonzero(self.classes == self._missing)

    def add(self, values: Any, index: Any, where: str) -> None:
        """Take predictions: of all examples in order, or with an index of those at its positions.

        Raises
        ------
        LearnOrderError
            They are no predictions of these examples, or differ from those of the same epoch.
        """
        given = None if index is None else self._positions(index, where)

        def name(row: int) -> str:
            return self.name_of(row if given is None else int(given[row]))

        array = as_numpy(values, f"{where}: the predictions")
        self._refuse_other_length(array, given, where)
        classes = predicted_classes(array, self.n_classes, where, name)
        positions = np.arange(len(self.classes)) if given is None else given
        distinct, first, which = np.unique(positions, return_index=True, return_inverse=True)
        if not self.as_seen:
            self._refuse_others(positions, classes, classes[first][which], where)
        new = self.classes[distinct] == self._missing
        self.classes[distinct[new]] = classes[first][new]
        self.n_missing -= int(new.sum())

    def _refuse_other_length(
        self, array: NDArray[Any], index: NDArray[np.int64] | None, where: str
    ) -> None:
        expected = len(self.classes) if index is None else len(index)
        if array.ndim and len(array) == expected:
            return
        if index is None:
            holds = f"the split has {count_of(expected, 'example')}"
            advice = "Give one for each, in the order of its labels, or the positions as index."
        else:
            holds = f"the index has {count_of(expected, 'position')}"
            advice = "Give one for each position."
        raise LearnOrderError(
            f"{where}: the predictions have the shape {array.shape}; {holds}. {advice}"
        )

    def _positions(self, index: Any, where: str) -> NDArray[np.int64]:
        positions = as_numpy(index, f"{where}: the positions in index")
        if positions.ndim != 1 or (positions.dtype.kind not in "iu" and positions.size):
            raise LearnOrderError(
                f"{where}: the index has the shape {positions.shape} and the type "
                f"{positions.dtype}. It has the position of each example in the split, integers "
                f"from 0 to {len(self.classes) - 1}. Give what the loader or sampler drew."
            )
        outside = np.flatnonzero((positions < 0) | (positions >= len(self.classes)))
        if outside.size:
            raise LearnOrderError(
                f"{where}: the index contains {positions[outside[0]]}. The split has "
                f"{count_of(len(self.classes), 'example')}, at the positions 0 to "
                f"{len(self.classes) - 1}. Give positions in the order of its labels."
            )
        return positions.astype(np.int64)

    def _refuse_others(
        self, positions: NDArray[np.int64], classes: Predictions, first: Predictions, where: str
    ) -> None:
        """Refuse a prediction that differs from the first of its example, here or before."""
        known = self.classes[positions]
        before = np.where(known == self._missing, first, known)
        differing = np.flatnonzero(classes != before)
        if differing.size:
            row = int(differing[0])
            raise LearnOrderError(
                f"{where}: {self.name_of(int(positions[row]))} has two predictions, classes "
                f"{before[row]} and {classes[row]}. At an epoch it has one; padding of a sampler "
                "repeats the same. Record each epoch once, with one network in evaluation mode."
            )

    def name_of(self, position: int) -> str:
        """Return what to call the example at a position."""
        found = self.ids[position].item()
        return f"example {position}" if found == position else f"example {position} (id {found!r})"


class RecordedEpoch:
    """What is known of one epoch of a replicate."""

    def __init__(self, epoch: float, splits: Mapping[str, RecordedSplit]) -> None:
        self.epoch, self.splits = epoch, splits

    def add(self, split: str, values: Any, index: Any) -> None:
        """Take predictions of a split, see `RecordedSplit.add`."""
        where = f"Recorder: epoch {self.epoch:g}, split {split!r}"
        self.splits[split].add(values, index, where)

    @property
    def is_whole(self) -> bool:
        """Whether every example of every split has a prediction."""
        return not any(split.n_missing for split in self.splits.values())

    def problem(self) -> str | None:
        """Say what is missing; None if the epoch is whole."""
        for name, split in self.splits.items():
            if split.n_missing == len(split.classes):
                return f"split {name!r} is not recorded"
            if split.n_missing:
                n = count_of(len(split.classes), "example")
                what = f"{split.n_missing:,} of {n} of split {name!r} have no prediction"
                return f"{what} (the first is {split.name_of(int(split.missing()[0]))})"
        return None
