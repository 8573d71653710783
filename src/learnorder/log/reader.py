"""Open a log: its splits as labelled datasets, and what is there and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from xarray.core.indexing import CopyOnWriteArray, LazilyIndexedArray, MemoryCachedArray

from learnorder.errors import LearnOrderError, LogDamaged, nearest
from learnorder.log import layout
from learnorder.log.attempt import Attempt, committed_attempt
from learnorder.log.claim import is_claimed
from learnorder.log.examples import read_examples, read_previews
from learnorder.log.files import is_there
from learnorder.log.garbage import refuse_lost_outcome
from learnorder.log.labelled import label_axes
from learnorder.log.layout import Header
from learnorder.log.lazy import CommittedEpochs, LazyPredictions
from learnorder.log.location import locate
from learnorder.log.seeds import read_seed
from learnorder.schema import PREDICTION, Previews, prediction_dtype

Status = Literal["finished", "running", "interrupted", "failed", "planned", "damaged", "lost"]


@dataclass(frozen=True)
class ReplicateState:
    """What the log holds of one replicate.

    Attributes
    ----------
    seed
        Which.
    status
        ``finished``; ``running``, a live process writes it; ``interrupted``, it can be resumed;
        ``failed``, with the reason; ``planned``, nothing is committed yet; ``lost``, its folder is
        gone; ``damaged``, a record of it is.
    reason
        Why it failed, is lost or damaged, else None.
    attempt
        The attempt that counts, if there is one.
    """

    seed: int
    status: Status
    reason: str | None
    attempt: Attempt | None

    def count_epochs(self, split: str) -> int:
        """Committed epochs of a split."""
        return self.attempt.count_committed(split) if self.attempt else 0


class Log(Mapping[str, xr.Dataset]):
    """A log on disk, as it was when first looked at; index it by split.

    Parameters
    ----------
    path
        Folder of the log.
    unfinished
        Show every replicate that has a committed epoch; what is missing is "not recorded".
        Without it: finished replicates, on the epochs they all have.
    """

    def __init__(self, path: str | Path, *, unfinished: bool = False) -> None:
        self.path = locate(path)
        self.header = layout.read_header(self.path)
        self.unfinished = unfinished
        self._splits: dict[str, xr.Dataset] = {}

    @property
    def name(self) -> str:
        """Name of the collection: that of the folder, without its suffix."""
        return self.path.resolve().stem

    @property
    def spec(self) -> Mapping[str, Any]:
        """The resolved spec."""
        return self.header.spec

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Versions, platform, creation time, git revision, dataset and seeds."""
        seeds = [r.seed for r in self.replicates]
        dataset = {k: v for k, v in self.header.dataset.items() if k != "class_names"}
        return {**self.header.provenance, "dataset": dataset, "seeds": seeds}

    def __getitem__(self, split: str) -> xr.Dataset:
        """Return the dataset of a split."""
        if split not in self.header.splits:
            raise LearnOrderError(
                f"open_log: {self.path} has no split {split!r}. "
                f"{nearest(split, self.header.splits)}"
            )
        if split not in self._splits:
            self._splits[split] = self._load(split)
        return self._splits[split]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the splits."""
        return iter(self.header.splits)

    def __len__(self) -> int:
        """Return the number of splits."""
        return len(self.header.splits)

    @cached_property
    def replicates(self) -> list[ReplicateState]:
        """Every planned replicate, by seed, as it was when first asked."""
        seeds = layout.planned_seeds(self.path)
        return [_state(self.path, self.header, seed) for seed in seeds]

    def previews(self, split: str) -> Previews | None:
        """Thumbnails or excerpts that the log keeps of a split."""
        return read_previews(self.path, self.header, split)

    def _load(self, split: str) -> xr.Dataset:
        for replicate in self.replicates:
            if replicate.status == "damaged":
                raise LogDamaged(replicate.reason)
        shown = [r for r in self.replicates if self._is_shown(r)]
        left_out = [
            {"seed": r.seed, "status": r.status, "reason": r.reason}
            for r in self.replicates
            if r not in shown
        ]
        if not shown:
            raise LearnOrderError(
                f"open_log: none of the {len(self.replicates)} replicates in {self.path} is "
                f"finished{_first_reason(left_out)}. There is nothing to measure yet. Go on with "
                "`learnorder train`, or see `learnorder info`."
            )
        committed = [_committed(r, split, self.header) for r in shown]
        epochs = _epochs(committed, self.unfinished)
        n_examples = self.header.splits[split].n_examples
        dtype = np.dtype(prediction_dtype(self.header.n_classes))
        predictions = LazyPredictions(committed, epochs, n_examples, dtype)
        lazy = LazilyIndexedArray(predictions)
        found = label_axes(
            MemoryCachedArray(CopyOnWriteArray(lazy)),  # type: ignore[no-untyped-call,arg-type]
            read_examples(self.path, self.header, split),
            epochs,
            [r.seed for r in shown],
            self.header.class_names,
            split=split,
            n_replicates_planned=len(self.replicates),
            left_out=left_out,
            epochs_left_out=sorted({e for c in committed for e in c.commits} - set(epochs)),
        )
        found[PREDICTION].encoding["preferred_chunks"] = predictions.preferred_chunks
        return found

    def _is_shown(self, replicate: ReplicateState) -> bool:
        if self.unfinished:
            return replicate.attempt is not None and any(map(replicate.count_epochs, self))
        return replicate.status == "finished"


def open_log(path: str | Path, *, unfinished: bool = False) -> Log:
    """Open a log for reading; ``open_log(path)["test"]`` is the dataset of the split ``test``.

    Parameters
    ----------
    path
        Folder or URL of the log.
    unfinished
        Show every replicate that has a committed epoch, missing ones as "not recorded". Without it,
        finished replicates only; ``attrs["left_out"]`` says which are not shown, and why.

    Raises
    ------
    LogNotFound
        There is no log at the path.
    LogDamaged
        A part that is read differs from its checksum.
    """
    return Log(path, unfinished=unfinished)


def _state(log: Path, header: Header, seed: int) -> ReplicateState:
    folder = layout.replicate_folder(log, seed)
    try:
        if not is_there(folder) and read_seed(log, seed) != "planned":
            return ReplicateState(seed, "lost", f"{folder} is gone", None)
        attempt = committed_attempt(log, seed)
        refuse_lost_outcome(log, header, seed, attempt)
        outcome = (attempt.outcome() if attempt else None) or {}
        if attempt is not None:
            attempt.refuse_lost_commits(header)
    except LogDamaged as error:
        return ReplicateState(seed, "damaged", str(error), None)
    status: Status
    if outcome.get("status") == "finished":
        status = "finished"
    elif is_claimed(layout.claim_file(log, seed)):
        status = "running"
    elif outcome.get("status") == "failed":
        status = "failed"
    else:
        status = "interrupted" if attempt else "planned"
    reason = outcome.get("reason") if status == "failed" else None
    return ReplicateState(seed, status, reason, attempt)


def _committed(replicate: ReplicateState, split: str, header: Header) -> CommittedEpochs:
    attempt = replicate.attempt
    if attempt is None:
        raise LearnOrderError(f"open_log: replicate {replicate.seed} has nothing committed.")
    return CommittedEpochs(attempt, split, header)


def _epochs(committed: list[CommittedEpochs], union: bool) -> list[float]:
    sets = [set(c.commits) for c in committed]
    return sorted(set.union(*sets) if union else set.intersection(*sets))


def _first_reason(left_out: list[dict[str, Any]]) -> str:
    reasons = [f" (seed {r['seed']}: {r['reason']})" for r in left_out if r["reason"]]
    return reasons[0] if reasons else ""
