"""What a collection will cost, from a short measured probe."""

from __future__ import annotations

import contextlib
import gc
import re
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from learnorder.training import batch_norm
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.choice import settle
from learnorder.training.grid import recording_grid
from learnorder.training.learners.cost import estimate
from learnorder.training.learners.replicates import find_learner
from learnorder.training.loop import Group
from learnorder.training.networks import check_reproducible, initial_network
from learnorder.training.spec import TrainingSpec

PREDICTED = 1000
"""Examples predicted at a time by the probe."""

PROBE_SECONDS = 0.5
"""Time given to each half of the probe, training and predicting; at least one batch of each, and
no more of them than a whole group takes."""


@dataclass(frozen=True)
class GroupCost:
    """Measured on one worker: seconds for a whole group, peak memory of the worker in bytes."""

    seconds: float
    memory: int


def probe(
    spec: TrainingSpec, tensors: TrainingTensors, kept: Execution | None
) -> tuple[Execution, GroupCost]:
    """Settle how to train, train and predict for a moment, and extrapolate to a whole group.

    The probe is also the last check before anything is written: what cannot take one step of
    training fails here, with its own reason.

    Parameters
    ----------
    spec, tensors
        What to train, on what.
    kept
        How the log is trained already; None for a new one.
    """
    if spec.architecture.is_learner:
        return kept or Execution.of(spec), _cost_of_learner(spec, tensors)
    check_reproducible(spec, tensors.inputs)
    batch_norm.check(spec, initial_network(spec, tensors.inputs, 0), tensors.n_train)
    execution = kept or settle(spec, tensors)
    _forget_peak_memory()
    group = Group(spec, tensors, list(range(execution.width)), execution)
    grid = recording_grid(spec, tensors.n_train)
    step_seconds = _seconds_per_step(group, grid[-1].step)
    prediction_seconds = _seconds_to_predict(group, len(grid))
    seconds = grid[-1].step * step_seconds + len(grid) * prediction_seconds
    return execution, GroupCost(seconds, _peak_memory())


def _cost_of_learner(spec: TrainingSpec, tensors: TrainingTensors) -> GroupCost:
    """Extrapolate time and memory from the share of the examples that is tried."""
    find_learner(spec)  # loaded once, so no part of what grows with the examples
    _forget_peak_memory()
    before = _peak_memory()
    seconds, share = estimate(spec, tensors)
    return GroupCost(seconds, before + round((_peak_memory() - before) / share))


def _seconds_per_step(group: Group, n_steps: int) -> float:
    # the smallest batch comes first: a network that cannot train on it fails before training
    size, n_train = group.spec.training.batch_size, group.tensors.n_train
    positions = torch.arange(n_train, device=group.tensors.labels["train"].device)
    positions = positions.expand(len(group.seeds), -1)
    with group.executor.epoch(0, 0):
        group.executor.step(positions[:, n_train - (n_train % size or size) :])
        group.executor.step(positions[:, :size])
        group.executor.finite_losses()
        taken, start = 0, time.perf_counter()
        while taken == 0 or (taken < n_steps and time.perf_counter() - start < PROBE_SECONDS):
            group.executor.step(positions[:, :size])
            group.executor.finite_losses()  # waits for the device
            taken += 1
        return (time.perf_counter() - start) / taken


def _seconds_to_predict(group: Group, times: int) -> float:
    """Time to predict every split once, extrapolated from a part of it where that takes long."""
    n_examples = sum(len(inputs) for inputs in group.tensors.splits.values())
    most = n_examples * times
    part = slice(0, min(PREDICTED, group.tensors.n_train))
    batch = group.execution.evaluation_batch
    predicted, start = 0, time.perf_counter()
    while predicted == 0 or (predicted < most and time.perf_counter() - start < PROBE_SECONDS):
        with group.executor.evaluation(0):
            for first in range(0, part.stop, batch):
                group.executor.logits("train", slice(first, first + batch)).cpu()
        predicted += part.stop
    return (time.perf_counter() - start) / predicted * n_examples


def _forget_peak_memory() -> None:
    """Let the peak begin anew: what was tried before is no part of training."""
    gc.collect()
    with contextlib.suppress(OSError):  # elsewhere than on Linux, or not allowed: a little too much
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes.

    Not ``ru_maxrss`` where there is another way: on Linux it begins with the peak of the process
    that started this one.
    """
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text()
        if found := re.search(r"^VmHWM:\s+(\d+) kB", status, re.M):
            return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
