"""Optimiser and learning rate, from the spec."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from learnorder.training.spec import TrainingSpec


def make_optimizer(
    spec: TrainingSpec, parameters: Iterable[torch.nn.Parameter]
) -> torch.optim.Optimizer:
    """Return the optimiser of the spec over those of the parameters that are trained."""
    choice = spec.optimizer
    parameters = [p for p in parameters if p.requires_grad]
    rate, decay = choice.learning_rate, choice.weight_decay
    if choice.name == "sgd":
        momentum = choice.momentum
        return torch.optim.SGD(parameters, rate, momentum, weight_decay=decay, fused=True)
    family = torch.optim.Adam if choice.name == "adam" else torch.optim.AdamW
    return family(parameters, rate, weight_decay=decay, fused=True)


def learning_rate(spec: TrainingSpec, epoch: int) -> float:
    """Learning rate during the epoch that follows ``epoch`` completed ones."""
    schedule, start = spec.schedule, spec.optimizer.learning_rate
    match schedule.name:
        case "step":
            return start * schedule.factor ** sum(epoch >= m for m in schedule.milestones)
        case "exponential":
            return start / schedule.factor ** (epoch // schedule.every)
        case "cosine":
            return start * 0.5 * (1 + math.cos(math.pi * epoch / spec.training.epochs))
    return start
