"""Write a log whose replicates are all known already: it appears finished, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.errors import LearnOrderError
from learnorder.log.baselines import checked_baselines
from learnorder.log.creation import (
    NewLog,
    assemble_log,
    is_vacant,
    refuse_inside_log,
    require_writable,
    write_new_parts,
)
from learnorder.log.files import all_files, is_local, make_folder, read_bytes, write_durably
from learnorder.log.lanes import check_quantities
from learnorder.log.layout import METADATA, check_split_name
from learnorder.log.location import locate
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions


@dataclass(frozen=True)
class KnownReplicate:
    """A replicate of which everything is there to be written.

    Attributes
    ----------
    seed
        Which.
    epochs
        Its recording grid.
    records
        Yields what is recorded at each point of it, in order.
    """

    seed: int
    epochs: Sequence[float]
    records: Callable[[], Iterator[EpochPredictions]]


def write_whole_log(
    place: str | Path,
    new: NewLog,
    replicates: Sequence[KnownReplicate],
    versions: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make a log of finished replicates; it appears whole or not at all.

    Parameters
    ----------
    place
        Path or URL of a folder that is empty or not there.
    new
        What the log says of itself.
    replicates
        All that it will hold.
    versions
        Versions of what produced the predictions, as far as they are known.
    progress
        Called with the number of replicates written and their total.

    Returns
    -------
    Where the log is.

    Raises
    ------
    LearnOrderError
        Something is at the path, or the path lies in a log, or what is written does not fit.
    """
    target = locate(place)
    require_vacant(target)
    check_quantities(new.quantities)
    for split, (examples, _) in new.splits.items():
        check_split_name(split)
        checked_baselines(new.baselines.get(split, {}), len(examples), "log")

    def write_parts(folder: Path) -> bytes:
        if is_local(folder):
            return _write(folder, new, replicates, versions, progress)
        # a log elsewhere counts once its header is there, so that it is whole before it is copied
        with tempfile.TemporaryDirectory() as scratch:
            root = _write(Path(scratch), new, replicates, versions, progress)
            _copy(Path(scratch), folder)
            return root

    if not assemble_log(target, write_parts):
        raise LearnOrderError(
            f"log: another log has appeared at {target}; nothing was written. Choose another path."
        )
    return target


def require_vacant(target: Path) -> None:
    """Refuse a path at which something is, before any work is done.

    Raises
    ------
    LearnOrderError
        Something is at the path, the path lies in a log, or nothing can be created there.
    """
    refuse_inside_log(target)
    if not is_vacant(target):
        raise LearnOrderError(
            f"log: {target} exists. Nothing is overwritten. Choose another path, or move it away."
        )
    if is_local(target):
        require_writable(target)


def _write(
    folder: Path,
    new: NewLog,
    replicates: Sequence[KnownReplicate],
    versions: Mapping[str, Any],
    progress: Callable[[int, int], None] | None,
) -> bytes:
    root = write_new_parts(folder, new)
    write_durably(folder / METADATA, root)  # which writers of replicates look for
    for done, replicate in enumerate(replicates):
        with ReplicateWriter(folder, replicate.seed, replicate.epochs, versions) as writer:
            for record in replicate.records():
                writer.write(record)
            writer.finish()
        if progress is not None:
            progress(done + 1, len(replicates))
    return root


def _copy(source: Path, target: Path) -> None:
    """Copy all but the header, which goes last."""
    for path in all_files(source):
        name = path.relative_to(source)
        if name != Path(METADATA):
            make_folder((target / name).parent)
            write_durably(target / name, read_bytes(path))
