"""A lane of many replicates as one array that reads only what is asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from learnorder.errors import LogDamaged
from learnorder.log.arrays import checksum, chunk_name
from learnorder.log.attempt import Attempt, Commit
from learnorder.log.compaction import (
    Compaction,
    chunk_width,
    columns_of,
    decode_file,
    read_chunk_file,
)
from learnorder.log.cores import available_cores
from learnorder.log.lanes import Lane
from learnorder.log.layout import Header
from learnorder.schema import Predictions, not_recorded

MOST_THREADS = 8
"""Decoding leaves the interpreter lock; beyond this many the memory is the limit."""

WORTH_THREADS = 1 << 20
"""Bytes below which starting threads costs more than they save."""


@dataclass(frozen=True)
class _Places:
    """Where the epochs of one replicate and lane lie, as of one moment."""

    commits: Mapping[float, Commit]
    folders: Mapping[str, Path]
    compacted: list[float]
    compaction: Compaction | None


class CommittedEpochs:
    """One replicate's committed epochs of one lane, by epoch, as bits.

    Where they lie may change while they are read, from chunks of one epoch to chunks of all: what
    is no longer in its place is looked up again.

    Raises
    ------
    LogDamaged
        A commit record is damaged or lost.
    """

    def __init__(self, attempt: Attempt, lane: Lane, header: Header) -> None:
        self.attempt, self.lane, self.header = attempt, lane, header
        self.n_examples = lane.n_examples
        self._places = self._look_up()

    @property
    def commits(self) -> Mapping[float, Commit]:
        """Commit records by epoch, ascending."""
        return self._places.commits

    @property
    def compaction(self) -> Compaction | None:
        """The chunks of all epochs, if there are any."""
        return self._places.compaction

    @property
    def n_compacted(self) -> int:
        """Epochs that lie in chunks of all epochs; they are the first."""
        return len(self._places.compacted)

    def _look_up(self) -> _Places:
        return self.attempt.undisturbed(self._find_places)

    def _find_places(self, compaction: str | None) -> _Places:
        found = self.attempt.whole_commits(self.lane.name, self.header).values()
        opened = Compaction.open(self.attempt.folder / compaction) if compaction else None
        return _Places(
            commits={commit.epoch: commit for commit in found},
            folders={c.segment: self.attempt.folder / c.segment / self.lane.name for c in found},
            compacted=[commit.epoch for commit in found if commit.segment == compaction],
            compaction=opened,
        )

    def read(self, epochs: Sequence[float], examples: slice, into: Predictions) -> None:
        """Read ``(epoch, example)`` of some epochs and examples, held against what was committed.

        Raises
        ------
        LogDamaged
            A chunk is missing, unreadable or differs from what was committed.
        """
        places = self._places
        try:
            self._read(places, epochs, examples, into)
        except LogDamaged:
            now = self._look_up()
            before = [places.commits[epoch] for epoch in epochs]
            after = [now.commits.get(epoch) for epoch in epochs]
            pairs = zip(after, before, strict=True)
            if after == before or any(a is None or a.crc32 != b.crc32 for a, b in pairs):
                raise
            self._places = now
            self._read(now, epochs, examples, into)

    def _read(
        self, places: _Places, epochs: Sequence[float], examples: slice, into: Predictions
    ) -> None:
        if places.compaction is not None and epochs == places.compacted:
            self._read_columns(places, examples, into, slice(None), slice(None))
            return
        chosen, rows = [], []
        for i, epoch in enumerate(epochs):
            commit = places.commits[epoch]
            if commit.is_compacted:
                chosen.append(i)
                rows.append(commit.row)
            else:
                self._read_row(places, commit, examples, into[i])
        if chosen:
            self._read_columns(places, examples, into, chosen, rows)

    def _read_columns(
        self, places: _Places, examples: slice, into: Predictions, chosen: Any, rows: Any
    ) -> None:
        """Fill ``into[chosen]`` with these rows of the compacted array."""
        compaction = places.compaction
        if compaction is None:
            raise LogDamaged(f"log: {self.attempt.folder} has lost its compaction. Restore it.")
        shape = (len(places.compacted), chunk_width(self.n_examples))
        if rows == slice(None) and into.shape == shape and examples.start % shape[1] == 0:
            compaction.read_chunk(self.lane, examples.start // shape[1], into)
            return
        chunk = np.empty(shape, self.lane.bits)
        for column, there, here in columns_of(self.n_examples, examples):
            compaction.read_chunk(self.lane, column, chunk)
            into[chosen, there] = chunk[rows, here]

    def _read_row(
        self, places: _Places, commit: Commit, examples: slice, into: Predictions
    ) -> None:
        path = places.folders[commit.segment] / chunk_name(commit.row, 0)
        if len(into) == self.n_examples:
            self._read_epoch(path, commit, into)
        else:
            whole = np.empty(self.n_examples, self.lane.bits)
            self._read_epoch(path, commit, whole)
            into[...] = whole[examples]

    def read_epoch(self, commit: Commit, into: Predictions) -> None:
        """Read all values of an epoch that has a chunk of its own.

        Raises
        ------
        LogDamaged
            The chunk is missing, unreadable or differs from the commit record.
        """
        self._read_epoch(self.chunk_file(commit), commit, into)

    def _read_epoch(self, path: Path, commit: Commit, into: Predictions) -> None:
        if self.n_examples:
            decode_file(path, read_chunk_file(path), into)
        if checksum(into) != commit.crc32:
            raise LogDamaged(
                f"log: {path} differs from the commit record of epoch {commit.epoch:g}. "
                "A committed epoch never changes. Restore the file from a copy."
            )

    def chunk_file(self, commit: Commit) -> Path:
        """File that holds the values of one epoch, while it has one of its own."""
        return self.attempt.folder / commit.segment / self.lane.name / chunk_name(commit.row, 0)


class LazyLane(BackendArray):
    """``(replicate, epoch, example)``, read chunk by chunk when indexed.

    Parameters
    ----------
    replicates
        What is committed of each.
    counted
        Epochs of each that count; of others nothing is shown.
    epochs
        Those of the array.
    lane
        Of what it is.
    """

    def __init__(
        self,
        replicates: Sequence[CommittedEpochs],
        counted: Sequence[Collection[float]],
        epochs: Sequence[float],
        lane: Lane,
    ) -> None:
        self.replicates, self.counted, self.epochs = replicates, counted, epochs
        self._most_threads = min(MOST_THREADS, available_cores())
        self.shape = (len(replicates), len(epochs), lane.n_examples)
        self.dtype, self._bits = lane.dtype, lane.bits

    @property
    def preferred_chunks(self) -> dict[str, int]:
        """What is best read at once, as xarray names it: as much as one chunk file holds.

        Where some replicates are compacted and others are not, the shape that decodes less.
        """
        n_replicates, n_epochs, n_examples = self.shape
        width = chunk_width(n_examples)
        n_compacted = sum(r.n_compacted >= n_epochs for r in self.replicates)
        n_plain = n_replicates - n_compacted
        by_epoch = n_plain + n_compacted * n_epochs
        by_column = n_compacted + n_plain * -(-n_examples // width)
        if by_column < by_epoch:
            return {"replicate": 1, "epoch": n_epochs, "example": width}
        return {"replicate": 1, "epoch": 1, "example": max(n_examples, 1)}

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
        span = _span(chosen)
        grid = np.empty(
            (replicates.size, epochs.size, len(range(*span.indices(self.shape[2])))), self._bits
        )
        wanted = [self.epochs[int(e)] for e in epochs.flat]

        def fill(i: int) -> None:
            self._fill(grid[i], int(replicates.flat[i]), wanted, span)

        n_threads = min(self._most_threads, len(grid))
        if grid.nbytes < WORTH_THREADS or n_threads == 1:
            for i in range(len(grid)):
                fill(i)
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(fill, range(len(grid))))
        if isinstance(examples, slice) and chosen.size == grid.shape[2]:
            return grid.reshape(shape).view(self.dtype)
        return grid[:, :, chosen.reshape(-1) - span.start].reshape(shape).view(self.dtype)

    def _fill(self, plane: Predictions, replicate: int, epochs: list[float], span: slice) -> None:
        """Fill ``(epoch, example)`` of one replicate."""
        committed, counted = self.replicates[replicate], self.counted[replicate]
        there = [i for i, epoch in enumerate(epochs) if epoch in counted]
        if len(there) < len(epochs):
            plane[...] = not_recorded(self._bits)
            found = np.empty((len(there), plane.shape[1]), self._bits)
            committed.read([epochs[i] for i in there], span, found)
            plane[there] = found
        else:
            committed.read(epochs, span, plane)


def _span(chosen: NDArray[np.intp]) -> slice:
    """Shortest range that holds all examples chosen."""
    if chosen.size == 0:
        return slice(0, 0)
    return slice(int(chosen.min()), int(chosen.max()) + 1)
