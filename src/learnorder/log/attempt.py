"""One attempt at a replicate: its commit records and its outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.errors import LogDamaged
from learnorder.log import layout
from learnorder.log.files import read_record, write_record
from learnorder.log.layout import Header

COMMIT_NAME = re.compile(r"(\d{6,})\.json")


@dataclass(frozen=True)
class Commit:
    """The record that makes one epoch of one split count."""

    seed: int
    split: str
    index: int
    epoch: float
    segment: str
    n_examples: int
    n_classes: int
    crc32: int
    identity: str


@dataclass(frozen=True)
class Attempt:
    """A folder ``attempt-<id>`` of a replicate."""

    folder: Path

    @property
    def versions(self) -> dict[str, Any]:
        """Versions of what produced the predictions."""
        try:
            root = json.loads((self.folder / "zarr.json").read_bytes())
            return dict(root["attributes"][layout.HEADER]["versions"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LogDamaged(
                f"log: cannot read {self.folder / 'zarr.json'} ({error}). "
                "Restore the file from a copy."
            ) from error

    def commit_file(self, split: str, index: int) -> Path:
        """Path of one commit record."""
        return self.folder / "commits" / split / f"{index:06d}.json"

    def committed_indices(self, split: str) -> list[int]:
        """Positions in the grid that have a commit record, ascending."""
        folder = self.folder / "commits" / split
        names = (COMMIT_NAME.fullmatch(p.name) for p in folder.glob("*.json"))
        return sorted(int(match.group(1)) for match in names if match)

    def commits(self, split: str, header: Header) -> Mapping[int, Commit]:
        """Commit records of a split by position in the grid, ascending.

        Raises
        ------
        LogDamaged
            One is damaged, or belongs elsewhere.
        """
        commits = {i: self._read_commit(split, i) for i in self.committed_indices(split)}
        expected = (header.identity, header.splits[split].n_examples, header.n_classes)
        for index, commit in commits.items():
            if (commit.identity, commit.n_examples, commit.n_classes) != expected:
                raise LogDamaged(
                    f"log: {self.commit_file(split, index)} is the record of another log. One log "
                    "holds the replicates of one spec. Move that replicate out of the log."
                )
        return commits

    def _read_commit(self, split: str, index: int) -> Commit:
        path = self.commit_file(split, index)
        content = read_record(path)
        try:
            commit = Commit(**content)
        except TypeError as error:
            raise LogDamaged(f"log: {path} is no commit record ({error}).") from error
        place = (self.folder.parent.name, split, index)
        replicate = layout.replicate_folder(Path(), commit.seed).name
        if (replicate, commit.split, commit.index) != place or "/" in commit.segment:
            raise LogDamaged(
                f"log: {path} is the record of replicate {commit.seed}, split {commit.split!r}, "
                f"position {commit.index}. "
                "Records stay where they were written. Restore the file from a copy."
            )
        return commit

    @property
    def is_finished(self) -> bool:
        """Whether the whole of some grid was declared committed."""
        return (self.outcome() or {}).get("status") == "finished"

    def outcome(self) -> dict[str, Any] | None:
        """How the attempt ended; None while it goes on."""
        path = self.folder / "outcome.json"
        return read_record(path) if path.exists() else None

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Say how the attempt ended."""
        write_record(self.folder / "outcome.json", outcome)


def first_index(segment: str) -> int:
    """Position in the grid of the first row of a segment, which its name says."""
    return int(segment.split("-")[1])


def attempts(log: Path, seed: int) -> list[Attempt]:
    """All attempts at a seed, by name."""
    folder = layout.replicate_folder(log, seed)
    found = folder.glob("attempt-*") if folder.is_dir() else ()
    return [Attempt(p) for p in sorted(found) if p.is_dir()]


def committed_attempt(log: Path, seed: int) -> Attempt | None:
    """Return the attempt that counts: one with committed epochs is resumed, never replaced.

    Without any, a failed one tells at least why.
    """
    with_commits = [a for a in attempts(log, seed) if _has_commits(a)]
    if len(with_commits) > 1:
        raise LogDamaged(
            f"log: replicate {seed} has {len(with_commits)} attempts with committed epochs "
            f"({', '.join(a.folder.name for a in with_commits)}). There is never more than one. "
            "Move all but one out of the log."
        )
    if with_commits:
        return with_commits[0]
    failed = [a for a in attempts(log, seed) if (a.folder / "outcome.json").exists()]
    return failed[-1] if failed else None


def _has_commits(attempt: Attempt) -> bool:
    return any(attempt.folder.glob("commits/*/*.json"))
