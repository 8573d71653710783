"""Which executor trains a collection, and how many replicates side by side.

To add one: write it beside the others after `contract.Executor`, and enter it in the table here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from learnorder.errors import LearnOrderError
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors import grouped, vmapped
from learnorder.training.executors.contract import Executor
from learnorder.training.executors.grouped import Grouped
from learnorder.training.executors.recording import evaluation_parts
from learnorder.training.executors.sequential import Sequential
from learnorder.training.executors.vmapped import Vmapped
from learnorder.training.networks import initial_network
from learnorder.training.spec import TrainingSpec

PROBE_SECONDS: Final = 0.7
"""Training time given to each executor where a measurement decides."""


@dataclass(frozen=True)
class _Entry:
    """An executor: how many replicates side by side it usually takes, and what it cannot train."""

    make: Callable[[TrainingSpec, TrainingTensors, Sequence[int], Execution], Executor]
    width: int
    unsupported: Callable[[TrainingSpec, nn.Module], str | None]


_TABLE: Final = {
    "sequential": _Entry(Sequential, 1, lambda spec, network: None),
    "grouped": _Entry(Grouped, grouped.USUAL_WIDTH, grouped.unsupported),
    "vmap": _Entry(Vmapped, vmapped.USUAL_WIDTH, vmapped.unsupported),
}


def make_executor(
    spec: TrainingSpec, tensors: TrainingTensors, seeds: Sequence[int], execution: Execution
) -> Executor:
    """Return the executor, with the networks of these seeds before training."""
    return _TABLE[execution.executor].make(spec, tensors, seeds, execution)


def settle(spec: TrainingSpec, tensors: TrainingTensors) -> Execution:
    """Choose how a new collection is trained, by what the spec wishes, a rule, or a measurement.

    Raises
    ------
    LearnOrderError
        The wished executor cannot train this network, or not so many side by side.
    """
    network, wish = initial_network(spec, tensors.inputs, 0), spec.execution
    usual = Execution.of(spec)
    if wish.executor in _TABLE:
        chosen = _of(wish.executor, spec, usual)
        _refuse_unsupported(chosen, spec, network)
        if not slots_agree(spec, tensors, chosen):
            raise LearnOrderError(
                f"train: execution.executor = {wish.executor!r} gives a replicate other bytes in "
                "another place of its group, on this machine and network. A replicate does not "
                "depend on its neighbours. Use execution.executor = 'sequential'."
            )
        return chosen
    able = [_of(n, spec, usual) for n, e in _TABLE.items() if e.unsupported(spec, network) is None]
    able = [execution for execution in able if _has_wished_width(execution, spec)]
    if not able:
        raise _no_such_width(spec)
    if wish.executor == "probe" or wish.device != "cpu":
        able.sort(key=lambda execution: _seconds_per_step(spec, tensors, execution))
    else:
        # a rule from measurements: small dense networks pay for being grouped, others do not
        usually = "grouped" if grouped.worthwhile(network) else "sequential"
        able.sort(key=lambda execution: execution.executor != usually)
    return next(execution for execution in able if slots_agree(spec, tensors, execution))


def _of(name: str, spec: TrainingSpec, usual: Execution) -> Execution:
    return Execution(
        name, spec.execution.width or _TABLE[name].width, usual.precision, usual.device
    )


def _has_wished_width(execution: Execution, spec: TrainingSpec) -> bool:
    return execution.executor != "sequential" or execution.width == 1


def _refuse_unsupported(execution: Execution, spec: TrainingSpec, network: nn.Module) -> None:
    reason = _TABLE[execution.executor].unsupported(spec, network)
    if reason is not None:
        raise LearnOrderError(
            f"train: execution.executor = {execution.executor!r} cannot train the network of "
            f"{spec.architecture.name!r}, because {reason}. Use execution.executor = 'auto'."
        )
    if not _has_wished_width(execution, spec):
        raise _no_such_width(spec)


def _no_such_width(spec: TrainingSpec) -> LearnOrderError:
    return LearnOrderError(
        f"train: execution.width = {spec.execution.width}, and the network of "
        f"{spec.architecture.name!r} is trained one replicate at a time. Leave execution.width out."
    )


def slots_agree(spec: TrainingSpec, tensors: TrainingTensors, execution: Execution) -> bool:
    """Whether a replicate gets the same bytes in every place and beside any neighbours.

    Tried here, on this network and batch size: libraries may compute the same product otherwise
    where its numbers lie elsewhere in memory.
    """
    if execution.width == 1:
        return True
    size, n_train = spec.training.batch_size, tensors.n_train
    alike = make_executor(spec, tensors, [0] * execution.width, execution)
    among_others = make_executor(spec, tensors, list(range(execution.width)), execution)
    device = tensors.labels["train"].device
    for executor in (alike, among_others):
        with executor.epoch(0, 0):
            for positions in torch.split(torch.arange(n_train, device=device), size)[-2:]:
                executor.step(positions.expand(execution.width, -1))
    expected = alike.capture(0)
    captured = [alike.capture(slot) for slot in range(1, execution.width)]
    for arrays in (*captured, among_others.capture(0)):
        if any(not np.array_equal(arrays[k], expected[k], equal_nan=True) for k in expected):
            return False
    return _evaluated_alike(alike, tensors)


def _evaluated_alike(alike: Executor, tensors: TrainingTensors) -> bool:
    """Whether all slots, which hold one network, give the same logits, in whole and cut batches."""
    with alike.evaluation(0):
        for split in tensors.splits:
            parts = list(evaluation_parts(tensors, split))
            for part in parts[:1] + parts[-1:]:
                logits = alike.logits(split, part)
                if not torch.equal(logits, logits[:1].expand_as(logits)):
                    return False
    return True


def _seconds_per_step(spec: TrainingSpec, tensors: TrainingTensors, execution: Execution) -> float:
    """Measured time of a step, for one replicate."""
    executor = make_executor(spec, tensors, list(range(execution.width)), execution)
    device = tensors.labels["train"].device
    positions = torch.arange(spec.training.batch_size, device=device).expand(execution.width, -1)
    with executor.epoch(0, 0):
        executor.step(positions)
        executor.finite_losses()
        taken, start = 0, time.perf_counter()
        while time.perf_counter() - start < PROBE_SECONDS:
            executor.step(positions)
            executor.finite_losses()  # waits for the device
            taken += 1
    return (time.perf_counter() - start) / taken / execution.width
