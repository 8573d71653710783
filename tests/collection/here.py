"""Training in this process, as a worker does it, for tests that are not about processes."""

from __future__ import annotations

from learnorder.collection import worker
from learnorder.collection.group import FAILURES, Task, reason_of, train_group
from learnorder.collection.pool import Pool
from learnorder.collection.prepare import prepare
from learnorder.errors import LearnOrderError
from learnorder.log.creation import create_log, is_vacant, plan_replicates
from learnorder.training.data import TrainingTensors
from learnorder.training.device import make_deterministic
from learnorder.training.execution import Execution
from learnorder.training.grid import recording_grid


def train_here(path, spec, dataset, seeds, execution=None):
    """Train as one worker does, in this process: a fraction of the time; return the events."""
    make_deterministic("cpu")
    prepared = prepare(spec, dataset)
    tensors = TrainingTensors.from_inputs(prepared.encoded())
    execution = execution or Execution.of(prepared.spec)
    if is_vacant(path):
        create_log(path, prepared.new_log(execution))
    plan_replicates(path, seeds)
    grid, events = recording_grid(prepared.spec, tensors.n_train), []
    task = Task(prepared.spec, prepared.identity, tensors, grid, execution)
    for first in range(0, len(seeds), execution.width):
        group = list(seeds)[first : first + execution.width]
        train_group(path, group, task, lambda *event: events.append(event))
    return events


class ProbesHere(Pool):
    """Has no workers and probes in this process, which takes a fraction of the time."""

    def __init__(self, spec, identity, scratch, n_workers):
        super().__init__(spec, identity, scratch, 0)
        self.n_workers = n_workers

    def probe(self, kept, tell):
        about = {"job": "probe", "execution": kept.to_json() if kept else None}
        try:
            found = worker._serve(about, worker.Given.read(self._scratch), None)
        except FAILURES as error:
            raise LearnOrderError(reason_of(error)) from error
        return Execution.from_json(found["execution"]), (found["seconds"], found["memory"])
