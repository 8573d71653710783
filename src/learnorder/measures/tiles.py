"""How a split is cut: reads that follow its chunks, and tiles small enough for the caches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from learnorder.measures import _kernels
from learnorder.schema import EPOCH, EXAMPLE, Labels, Predictions

READ_BYTES = 64 << 20
"""Predictions read at once: many chunks for the reader's threads, and small beside any machine."""

MOST_READ_BYTES = 256 << 20
"""Where one column of chunks, those of all replicates, is larger than a read should be, it is read
at once up to here, so that no chunk is decoded twice."""

GROUP_BYTES = 32 << 20
"""Predictions of some replicates read at once where only their counts are wanted: memory of this
size is used again and again, instead of being fetched from the system and cleared each time."""

PLANE = 1 << 18
"""Elements of one replicate in a tile: a plane of counts and one of votes stay in the caches, and
the cost of calling numpy is spread over enough of them."""

READERS = 8
"""Replicates read at once at least, where memory allows: each is decoded by a thread of its own."""

TILE_BYTES = 32 << 20
"""Predictions of all replicates in a tile."""


@dataclass(frozen=True)
class CountTile:
    """How many replicates are right, for some epochs and examples of a split.

    Attributes
    ----------
    epochs, examples
        Where it lies in the split.
    tp_counts
        ``(epoch, example)``.
    """

    epochs: slice
    examples: slice
    tp_counts: _kernels.Counts


@dataclass(frozen=True)
class Tile:
    """Predictions of all replicates for some epochs and examples of a split.

    Attributes
    ----------
    epochs, examples
        Where it lies in the split.
    column
        Examples of the read it was cut from; the tiles of a column follow one another.
    prediction
        ``(replicate, epoch, example)``; may be a view of what the caller owns: never written to.
    label
        ``(example,)``; empty where the split has no labels.
    """

    epochs: slice
    examples: slice
    column: slice
    prediction: Predictions
    label: Labels

    @cached_property
    def tp_counts(self) -> _kernels.Counts:
        """Number of replicates that are right, ``(epoch, example)``, counted once."""
        return _kernels.tp_counts(self.prediction, self.label)

    def parts(self, plane: int | None = None) -> Iterator[Tile]:
        """Cut into tiles of at most ``plane`` elements of each replicate, by default `PLANE`."""
        for inside, across in _kernels.cut_plane(self.prediction.shape[1:], plane or PLANE):
            yield Tile(
                epochs=shifted(inside, self.epochs.start),
                examples=shifted(across, self.examples.start),
                column=self.column,
                prediction=self.prediction[:, inside, across],
                label=self.label[across],
            )


def shifted(part: slice, by: int) -> slice:
    """Slice moved along its axis."""
    return slice(part.start + by, part.stop + by)


def tile_plane(n_replicates: int, itemsize: int) -> int:
    """Elements of one replicate in a tile, by the number of replicates and the type."""
    return max(1, min(PLANE, TILE_BYTES // (n_replicates * itemsize)))


def chunk_shape(encoding: Mapping[Any, Any], n_examples: int) -> tuple[int, int]:
    """Epochs and examples in one chunk, as the encoding says; else one epoch of all examples."""
    chunks = encoding.get("preferred_chunks")
    sizes = [chunks.get(dim) if isinstance(chunks, Mapping) else None for dim in (EPOCH, EXAMPLE)]
    known = all(isinstance(size, int) and size > 0 for size in sizes)
    return (sizes[0], sizes[1]) if known else (1, n_examples)  # type: ignore[return-value]


def read_shape(
    shape: tuple[int, int, int], itemsize: int, chunk: tuple[int, int], most_examples: int
) -> tuple[int, int]:
    """Epochs and examples of one read, for all replicates together.

    Whole chunks as far as memory allows. Beyond, a chunk is read in parts, and decoded for each.

    Examples
    --------
    A hundred epochs of 60,000 examples by 100 replicates, after each epoch a chunk, and compacted:

    >>> read_shape((100, 100, 60_000), 1, (1, 60_000), 60_000)
    (11, 60000)
    >>> read_shape((100, 100, 60_000), 1, (100, 8192), 60_000)
    (100, 8192)
    """
    n_replicates, n_epochs, n_examples = shape
    epochs = min(chunk[0], n_epochs)
    examples = min(chunk[1], n_examples, most_examples)
    row = n_replicates * itemsize
    if row * epochs * examples > MOST_READ_BYTES:
        examples = max(1, MOST_READ_BYTES // (row * epochs))
        epochs = max(1, min(epochs, MOST_READ_BYTES // (row * examples)))
        return epochs, examples
    columns = max(1, READ_BYTES // (row * epochs * examples))
    examples = min(examples * columns, n_examples, most_examples)
    rows = max(1, READ_BYTES // (row * epochs * examples))
    return min(epochs * rows, n_epochs), examples


def count_shape(
    shape: tuple[int, int, int], itemsize: int, chunk: tuple[int, int]
) -> tuple[int, int, int]:
    """Replicates, epochs and examples of one read where replicates are gone through in groups.

    Examples
    --------
    >>> count_shape((100, 100, 60_000), 1, (100, 8192))
    (40, 100, 8192)
    >>> count_shape((20, 50, 1_280_000), 2, (1, 1_280_000))
    (13, 1, 1280000)
    """
    n_replicates, n_epochs, n_examples = shape
    epochs, examples = min(chunk[0], n_epochs), min(chunk[1], n_examples)
    most = MOST_READ_BYTES // itemsize
    if epochs * examples > most:
        examples = max(1, most // epochs)
        epochs = max(1, min(epochs, most // examples))
    each = epochs * examples * itemsize
    replicates = max(GROUP_BYTES // each, min(READERS, READ_BYTES // each), 1)
    return min(replicates, n_replicates), epochs, examples


def cuts(within: slice, step: int) -> Iterator[slice]:
    """Slices of at most ``step`` that follow one another."""
    for start in range(within.start, within.stop, step):
        yield slice(start, min(start + step, within.stop))
