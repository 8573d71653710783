"""What `train_collection` asks of an engine, and what it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from learnorder.training.execution import Execution
from learnorder.training.spec import TrainingSpec

MAX_DEATHS = 3
"""How often what trains a replicate may die over it before the replicate counts as failed."""


@dataclass(frozen=True)
class Event:
    """Something happened to a replicate; ``fewer`` workers go on where memory ran out."""

    kind: Literal["recorded", "finished", "failed", "retried", "fewer", "told"]
    seed: int
    reason: str = ""


@dataclass(frozen=True)
class Work:
    """What an engine trains.

    Attributes
    ----------
    spec, identity
        The spec, and what identifies the log of it.
    log
        The log, which may not be there yet.
    scratch
        A folder of this machine that goes when training ends.
    save_inputs
        Writes what the networks read into a folder.
    n_pending
        How many replicates are to be trained.
    """

    spec: TrainingSpec
    identity: str
    log: Path
    scratch: Path
    save_inputs: Callable[[Path], None]
    n_pending: int


class Workers(Protocol):
    """Workers of one engine for one `Work`: seeds are submitted, and events waited for."""

    n_workers: int
    """How many groups are trained at once, at most."""

    def probe(
        self, kept: Execution | None, tell: Callable[[str], None]
    ) -> tuple[Execution, tuple[float, int]]:
        """Try one group for a moment; return how to train, seconds of a group, bytes of a worker.

        Raises
        ------
        LearnOrderError
            The network cannot be trained; nothing has been written yet.
        """

    def begin(self, log: Path, execution: Execution, *, take_over: bool) -> None:
        """Settle into which log, and how, the seeds submitted from now on are trained."""

    def submit(self, seeds: Sequence[int]) -> None:
        """Have a group of seeds trained side by side, each from where it stands in the log."""

    def wait(self) -> list[Event]:
        """Wait for what happens next; an empty list when each seed is finished or failed."""


class Engine(Protocol):
    """Where replicates are trained.

    Leaving the block of `start` with an error ends everything that was begun in it; nothing is
    lost, since only whole epochs count.
    """

    @property
    def is_here(self) -> bool:
        """Whether replicates are trained on this machine, which then needs what training needs."""

    @property
    def n_at_once(self) -> int:
        """How many groups it can train at once, as far as that is known before it starts."""

    def start(self, work: Work) -> AbstractContextManager[Workers]:
        """Make ready to train."""


def train_groups(
    workers: Workers, groups: Sequence[Sequence[int]], on_event: Callable[[Event], None]
) -> None:
    """Train groups of seeds; returns when each seed is finished or failed."""
    for group in groups:
        workers.submit(group)
    while events := workers.wait():
        for event in events:
            on_event(event)
