"""Hold every file of a log against what was promised when it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from learnorder.errors import LearnOrderError
from learnorder.log import layout
from learnorder.log.attempt import Attempt, attempts, committed_attempt, first_index
from learnorder.log.claim import is_claimed
from learnorder.log.examples import read_examples, read_previews
from learnorder.log.layout import Header
from learnorder.log.lazy import CommittedEpochs
from learnorder.log.manifest import damaged_files


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
        Replicates seen, and epochs of a split whose predictions were read and checked.
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

    Reads all predictions once. May run while others write: what a live process is writing is
    checked as far as it is committed.

    Raises
    ------
    LogNotFound
        There is no log at the path.
    LogDamaged
        The header is damaged, so that nothing else can be checked.
    """
    log = Path(path)
    header = layout.read_header(log)
    found = Verification()
    _check_static(log, header, found)
    for seed in layout.planned_seeds(log):
        found.n_replicates += 1
        _check_replicate(log, header, seed, found)
    found.orphans += [str(p) for p in sorted(log.rglob("*.partial"))]
    return found


def _check_static(log: Path, header: Header, found: Verification) -> None:
    """What was written when the log was created."""
    damaged = list(damaged_files(log, log / layout.MANIFEST))
    found.problems += [Problem(str(file), what) for file, what in damaged]
    for split in header.splits:
        for read in (read_examples, read_previews):
            try:
                read(log, header, split)
            except LearnOrderError as error:
                if not damaged:  # otherwise the file has been named already
                    folder = layout.examples_folder(log, split)
                    found.problems.append(Problem(str(folder), str(error)))


def _check_replicate(log: Path, header: Header, seed: int, found: Verification) -> None:
    folder = layout.replicate_folder(log, seed)
    if not _is_group(folder / "zarr.json"):
        found.problems.append(Problem(str(folder / "zarr.json"), "is missing or damaged"))
    try:
        attempt = committed_attempt(log, seed)
        outcome = (attempt.outcome() if attempt else None) or {}
    except LearnOrderError as error:
        found.problems.append(Problem(str(folder), str(error)))
        return
    found.orphans += [str(a.folder) for a in attempts(log, seed) if a != attempt]
    if attempt is None:
        return
    live = is_claimed(layout.claim_file(log, seed))
    if outcome.get("status") == "finished" and not live:
        manifest = attempt.folder / str(outcome.get("manifest", "manifest.json"))
        found.problems += [
            Problem(str(file), what) for file, what in damaged_files(attempt.folder, manifest)
        ]
    elif outcome.get("status") != "failed":
        found.unfinished.append(seed)
        if not live:
            found.problems += _lost_outcome(attempt, header)
    _check_epochs(attempt, header, int(outcome.get("epochs", 0)), found)


def _check_epochs(attempt: Attempt, header: Header, expected: int, found: Verification) -> None:
    """Read every committed epoch, each held against its record."""
    named = {problem.file for problem in found.problems}
    for split in header.splits:
        try:
            commits = attempt.commits(split, header)
        except LearnOrderError as error:
            found.problems.append(Problem(str(attempt.folder / "commits" / split), str(error)))
            continue
        lost = [attempt.commit_file(split, i) for i in range(expected) if i not in commits]
        found.problems += [Problem(str(f), "is missing") for f in lost if str(f) not in named]
        committed = CommittedEpochs(attempt, split, {c.epoch: c for c in commits.values()})
        for epoch in committed.commits:
            try:
                committed.read(epoch)
                found.n_epochs += 1
            except LearnOrderError as error:
                chunk = committed.chunk_file(epoch)
                if str(chunk) not in named:
                    found.problems.append(Problem(str(chunk), str(error)))


def _lost_outcome(attempt: Attempt, header: Header) -> Iterator[Problem]:
    """With every planned epoch committed, only the declaration that it is finished can be gone."""
    counts = [len(attempt.committed_indices(split)) for split in header.splits]
    planned = [
        first_index(path.parent.name) + len(epochs)
        for path in attempt.folder.glob("segment-*/zarr.json")
        if (epochs := _planned_epochs(path)) is not None
    ]
    if planned and counts and min(counts) >= max(planned):
        yield Problem(
            str(attempt.folder / "outcome.json"),
            "is missing, though every epoch is committed: it was lost, or the process was killed "
            "just before it. Train again with the same spec to finish the replicate.",
        )


def _planned_epochs(path: Path) -> list[float] | None:
    try:
        return list(json.loads(path.read_bytes())["attributes"][layout.HEADER]["epochs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_group(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
        return bool(content == {"attributes": {}, "zarr_format": 3, "node_type": "group"})
    except (OSError, ValueError):
        return False
