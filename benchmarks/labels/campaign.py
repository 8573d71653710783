"""Train the networks of all settings; what is there stays, and a run that stopped goes on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from benchmarks.labels.noise import NOISES
from benchmarks.labels.settings import (
    EARLY,
    N_FOLDS,
    N_PARTITIONS,
    SETUPS,
    Problem,
    Setup,
    fold_of,
    load,
)
from torch import nn
from torch.nn import functional

import learnorder as lo
from learnorder.collection.processes import ENVIRONMENT

NOISE_SEED = 0

PREDICT_AT_ONCE = 1000

WHOLE, FOLDS = "whole", "folds"
"""Networks trained on all examples, and on all but a fold."""


@dataclass(frozen=True)
class Job:
    """One network."""

    setup: str
    noise: str
    kind: str
    seed: int

    def folder(self, scratch: Path) -> Path:
        """Where what belongs to its setting lies."""
        return scratch / self.setup / self.noise

    def log(self, scratch: Path) -> Path:
        """The log of all networks of its kind."""
        return self.folder(scratch) / f"{self.kind}.zarr"

    def kept(self, scratch: Path) -> Path:
        """What the other methods need of it, and a log has not: probabilities, losses, margins."""
        return self.folder(scratch) / f"{self.kind}-{self.seed}.npz"


def jobs(setups: Iterable[str], n_networks: int) -> Iterator[Job]:
    """All networks of some setups, a setting after the other."""
    for setup in setups:
        for noise in NOISES:
            for seed in range(n_networks):
                yield Job(setup, noise, WHOLE, seed)
            for seed in range(min(n_networks, N_FOLDS * N_PARTITIONS)):
                yield Job(setup, noise, FOLDS, seed)


def train_all(
    scratch: Path, setups: Iterable[str], *, quick: bool, workers: int, n_networks: int
) -> None:
    """Train what is not there yet, and say how far it is."""
    pending = [job for job in jobs(setups, n_networks) if not job.kept(scratch).exists()]
    os.environ.update(ENVIRONMENT)  # of memory and threads, as the product's own workers have it
    processes = ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(1,),
    )
    with processes as pool:
        running = [pool.submit(train, job, scratch, quick) for job in pending]
        for n, done in enumerate(as_completed(running), start=1):
            print(f"{n} of {len(pending)}: {done.result()}", flush=True)


def planted(problem: Problem, noise: str) -> np.ndarray:
    """Labels of a setting, ``(example,)``."""
    return NOISES[noise].of(problem.labels, problem.features, NOISE_SEED)


def train(job: Job, scratch: Path, quick: bool = False) -> str:
    """Train one network, record what it predicts, and keep what the other methods need."""
    setup = SETUPS[job.setup].quick() if quick else SETUPS[job.setup]
    problem = load(setup)
    labels = planted(problem, job.noise)
    held_out = (
        fold_of(len(labels), job.seed) if job.kind == FOLDS else np.zeros(len(labels), dtype=bool)
    )
    job.folder(scratch).mkdir(parents=True, exist_ok=True)
    recorder = lo.Recorder(
        job.log(scratch),
        job.seed,
        {"train": labels},
        ids={"train": problem.ids},
        n_classes=problem.n_classes,
        about={**setup.about(), "noise": job.noise, "trained_on": job.kind},
    )
    before = -1.0 if recorder.last_epoch is None else recorder.last_epoch
    seen = []
    with recorder:
        for epoch, logits in _trained(setup, problem, labels, np.flatnonzero(~held_out), job.seed):
            if epoch > before:
                recorder.record(epoch, "train", logits)
            seen.append(_of_label(logits, torch.from_numpy(labels)))
    last = torch.softmax(logits, dim=1).numpy()
    _write(job.kept(scratch), setup.records, held_out, seen, last)
    return f"{job.setup} {job.noise} {job.kind} {job.seed}"


def _trained(
    setup: Setup, problem: Problem, labels: np.ndarray, trained_on: np.ndarray, seed: int
) -> Iterator[tuple[float, torch.Tensor]]:
    """Train; after each recorded epoch the logits ``(example, class)`` of all examples."""
    torch.manual_seed(seed)
    network = problem.network().to(memory_format=torch.channels_last)
    given = torch.from_numpy(labels)
    optimizer = _optimizer(setup, network)
    positions = torch.from_numpy(trained_on)
    n_batches = -(-len(positions) // setup.batch_size)
    inside = {max(1, round(part * n_batches)): part for part in EARLY}
    for epoch in range(1, setup.epochs + 1):
        batches = positions[torch.randperm(len(positions))].split(setup.batch_size)
        for n, batch in enumerate(batches, start=1):
            optimizer.zero_grad()
            functional.cross_entropy(network(problem.inputs[batch]), given[batch]).backward()
            optimizer.step()
            if epoch == 1 and n in inside:
                yield inside[n], _predicted(network, problem.inputs)
        yield float(epoch), _predicted(network, problem.inputs)


def _optimizer(setup: Setup, network: nn.Module) -> torch.optim.Optimizer:
    if setup.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=setup.learning_rate)
    return torch.optim.SGD(network.parameters(), lr=setup.learning_rate, momentum=0.9)


def _predicted(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    network.eval()
    with torch.no_grad():
        logits = torch.cat([network(part) for part in inputs.split(PREDICT_AT_ONCE)])
    network.train()
    return logits


def _of_label(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, np.ndarray]:
    """What the methods use at one epoch, each ``(example,)``."""
    rows = torch.arange(len(labels))
    probabilities = torch.softmax(logits, dim=1)
    others = logits.clone()
    others[rows, labels] = -torch.inf
    wrong = probabilities.clone()
    wrong[rows, labels] -= 1
    of_epoch = {
        "probability": probabilities[rows, labels],
        "loss": functional.cross_entropy(logits, labels, reduction="none"),
        "margin": logits[rows, labels] - others.max(dim=1).values,
        "error_norm": wrong.norm(dim=1),
        "right": logits.argmax(dim=1) == labels,
    }
    return {name: values.numpy() for name, values in of_epoch.items()}


def _write(
    path: Path,
    records: tuple[float, ...],
    held_out: np.ndarray,
    seen: list[dict[str, np.ndarray]],
    last: np.ndarray,
) -> None:
    arrays = {name: np.stack([of_epoch[name] for of_epoch in seen]) for name in seen[0]}
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, epoch=np.array(records), held_out=held_out, last=last, **arrays)
    os.replace(partial, path)
