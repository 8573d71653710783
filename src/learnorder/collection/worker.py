"""A worker process: reads jobs as JSON lines from its parent, answers with events.

Started as ``python -m learnorder.collection.worker SCRATCH``. Whatever user code prints goes to
stderr; stdout belongs to the events. When the parent is gone, so is the worker, at once, and the
scratch folder with it: only committed epochs count.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

import torch

from learnorder.collection.prepare import state_context, versions
from learnorder.errors import LearnOrderError
from learnorder.log.location import from_address
from learnorder.log.resume import drop_state, load_state, save_state
from learnorder.log.writer import ReplicateWriter
from learnorder.training.cost import probe
from learnorder.training.grid import GridPoint, grid_after, recording_grid
from learnorder.training.inputs import load
from learnorder.training.loop import Diverged, Replicate, TrainingTensors
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import ReplicateState

SAVE_STATE_SECONDS = float(os.environ.get("LEARNORDER_SAVE_STATE_SECONDS", "5"))
"""Training time at risk when a process dies; what is lost is trained again, to the same bytes."""

FAILURES = (Exception, SystemExit)
"""What a network of one's own may raise; a `sys.exit` in it ends the replicate, not the worker."""

_ending = threading.Lock()
"""Held by what ends the process, so that nothing else ends it before that is done."""


@dataclass(frozen=True)
class Task:
    """What this worker trains: the same for each of its replicates."""

    spec: TrainingSpec
    identity: str
    tensors: TrainingTensors
    grid: list[GridPoint]

    @classmethod
    def read(cls, scratch: Path) -> Task:
        """Read what the parent has put there."""
        content = json.loads((scratch / "task.json").read_text())
        spec = TrainingSpec.from_tables(content["spec"])
        tensors = TrainingTensors.from_inputs(load(scratch / "inputs"))
        return cls(spec, content["identity"], tensors, recording_grid(spec, tensors.n_train))


def main(scratch: Path) -> NoReturn:
    """Serve jobs until the parent closes the pipe."""
    try:
        _serve_jobs(scratch)
    except BaseException:
        traceback.print_exc()
        with _ending:
            os._exit(1)


def _serve_jobs(scratch: Path) -> NoReturn:
    events = _take_stdout()
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(jobs, scratch), daemon=True).start()
    torch.set_num_threads(1)
    task = Task.read(scratch)
    while True:
        job = jobs.get()
        about = {"seed": job["seed"]} if "seed" in job else {}
        try:
            answer = _serve(job, task, events)
        except FAILURES as error:
            answer = {"event": "failed", "reason": _reason(error)}
        _send(events, {**about, **answer})


def _serve(job: dict[str, Any], task: Task, events: TextIO) -> dict[str, Any]:
    if job["job"] == "probe":
        cost = probe(task.spec, task.tensors)
        return {"event": "cost", "seconds": cost.seconds, "memory": cost.memory}
    claim = {"take_over": job["take_over"], "token": job["token"]}
    _train(from_address(job["log"]), int(job["seed"]), task, events, **claim)
    return {"event": "finished"}


def _train(log: Path, seed: int, task: Task, events: TextIO, **claim: Any) -> None:
    """Train one replicate into the log, from where it stands."""
    epochs = [point.epoch for point in task.grid]
    with ReplicateWriter(log, seed, epochs, versions(), task.identity, **claim) as writer:
        if writer.n_committed < len(epochs):
            _train_missing(writer, task, events)
        drop_state(log, seed)
        writer.finish()


def _train_missing(writer: ReplicateWriter, task: Task, events: TextIO) -> None:
    """Train and record; what goes wrong is kept in the log before it is raised."""
    try:
        _record(writer, task, events)
    except Diverged as error:
        writer.fail("diverged", error.epoch, str(error))
        drop_state(writer.log, writer.seed)
        raise
    except FAILURES as error:
        # finished on a shorter grid, it stays so: what it has committed is as good as before
        if not writer.attempt.is_finished:
            epoch = task.grid[min(writer.n_committed, len(task.grid) - 1)].epoch
            writer.fail("error", epoch, _reason(error))
        raise


def _record(writer: ReplicateWriter, task: Task, events: TextIO) -> None:
    grid, context = task.grid, state_context(task.identity, writer.seed)
    state = _kept_state(writer, context, grid)
    replicate = Replicate(task.spec, task.tensors, writer.seed, state)
    saved = time.monotonic()
    for point in grid_after(grid, replicate.step):
        known = writer.is_committed(point.index)
        writer.write(replicate.advance_to(point))
        if not known:
            _send(events, {"event": "recorded", "seed": writer.seed})
        due = time.monotonic() - saved >= SAVE_STATE_SECONDS
        if due and replicate.can_be_captured() and point is not grid[-1]:
            state = replicate.state()
            save_state(writer.log, writer.seed, state.arrays, {**context, "step": state.step})
            saved = time.monotonic()


def _kept_state(
    writer: ReplicateWriter, context: dict[str, Any], grid: list[GridPoint]
) -> ReplicateState | None:
    """Return a state of these very versions that is not ahead of what is committed."""
    kept = load_state(writer.log, writer.seed)
    if kept is None:
        return None
    arrays, about = kept
    step = int(about.pop("step", 0))
    behind = all(writer.is_committed(p.index) for p in grid if p.step <= step)
    same = {k: about.get(k) for k in context} == context
    return ReplicateState(step, arrays) if behind and same else None


def _take_stdout() -> TextIO:
    """Keep stdout for the events and send what anybody prints to stderr."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # the parent sees this process end when the pipe closes, so no child of it may hold the pipe
    os.register_at_fork(after_in_child=lambda: os.close(events.fileno()))
    os.dup2(2, 1)
    return events


def _send(events: TextIO, event: dict[str, Any]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


def _read_jobs(jobs: queue.Queue[dict[str, Any]], scratch: Path) -> None:
    """Pass jobs on; when the pipe closes, end the process, whatever it is doing."""
    for line in sys.stdin:
        jobs.put(json.loads(line))
    with _ending:
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(0)


def _reason(error: BaseException) -> str:
    """One line for what ended a replicate."""
    if isinstance(error, LearnOrderError):
        return str(error)
    text = " ".join(str(error).split()) or "without a message"
    return f"train: {type(error).__name__}: {text}."


if __name__ == "__main__":
    main(Path(sys.argv[1]))
