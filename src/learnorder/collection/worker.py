"""A worker process: reads jobs as JSON lines from its parent, answers with events.

Started as ``python -m learnorder.collection.worker SCRATCH``. Whatever user code prints goes to
stderr; stdout belongs to the events. When the parent is gone, so is the worker, at once: only
committed epochs count, so there is nothing to tidy up.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

import torch

from learnorder.collection.prepare import state_context, versions
from learnorder.errors import LearnOrderError
from learnorder.log.resume import drop_state, load_state, save_state
from learnorder.log.writer import ReplicateWriter
from learnorder.training.cost import probe
from learnorder.training.grid import GridPoint, recording_grid
from learnorder.training.inputs import load
from learnorder.training.loop import Diverged, Replicate, TrainingTensors, grid_after
from learnorder.training.spec import TrainingSpec
from learnorder.training.state import ReplicateState

SAVE_STATE_SECONDS = float(os.environ.get("LEARNORDER_SAVE_STATE_SECONDS", "5"))
"""Training time at risk when a process dies; what is lost is trained again, to the same bytes."""

ORPHAN_SECONDS = 0.1
"""The pipe of a killed parent closes a moment before the system gives its children away."""


def main(scratch: Path) -> None:
    """Serve jobs until the parent closes the pipe."""
    events = _take_stdout()
    jobs: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(jobs, scratch), daemon=True).start()
    torch.set_num_threads(1)
    spec = TrainingSpec.from_tables(json.loads((scratch / "spec.json").read_text()))
    tensors = TrainingTensors.from_inputs(load(scratch / "inputs"))
    while (job := jobs.get()) is not None:
        about = {"seed": job["seed"]} if "seed" in job else {}
        try:
            answer = _serve(job, spec, tensors, events)
        except LearnOrderError as error:
            answer = {"event": "failed", "reason": str(error)}
        except Exception as error:
            answer = {"event": "failed", "reason": _one_line(error)}
        _send(events, {**about, **answer})


def _serve(
    job: dict[str, Any], spec: TrainingSpec, tensors: TrainingTensors, events: TextIO
) -> dict[str, Any]:
    if job["job"] == "probe":
        cost = probe(spec, tensors)
        return {"event": "cost", "seconds": cost.seconds, "memory": cost.memory}
    _train(Path(job["log"]), int(job["seed"]), spec, tensors, events)
    return {"event": "finished"}


def _train(
    log: Path, seed: int, spec: TrainingSpec, tensors: TrainingTensors, events: TextIO
) -> None:
    """Train one replicate into the log, from where it stands."""
    grid = recording_grid(spec, tensors.n_train)
    with ReplicateWriter(log, seed, [p.epoch for p in grid], versions()) as writer:
        try:
            _record(writer, grid, spec, tensors, events)
        except Diverged as error:
            writer.fail("diverged", error.epoch, str(error))
            drop_state(log, seed)
            raise
        except Exception as error:
            epoch = grid[min(writer.n_committed, len(grid) - 1)].epoch
            reason = str(error) if isinstance(error, LearnOrderError) else _one_line(error)
            writer.fail("error", epoch, reason)
            raise
        writer.finish()
        drop_state(log, seed)


def _record(
    writer: ReplicateWriter,
    grid: list[GridPoint],
    spec: TrainingSpec,
    tensors: TrainingTensors,
    events: TextIO,
) -> None:
    context = state_context(writer.header.identity)
    state = _kept_state(writer, context, grid)
    replicate = Replicate(spec, tensors, writer.seed, state)
    saved = time.monotonic()
    for point in grid_after(grid, replicate.step):
        known = writer.is_committed(point.index)
        writer.write(replicate.advance_to(point))
        if not known:
            _send(events, {"event": "recorded", "seed": writer.seed})
        due = time.monotonic() - saved >= SAVE_STATE_SECONDS
        if due and replicate.at_epoch_end() and point is not grid[-1]:
            state = replicate.state()
            save_state(writer.log, writer.seed, state.arrays, {**context, "step": state.step})
            saved = time.monotonic()


def _kept_state(
    writer: ReplicateWriter, context: dict[str, str], grid: list[GridPoint]
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
    os.dup2(2, 1)
    return events


def _send(events: TextIO, event: dict[str, Any]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


def _read_jobs(jobs: queue.Queue[dict[str, Any] | None], scratch: Path) -> None:
    """Pass jobs on; when the pipe closes, end the process, whatever it is doing."""
    parent = os.getppid()
    for line in sys.stdin:
        jobs.put(json.loads(line))
    time.sleep(ORPHAN_SECONDS)
    if os.getppid() != parent:
        shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or "without a message"
    return f"train: {type(error).__name__}: {text}."


if __name__ == "__main__":
    main(Path(sys.argv[1]))
