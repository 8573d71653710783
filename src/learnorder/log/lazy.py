"""Predictions of many replicates as one array that reads only what is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from learnorder.errors import LogDamaged
from learnorder.log.arrays import checksum, open_array, read_part
from learnorder.log.attempt import Attempt, Commit, first_index
from learnorder.schema import Predictions, not_recorded


@dataclass(frozen=True)
class CommittedEpochs:
    """One replicate's committed epochs of one split, by epoch."""

    attempt: Attempt
    split: str
    commits: Mapping[float, Commit]

    def read(self, epoch: float) -> Predictions:
        """Read all predictions of one epoch, held against the commit record.

        Raises
        ------
        LogDamaged
            The chunk is missing, unreadable or differs from what was committed.
        """
        commit = self.commits[epoch]
        folder, row = self._place(commit)
        predictions = read_part(_opened(folder), folder, row)
        if checksum(predictions) != commit.crc32:
            raise LogDamaged(
                f"log: {self.chunk_file(epoch)} is missing or differs from the commit record of "
                f"epoch {epoch:g}. A committed epoch never changes. Restore the file from a copy."
            )
        return predictions

    def chunk_file(self, epoch: float) -> Path:
        """File that holds the predictions of one epoch."""
        folder, row = self._place(self.commits[epoch])
        return folder / f"c.{row}.0"

    def _place(self, commit: Commit) -> tuple[Path, int]:
        """Folder of the array, and the row in it."""
        row = commit.index - first_index(commit.segment)
        return self.attempt.folder / commit.segment / self.split, row


@lru_cache(maxsize=1024)
def _opened(folder: Path) -> Any:
    return open_array(folder)


class LazyPredictions(BackendArray):
    """``(replicate, epoch, example)``, read chunk by chunk when indexed."""

    def __init__(
        self,
        replicates: Sequence[CommittedEpochs],
        epochs: Sequence[float],
        n_examples: int,
        dtype: np.dtype[Any],
    ) -> None:
        self.replicates, self.epochs = replicates, epochs
        self.shape = (len(replicates), len(epochs), n_examples)
        self.dtype = dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read by any index xarray gives; it cuts down to what this array supports."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        rows, columns, examples = key
        replicates = np.arange(self.shape[0])[rows]
        epochs = np.arange(self.shape[1])[columns]
        chosen = np.arange(self.shape[2])[examples]
        shape = (*replicates.shape, *epochs.shape, *chosen.shape)
        grid = np.empty((replicates.size, epochs.size, chosen.size), self.dtype)
        for i, r in enumerate(replicates.flat):
            for j, e in enumerate(epochs.flat):
                grid[i, j] = self._read_epoch(int(r), self.epochs[int(e)], examples)
        return grid.reshape(shape)

    def _read_epoch(self, replicate: int, epoch: float, examples: Any) -> Any:
        committed = self.replicates[replicate]
        if epoch not in committed.commits:
            return not_recorded(self.dtype)
        return committed.read(epoch)[examples]
