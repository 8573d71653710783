"""Write a log: create it once, then commit each replicate epoch by epoch.

The order of writing is the promise: the chunk is on the disk before its commit record, and readers
trust the record alone. What has no record does not exist.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from learnorder.errors import LearnOrderError, LogNotFound, SpecDiffers
from learnorder.log import layout
from learnorder.log.arrays import (
    checksum,
    create_group,
    create_predictions,
    open_array,
)
from learnorder.log.attempt import Attempt, Commit, committed_attempt, first_index
from learnorder.log.claim import Claim
from learnorder.log.examples import write_examples
from learnorder.log.files import make_folder, sync_folder, write_record
from learnorder.log.layout import Header
from learnorder.log.manifest import write_manifest
from learnorder.schema import EpochPredictions, Examples, Predictions, Previews, prediction_dtype


@dataclass(frozen=True)
class NewLog:
    """What a log is created from; see `layout.Header` for the fields."""

    spec: Mapping[str, Any]
    identity: str
    dataset: Mapping[str, Any]
    provenance: Mapping[str, Any]
    splits: Mapping[str, tuple[Examples, Previews | None]]


def create_log(path: Path, new: NewLog) -> Header:
    """Create an empty log; it appears whole or not at all.

    If another process has just created it from the same spec and data, that log is returned.

    Raises
    ------
    LearnOrderError
        Something that is no log is at the path, or a split has a name no folder can have.
    SpecDiffers
        A log of another identity is at the path.
    """
    refuse_foreign(path)
    path = Path(os.path.realpath(path))
    make_folder(path.parent)
    staging = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}.partial")
    try:
        _write_new(staging, new)
        _move_into_place(staging, path)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    sync_folder(path.parent)
    header = layout.read_header(path)
    refuse_other_identity(path, header, new.identity)
    return header


def _move_into_place(staging: Path, path: Path) -> None:
    """Give the log its name, unless a log has got it in the meantime."""
    try:
        os.replace(staging, path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        refuse_foreign(path)


def is_vacant(path: Path) -> bool:
    """Whether a log can be created here: there is nothing, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def refuse_foreign(path: Path) -> None:
    """Refuse a path at which something other than a log, or nothing, is.

    Raises
    ------
    LearnOrderError
        There is a file, or a folder with something else in it; or nothing can be created there.
    """
    if is_vacant(path):
        _require_writable(path)
        return
    try:
        layout.read_header(path)
    except LogNotFound as error:
        raise LearnOrderError(
            f"log: {path} exists and is no log of learnorder. Nothing is overwritten. "
            "Choose another path, or move it away."
        ) from error


def _require_writable(path: Path) -> None:
    """Refuse a place where nothing can be created, before any time is spent."""
    place = next(p for p in (path, *path.absolute().parents) if p.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        what = "may not be written to" if place.is_dir() else "is no folder"
        raise LearnOrderError(
            f"log: {path} cannot be created, because {place} {what}. A log is a new folder. "
            "Choose another path."
        )


def refuse_other_identity(path: Path, header: Header, identity: str) -> None:
    """Refuse a log made from another spec or other data.

    Raises
    ------
    SpecDiffers
        Its identity is another one.
    """
    if header.identity != identity:
        raise SpecDiffers(
            f"log: {path} has become a log of another spec or other data (identity "
            f"{header.identity}, not {identity}). One log holds one spec. Use another log."
        )


def _write_new(folder: Path, new: NewLog) -> None:
    for split in new.splits:
        layout.check_split_name(split)
    for name in ("examples", "replicates"):
        create_group(folder / name)
    make_folder(folder / "resume")
    splits = {
        name: write_examples(folder, name, examples, previews)
        for name, (examples, previews) in new.splits.items()
    }
    header = Header(new.spec, new.identity, new.dataset, splits, new.provenance)
    content = {**header.to_json(), "check": layout.header_check(header)}
    create_group(folder, {layout.HEADER: content})
    write_manifest(folder, folder / layout.MANIFEST)


def plan_replicates(log: Path, seeds: Sequence[int]) -> None:
    """Enter seeds into the log, so that every number can say "n of N" from the start."""
    for seed in seeds:
        folder = layout.replicate_folder(log, seed)
        if not (folder / "zarr.json").exists():
            create_group(folder)


class ReplicateWriter:
    """The one live writer of a replicate.

    Parameters
    ----------
    log
        Folder of the log.
    seed
        Which replicate.
    epochs
        The recording grid; a longer one than before continues the replicate.
    versions
        Versions of what produces the predictions, kept with the attempt.
    identity
        What the log has to be of; any log will do without it.

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
        log: Path,
        seed: int,
        epochs: Sequence[float],
        versions: Mapping[str, Any],
        identity: str | None = None,
    ) -> None:
        self.log, self.seed, self.epochs = log, seed, [float(e) for e in epochs]
        self.header = layout.read_header(log)
        if identity is not None:
            refuse_other_identity(log, self.header, identity)
        plan_replicates(log, [seed])
        self._claim = Claim(layout.claim_file(log, seed), f"replicate {seed}")
        try:
            self.attempt = committed_attempt(log, seed) or self._new_attempt(versions)
            self._committed = {
                split: dict(self.attempt.commits(split, self.header))
                for split in self.header.splits
            }
            self._check_grid()
            self._segment: str | None = None
        except BaseException:
            self._claim.release()
            raise

    def _new_attempt(self, versions: Mapping[str, Any]) -> Attempt:
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
        segment = self._segment or self._new_segment(record.index)
        folder = self.attempt.folder / segment / split
        open_array(folder, write=True)[record.index - first_index(segment)] = predictions
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
        write_record(self.attempt.commit_file(split, record.index), vars(commit))
        self._committed[split][record.index] = commit

    def _new_segment(self, first: int) -> str:
        """Allocate the rest of the grid at its fixed shape; nothing is ever resized."""
        self._segment = f"segment-{first}-{uuid.uuid4().hex}"
        folder = self.attempt.folder / self._segment
        create_group(folder, {layout.HEADER: {"epochs": self.epochs[first:]}})
        dtype = np.dtype(prediction_dtype(self.header.n_classes))
        for split, about in self.header.splits.items():
            create_predictions(folder / split, len(self.epochs) - first, about.n_examples, dtype)
        return self._segment

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
        folder = self.attempt.folder
        manifest = folder / f"manifest-{uuid.uuid4().hex}.json"
        earlier = list(folder.glob("manifest-*.json"))
        write_manifest(folder, manifest)
        self.attempt.write_outcome(
            {"status": "finished", "epochs": len(self.epochs), "manifest": manifest.name}
        )
        for path in earlier:
            path.unlink()

    def fail(self, kind: str, epoch: float, reason: str) -> None:
        """Mark the replicate failed; committed epochs stay."""
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
