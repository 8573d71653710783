"""One attempt at a replicate: its commit records and its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.errors import LogDamaged
from learnorder.log import layout
from learnorder.log.files import read_record, write_record


@dataclass(frozen=True)
class Commit:
    """The record that makes one epoch of one split count."""

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

    def commits(self, split: str) -> Mapping[int, Commit]:
        """Commit records of a split by position in the grid, ascending."""
        folder = self.folder / "commits" / split
        if not folder.is_dir():
            return {}
        indices = sorted(int(p.stem) for p in folder.iterdir() if p.suffix == ".json")
        return {index: self.read_commit(split, index) for index in indices}

    def count_commits(self, split: str) -> int:
        """Count the commit records of a split without reading them."""
        folder = self.folder / "commits" / split
        return sum(p.suffix == ".json" for p in folder.iterdir()) if folder.is_dir() else 0

    def read_commit(self, split: str, index: int) -> Commit:
        """Read one commit record.

        Raises
        ------
        LogDamaged
            It is damaged, or belongs elsewhere.
        """
        path = self.commit_file(split, index)
        content = read_record(path)
        try:
            commit = Commit(**content)
        except TypeError as error:
            raise LogDamaged(f"log: {path} is no commit record ({error}).") from error
        if (commit.split, commit.index) != (split, index) or "/" in commit.segment:
            raise LogDamaged(
                f"log: {path} is the record of split {commit.split!r}, position {commit.index}. "
                "Records stay where they were written. Restore the file from a copy."
            )
        return commit

    def outcome(self) -> dict[str, Any] | None:
        """How the attempt ended; None while it goes on."""
        path = self.folder / "outcome.json"
        return read_record(path) if path.exists() else None

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Say how the attempt ended."""
        write_record(self.folder / "outcome.json", outcome)


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
