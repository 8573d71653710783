"""One attempt at a replicate: its commit records and its outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from learnorder.errors import LogDamaged
from learnorder.log import layout
from learnorder.log.arrays import chunk_name
from learnorder.log.files import (
    find_record,
    is_there,
    list_folder,
    read_bytes,
    read_record,
    write_record,
)
from learnorder.log.layout import METADATA, Header

Value = TypeVar("Value")

COMMIT_NAME = re.compile(r"(\d{6,})\.json")
SEGMENT_NAME = re.compile(rf"{layout.SEGMENT}(\d+)-[0-9a-f]+")
COMPACTION_NAME = re.compile(rf"{layout.COMPACTION}[0-9a-f]+")

OUTCOME = "outcome.json"

STOPPED = "stopped"
"""Key of an outcome: after which epoch the learner stopped, and why; none for most."""

COST = "cost"
"""Key of an outcome: what training took that went from the first epoch to the last in one go: its
``seconds`` as a share of those that were trained ``together``, for so many ``epochs`` and recorded
``points``, and the ``input_bytes`` of an example."""

KEPT = ("epochs", "manifest", "compaction", STOPPED, COST)
"""What an outcome says of what is committed, whatever becomes of the attempt later."""

FOLDED = "commits.json"
"""Record in the folder of a compaction that holds all its commits."""


@dataclass(frozen=True)
class Commit:
    """The record that makes one epoch of one lane count."""

    seed: int
    lane: str
    index: int
    epoch: float
    segment: str
    n_examples: int
    n_classes: int
    crc32: int
    identity: str

    @property
    def is_compacted(self) -> bool:
        """Whether the epoch lies in chunks of all epochs, no longer in one of its own."""
        return self.segment.startswith(layout.COMPACTION)

    @property
    def row(self) -> int:
        """Row of the epoch in the array of its segment, whose name says where it begins."""
        return self.index if self.is_compacted else self.index - int(self.segment.split("-")[1])

    def to_json(self) -> dict[str, Any]:
        """Return the record as it is stored; formats before 3 had a lane for each split alone."""
        content = dict(vars(self))
        return {"split": content.pop("lane"), **content}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Commit:
        """Return what `to_json` has made into a record.

        Raises
        ------
        KeyError, TypeError
            It is no such record.
        """
        content = dict(record)
        return cls(lane=content.pop("split"), **content)


@dataclass(frozen=True)
class Attempt:
    """A folder ``attempt-<id>`` of a replicate."""

    folder: Path

    @property
    def versions(self) -> dict[str, Any]:
        """Versions of what produced the predictions."""
        return dict(self._about["versions"])

    @property
    def created(self) -> str:
        """When it was begun, in UTC."""
        return str(self._about["created"])

    @property
    def _about(self) -> dict[str, Any]:
        """What it was begun with: ``seed``, ``versions`` and when it was ``created``."""
        try:
            about = json.loads(read_bytes(self.folder / METADATA))["attributes"][layout.HEADER]
            return {**about, "versions": dict(about["versions"])}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LogDamaged(
                f"log: {self.folder / METADATA} is damaged or missing; it says which versions made "
                "the predictions. Restore the file from a copy."
            ) from error

    def commit_folder(self, lane: str) -> Path:
        """Folder of the commit records of a lane."""
        return self.folder / layout.COMMITS / lane

    def commit_file(self, lane: str, index: int) -> Path:
        """Path of one commit record."""
        return self.commit_folder(lane) / f"{index:06d}.json"

    def count_committed(self, lane: str) -> int:
        """Committed epochs of a lane."""
        return self.undisturbed(lambda compaction: len(self._commit_sources(compaction, lane)))

    def commits(self, lane: str, header: Header) -> Mapping[int, Commit]:
        """Commit records of a lane by position in the grid, ascending.

        Raises
        ------
        LogDamaged
            One is damaged, or belongs elsewhere.
        """
        return self.undisturbed(lambda compaction: self._read_commits(compaction, lane, header))

    def whole_commits(self, lane: str, header: Header) -> Mapping[int, Commit]:
        """Commit records of a lane, after making sure that none is lost.

        Raises
        ------
        LogDamaged
            One is damaged, belongs elsewhere, is missing before others, or is missing of a grid
            that was finished.
        """
        expected = int((self.outcome() or {}).get("epochs", 0))
        commits = self.commits(lane, header)
        lost = [i for i in range(max([expected, *(i + 1 for i in commits)])) if i not in commits]
        if lost:
            raise LogDamaged(
                f"log: {self.commit_file(lane, lost[0])} is missing, though its epoch was "
                "committed. Restore the file from a copy, or train again with the same spec."
            )
        return commits

    def refuse_lost_commits(self, header: Header) -> None:
        """Refuse an attempt that was finished with more epochs than are committed.

        Raises
        ------
        LogDamaged
            A commit record is lost.
        """
        expected = int((self.outcome() or {}).get("epochs", 0))
        for lane in header.lanes:
            if self.count_committed(lane) < expected:
                self.whole_commits(lane, header)

    def undisturbed(self, read: Callable[[str | None], Value]) -> Value:
        """Read as of one moment: again, if a compaction took files away in the meantime."""
        while True:
            compaction = self.compaction()
            try:
                found = read(compaction)
            except LogDamaged:
                if self.compaction() == compaction:
                    raise
            else:
                if self.compaction() == compaction:
                    return found

    def _read_commits(
        self, compaction: str | None, lane: str, header: Header
    ) -> Mapping[int, Commit]:
        sources = self._commit_sources(compaction, lane)
        commits = {i: c or self._read_commit(lane, i) for i, c in sources.items()}
        self._check_commits(commits, lane, header)
        return commits

    def _commit_sources(self, compaction: str | None, lane: str) -> dict[int, Commit | None]:
        """Committed positions of the grid, ascending; None where a record of its own has it."""
        folded = self._folded(compaction, lane) if compaction else []
        own = (i for i in self._recorded_indices(lane) if i >= len(folded))
        return {**{c.index: c for c in folded}, **dict.fromkeys(own)}

    def _check_commits(self, commits: Mapping[int, Commit], lane: str, header: Header) -> None:
        expected = (header.identity, header.lanes[lane].n_examples, header.n_classes)
        for index, commit in commits.items():
            if (commit.identity, commit.n_examples, commit.n_classes) != expected:
                raise LogDamaged(
                    f"log: {self.commit_file(lane, index)} is the record of another log. One log "
                    "holds the replicates of one spec. Move that replicate out of the log."
                )

    def _recorded_indices(self, lane: str) -> list[int]:
        """Positions in the grid that have a commit record of their own, ascending."""
        paths = list_folder(self.commit_folder(lane))
        names = (COMMIT_NAME.fullmatch(p.name) for p in paths)
        return sorted(int(match.group(1)) for match in names if match)

    def _folded(self, compaction: str, lane: str) -> list[Commit]:
        """Commits that a compaction holds, by position in the grid."""
        path = self.folder / compaction / FOLDED
        record = read_record(path)
        try:
            about, columns = record["about"], record["splits"][lane]
            commits = [
                Commit(
                    **about,
                    lane=lane,
                    index=i,
                    epoch=e,
                    segment=compaction,
                    n_examples=columns["n_examples"],
                    crc32=crc,
                )
                for i, (e, crc) in enumerate(zip(columns["epoch"], columns["crc32"], strict=True))
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise LogDamaged(f"log: {path} is no record of commits ({error}).") from error
        if commits and layout.replicate_folder(Path(), commits[0].seed).name != self._replicate:
            raise LogDamaged(
                f"log: {path} is the record of replicate {commits[0].seed}. Records stay where "
                "they were written. Restore the file from a copy."
            )
        return commits

    @property
    def _replicate(self) -> str:
        return self.folder.parent.name

    def _read_commit(self, lane: str, index: int) -> Commit:
        path = self.commit_file(lane, index)
        content = read_record(path)
        try:
            commit = Commit.from_json(content)
        except (KeyError, TypeError) as error:
            raise LogDamaged(f"log: {path} is no commit record ({error}).") from error
        replicate = layout.replicate_folder(Path(), commit.seed).name
        place = (self._replicate, lane, index)
        intact = SEGMENT_NAME.fullmatch(commit.segment) and commit.row >= 0
        if (replicate, commit.lane, commit.index) != place or not intact:
            raise LogDamaged(
                f"log: {path} is the record of replicate {commit.seed}, {commit.lane!r}, "
                f"position {commit.index}. "
                "Records stay where they were written. Restore the file from a copy."
            )
        return commit

    @property
    def has_commits(self) -> bool:
        """Whether an epoch of some lane is committed."""
        lanes = (path.name for path in list_folder(self.folder / layout.COMMITS))
        return any(map(self._recorded_indices, lanes)) or self.compaction() is not None

    @property
    def is_finished(self) -> bool:
        """Whether the whole of some grid was declared committed."""
        return (self.outcome() or {}).get("status") == "finished"

    @property
    def has_diverged(self) -> bool:
        """Whether it ended in numbers that are not finite: trained again, it would once more."""
        return (self.outcome() or {}).get("kind") == "diverged"

    def outcome(self) -> dict[str, Any] | None:
        """How the attempt ended; None while it goes on."""
        outcome = find_record(self.folder / OUTCOME)
        if outcome and outcome.get("attempt", self.folder.name) != self.folder.name:
            raise LogDamaged(
                f"log: {self.folder / OUTCOME} is the outcome of {outcome['attempt']}. Records "
                "stay where they were written. Restore the file from a copy."
            )
        return outcome

    def stopped(self) -> dict[str, Any] | None:
        """Say after which ``epoch`` the learner stopped and for which ``reason``, if it did."""
        found = (self.outcome() or {}).get(STOPPED)
        return None if found is None else dict(found)

    def cost(self) -> dict[str, float] | None:
        """What its training took, where it was not interrupted; see `COST`."""
        found = (self.outcome() or {}).get(COST)
        return None if found is None else {key: float(value) for key, value in found.items()}

    def compaction(self) -> str | None:
        """Name of the folder that holds the compacted epochs, if there is one.

        Raises
        ------
        LogDamaged
            The record that names it is lost or damaged.
        """
        outcome = self.outcome()
        names = [p.name for p in list_folder(self.folder)] if outcome is None else []
        if any(map(COMPACTION_NAME.fullmatch, names)):
            raise LogDamaged(
                f"log: {self.folder / OUTCOME} is missing, which says where the compacted epochs "
                "are. It is replaced, never removed. Restore the file from a copy."
            )
        name = (outcome or {}).get("compaction")
        if name is not None and not COMPACTION_NAME.fullmatch(str(name)):
            raise LogDamaged(
                f"log: {self.folder / OUTCOME} names no compaction ({name!r}). "
                "Restore the file from a copy."
            )
        return name

    def planned_epochs(self) -> int | None:
        """Length of the grid of its last writer; None where nothing says."""
        outcome = self.outcome() or {}
        planned = [int(outcome.get("epochs", 0))]
        for segment in list_folder(self.folder):
            if match := SEGMENT_NAME.fullmatch(segment.name):
                with suppress(OSError, ValueError, KeyError, TypeError):
                    about = json.loads(read_bytes(segment / METADATA))["attributes"]
                    planned.append(int(match.group(1)) + len(about[layout.HEADER]["epochs"]))
        return max(planned) or None

    def write_outcome(self, outcome: Mapping[str, Any]) -> None:
        """Say how the attempt ended; what was finished and compacted before stays so."""
        before = self.outcome() or {}
        kept: dict[str, Any] = {k: before[k] for k in KEPT if k in before}
        write_record(self.folder / OUTCOME, {"attempt": self.folder.name, **kept, **outcome})

    def files(self, header: Header) -> set[str]:
        """Names of the files that hold what is committed; a compaction lists its own further.

        Raises
        ------
        LogDamaged
            A commit record is lost or damaged.
        """
        compaction = self.compaction()
        names = {METADATA} | ({f"{compaction}/{layout.MANIFEST}"} if compaction else set())
        for lane in header.lanes:
            commits = self.whole_commits(lane, header).values()
            for commit in (c for c in commits if not c.is_compacted):
                folder = f"{commit.segment}/{lane}"
                names |= {
                    self.commit_file(lane, commit.index).relative_to(self.folder).as_posix(),
                    f"{commit.segment}/{METADATA}",
                    f"{folder}/{METADATA}",
                }
                if commit.n_examples:
                    names.add(f"{folder}/{chunk_name(commit.row, 0)}")
        return names


def attempts(log: Path, seed: int) -> list[Attempt]:
    """All attempts at a seed, by name."""
    found = list_folder(layout.replicate_folder(log, seed))
    return [Attempt(p) for p in found if p.name.startswith(layout.ATTEMPT)]


def committed_attempt(log: Path, seed: int) -> Attempt | None:
    """Return the attempt that counts: one with committed epochs is resumed, never replaced.

    Without any, a failed one tells at least why.
    """
    with_commits = [a for a in attempts(log, seed) if a.has_commits]
    if len(with_commits) > 1:
        raise LogDamaged(
            f"log: replicate {seed} has {len(with_commits)} attempts with committed epochs "
            f"({', '.join(a.folder.name for a in with_commits)}). There is never more than one. "
            "Move all but one out of the log."
        )
    if with_commits:
        return with_commits[0]
    failed = [a for a in attempts(log, seed) if is_there(a.folder / OUTCOME)]
    return failed[-1] if failed else None
