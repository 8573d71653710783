"""A number for each replicate and example, in memory or, where that is too much, in a file."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.measures.tiles import cuts
from learnorder.schema import Scores

TABLE_BYTES = 256 << 20
"""Largest table kept in memory; a larger one is kept in a temporary file."""

COLUMN_BYTES = 64 << 20
"""Part of a table that is in memory while it is filled, where the rest is in a file."""

BLOCK = 1 << 21
"""Float64 values of a block, 16 MiB: all replicates, some examples."""


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
    """

    def __init__(
        self, n_replicates: int, n_examples: int, dtype: np.dtype[Any], divisor: float = 1.0
    ) -> None:
        self.n_replicates, self.n_examples = n_replicates, n_examples
        self.dtype, self.divisor = np.dtype(dtype), divisor
        self._values: NDArray[Any] | None = None
        self._file: IO[bytes] | None = None
        self._open: tuple[slice, NDArray[Any]] | None = None
        if n_replicates * n_examples * self.dtype.itemsize > TABLE_BYTES:
            # Closed, and with that gone, when the table goes.
            self._file = tempfile.TemporaryFile(prefix="learnorder-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
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

    def kept(self, examples: slice) -> NDArray[Any]:
        """Kept values of some examples, ``(replicate, example)``."""
        if self._values is not None:
            return self._values[:, examples]
        self._write_column()
        assert self._file is not None
        values = np.empty((self.n_replicates, examples.stop - examples.start), self.dtype)
        for r, row in enumerate(values):
            self._file.seek(self._offset(r, examples))
            self._file.readinto(row.data)  # type: ignore[attr-defined]
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
                self._file.write(row.data)
            self._file.flush()
        except OSError as error:
            raise LearnOrderError(
                f"measures: scores of {self.n_replicates} replicates and {self.n_examples} examples"
                f" do not fit into a temporary file ({error.strerror or error}). It takes "
                f"{self.n_replicates * self.n_examples * self.dtype.itemsize / 1e9:.1f} GB. Point "
                "TMPDIR to a folder with more space."
            ) from error

    def _offset(self, replicate: int, examples: slice) -> int:
        return int(replicate * self.n_examples + examples.start) * self.dtype.itemsize


def equal_rows(a: ScoreTable, b: ScoreTable, pairs: Sequence[tuple[int, int]]) -> list[bool]:
    """Whether, for each pair of a row of a and a row of b, all scores are equal."""
    equal = [a.n_examples == b.n_examples] * len(pairs)
    width = min(a.width, b.width)
    for (_, of_a), (_, of_b) in zip(a.blocks(width), b.blocks(width), strict=False):
        for i, (row_a, row_b) in enumerate(pairs):
            equal[i] = equal[i] and bool(np.array_equal(of_a[row_a], of_b[row_b]))
    return equal
