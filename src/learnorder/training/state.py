"""Where a replicate stands between two epochs, as plain arrays that need no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError

Arrays = Mapping[str, NDArray[Any]]
"""Every array of network and optimiser by name."""


@dataclass(frozen=True)
class ReplicateState:
    """Steps taken, and what they led to."""

    step: int
    arrays: Arrays


def capture(network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> Arrays:
    """Copy weights, buffers and optimiser state."""
    arrays = {f"network/{k}": to_array(v) for k, v in tensors_of(network).items()}
    for i, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                arrays[f"optimizer/{i}/{key}"] = to_array(value)
    return arrays


def restore(arrays: Arrays, network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put a captured state back, bit for bit.

    Raises
    ------
    LearnOrderError
        It was captured from a network of other arrays.
    """
    _copy_into(network, of_owner("network", arrays))
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in of_owner("optimizer", arrays).items():
        i, _, key = name.partition("/")
        moments.setdefault(int(i), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    _lay_out_as_parameters(optimizer)


def of_owner(owner: str, arrays: Arrays) -> dict[str, torch.Tensor]:
    """Arrays of the network, or of the optimiser, as tensors by the rest of their name."""
    split = ((name.partition("/"), array) for name, array in arrays.items())
    return {rest: torch.from_numpy(a.copy()) for (first, _, rest), a in split if first == owner}


def is_plain(network: torch.nn.Module) -> bool:
    """Whether all that a network keeps is in tensors of types that NumPy has."""
    kept = [*network.state_dict().values(), *network.buffers()]
    return all(isinstance(v, torch.Tensor) and v.dtype != torch.bfloat16 for v in kept)


def forms(network: torch.nn.Module) -> dict[str, Any]:
    """Shape and type of each weight and buffer, which a state can be put back into."""
    return {name: _form(tensor) for name, tensor in tensors_of(network).items()}


def tensors_of(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights and buffers, with those that PyTorch's own ``state_dict`` leaves out."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def _copy_into(network: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    own = tensors_of(network)
    refuse_differing(own, weights)
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(weights[name])


def refuse_differing(own: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]) -> None:
    """Refuse arrays by name that are not of the form of the network's own."""
    differing = [k for k in own.keys() | weights if _form(own.get(k)) != _form(weights.get(k))]
    if differing:
        raise LearnOrderError(
            f"train: the network has another {min(differing)!r} than when the replicate was "
            "interrupted. One log holds one network. Put its code back, or use another log."
        )


def _form(tensor: torch.Tensor | None) -> tuple[torch.Size, torch.dtype] | None:
    return None if tensor is None else (tensor.shape, tensor.dtype)


def _lay_out_as_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give each moment the memory layout of its parameter; fused updates take that for granted."""
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                state[key] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def to_array(tensor: torch.Tensor) -> NDArray[Any]:
    """Copy a tensor."""
    return np.array(tensor.detach().cpu().contiguous().numpy())
