"""Which executor trains a collection, and how many replicates side by side.

To add one: write it beside the others after `contract.Executor`, and enter it in the table here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
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
from learnorder.training.executors.recording import evaluation_parts, of_label
from learnorder.training.executors.sequential import Sequential
from learnorder.training.executors.vmapped import Vmapped
from learnorder.training.networks import initial_network
from learnorder.training.spec import TrainingSpec

PROBE_SECONDS: Final = 0.7
"""Training time given to each executor where a measurement decides."""


@dataclass(frozen=True)
class _Entry:
    """An executor: what it cannot train, and how many replicates side by side it usually takes."""

    make: Callable[[TrainingSpec, TrainingTensors, Sequence[int], Execution], Executor]
    unsupported: Callable[[TrainingSpec, nn.Module], str | None]
    width: int


_TABLE: Final = {
    "sequential": _Entry(Sequential, lambda spec, network: None, 1),
    "grouped": _Entry(Grouped, grouped.unsupported, grouped.USUAL_WIDTH),
    "vmap": _Entry(Vmapped, vmapped.unsupported, vmapped.USUAL_WIDTH),
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
        return _as_wished(spec, tensors, network, _of(wish.executor, spec, usual))
    able = [_of(n, spec, usual) for n, e in _TABLE.items() if e.unsupported(spec, network) is None]
    able = [execution for execution in able if _has_wished_width(execution, spec)]
    if wish.executor == "probe" or wish.device != "cpu":
        cost = {execution: _seconds_per_step(spec, tensors, execution) for execution in able}
        able = sorted(
            (execution for execution in able if cost[execution] < inf), key=cost.__getitem__
        )
    else:
        # a rule from measurements: dense networks pay for being grouped, others do not
        usually = "grouped" if grouped.worthwhile(network) else "sequential"
        able = [execution for execution in able if execution.executor != "vmap"]
        able.sort(key=lambda execution: execution.executor != usually)
    for execution in able:
        if _works(spec, tensors, execution):
            return execution
    raise _no_such_width(spec)


def _works(spec: TrainingSpec, tensors: TrainingTensors, execution: Execution) -> bool:
    """Whether slots agree, and nothing shows only here that the executor cannot run the network."""
    try:
        return slots_agree(spec, tensors, execution)
    except Exception:
        if execution.executor == "sequential":
            raise
        return False


def _as_wished(
    spec: TrainingSpec, tensors: TrainingTensors, network: nn.Module, chosen: Execution
) -> Execution:
    """Refuse what the wished executor cannot do: name it, or try it and see."""
    _refuse_unsupported(chosen, spec, network)
    try:
        agree = slots_agree(spec, tensors, chosen)
    except (LearnOrderError, MemoryError):
        raise
    except Exception as error:
        raise LearnOrderError(
            f"train: execution.executor = {chosen.executor!r} cannot run the network of "
            f"{spec.architecture.name!r} ({' '.join(f'{type(error).__name__}: {error}'.split())}). "
            "Use execution.executor = 'sequential'."
        ) from error
    if not agree:
        raise LearnOrderError(
            f"train: execution.executor = {chosen.executor!r} gives a replicate other bytes in "
            "another place of its group, on this machine and network. A replicate does not "
            "depend on its neighbours. Use execution.executor = 'sequential'."
        )
    return chosen


def _of(name: str, spec: TrainingSpec, usual: Execution) -> Execution:
    return replace(usual, executor=name, width=spec.execution.width or _TABLE[name].width)


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
    if execution.executor == "sequential":
        return True
    seeds = list(range(execution.width))
    together = _stepped(spec, tensors, seeds, execution)
    for place in (0, execution.width - 1):
        alike = _stepped(spec, tensors, [seeds[place]] * execution.width, execution)
        expected = together.capture(place)
        for arrays in map(alike.capture, range(execution.width)):
            if any(not np.array_equal(arrays[k], expected[k], equal_nan=True) for k in expected):
                return False
        if not _evaluated_alike(alike, together, place, spec, tensors):
            return False
    return True


def _stepped(
    spec: TrainingSpec, tensors: TrainingTensors, seeds: Sequence[int], execution: Execution
) -> Executor:
    """Executor of these seeds after a whole and the last batch, on the same for all."""
    executor = make_executor(spec, tensors, seeds, execution)
    positions = torch.arange(tensors.n_train, device=tensors.labels["train"].device)
    with executor.epoch(0, 0):
        for part in torch.split(positions, spec.training.batch_size)[-2:]:
            executor.step(part.expand(execution.width, -1))
    return executor


def _evaluated_alike(
    alike: Executor,
    together: Executor,
    place: int,
    spec: TrainingSpec,
    tensors: TrainingTensors,
) -> bool:
    """Whether a network gives the same in all slots, and in its place beside others."""
    for split in tensors.splits:
        parts = list(evaluation_parts(tensors, split, alike.execution))
        for part in parts[:1] + parts[-1:]:
            expected = _evaluated(together, split, part, spec, tensors)
            found = _evaluated(alike, split, part, spec, tensors)
            for values, of_places in zip(found, expected, strict=True):
                if not torch.equal(values, of_places[place].expand_as(values)):
                    return False
    return True


def _evaluated(
    executor: Executor, split: str, part: slice, spec: TrainingSpec, tensors: TrainingTensors
) -> list[torch.Tensor]:
    """Copy the logits of some examples, and what is recorded of their labels."""
    with executor.evaluation(0):
        logits = executor.logits(split, part)
        if split not in tensors.labels:
            return [logits.clone()]
        recorded = of_label(logits, tensors.labels[split][part], spec.recording.of_label)
        return [logits.clone(), *recorded.values()]


def _seconds_per_step(spec: TrainingSpec, tensors: TrainingTensors, execution: Execution) -> float:
    """Measured time of a step, for one replicate; infinite where only running shows it cannot."""
    try:
        executor = make_executor(spec, tensors, list(range(execution.width)), execution)
        return _measured(executor, spec, tensors)
    except Exception:
        if execution.executor == "sequential":
            raise
        return inf


def _measured(executor: Executor, spec: TrainingSpec, tensors: TrainingTensors) -> float:
    width, device = executor.execution.width, tensors.labels["train"].device
    positions = torch.arange(spec.training.batch_size, device=device).expand(width, -1)
    with executor.epoch(0, 0):
        executor.step(positions)
        executor.finite_losses()
        taken, start = 0, time.perf_counter()
        while time.perf_counter() - start < PROBE_SECONDS:
            executor.step(positions)
            executor.finite_losses()  # waits for the device
            taken += 1
    return (time.perf_counter() - start) / taken / width
