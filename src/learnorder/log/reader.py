"""Open a log: its splits as labelled datasets, and what is there and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import xarray as xr
from xarray.core.indexing import CopyOnWriteArray, LazilyIndexedArray, MemoryCachedArray

from learnorder.errors import LearnOrderError, LogDamaged, nearest
from learnorder.log import layout
from learnorder.log.attempt import Attempt, committed_attempt
from learnorder.log.claim import is_claimed
from learnorder.log.examples import read_baselines, read_examples, read_previews
from learnorder.log.files import is_there
from learnorder.log.garbage import refuse_lost_outcome
from learnorder.log.labelled import label_axes
from learnorder.log.lanes import Lane
from learnorder.log.layout import Header
from learnorder.log.lazy import CommittedEpochs, LazyLane
from learnorder.log.location import locate
from learnorder.log.seeds import read_seed
from learnorder.notebook import as_html
from learnorder.schema import Previews

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
    header
        That of the log.
    """

    seed: int
    status: Status
    reason: str | None
    attempt: Attempt | None
    header: Header = field(repr=False, compare=False)

    def count_epochs(self, split: str) -> int:
        """Epochs of a split that are committed with all that is recorded of it."""
        lanes = self.header.lanes_of(split)
        return min(self.attempt.count_committed(lane.name) for lane in lanes) if self.attempt else 0


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

    @property
    def execution(self) -> Mapping[str, Any]:
        """How every replicate is trained, settled before the first; empty where nothing says."""
        return self.header.execution

    def __repr__(self) -> str:
        sizes = (f"{name} ({split.n_examples})" for name, split in self.header.splits.items())
        return f"<Log {str(self.path)!r}: {self.header.n_classes} classes; {', '.join(sizes)}>"

    def _repr_html_(self) -> str:
        """Splits and replicates, for a notebook."""
        rows: list[tuple[object, ...]] = [
            ("split", name, f"{split.n_examples:,} examples")
            for name, split in self.header.splits.items()
        ]
        rows += [("replicate", f"seed {r.seed}", r.status) for r in self.replicates]
        return as_html(f"Log {self.name!r}: {self.header.n_classes} classes", (), rows)

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
                f"{self._maker}, or see `learnorder info`."
            )
        lanes = self.header.lanes_of(split)
        committed = {lane: [_committed(r, lane, self.header) for r in shown] for lane in lanes}
        counted = [_whole_epochs(of_one) for of_one in zip(*committed.values(), strict=True)]
        union = set().union(*counted)
        epochs = sorted(union if self.unfinished else union.intersection(*counted))
        lazy = {lane.quantity: LazyLane(committed[lane], counted, epochs, lane) for lane in lanes}
        found = label_axes(
            {quantity: _cached(lane) for quantity, lane in lazy.items()},
            read_examples(self.path, self.header, split),
            epochs,
            [r.seed for r in shown],
            self.header.class_names,
            read_baselines(self.path, self.header, split),
            split=split,
            n_replicates_planned=len(self.replicates),
            left_out=left_out,
            epochs_left_out=sorted(union - set(epochs)),
            **({"as_seen": True} if split in self.header.as_seen else {}),
            **({"network": self.header.network} if self.header.network else {}),
        )
        for quantity, lane in lazy.items():
            found[quantity].encoding["preferred_chunks"] = lane.preferred_chunks
        return found

    @property
    def _maker(self) -> str:
        return "a recorder up to finish()" if self.header.is_recorded else "`learnorder train`"

    def _is_shown(self, replicate: ReplicateState) -> bool:
        if self.unfinished:
            return any(map(replicate.count_epochs, self))
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
            return ReplicateState(seed, "lost", f"{folder} is gone", None, header)
        attempt = committed_attempt(log, seed)
        refuse_lost_outcome(log, header, seed, attempt)
        outcome = (attempt.outcome() if attempt else None) or {}
        if attempt is not None:
            attempt.refuse_lost_commits(header)
    except LogDamaged as error:
        return ReplicateState(seed, "damaged", str(error), None, header)
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
    return ReplicateState(seed, status, reason, attempt, header)


def _cached(lane: LazyLane) -> Any:
    """Read once what is asked for as a whole, and never let a user change what others see."""
    lazy = LazilyIndexedArray(lane)
    return MemoryCachedArray(CopyOnWriteArray(lazy))  # type: ignore[no-untyped-call,arg-type]


def _committed(replicate: ReplicateState, lane: Lane, header: Header) -> CommittedEpochs:
    attempt = replicate.attempt
    if attempt is None:
        raise LearnOrderError(f"open_log: replicate {replicate.seed} has nothing committed.")
    return CommittedEpochs(attempt, lane, header)


def _whole_epochs(lanes: Sequence[CommittedEpochs]) -> set[float]:
    """Epochs of a replicate that every lane has."""
    return set[float].intersection(*(set(lane.commits) for lane in lanes))


def _first_reason(left_out: list[dict[str, Any]]) -> str:
    reasons = [f" (seed {r['seed']}: {r['reason']})" for r in left_out if r["reason"]]
    return reasons[0] if reasons else ""
