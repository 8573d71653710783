"""Rewrite finished replicates into chunks of all epochs: about a tenth of the size, read at once.

Written beside what is there, read back from the disk and held against the commit records; then one
record changes place, and readers see the new form. What is no longer needed goes last. Killed
anywhere, the log is in the old form or the new, and `learnorder gc` removes what was left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from learnorder.errors import LogBusy, LogDamaged
from learnorder.log import layout
from learnorder.log.arrays import (
    LEVEL,
    THOROUGH_LEVEL,
    chunk_name,
    create_group,
    create_lane,
    encode_chunk,
)
from learnorder.log.attempt import FOLDED, Attempt, Commit, committed_attempt
from learnorder.log.claim import Claim
from learnorder.log.compaction import Compaction, chunk_width
from learnorder.log.cores import available_cores
from learnorder.log.files import all_files, remove_tree, write_durably, write_record
from learnorder.log.garbage import attempt_garbage, refuse_lost_outcome, remove_garbage
from learnorder.log.layout import METADATA, Header
from learnorder.log.lazy import CommittedEpochs
from learnorder.log.location import locate
from learnorder.log.manifest import listed_files, write_manifest
from learnorder.schema import not_recorded

SMALL_BYTES = 2 << 20
"""Raw size of a lane of a replicate up to which compressing thoroughly takes a second."""

BLOCK_BYTES = 128 << 20
"""What is held in memory of a lane at once; a larger one is read in several passes."""


@dataclass
class CompactionReport:
    """What `compact_log` did.

    Attributes
    ----------
    compacted
        Seeds rewritten.
    already
        Seeds that were in that form.
    left_out
        Seeds not touched, each with the reason.
    damaged
        Seeds that stayed as they were because they are damaged, each with the reason.
    bytes_before, bytes_after
        Size of the files of the seeds rewritten.
    """

    compacted: list[int] = field(default_factory=list)
    already: list[int] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)
    damaged: dict[int, str] = field(default_factory=dict)
    bytes_before: int = 0
    bytes_after: int = 0


def compact_log(
    path: str | Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    take_over: bool = False,
) -> CompactionReport:
    """Rewrite every finished replicate of a log into chunks of all epochs x 8192 examples.

    May run while others write or read. A replicate that somebody writes is left out.

    Parameters
    ----------
    path
        Folder or URL of the log.
    progress
        Called with the number of replicates done and their total.
    take_over
        Where a file system has no locks: replace the claims of processes known to have ended.

    Raises
    ------
    LogNotFound
        There is no log at the path.
    LogDamaged
        The header is damaged.
    """
    log = locate(path)
    header = layout.read_header(log)
    report = CompactionReport()
    seeds = layout.planned_seeds(log)
    for done, seed in enumerate(seeds):
        try:
            _compact_seed(log, header, seed, report, take_over)
        except LogBusy as error:
            report.left_out[seed] = str(error)
        except LogDamaged as error:
            report.damaged[seed] = str(error)
        if progress is not None:
            progress(done + 1, len(seeds))
    return report


def _compact_seed(
    log: Path, header: Header, seed: int, report: CompactionReport, take_over: bool
) -> None:
    attempt = committed_attempt(log, seed)
    refuse_lost_outcome(log, header, seed, attempt)
    if attempt is None or not attempt.is_finished:
        report.left_out[seed] = "it is not finished"
        return
    claim_file = layout.claim_file(log, seed)
    with Claim(claim_file, f"replicate {seed}", take_over=take_over) as claim:
        lanes = [CommittedEpochs(attempt, lane, header) for lane in header.lanes.values()]
        expected = int((attempt.outcome() or {}).get("epochs", 0))
        if any(len(c.commits) > expected for c in lanes):
            report.left_out[seed] = "it is being continued"
            return
        if all(c.n_compacted == len(c.commits) for c in lanes):
            report.already.append(seed)
        else:
            report.bytes_before += _size(attempt)
            _compact_attempt(attempt, lanes, claim)
            report.compacted.append(seed)
        remains = attempt_garbage(attempt, header)
        claim.require_held()
        remove_garbage(remains)
        report.bytes_after += _size(attempt) if seed in report.compacted else 0


def _compact_attempt(attempt: Attempt, lanes: Sequence[CommittedEpochs], claim: Claim) -> None:
    folder = attempt.folder / layout.new_name(layout.COMPACTION)
    try:
        _write_compaction(folder, lanes)
        opened = Compaction.open(folder)
        for committed in lanes:
            opened.check_epochs(committed.lane, list(committed.commits.values()))
        claim.require_held()
    except BaseException:
        remove_tree(folder)
        raise
    _switch(attempt, folder.name)


def _write_compaction(folder: Path, lanes: Sequence[CommittedEpochs]) -> None:
    create_group(folder)
    names = {METADATA, FOLDED}
    for committed in lanes:
        lane = committed.lane.name
        n_chunks = _write_chunks(folder / lane, committed)
        files = (METADATA, *(chunk_name(0, column) for column in range(n_chunks)))
        names |= {f"{lane}/{name}" for name in files}
    _fold_commits(folder, lanes)
    # from what was written, not from a listing, which may leave out what it cannot look at
    write_manifest(folder, folder / layout.MANIFEST, names)


def _write_chunks(folder: Path, committed: CommittedEpochs) -> int:
    """Write one lane, a block of examples at a time; return how many chunks it has."""
    epochs, n_examples = list(committed.commits), committed.n_examples
    width, bits = chunk_width(n_examples), committed.lane.bits
    small = len(epochs) * n_examples * bits.itemsize <= SMALL_BYTES
    level = THOROUGH_LEVEL if small else LEVEL
    create_lane(folder, committed.lane, len(epochs), (len(epochs), width), level)
    fits = BLOCK_BYTES // (width * max(len(epochs), 1) * bits.itemsize)
    step = width * max(1, fits)
    # each thread holds a chunk of its own
    n_threads = max(1, min(fits, available_cores()))
    for start in range(0, n_examples if epochs else 0, step):
        stop = min(start + step, n_examples)
        block = np.empty((len(epochs), stop - start), bits)
        committed.read(epochs, slice(start, stop), block)

        def write(first: int, block: Any = block, start: int = start) -> None:
            chunk = np.full((len(epochs), width), not_recorded(bits), bits)
            part = block[:, first - start : first - start + width]
            chunk[:, : part.shape[1]] = part
            write_durably(folder / chunk_name(0, first // width), encode_chunk(chunk, level))

        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(write, range(start, stop, width)))
    return -(-n_examples // width) if epochs else 0


def _fold_commits(folder: Path, lanes: Sequence[CommittedEpochs]) -> None:
    about: dict[str, Any] = {}
    columns = {}
    for committed in lanes:
        commits: list[Commit] = list(committed.commits.values())
        columns[committed.lane.name] = {
            "n_examples": committed.n_examples,
            "epoch": [c.epoch for c in commits],
            "crc32": [c.crc32 for c in commits],
        }
        for c in commits:
            about = {"seed": c.seed, "n_classes": c.n_classes, "identity": c.identity}
    write_record(folder / FOLDED, {"about": about, "splits": columns})


def _switch(attempt: Attempt, compaction: str) -> None:
    """Make the compaction what readers see: one record replaced by another."""
    outcome = attempt.outcome() or {}
    earlier = outcome.get("manifest")
    known = listed_files(attempt.folder / earlier) if earlier else {}
    manifest = f"{layout.new_name(layout.FILES)}.json"
    names = (METADATA, f"{compaction}/{layout.MANIFEST}")
    write_manifest(attempt.folder, attempt.folder / manifest, names, known)
    attempt.write_outcome({**outcome, "manifest": manifest, "compaction": compaction})


def _size(attempt: Attempt) -> int:
    return sum(p.stat().st_size for p in all_files(attempt.folder))
