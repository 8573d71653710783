"""A finished replicate's epochs in chunks of all epochs: how they lie, and reading them.

::

    compact-<id>/
      <lane>/             values (epoch, example), chunks of all epochs x 8192 examples
      commits.json        the commit records of all these epochs
      manifest.json       checksum of every other file
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from learnorder.errors import LogDamaged
from learnorder.log.arrays import chunk_name, decode_chunk
from learnorder.log.attempt import Commit
from learnorder.log.files import read_bytes, reason
from learnorder.log.lanes import Lane
from learnorder.log.layout import MANIFEST
from learnorder.log.manifest import listed_files
from learnorder.schema import Predictions

CHUNK_EXAMPLES = 8192
"""Examples in one chunk: long enough for epochs to repeat each other, small beside any memory."""


def chunk_width(n_examples: int) -> int:
    """Examples in each chunk of a lane; the last chunk is filled up."""
    return min(CHUNK_EXAMPLES, max(n_examples, 1))


def columns_of(n_examples: int, examples: slice) -> Iterator[tuple[int, slice, slice]]:
    """Chunks that hold part of a range of examples.

    Yields the column of the chunk, where its part lies in the range, and where in the chunk.
    """
    width = chunk_width(n_examples)
    start, stop, _ = examples.indices(n_examples)
    for column in range(start // width, -(-stop // width)):
        first = max(start, column * width)
        last = min(stop, (column + 1) * width)
        in_chunk = slice(first - column * width, last - column * width)
        yield column, slice(first - start, last - start), in_chunk


@dataclass(frozen=True)
class Compaction:
    """An opened folder of compacted epochs.

    Attributes
    ----------
    folder
        ``compact-<id>``.
    files
        Checksum of the bytes of every file, by name within the folder.
    """

    folder: Path
    files: Mapping[str, int]

    @classmethod
    def open(cls, folder: Path) -> Compaction:
        """Read the manifest of the folder.

        Raises
        ------
        LogDamaged
            It is missing or damaged.
        """
        return cls(folder, listed_files(folder / MANIFEST))

    def read_chunk(self, lane: Lane, column: int, into: Predictions) -> None:
        """Read one chunk, ``(epoch, example)``, held against the manifest.

        Raises
        ------
        LogDamaged
            The file is missing or differs from the manifest.
        """
        path = self.folder / lane.name / chunk_name(0, column)
        content = read_chunk_file(path)
        if zlib.crc32(content) != self.files.get(f"{lane.name}/{path.name}"):
            raise LogDamaged(
                f"log: {path} differs from the checksum in {self.folder / MANIFEST}. "
                "A compacted chunk never changes. Restore the file from a copy."
            )
        decode_file(path, content, into)

    def check_epochs(self, lane: Lane, commits: Sequence[Commit]) -> None:
        """Hold all epochs of a lane, as they are on the disk, against their records.

        Raises
        ------
        LogDamaged
            A chunk is missing or damaged, or an epoch differs.
        """
        width = chunk_width(lane.n_examples)
        found = [0] * len(commits)
        chunk = np.empty((len(commits), width), lane.bits)
        for column in range(-(-lane.n_examples // width) if commits else 0):
            self.read_chunk(lane, column, chunk)
            filled = min(width, lane.n_examples - column * width)
            for row in range(len(commits)):
                found[row] = zlib.crc32(chunk[row, :filled].data, found[row])
        for commit, checksum in zip(commits, found, strict=True):
            if checksum != commit.crc32:
                raise LogDamaged(
                    f"log: {self.folder / lane.name} differs from the commit record of "
                    f"epoch {commit.epoch:g}. A committed epoch never changes. Restore the folder "
                    "from a copy."
                )


def read_chunk_file(path: Path) -> bytes:
    """Bytes of a chunk file.

    Raises
    ------
    LogDamaged
        There is none that can be read.
    """
    try:
        return read_bytes(path)
    except OSError as error:
        what = "it is missing" if isinstance(error, FileNotFoundError) else reason(error)
        raise LogDamaged(
            f"log: cannot read {path} ({what}). A committed epoch stays where it is. "
            "Restore the file from a copy."
        ) from error


def decode_file(path: Path, content: bytes, into: Predictions) -> None:
    """Decode the bytes of a chunk file.

    Raises
    ------
    LogDamaged
        They are damaged.
    """
    try:
        decode_chunk(content, into)
    except ValueError as error:
        raise LogDamaged(
            f"log: {path} is damaged ({error}). A committed epoch never changes. "
            "Restore the file from a copy."
        ) from error
