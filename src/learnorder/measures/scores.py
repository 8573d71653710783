"""A number for each replicate and example, in memory or, where that is too much, in a file."""

from __future__ import annotations

import io
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.measures.tiles import Tile, cuts
from learnorder.schema import Scores

TABLE_BYTES = 256 << 20
"""Most that tables take in memory; what is larger is kept in temporary files."""

COLUMN_BYTES = 64 << 20
"""Part of a table that is in memory while it is filled, where the rest is in a file."""

BLOCK = 1 << 18
"""Float64 values of a block, 2 MiB: all replicates, some examples, several times in the caches."""


class ScoreTable:
    """Scores ``(replicate, example)``, filled and read by columns of examples.

    Parameters
    ----------
    n_replicates, n_examples
        Shape.
    dtype
        Type in which scores are kept; counts need few bytes.
    divisor
        What a kept value is divided by to be a score.
    n_tables
        How many such tables are filled at once, and share the memory, unless they are in files.
    """

    def __init__(
        self,
        n_replicates: int,
        n_examples: int,
        dtype: np.dtype[Any],
        divisor: float = 1.0,
        n_tables: int = 1,
    ) -> None:
        self.n_replicates, self.n_examples = n_replicates, n_examples
        self.dtype, self.divisor = np.dtype(dtype), divisor
        self._values: NDArray[Any] | None = None
        self._file: IO[bytes] | None = None
        self._open: tuple[slice, NDArray[Any]] | None = None
        if n_replicates * n_examples * self.dtype.itemsize > TABLE_BYTES // n_tables:
            self._file = self._new_file()
        else:
            self._values = np.zeros((n_replicates, n_examples), self.dtype)

    @classmethod
    def of(cls, scores: Scores) -> ScoreTable:
        """Table of scores that are in memory already."""
        table = cls.__new__(cls)
        table.n_replicates, table.n_examples = scores.shape
        table.dtype, table.divisor = scores.dtype, 1.0
        table._values, table._file, table._open = scores, None, None
        return table

    @property
    def most_examples(self) -> int:
        """Examples that a column may have while the table is filled."""
        if self._file is None:
            return self.n_examples
        return max(1, COLUMN_BYTES // (self.n_replicates * self.dtype.itemsize))

    def column(self, examples: slice) -> NDArray[Any]:
        """Kept values of some examples, to be added to; columns come one after another."""
        if self._values is not None:
            return self._values[:, examples]
        if self._open is None or self._open[0] != examples:
            self._write_column()
            shape = (self.n_replicates, examples.stop - examples.start)
            self._open = (examples, np.zeros(shape, self.dtype))
        return self._open[1]

    def place(self, tile: Tile) -> NDArray[Any]:
        """Kept values of the examples of a tile, to be added to."""
        first = tile.examples.start - tile.column.start
        return self.column(tile.column)[:, first : first + tile.prediction.shape[2]]

    def kept(self, examples: slice, replicates: slice = slice(None)) -> NDArray[Any]:
        """Kept values of some examples, ``(replicate, example)``."""
        if self._values is not None:
            return self._values[replicates, examples]
        self._write_column()
        rows = range(self.n_replicates)[replicates]
        values = np.empty((len(rows), examples.stop - examples.start), self.dtype)
        try:
            for r, row in zip(rows, values, strict=True):
                self._fill(row, self._offset(r, examples))
        except OSError as error:
            raise self._failed("read", error) from error
        return values

    def blocks(self, width: int | None = None) -> Iterator[tuple[slice, Scores]]:
        """Scores of examples that follow one another, ``(replicate, example)`` float64."""
        for examples in cuts(slice(0, self.n_examples), width or self.width):
            yield examples, self.kept(examples) / self.divisor

    @property
    def width(self) -> int:
        """Examples in a block."""
        return max(1, BLOCK // self.n_replicates)

    def means(self, replicates: Sequence[int] | None = None) -> Scores:
        """Mean score of each example over some replicates, ``(example,)``."""
        chosen = slice(None) if replicates is None else list(replicates)
        n = self.n_replicates if replicates is None else len(replicates)
        means = np.empty(self.n_examples)
        for examples in cuts(slice(0, self.n_examples), self.width):
            # Counts add up exactly; dividing once keeps ties what they are.
            kept = self.kept(examples)[chosen]
            whole = kept.dtype.kind in "iu"
            means[examples] = kept.sum(axis=0, dtype=np.int64 if whole else np.float64)
        means /= n * self.divisor
        return means

    def sums_by(self, member: NDArray[np.unsignedinteger[Any]], n_groups: int) -> Scores:
        """Sum of scores over each group of examples, ``(replicate, group)``.

        Kept counts add up exactly, so that the sums do not depend on how examples are gone through.
        """
        sums = np.zeros((self.n_replicates, n_groups))
        for examples in cuts(slice(0, self.n_examples), BLOCK):
            here = member[examples].astype(np.intp)
            for r, total in enumerate(sums):
                (kept,) = self.kept(examples, slice(r, r + 1))
                if n_groups == 1:
                    whole = kept.dtype.kind in "iu"
                    total += kept.sum(dtype=np.int64 if whole else np.float64)
                else:
                    total += np.bincount(here, weights=kept, minlength=n_groups)
        sums /= self.divisor
        return sums

    def array(self) -> Scores:
        """All scores, ``(replicate, example)`` float64."""
        scores = np.empty((self.n_replicates, self.n_examples))
        for examples, block in self.blocks():
            scores[:, examples] = block
        return scores

    def _write_column(self) -> None:
        """Put the column that is being filled into the file."""
        if self._open is None or self._file is None:
            return
        examples, values = self._open
        self._open = None
        try:
            for r, row in enumerate(values):
                self._file.seek(self._offset(r, examples))
                rest = memoryview(row).cast("B")
                while rest:
                    rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._failed("written", error) from error

    def _fill(self, row: NDArray[Any], place: int) -> None:
        """Read a row from this place of the file."""
        assert isinstance(self._file, io.RawIOBase), "only what was written is read"
        self._file.seek(place)
        rest = memoryview(row).cast("B")
        while rest:
            n_read = self._file.readinto(rest)
            if not n_read:
                raise OSError("it ends too early")
            rest = rest[n_read:]

    def _new_file(self) -> IO[bytes]:
        """Open a temporary file; closed, and with that gone, when the table goes."""
        try:
            # Without a buffer: one that cannot be emptied would complain when the file is closed.
            file = tempfile.TemporaryFile(prefix="learnorder-", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._failed("created", error) from error
        weakref.finalize(self, file.close)
        return file

    def _failed(self, what: str, error: OSError) -> LearnOrderError:
        n_bytes = self.n_replicates * self.n_examples * self.dtype.itemsize
        return LearnOrderError(
            f"measures: the temporary file for scores of {self.n_replicates} replicates and "
            f"{self.n_examples} examples cannot be {what} ({error.strerror or error}). It takes "
            f"{n_bytes / 1e9:.1f} GB. Point TMPDIR to a folder with that much space."
        )

    def _offset(self, replicate: int, examples: slice) -> int:
        return int(replicate * self.n_examples + examples.start) * self.dtype.itemsize
