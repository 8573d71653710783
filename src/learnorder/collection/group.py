"""Train a group of replicates into a log, each from where it stands, and say what became of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.collection.prepare import state_context
from learnorder.collection.provenance import made_by
from learnorder.errors import LearnOrderError
from learnorder.log.resume import drop_state, load_state, save_state
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.grid import GridPoint, grid_after
from learnorder.training.learners.contract import Stop
from learnorder.training.learners.replicates import Learners
from learnorder.training.loop import Diverged, Group, make_group
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import ReplicateState

SAVE_STATE_SECONDS = 5.0
"""Training time at risk when a process dies; what is lost is trained again, to the same bytes.

``LEARNORDER_SAVE_STATE_SECONDS`` takes its place.
"""

FAILURES = (Exception, SystemExit)
"""What a network of one's own may raise; a `sys.exit` in it ends the replicate, not the worker."""

NO_KEYBOARD = (
    " A worker process has no keyboard to read from. Take input() and breakpoint() out of the "
    "network."
)

Tell = Callable[[str, int, str], None]
"""Told of events: ``recorded``, ``finished`` or ``failed``, the seed, and the reason."""


@dataclass(frozen=True)
class Task:
    """What is trained: the same for each replicate of a collection."""

    spec: TrainingSpec
    identity: str
    tensors: TrainingTensors
    grid: list[GridPoint]
    execution: Execution

    @property
    def input_bytes(self) -> int:
        """Bytes of one example as the network reads it."""
        inputs = self.tensors.splits["train"]
        return inputs[0].numel() * inputs.element_size()


def train_group(log: Path, seeds: Sequence[int], task: Task, tell: Tell, **claim: Any) -> None:
    """Train these replicates; what goes wrong with one is told, and kept in the log.

    Parameters
    ----------
    log
        The log they belong to.
    seeds
        At most as many as the execution trains side by side.
    task
        What to train.
    tell
        Called with every event.
    claim
        How to claim a replicate where there are no locks, see `ReplicateWriter`.

    Raises
    ------
    MemoryError
        There is too little memory, or what PyTorch raises then, see `is_out_of_memory`; the
        replicates can go on from their last epoch.
    """
    epochs = [point.epoch for point in task.grid]
    with ExitStack() as held:
        writers: dict[int, ReplicateWriter] = {}
        for seed in seeds:
            try:
                made_with = made_by(task.spec)
                writer = ReplicateWriter(log, seed, epochs, made_with, task.identity, **claim)
            except FAILURES as error:
                tell("failed", seed, reason_of(error))
            else:
                writers[seed] = held.enter_context(writer)
        missing = {s: w for s, w in writers.items() if _is_missing(w, task)}
        for standing in _by_step(missing, task):
            _Together(standing, task, tell, {s: missing[s] for s in standing}).train()
        for seed, writer in writers.items():
            if seed not in missing:
                _finish(writer, tell)


def _is_missing(writer: ReplicateWriter, task: Task) -> bool:
    """Whether it has to be trained: where a learner stopped, only training tells."""
    unknown = task.spec.architecture.is_learner and not writer.attempt.is_finished
    return unknown or writer.n_committed < len(task.grid)


def _by_step(
    writers: Mapping[int, ReplicateWriter], task: Task
) -> list[dict[int, ReplicateState | None]]:
    """Seeds with their kept states, by where they stand: only equals go on side by side."""
    standing: dict[int, dict[int, ReplicateState | None]] = {}
    for seed, writer in writers.items():
        state = _kept_state(writer, task)
        standing.setdefault(0 if state is None else state.step, {})[seed] = state
    return [standing[step] for step in sorted(standing)]


def _kept_state(writer: ReplicateWriter, task: Task) -> ReplicateState | None:
    """Return a state of these very versions that is not ahead of what is committed."""
    kept = load_state(writer.log, writer.seed)
    if kept is None:
        return None
    arrays, about = kept
    step = int(about.pop("step", 0))
    context = _context(task, writer.seed)
    behind = all(writer.is_committed(p.index) for p in task.grid if p.step <= step)
    same = {k: about.get(k) for k in context} == context
    return ReplicateState(step, arrays) if behind and same and step > 0 else None


def _context(task: Task, seed: int) -> dict[str, Any]:
    return state_context(task.spec, task.identity, task.execution, seed)


class _Together:
    """Replicates at the same step; those that fail leave ``writers``, the others go on."""

    def __init__(
        self,
        standing: Mapping[int, ReplicateState | None],
        task: Task,
        tell: Tell,
        writers: dict[int, ReplicateWriter],
    ) -> None:
        self.task, self.tell, self.writers = task, tell, writers
        self.seeds = list(standing)
        self.states = {seed: state for seed, state in standing.items() if state is not None}
        self._saved = self._begun = time.monotonic()
        self._is_whole = not any(writer.n_committed for writer in writers.values())
        self._threads = ThreadPoolExecutor(len(self.seeds))

    def train(self) -> None:
        """Train to the end of the grid."""
        with self._threads:
            self._train()

    def _train(self) -> None:
        task = self.task
        try:
            group = make_group(
                task.spec, task.tensors, self.seeds, task.execution, self.states or None
            )
            for point in grid_after(task.grid, group.step):
                self._record(group, point)
                if not self.writers:
                    return
        except FAILURES as error:
            if is_out_of_memory(error):
                raise
            for seed in list(self.writers):
                self._fail(seed, error)
            return
        cost = self._cost()
        for seed, writer in self.writers.items():
            _finish(writer, self.tell, group.stopped.get(seed), cost)

    def _cost(self) -> dict[str, float] | None:
        """What one of them took, unless some of it was done before."""
        if not self._is_whole:
            return None
        n, grid = len(self.seeds), self.task.grid
        seconds = (time.monotonic() - self._begun) / n
        about = {"epochs": grid[-1].epoch, "points": len(grid)}
        return {
            "seconds": seconds, "together": n, **about, "input_bytes": self.task.input_bytes
        }  # fmt: skip

    def _record(self, group: Group | Learners, point: GridPoint) -> None:
        # points may lie many epochs apart: what leads to the next one is kept on the way
        records = group.advance_to(point, lambda: self._save_states_if_due(group))
        for seed in [seed for seed in group.diverged if seed in self.writers]:
            self._fail(seed, group.diverged[seed])
        self._commit([record for record in records if record.seed in self.writers])
        if point is not self.task.grid[-1]:
            self._save_states_if_due(group)

    def _commit(self, records: Sequence[EpochPredictions]) -> None:
        """Commit all at once: each mostly waits for the disk, and the waits go by together."""
        known = {r.seed for r in records if self.writers[r.seed].is_committed(r.index)}
        for record, error in zip(records, self._threads.map(self._written, records), strict=True):
            if error is not None:
                self._fail(record.seed, error)
            elif record.seed not in known:
                self.tell("recorded", record.seed, "")

    def _written(self, record: EpochPredictions) -> BaseException | None:
        """Write to the log of a replicate, and return what went wrong."""
        try:
            self.writers[record.seed].write(record)
        except FAILURES as error:
            return error
        return None

    def _save_states_if_due(self, group: Group | Learners) -> None:
        seconds = float(os.environ.get("LEARNORDER_SAVE_STATE_SECONDS", SAVE_STATE_SECONDS))
        due = time.monotonic() - self._saved >= seconds
        if not (due and group.can_be_captured()):
            return
        for seed, state in group.states().items():
            if seed in self.writers:
                about = {**_context(self.task, seed), "step": state.step}
                save_state(self.writers[seed].log, seed, state.arrays, about)
        self._saved = time.monotonic()

    def _fail(self, seed: int, error: BaseException) -> None:
        """Keep in the log why a replicate does not go on, then tell it."""
        writer, reason = self.writers.pop(seed), reason_of(error)
        try:
            if isinstance(error, Diverged):
                writer.fail("diverged", error.epoch, str(error))
                drop_state(writer.log, seed)
            else:
                writer.give_up(reason)
        except FAILURES as second:
            reason = f"{reason} It could not be noted in the log either ({reason_of(second)})"
        self.tell("failed", seed, reason)


def _finish(
    writer: ReplicateWriter,
    tell: Tell,
    stop: Stop | None = None,
    cost: Mapping[str, float] | None = None,
) -> None:
    stopped = None if stop is None else {"epoch": stop.round, "reason": stop.reason}
    try:
        drop_state(writer.log, writer.seed)
        writer.finish(stopped, cost)
    except FAILURES as error:
        tell("failed", writer.seed, reason_of(error))
    else:
        tell("finished", writer.seed, "")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, which PyTorch says in words on the CPU."""
    name, text = type(error).__name__, str(error)
    return isinstance(error, MemoryError) or name == "OutOfMemoryError" or "DefaultCPUAlloc" in text


def reason_of(error: BaseException) -> str:
    """One line for what ended a replicate."""
    if isinstance(error, LearnOrderError):
        return str(error)
    text, name = " ".join(str(error).split()) or "without a message", type(error).__name__
    hint = NO_KEYBOARD if name in ("EOFError", "BdbQuit") else ""
    return f"train: {name}: {text}.{hint}"
