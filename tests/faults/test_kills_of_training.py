"""Training that is killed at any moment goes on to the same bytes and has lost nothing."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from promises import FINISHED, Findings, examine, seen
from tally import LONG, SEED, Counts, part
from tests.processes import is_alive

HERE = Path(__file__).parent
KILLS = {"SIGKILL": (8, 500), "SIGTERM": (2, 50), "SIGINT": (2, 50)}
"""How many in the quick form and in the long one."""


def test_real_training_killed_at_random_moments_loses_nothing(tmp_path):
    wanted = {name: kills[LONG] for name, kills in KILLS.items()}
    done = subprocess.run(
        [sys.executable, HERE / "kill_training.py", tmp_path,
         *(f"{name}={number}" for name, number in wanted.items())],
        stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "LEARNORDER_FAULTS_SEED": str(SEED)},
    )  # fmt: skip
    for name, found in json.loads(done.stdout.splitlines()[-1]).items():
        with part(f"training, {name}") as counts:
            counts.merge(found)
            assert counts.kills >= wanted[name]


SPEC = f"""
[dataset]
name = "digits"
train_limit = 400
test_limit = 200
[architecture]
name = "mlp"
[training]
epochs = {40 if LONG else 15}
batch_size = 25
"""
SEEDS = range(3 if LONG else 2)
HOW = {
    "everything": signal.SIGKILL,
    "worker": signal.SIGKILL,
    "server": signal.SIGKILL,
    "command": signal.SIGKILL,
    "SIGINT": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
}
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Write the spec; return it with what it gives undisturbed, which no log has touched."""
    from learnorder.collection.prepare import prepare
    from learnorder.training.data import TrainingTensors
    from learnorder.training.loop import train_replicate
    from learnorder.training.spec import TrainingSpec

    spec = tmp_path_factory.mktemp("spec") / "spec.toml"
    spec.write_text(SPEC)
    prepared = prepare(TrainingSpec.from_toml(spec), None)
    tensors = TrainingTensors.from_inputs(prepared.encoded())
    trained = {s: list(train_replicate(prepared.spec, tensors, s)) for s in SEEDS}
    epochs = [record.epoch for record in trained[0]]
    return spec, epochs, lambda seed, position: trained[seed][position].predictions


class Command:
    """``learnorder train`` with two workers, as a person would start it."""

    def __init__(self, spec: Path, log: Path) -> None:
        self.log = log
        # a shell in the background would leave Ctrl-C ignored
        self.process = subprocess.Popen(
            [sys.executable, "-m", "learnorder", "train", spec, "--out", log, "--workers", "2",
             "--seeds", f"0:{len(SEEDS)}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "LEARNORDER_SAVE_STATE_SECONDS": "0.1"},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip

    def servers(self) -> list[int]:
        """Process id of what workers are forked from, once it is there."""
        return _children(self.process.pid)

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return [worker for server in self.servers() for worker in _children(server)]

    def wait_for_commit(self, n: int) -> None:
        """Wait until a reader sees so many more epochs than now, or it has ended."""
        enough = self._n_seen() + n
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None and self._n_seen() < enough:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _n_seen(self) -> int:
        return len(seen(self.log)) if (self.log / "zarr.json").exists() else 0

    def kill(self, how: str) -> str:
        """Kill a part of it, or all; return what it said, once it has ended with its workers."""
        servers, workers = self.servers(), self.workers()
        one = {"worker": workers, "server": servers}.get(how)
        if one:
            os.kill(one[0], HOW[how])
            return self.wait()
        others = [*servers, *workers]
        for pid in others if how == "everything" else []:
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, HOW[how])
        self.process.send_signal(HOW[how])
        said = self.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(is_alive(pid) for pid in others):
            assert time.monotonic() < deadline, "a worker outlives the command"
            time.sleep(0.02)
        return said

    def wait(self) -> str:
        """Wait for its end and return what it said."""
        return self.process.communicate(timeout=PATIENCE_SECONDS)[1]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find workers")
def test_real_command_killed_in_any_way_loses_nothing(tmp_path, expected):
    spec, epochs, truth = expected
    rounds = list(HOW) * 4 if LONG else ["everything", "worker", "server"]
    moments = random.Random(SEED)
    with part("training by command") as counts:
        log, number = tmp_path / "0.zarr", 0
        for how in rounds:
            if log.exists() and len(seen(log)) == len(SEEDS) * (len(epochs) + 1):
                number += 1
                log = tmp_path / f"{number}.zarr"
            acknowledged = _disturb(counts, Command(spec, log), how, moments)
            findings = examine(log, truth, epochs, acknowledged, ahead=None)
            counts.add(findings, f"{how} killed")
        last = Command(spec, log)
        said = last.wait()
        assert last.process.returncode == 0, said
        everything = {(seed, p) for seed in SEEDS for p in (FINISHED, *range(len(epochs)))}
        counts.add(examine(log, truth, epochs, everything), "in the end")


def _disturb(
    counts: Counts, command: Command, how: str, moments: random.Random
) -> set[tuple[int, int]]:
    """Kill a command at a moment of its training; return what a reader had seen before."""
    try:
        command.wait_for_commit(moments.randint(1, 20))
        acknowledged = seen(command.log)
        counts.kills += 1
        counts.acknowledged += len(acknowledged)
        said = command.kill(how)
    finally:
        command.process.kill()
    code = command.process.wait()
    ended = {"worker": (0,), "server": (0,), "SIGINT": (1, 0)}.get(how, (-HOW[how], 0))
    interrupted = "interrupted. Every recorded epoch is safe" in said
    if code not in ended or (code == 1 and not interrupted) or "Traceback" in said:
        words = f"the command ended with {code}: {said[-300:]}"
        counts.add(Findings(wrong=[words]), how)
    return acknowledged
