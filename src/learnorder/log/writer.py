"""Write a replicate: commit it epoch by epoch.

The order of writing is the promise: the chunk is on the disk before its commit record, and readers
trust the record alone. What has no record does not exist.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from learnorder.errors import LearnOrderError
from learnorder.log import layout
from learnorder.log.arrays import (
    checksum,
    chunk_name,
    create_group,
    create_predictions,
    encode_chunk,
)
from learnorder.log.attempt import Attempt, Commit, committed_attempt
from learnorder.log.claim import Claim
from learnorder.log.creation import plan_replicates, refuse_other_identity
from learnorder.log.files import make_folder, remove, sync_folder, write_durably, write_record
from learnorder.log.location import locate
from learnorder.log.manifest import listed_files, write_manifest
from learnorder.log.seeds import record_seed
from learnorder.schema import EpochPredictions, Predictions, prediction_dtype


class ReplicateWriter:
    """The one live writer of a replicate.

    Parameters
    ----------
    log
        Folder or URL of the log.
    seed
        Which replicate.
    epochs
        The recording grid; a longer one than before continues the replicate.
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
        epochs: Sequence[float],
        versions: Mapping[str, Any],
        identity: str | None = None,
        *,
        take_over: bool = False,
        token: str | None = None,
    ) -> None:
        self.log, self.seed, self.epochs = locate(log), seed, [float(e) for e in epochs]
        self.header = layout.read_header(self.log)
        if identity is not None:
            refuse_other_identity(self.log, self.header, identity)
        plan_replicates(self.log, [seed])
        claim_file = layout.claim_file(self.log, seed)
        self._claim = Claim(claim_file, f"replicate {seed}", take_over=take_over, token=token)
        try:
            self.attempt = committed_attempt(self.log, seed) or self._new_attempt(versions)
            self._committed = {
                split: dict(self.attempt.commits(split, self.header))
                for split in self.header.splits
            }
            self._check_grid()
            for split in self.header.splits:
                # what a killed writer renamed last may not be on the disk under its name
                sync_folder(self.attempt.folder / "commits" / split)
            self._segment: str | None = None
            self._written: dict[str, int] = {}
        except BaseException:
            self._claim.release()
            raise

    def _new_attempt(self, versions: Mapping[str, Any]) -> Attempt:
        record_seed(self.log, self.seed, "begun")
        folder = layout.replicate_folder(self.log, self.seed) / f"attempt-{uuid.uuid4().hex}"
        content = {"seed": self.seed, "versions": dict(versions), "created": _now()}
        create_group(folder, {layout.HEADER: content})
        for split in self.header.splits:
            make_folder(folder / "commits" / split)
        return Attempt(folder)

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
        """Whether this point of the grid is committed in every split."""
        return all(index in commits for commits in self._committed.values())

    @property
    def n_committed(self) -> int:
        """Points of the grid, from the first, that are committed in every split."""
        count = 0
        while self.is_committed(count):
            count += 1
        return count

    def write(self, record: EpochPredictions) -> None:
        """Commit the predictions of one epoch; after return they survive anything.

        What is committed already is compared instead of written.

        Raises
        ------
        LearnOrderError
            A split is missing, a length or class does not fit, or training again gave other
            predictions than the log holds.
        """
        self._check_record(record)
        dtype = prediction_dtype(self.header.n_classes)
        for split, given in record.predictions.items():
            predictions = given.astype(dtype, copy=False)
            commit = self._committed[split].get(record.index)
            if commit is None:
                self._commit(split, record, predictions)
            elif commit.crc32 != checksum(predictions):
                raise LearnOrderError(
                    f"log: replicate {self.seed}, trained again, predicts {split!r} otherwise "
                    f"at epoch {record.epoch:g} than the log holds. The same spec gives the same "
                    f"bytes on one platform and version (the log: {self.attempt.versions}). "
                    "Go on with those versions, or use another log."
                )

    def _check_record(self, record: EpochPredictions) -> None:
        if set(record.predictions) != set(self.header.splits):
            raise LearnOrderError(
                f"log: epoch {record.epoch:g} of replicate {self.seed} has the splits "
                f"{sorted(record.predictions)}; the log has {sorted(self.header.splits)}."
            )
        for split, predictions in record.predictions.items():
            expected = self.header.splits[split].n_examples
            if predictions.shape != (expected,):
                raise LearnOrderError(
                    f"log: split {split!r} has {expected} examples; epoch {record.epoch:g} of "
                    f"replicate {self.seed} has predictions of shape {predictions.shape}."
                )
            outside = predictions[(predictions < 0) | (predictions >= self.header.n_classes)]
            if predictions.dtype.kind not in "iu" or outside.size:
                what = f"class {outside[0]}" if outside.size else f"type {predictions.dtype}"
                raise LearnOrderError(
                    f"log: replicate {self.seed} predicts {what} at epoch {record.epoch:g}; "
                    f"there are {self.header.n_classes} classes, integers counted from 0."
                )

    def _commit(self, split: str, record: EpochPredictions, predictions: Predictions) -> None:
        self._claim.require_held()  # before anything is replaced, and again before it counts
        segment = self._segment or self._new_segment(record.index)
        commit = Commit(
            seed=self.seed,
            split=split,
            index=record.index,
            epoch=record.epoch,
            segment=segment,
            n_examples=len(predictions),
            n_classes=self.header.n_classes,
            crc32=checksum(predictions),
            identity=self.header.identity,
        )
        folder = self.attempt.folder
        if len(predictions):
            chunk = folder / segment / split / chunk_name(commit.row, 0)
            content = encode_chunk(predictions)
            write_durably(chunk, content)
            self._written[chunk.relative_to(folder).as_posix()] = zlib.crc32(content)
        self._claim.require_held()
        path = self.attempt.commit_file(split, record.index)
        self._written[path.relative_to(folder).as_posix()] = write_record(path, vars(commit))
        self._committed[split][record.index] = commit

    def _new_segment(self, first: int) -> str:
        """Allocate the rest of the grid at its fixed shape; nothing is ever resized."""
        segment = f"segment-{first}-{uuid.uuid4().hex}"
        folder = self.attempt.folder / segment
        create_group(folder, {layout.HEADER: {"epochs": self.epochs[first:]}})
        dtype = np.dtype(prediction_dtype(self.header.n_classes))
        for split, about in self.header.splits.items():
            shape = (len(self.epochs) - first, about.n_examples)
            create_predictions(folder / split, shape, (1, about.n_examples), dtype)
        self._segment = segment
        return segment

    def finish(self) -> None:
        """Declare the whole grid committed.

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
        folder = self.attempt.folder
        earlier = (self.attempt.outcome() or {}).get("manifest")
        manifest = f"manifest-{uuid.uuid4().hex}.json"
        known = {**(listed_files(folder / earlier) if earlier else {}), **self._written}
        write_manifest(folder, folder / manifest, self.attempt.files(self.header), known)
        self.attempt.write_outcome(
            {"status": "finished", "epochs": self.n_committed, "manifest": manifest}
        )
        record_seed(self.log, self.seed, "finished")
        if earlier:
            remove(folder / earlier)

    def fail(self, kind: str, epoch: float, reason: str) -> None:
        """Mark the replicate failed; committed epochs stay."""
        self._claim.require_held()
        outcome = {"status": "failed", "kind": kind, "epoch": epoch, "reason": reason}
        self.attempt.write_outcome(outcome)

    def release(self) -> None:
        """Give the claim up; another process may go on."""
        self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
