"""Where a replicate stands between two epochs, as plain arrays that need no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReplicateState:
    """Steps taken, and every array of network and optimiser by name."""

    step: int
    arrays: Mapping[str, NDArray[Any]]


def capture(
    network: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> ReplicateState:
    """Copy weights, buffers and optimiser state."""
    arrays = {f"network/{k}": _to_array(v) for k, v in network.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                arrays[f"optimizer/{i}/{key}"] = _to_array(value)
    return ReplicateState(step, arrays)


def restore(
    state: ReplicateState, network: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Put a captured state back, bit for bit."""
    weights: dict[str, torch.Tensor] = {}
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, array in state.arrays.items():
        owner, _, rest = name.partition("/")
        if owner == "network":
            weights[rest] = torch.from_numpy(array.copy())
        else:
            i, _, key = rest.partition("/")
            moments.setdefault(int(i), {})[key] = torch.from_numpy(array.copy())
    network.load_state_dict(weights)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    _lay_out_as_parameters(optimizer)


def _lay_out_as_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give each moment the memory layout of its parameter; fused updates take that for granted."""
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                state[key] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def _to_array(tensor: torch.Tensor) -> NDArray[Any]:
    return np.array(tensor.detach().cpu().contiguous().numpy())
