"""A worker process: reads jobs as JSON lines from its parent, answers with events.

Started as ``python -m learnorder.collection.worker SCRATCH``. Whatever user code prints goes to
stderr, and it can read nothing; stdout belongs to the events, stdin to the jobs. When the parent is
gone, so is the worker, at once, and the scratch folder with it: only committed epochs count.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TextIO

from learnorder.collection.engines.node_inputs import is_of_node, remove_unused
from learnorder.collection.group import (
    FAILURES,
    Task,
    is_out_of_memory,
    reason_of,
    train_group,
)
from learnorder.collection.pool import NO_MEMORY
from learnorder.collection.processes import LEAVE
from learnorder.log.location import from_address
from learnorder.training.cost import probe
from learnorder.training.data import TrainingTensors
from learnorder.training.device import make_deterministic
from learnorder.training.execution import Execution
from learnorder.training.grid import recording_grid
from learnorder.training.inputs import load
from learnorder.training.plain_optimizers import spare_compiler
from learnorder.training.spec import TrainingSpec

_ending = threading.Lock()
"""Held by what ends the process, so that nothing else ends it before that is done."""


@dataclass(frozen=True)
class Given:
    """What the parent has put into the scratch folder."""

    spec: TrainingSpec
    identity: str
    tensors: TrainingTensors

    @classmethod
    def read(cls, scratch: Path) -> Given:
        """Read it; the arrays are shared with the other workers."""
        content = json.loads((scratch / "task.json").read_text())
        spec = TrainingSpec.from_tables(content["spec"])
        make_deterministic(spec.execution.device)
        tensors = TrainingTensors.from_inputs(load(scratch / "inputs"), spec.execution.device)
        return cls(spec, content["identity"], tensors)

    def settled(self, kept: Mapping[str, Any]) -> Execution:
        """Return how the log is trained, on the device that is asked for here."""
        return replace(Execution.from_json(kept), device=self.spec.execution.device)

    def task(self, execution: Execution) -> Task:
        """Return what is trained, now that it is settled how."""
        grid = recording_grid(self.spec, self.tensors.n_train)
        return Task(self.spec, self.identity, self.tensors, grid, execution)


def main(scratch: Path) -> NoReturn:
    """Serve jobs until the parent closes the pipe."""
    try:
        _serve_jobs(scratch)
    except BaseException as error:
        # what this process holds is freed by its end; the parent decides who goes on
        lacks_memory = is_out_of_memory(error)
        if lacks_memory:
            sys.stderr.write(f"{reason_of(error)}\n")
        else:
            traceback.print_exc()
        sys.stderr.flush()
        with _ending:
            os._exit(NO_MEMORY if lacks_memory else 1)


def _serve_jobs(scratch: Path) -> NoReturn:
    events, lines = _take_stdout(), _take_stdin()
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(lines, jobs, scratch), daemon=True).start()
    spare_compiler()
    given = Given.read(scratch)
    while True:
        job = jobs.get()
        try:
            answer = _serve(job, given, events)
        except FAILURES as error:
            if is_out_of_memory(error):
                raise
            answer = {"event": "refused", "reason": reason_of(error)}
        _send(events, answer)


def _serve(job: dict[str, Any], given: Given, events: TextIO) -> dict[str, Any]:
    if job["job"] == "probe":
        kept = given.settled(job["execution"]) if job["execution"] else None
        execution, cost = probe(given.spec, given.tensors, kept)
        about = {"seconds": cost.seconds, "memory": cost.memory}
        return {"event": "cost", "execution": execution.to_json(), **about}

    def tell(event: str, seed: int, reason: str) -> None:
        _send(events, {"event": event, "seed": seed, "reason": reason})

    claim = {"take_over": job["take_over"], "token": job["token"]}
    task = given.task(given.settled(job["execution"]))
    train_group(from_address(job["log"]), job["seeds"], task, tell, **claim)
    return {"event": "idle"}


def _take_stdout() -> TextIO:
    """Keep stdout for the events and send what anybody prints to stderr."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # the parent sees this process end when the pipe closes, so no child of it may hold the pipe
    os.register_at_fork(after_in_child=lambda: os.close(events.fileno()))
    os.dup2(2, 1)
    return events


def _take_stdin() -> TextIO:
    """Keep stdin for the jobs and let anybody who reads it find its end."""
    lines = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return lines


def _send(events: TextIO, event: dict[str, Any]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


def _read_jobs(lines: TextIO, jobs: queue.Queue[dict[str, Any]], scratch: Path) -> None:
    """Pass jobs on; when the pipe closes, end the process, whatever it is doing."""
    for line in lines:
        job = json.loads(line)
        if job["job"] == LEAVE:
            os._exit(0)
        jobs.put(job)
    with _ending:
        inputs = (scratch / "inputs").resolve()
        shutil.rmtree(scratch, ignore_errors=True)
        if is_of_node(inputs):
            remove_unused(inputs)
        os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
