"""Write a replicate: commit it epoch by epoch.

The order of writing is the promise: the chunk is on the disk before its commit record, and readers
trust the record alone. What has no record does not exist.

A grid may be open: nobody has said which epochs will come, and each new one is the next point.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, LogDamaged
from learnorder.log import layout
from learnorder.log.arrays import (
    checksum,
    chunk_name,
    create_group,
    create_lane,
    encode_chunk,
)
from learnorder.log.attempt import COST, STOPPED, Attempt, Commit, committed_attempt
from learnorder.log.claim import Claim
from learnorder.log.creation import plan_replicates, refuse_other_identity
from learnorder.log.files import make_folder, remove, sync_folder, write_durably, write_record
from learnorder.log.lanes import Lane, given_values
from learnorder.log.location import locate
from learnorder.log.manifest import listed_files, write_manifest
from learnorder.log.seeds import record_seed
from learnorder.schema import EpochPredictions, Predictions

ROOM = 1024
"""Epochs that a segment of an open grid is allocated for; those that never come take no space."""


class ReplicateWriter:
    """The one live writer of a replicate.

    Parameters
    ----------
    log
        Folder or URL of the log.
    seed
        Which replicate.
    epochs
        The recording grid; a longer one than before continues the replicate. None for an open
        grid, which begins with what is committed and grows with what is written.
    versions
        Versions of what produces the predictions, kept with the attempt.
    identity
        What the log has to be of; any log will do without it.
    take_over
        Where a file system has no locks: replace the claim of a writer that is known to have ended.
    token
        Whose the claim is where there are no locks; a process that knows it claims again.

    Raises
    ------
    LogBusy
        Another process writes this replicate.
    SpecDiffers
        The log has another identity.
    LearnOrderError
        The grid does not begin as the committed one does.
    """

    def __init__(
        self,
        log: str | Path,
        seed: int,
        epochs: Sequence[float] | None,
        versions: Mapping[str, Any],
        identity: str | None = None,
        *,
        take_over: bool = False,
        token: str | None = None,
    ) -> None:
        self.log, self.seed = locate(log), seed
        self.header = layout.read_header(self.log)
        if identity is not None:
            refuse_other_identity(self.log, self.header, identity)
        plan_replicates(self.log, [seed])
        claim_file = layout.claim_file(self.log, seed)
        self._claim = Claim(claim_file, f"replicate {seed}", take_over=take_over, token=token)
        try:
            self.attempt = committed_attempt(self.log, seed) or self._new_attempt(versions)
            self._committed = {
                lane: dict(self.attempt.commits(lane, self.header)) for lane in self.header.lanes
            }
            self.is_open = epochs is None
            self.epochs = self._open_grid() if epochs is None else [float(e) for e in epochs]
            self._check_grid()
            for lane in self.header.lanes:
                # what a killed writer renamed last may not be on the disk under its name
                sync_folder(self.attempt.commit_folder(lane))
            self._segment: str | None = None
            self._written: dict[str, int] = {}
        except BaseException:
            self._claim.release()
            raise

    def _new_attempt(self, versions: Mapping[str, Any]) -> Attempt:
        record_seed(self.log, self.seed, "begun")
        folder = layout.replicate_folder(self.log, self.seed) / layout.new_name(layout.ATTEMPT)
        attempt = Attempt(folder)
        content = {"seed": self.seed, "versions": dict(versions), "created": _now()}
        create_group(folder, {layout.HEADER: content})
        for lane in self.header.lanes:
            make_folder(attempt.commit_folder(lane))
        return attempt

    def _open_grid(self) -> list[float]:
        """Epochs that are committed in every lane.

        Raises
        ------
        LogDamaged
            A commit record is lost.
        """
        found = [self.attempt.whole_commits(name, self.header) for name in self.header.lanes]
        whole = min(map(len, found))
        # a killed writer leaves some lanes of one epoch at most
        for name, commits in zip(self.header.lanes, found, strict=True):
            if max(map(len, found)) > len(commits) + 1:
                raise LogDamaged(
                    f"log: {self.attempt.commit_file(name, len(commits))} is missing, though later "
                    "epochs were committed. Restore the file from a copy."
                )
        return [commit.epoch for commit in list(found[0].values())[:whole]]

    def _check_grid(self) -> None:
        for commits in self._committed.values():
            for index, commit in commits.items():
                given = self.epochs[index] if index < len(self.epochs) else commit.epoch
                if given != commit.epoch:
                    raise LearnOrderError(
                        f"log: replicate {self.seed} has epoch {commit.epoch:g} at position "
                        f"{index} of its grid; it cannot become {given:g}. Use another log."
                    )

    def is_committed(self, index: int) -> bool:
        """Whether this point of the grid is committed in every lane."""
        return all(index in commits for commits in self._committed.values())

    @property
    def n_committed(self) -> int:
        """Points of the grid, from the first, that are committed in every lane."""
        count = 0
        while self.is_committed(count):
            count += 1
        return count

    def differing(self, record: EpochPredictions) -> list[Lane]:
        """Lanes of a committed epoch in which a record has other values than the log."""
        given = given_values(record)
        return [
            lane
            for lane in self.header.lanes.values()
            if self._committed[lane.name][record.index].crc32
            != checksum(lane.to_bits(given[lane.quantity][lane.split]))
        ]

    def write(self, record: EpochPredictions) -> None:
        """Commit what is recorded of one epoch; after return it survives anything.

        What is committed already is compared instead of written. In an open grid, an epoch of which
        a killed writer committed some lanes counts for nothing, and gives way.

        Raises
        ------
        LearnOrderError
            A split or quantity is missing or too many, a length, class or number does not fit, or
            training again gave something else than the log holds.
        """
        given = given_values(record)
        self._check_splits(record, given)
        lanes = self.header.lanes.values()
        for lane in lanes:
            self._check_values(lane, record, given[lane.quantity][lane.split])
        if self.is_open and record.index == len(self.epochs):
            self._drop_half_epoch()
        for lane in lanes:
            values = lane.to_bits(given[lane.quantity][lane.split])
            commit = self._committed[lane.name].get(record.index)
            if commit is None:
                self._commit(lane, record, values)
            elif commit.crc32 != checksum(values):
                raise LearnOrderError(
                    f"log: replicate {self.seed}, trained again, predicts {lane.split!r} otherwise "
                    f"({lane.quantity}) at epoch {record.epoch:g} than the log holds. The same "
                    "spec gives the same bytes on one platform and version (the log: "
                    f"{self.attempt.versions}). Go on with those versions, or use another log."
                )
        if self.is_open and record.index == len(self.epochs):
            self.epochs.append(record.epoch)

    def _drop_half_epoch(self) -> None:
        """Remove the records of an epoch that never was acknowledged; then its chunks are nothing.

        A writer that was killed, or could not write, has left them.
        """
        half = [name for name, found in self._committed.items() if len(self.epochs) in found]
        if half:
            self._claim.require_held()
        for name in half:
            path = self.attempt.commit_file(name, len(self.epochs))
            remove(path)
            self._written.pop(path.relative_to(self.attempt.folder).as_posix(), None)
            del self._committed[name][len(self.epochs)]

    def _check_splits(
        self, record: EpochPredictions, given: Mapping[str, Mapping[str, NDArray[Any]]]
    ) -> None:
        for quantity, values in given.items():
            lanes = [lane for lane in self.header.lanes.values() if lane.quantity == quantity]
            expected = sorted(lane.split for lane in lanes)
            if sorted(values) != expected:
                raise LearnOrderError(
                    f"log: epoch {record.epoch:g} of replicate {self.seed} has the {quantity} for "
                    f"the splits {sorted(values)}; the log has it for {expected}. Give each lane "
                    "of the log, and no other."
                )

    def _check_values(self, lane: Lane, record: EpochPredictions, values: NDArray[Any]) -> None:
        where = f"epoch {record.epoch:g} of replicate {self.seed}"
        if values.shape != (lane.n_examples,):
            raise LearnOrderError(
                f"log: split {lane.split!r} has {lane.n_examples} examples; {where} has the "
                f"{lane.quantity} in the shape {values.shape}."
            )
        if problem := lane.problem(values):
            what, rule = problem
            raise LearnOrderError(
                f"log: replicate {self.seed} {what} at epoch {record.epoch:g} in split "
                f"{lane.split!r}; {rule}."
            )

    def _commit(self, lane: Lane, record: EpochPredictions, values: Predictions) -> None:
        self._claim.require_held()  # before anything is replaced, and again before it counts
        segment = self._segment_of(record.index)
        commit = Commit(
            seed=self.seed,
            lane=lane.name,
            index=record.index,
            epoch=record.epoch,
            segment=segment,
            n_examples=len(values),
            n_classes=self.header.n_classes,
            crc32=checksum(values),
            identity=self.header.identity,
        )
        folder = self.attempt.folder
        if len(values):
            chunk = folder / segment / lane.name / chunk_name(commit.row, 0)
            content = encode_chunk(values)
            write_durably(chunk, content)
            self._written[chunk.relative_to(folder).as_posix()] = zlib.crc32(content)
        self._claim.require_held()
        path = self.attempt.commit_file(lane.name, record.index)
        self._written[path.relative_to(folder).as_posix()] = write_record(path, commit.to_json())
        self._committed[lane.name][record.index] = commit

    def _segment_of(self, index: int) -> str:
        """Name of the segment that has room for a point of the grid."""
        segment = self._segment
        if segment is None or (self.is_open and index - _first_of(segment) >= ROOM):
            segment = self._segment = self._new_segment(index)
        return segment

    def _new_segment(self, first: int) -> str:
        """Allocate the rest of the grid at its fixed shape; nothing is ever resized."""
        segment = layout.new_name(f"{layout.SEGMENT}{first}-")
        folder = self.attempt.folder / segment
        n_epochs = ROOM if self.is_open else len(self.epochs) - first
        about = {"room": ROOM} if self.is_open else {"epochs": self.epochs[first:]}
        create_group(folder, {layout.HEADER: about})
        for name, lane in self.header.lanes.items():
            create_lane(folder / name, lane, n_epochs, (1, lane.n_examples))
        return segment

    def finish(
        self, stopped: Mapping[str, Any] | None = None, cost: Mapping[str, float] | None = None
    ) -> None:
        """Declare the whole grid committed.

        Parameters
        ----------
        stopped
            Where the learner stopped before its last epoch, so that nothing changes after it: the
            ``epoch`` and the ``reason``.
        cost
            What training took, if it went from the first epoch to the last in one go, see `COST`.

        Raises
        ------
        LearnOrderError
            Some point of the grid is not.
        """
        if self.n_committed < len(self.epochs):
            raise LearnOrderError(
                f"log: replicate {self.seed} has {self.n_committed} of {len(self.epochs)} epochs "
                "committed. It is finished when it has all. Record the rest first."
            )
        self._claim.require_held()
        if self.is_open:
            self._drop_half_epoch()
        folder = self.attempt.folder
        earlier = (self.attempt.outcome() or {}).get("manifest")
        manifest = f"{layout.new_name(layout.FILES)}.json"
        known = {**(listed_files(folder / earlier) if earlier else {}), **self._written}
        write_manifest(folder, folder / manifest, self.attempt.files(self.header), known)
        outcome = {"status": "finished", "epochs": self.n_committed, "manifest": manifest}
        about: dict[str, Any] = {} if stopped is None else {STOPPED: dict(stopped)}
        if cost is not None:
            about[COST] = dict(cost)
        self.attempt.write_outcome({**outcome, **about})
        record_seed(self.log, self.seed, "finished")
        if earlier:
            remove(folder / earlier)

    def fail(self, kind: str, epoch: float, reason: str) -> None:
        """Mark the replicate failed; committed epochs stay."""
        self._claim.require_held()
        outcome = {"status": "failed", "kind": kind, "epoch": epoch, "reason": reason}
        self.attempt.write_outcome(outcome)

    def give_up(self, reason: str) -> None:
        """Mark it failed at its next epoch; finished on a shorter grid, it stays so.

        What that has is as good as before.
        """
        if not self.attempt.is_finished:
            self.fail("error", self.epochs[min(self.n_committed, len(self.epochs) - 1)], reason)

    def release(self) -> None:
        """Give the claim up; another process may go on."""
        self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _first_of(segment: str) -> int:
    """Point of the grid at which a segment begins."""
    return int(segment.split("-")[1])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
