"""Training in this process, as a worker does it, for tests that are not about processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np

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

PATIENCE_SECONDS = 120

DRIVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import learnorder as lo
arrays = np.load(sys.argv[2])
data = lo.Dataset.from_arrays(*(arrays[k] for k in ("x", "y", "xt", "yt")))
spec = lo.TrainingSpec.from_tables(json.loads(sys.argv[3]))
engine = getattr(lo, sys.argv[5])(**json.loads(sys.argv[6]))
seeds = json.loads(sys.argv[7])
result = lo.train_collection(spec, seeds, out=sys.argv[4], dataset=data, engine=engine)
assert not result.failed, result.failed
"""


def start_driver(folder, networks, dataset, spec, out, engine, seeds, stderr):
    """Train by an engine, its name and arguments, in a process that Ctrl-C reaches."""
    arrays = folder / "data.npz"
    x, y = dataset.train, dataset.test
    np.savez(arrays, x=x.inputs, y=x.examples.labels, xt=y.inputs, yt=y.examples.labels)
    name, arguments = engine
    about = (json.dumps(spec.resolved()), out, name, json.dumps(arguments), json.dumps(list(seeds)))
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, networks, arrays, *about],
        stderr=stderr, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def n_committed(path):
    """Committed epochs of all replicates."""
    return sum(1 for _ in path.glob("**/commits/test/*.json"))


def wait_until(what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not come to it"
        time.sleep(0.05)


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
