"""What a collection will cost, from a short measured probe."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass

import torch

from learnorder.training.grid import recording_grid
from learnorder.training.loop import EVALUATION_BATCH, Replicate, TrainingTensors
from learnorder.training.spec import TrainingSpec

PROBE_SECONDS = 1.0
"""Time given to each half of the probe, training and predicting; at least one batch of each."""


@dataclass(frozen=True)
class ReplicateCost:
    """Measured on one worker: seconds for a whole replicate, peak memory of the worker in bytes."""

    seconds: float
    memory: int


def probe(spec: TrainingSpec, tensors: TrainingTensors) -> ReplicateCost:
    """Train and predict for a moment, and extrapolate to a whole replicate.

    The probe is also the last check before anything is written: what cannot take one step of
    training fails here, with its own reason.
    """
    replicate = Replicate(spec, tensors, seed=0)
    step_seconds = _seconds_per_step(replicate)
    prediction_seconds = _seconds_per_example(replicate)
    grid = recording_grid(spec, tensors.n_train)
    steps = grid[-1].step if grid else 0
    predicted = len(grid) * sum(len(x) for x in tensors.splits.values())
    seconds = steps * step_seconds + predicted * prediction_seconds
    return ReplicateCost(seconds, _peak_memory())


def _seconds_per_step(replicate: Replicate) -> float:
    # the smallest batch comes first: a network that cannot train on it fails before training
    size = replicate.spec.training.batch_size
    n_train = replicate.tensors.n_train
    order, draws = torch.arange(n_train), replicate.draws(epoch=0)
    replicate.network.train()
    with torch.random.fork_rng(devices=[]):
        replicate.take_step(order[n_train - (n_train % size or size) :], draws)
        replicate.take_step(order[:size], draws)
        taken, start = 0, time.perf_counter()
        while time.perf_counter() - start < PROBE_SECONDS:
            replicate.take_step(order[:size], draws)
            taken += 1
        return (time.perf_counter() - start) / taken


def _seconds_per_example(replicate: Replicate) -> float:
    inputs = replicate.tensors.splits["train"][:EVALUATION_BATCH]
    replicate.network.eval()
    predicted, start = 0, time.perf_counter()
    with torch.inference_mode():
        while predicted == 0 or time.perf_counter() - start < PROBE_SECONDS:
            replicate.network(inputs)
            predicted += len(inputs)
    return (time.perf_counter() - start) / predicted


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
