"""Hold every file of a log against what was promised when it was written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from learnorder.errors import LearnOrderError, LogDamaged
from learnorder.log import layout
from learnorder.log.arrays import group_metadata
from learnorder.log.attempt import OUTCOME, Attempt, committed_attempt
from learnorder.log.claim import is_claimed
from learnorder.log.creation import dead_stagings
from learnorder.log.examples import read_baselines, read_examples, read_previews
from learnorder.log.files import is_there, read_bytes
from learnorder.log.garbage import replicate_garbage
from learnorder.log.layout import METADATA, Header
from learnorder.log.lazy import CommittedEpochs
from learnorder.log.location import locate
from learnorder.log.manifest import damaged_files
from learnorder.log.seeds import read_seed


@dataclass(frozen=True)
class Problem:
    """A file that is not as it was promised to be, and how."""

    file: str
    problem: str


@dataclass
class Verification:
    """What was looked at and what was found.

    Attributes
    ----------
    problems
        Damage, by file; a log without any is intact.
    unfinished
        Seeds with committed epochs whose training has not ended; no damage.
    orphans
        Files and folders that nothing refers to, left by killed processes; no damage.
    n_replicates, n_epochs
        Replicates seen, and epochs of them of which everything was read and checked.
    """

    problems: list[Problem] = field(default_factory=list)
    unfinished: list[int] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    n_replicates: int = 0
    n_epochs: int = 0

    @property
    def intact(self) -> bool:
        """Whether every file is as it was promised to be."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        problems = [vars(p) for p in self.problems]
        return {"intact": self.intact, **vars(self), "problems": problems}


def verify_log(path: str | Path) -> Verification:
    """Check every file of a log: checksums, commit records, and that nothing is missing.

    Reads everything once. May run while others write: what a live process is writing is
    checked as far as it is committed.

    Raises
    ------
    LogNotFound
        There is no log at the path.
    LogDamaged
        The header is damaged, so that nothing else can be checked.
    """
    log = locate(path)
    header = layout.read_header(log)
    found = Verification()
    _check_static(log, header, found)
    for seed in layout.planned_seeds(log):
        found.n_replicates += 1
        _check_replicate(log, header, seed, found)
    found.orphans += [str(path) for path in dead_stagings(log)]
    return found


def _check_static(log: Path, header: Header, found: Verification) -> None:
    """What was written when the log was created."""
    damaged = list(damaged_files(log, log / layout.MANIFEST))
    found.problems += [Problem(str(file), what) for file, what in damaged]
    for split in header.splits:
        for read in (read_examples, read_previews, read_baselines):
            try:
                read(log, header, split)
            except LearnOrderError as error:
                if not damaged:  # otherwise the file has been named already
                    folder = layout.examples_folder(log, split)
                    found.problems.append(Problem(str(folder), str(error)))


def _check_replicate(log: Path, header: Header, seed: int, found: Verification) -> None:
    """Check one replicate; again, if somebody finished, continued or compacted it meanwhile."""
    while True:
        before = _outcome(log, seed)
        part = Verification()
        _check_as_it_is(log, header, seed, part)
        if _outcome(log, seed) == before:
            break
    found.problems += part.problems
    found.unfinished += part.unfinished
    found.orphans += part.orphans
    found.n_epochs += part.n_epochs


def _outcome(log: Path, seed: int) -> Mapping[str, Any] | str | None:
    """Outcome of a replicate, or what is wrong with it."""
    try:
        attempt = committed_attempt(log, seed)
        return attempt.outcome() if attempt else None
    except LearnOrderError as error:
        return str(error)


def _check_as_it_is(log: Path, header: Header, seed: int, found: Verification) -> None:
    folder = layout.replicate_folder(log, seed)
    try:
        was_finished = _check_plan(log, header, seed, found)
        attempt = committed_attempt(log, seed)
        outcome = (attempt.outcome() if attempt else None) or {}
    except LearnOrderError as error:
        found.problems.append(Problem(str(folder), str(error)))
        return
    if was_finished and "status" not in outcome:
        lost = (attempt.folder if attempt else folder / f"{layout.ATTEMPT}*") / OUTCOME
        found.problems.append(
            Problem(
                str(lost),
                "is missing, though the replicate was finished. Restore it from a copy. "
                "Train again with the same spec where there is none.",
            )
        )
    if attempt is not None:
        if "epochs" in outcome:
            _check_manifests(attempt, outcome, found)
        if outcome.get("status") not in ("finished", "failed"):
            found.unfinished.append(seed)
        _check_epochs(attempt, header, found)
    if not is_claimed(layout.claim_file(log, seed)):
        with suppress(LogDamaged):  # named above
            found.orphans += map(str, replicate_garbage(log, header, seed))


def _check_plan(log: Path, header: Header, seed: int, found: Verification) -> bool:
    """Check that the seed is entered in both places; return whether it was ever finished."""
    state = "begun"
    if header.format_version > 1:
        try:
            state = read_seed(log, seed)
        except LogDamaged as error:
            found.problems.append(Problem(str(layout.seed_file(log, seed)), str(error)))
    group = layout.replicate_folder(log, seed) / METADATA
    content = read_bytes(group) if is_there(group) else None
    if content != group_metadata() and (content is not None or state != "planned"):
        found.problems.append(Problem(str(group), "is missing or damaged"))
    return state == "finished"


def _check_manifests(attempt: Attempt, outcome: Mapping[str, Any], found: Verification) -> None:
    """Hold the files of a finished attempt, and of its compaction, against what lists them."""
    damaged = list(damaged_files(attempt.folder, attempt.folder / str(outcome.get("manifest"))))
    if compaction := outcome.get("compaction"):
        folder = attempt.folder / str(compaction)
        damaged += damaged_files(folder, folder / layout.MANIFEST)
    found.problems += [Problem(str(file), what) for file, what in dict(damaged).items()]


def _check_epochs(attempt: Attempt, header: Header, found: Verification) -> None:
    """Read every committed epoch, each held against its record."""
    named = {problem.file for problem in found.problems}
    counts = []
    for lane in header.lanes.values():
        try:
            committed = CommittedEpochs(attempt, lane, header)
        except LearnOrderError as error:
            counts.append(0)
            if not any(_is_in(attempt.folder, file) for file in named):
                folder = attempt.commit_folder(lane.name)
                found.problems.append(Problem(str(folder), str(error)))
            continue
        found.problems += _damaged_epochs(committed, named)
        counts.append(len(committed.commits))
    found.n_epochs += min(counts, default=0)


def _damaged_epochs(committed: CommittedEpochs, named: Collection[str]) -> Iterator[Problem]:
    """Epochs that differ from their records, but for files that are named already."""
    values = np.empty(committed.n_examples, committed.lane.bits)
    for commit in committed.commits.values():
        file = str(committed.chunk_file(commit))
        if not commit.is_compacted and file not in named:
            try:
                committed.read_epoch(commit, values)
            except LearnOrderError as error:
                yield Problem(file, str(error))
    compaction = committed.compaction
    if compaction is None:
        return
    folder = compaction.folder / committed.lane.name
    if any(_is_in(folder, file) for file in named):
        return
    try:
        compacted = [c for c in committed.commits.values() if c.is_compacted]
        compaction.check_epochs(committed.lane, compacted)
    except LearnOrderError as error:
        # the message begins with the file
        yield Problem(str(folder), str(error))


def _is_in(folder: Path, file: str) -> bool:
    return file.startswith(f"{folder}/")
