"""Kill real training at random moments, and look at the log after every kill.

Run as ``python kill_training.py FOLDER SIGKILL=500 SIGINT=50``: imports torch once, on one thread,
then forks a process for each training. Prints its counts as JSON on the last line.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from forks import INTERRUPTED, Child, fork
from promises import FINISHED, examine
from tally import SEED, Counts

SEEDS = range(4)
"""Replicates of one log; when all are finished, another log is begun."""

SPEC = {
    "dataset": {"name": "digits", "train_limit": 200, "test_limit": 100},
    "architecture": {"name": "mlp"},
    "optimizer": {"name": "adam", "learning_rate": 0.003},
    "recording": {"early": "log", "initial": True},
    "training": {"epochs": 5, "batch_size": 25},
}


@dataclass
class Campaign:
    """What is trained, what it gives undisturbed, and what has been acknowledged so far."""

    folder: Path
    signal: signal.Signals = signal.SIGKILL
    moments: random.Random = field(default_factory=lambda: random.Random(SEED))
    counts: Counts = field(default_factory=Counts)
    acknowledged: list[tuple[int, int]] = field(default_factory=list)
    n_logs: int = 0

    def __post_init__(self) -> None:
        import torch

        from learnorder.collection.group import Task
        from learnorder.collection.prepare import prepare
        from learnorder.training.data import TrainingTensors
        from learnorder.training.execution import Execution
        from learnorder.training.grid import recording_grid
        from learnorder.training.loop import train_replicate
        from learnorder.training.spec import TrainingSpec

        torch.set_num_threads(1)
        self.prepared = prepare(TrainingSpec.from_tables(SPEC), None)
        tensors = TrainingTensors.from_inputs(self.prepared.encoded())
        grid = recording_grid(self.prepared.spec, tensors.n_train)
        self.task = Task(self.prepared.spec, self.prepared.identity, tensors, grid, Execution())
        # the truth comes from training alone, which knows no log
        trained = {seed: list(train_replicate(self.task.spec, tensors, seed)) for seed in SEEDS}
        self.truth = lambda seed, position: trained[seed][position].predictions
        self.new_log()
        start = time.monotonic()
        child = self.train(0)
        assert child.wait() == 0
        self.duration = time.monotonic() - start
        self.new_log()

    def new_log(self) -> None:
        """Leave the log, which is as it should be, for an empty one."""
        from learnorder.log.creation import create_log
        from learnorder.training.execution import Execution

        shutil.rmtree(self.folder / f"{self.n_logs}.zarr", ignore_errors=True)
        self.n_logs += 1
        self.log = self.folder / f"{self.n_logs}.zarr"
        create_log(self.log, self.prepared.new_log(Execution()))
        self.acknowledged, self.unfinished = [], list(SEEDS)

    def train(self, seed: int) -> Child:
        """Train a replicate in a process of its own, from where it stands."""
        return fork(lambda acknowledge: _train(self.log, seed, self.task, acknowledge))

    def disturb(self) -> None:
        """Train one or two replicates at once, kill each at its moment, and look."""
        n = self.moments.randint(1, min(2, len(self.unfinished)))
        seeds = self.moments.sample(self.unfinished, n)
        moments = sorted(self.moments.uniform(0, 1.1 * n * self.duration) for _ in seeds)
        start = time.monotonic()
        children = {seed: self.train(seed) for seed in seeds}
        codes = {}
        for moment, (seed, child) in zip(moments, children.items(), strict=True):
            time.sleep(max(0.0, start + moment - time.monotonic()))
            child.send(self.signal)
            codes[seed] = child.wait()
            self.acknowledged += child.acknowledged
            self.counts.acknowledged += len(child.acknowledged)
        self.look(f"killed after {moments}")
        for seed, code in codes.items():
            self.counts.kills += code != 0
            if code == 0:
                self.unfinished.remove(seed)
            elif code not in (-self.signal, INTERRUPTED):
                self.counts.broken.append(f"training ended with {code}")
        if not self.unfinished:
            self.new_log()

    def look(self, what: str) -> None:
        """Hold the log against what was acknowledged and against the truth."""
        epochs = [point.epoch for point in self.task.grid]
        self.counts.add(examine(self.log, self.truth, epochs, self.acknowledged), what)


def _train(log: Path, seed: int, task: object, acknowledge: Callable[[int, int], None]) -> None:
    """Do the work of a worker process; acknowledge as soon as the log says it is safe."""
    from learnorder.collection import group
    from learnorder.log.writer import ReplicateWriter

    class Acknowledging(ReplicateWriter):
        def write(self, record: object) -> None:
            super().write(record)
            acknowledge(seed, record.index)

        def finish(self, *about: object) -> None:
            super().finish(*about)
            acknowledge(seed, FINISHED)

    group.ReplicateWriter = Acknowledging
    group.SAVE_STATE_SECONDS = 0.0
    try:
        group.train_group(log, [seed], task, lambda *_: None)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def main(folder: Path, kills: Mapping[str, int]) -> None:
    """Kill training by each signal so many times."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    campaign, found = Campaign(Path(tempfile.mkdtemp(dir=folder))), {}
    for name, number in kills.items():
        campaign.counts, start = Counts(), time.monotonic()
        campaign.signal = signal.Signals[name]
        while campaign.counts.kills < number:
            campaign.disturb()
        campaign.counts.seconds = time.monotonic() - start
        found[name] = asdict(campaign.counts)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    pairs = (word.split("=") for word in sys.argv[2:])
    main(Path(sys.argv[1]), {name: int(number) for name, number in pairs})
