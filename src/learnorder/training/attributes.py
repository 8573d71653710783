"""What a network keeps in Python attributes, beside the arrays that a state holds."""

from __future__ import annotations

import types
import weakref
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch

_FIXED: Final = (
    types.BuiltinFunctionType,
    types.FunctionType,
    types.ModuleType,
    type,
    weakref.ref,
    torch.nn.Module,
    torch.nn.Parameter,
)
"""Named by identity: what they hold does not change, or is looked at in another place."""

_DEEPEST: Final = 8
"""Values inside values that are followed; nothing that a network usually keeps is deeper."""


class Attributes:
    """Python attributes of a network's modules as they are now, to be compared with later.

    A network that counts in one, or draws from a generator of its own, cannot go on from arrays
    alone. PyTorch's own layers are left out: what they change is in their buffers.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self._network = network
        self._before = _attributes(network)

    def changed(self) -> str | None:
        """Name an attribute that is another now, or cannot be compared; None if there is none."""
        now = _attributes(self._network)
        for name in sorted(self._before.keys() | now):
            if self._before.get(name) != now.get(name) or now[name] is None:
                return name
        return None


def _attributes(network: torch.nn.Module) -> dict[str, Any]:
    internal = vars(torch.nn.Module()).keys()
    return {
        f"{path}.{name}".lstrip("."): _comparable(value, _DEEPEST)
        for path, module in network.named_modules()
        if not type(module).__module__.startswith("torch.")
        for name, value in vars(module).items()
        if name not in internal
    }


def _comparable(value: Any, deepest: int) -> Any:
    """Equal for what behaves alike; None, or a part that is None, where that cannot be told."""
    if isinstance(value, _FIXED):
        return id(value)
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().float().numpy() if value.is_floating_point() else value
        return value.tobytes() if isinstance(value, np.ndarray) else repr(value.tolist())
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.tobytes()
    if deepest == 0:
        return None
    parts = _parts(value)
    compared = None if parts is None else [_comparable(part, deepest - 1) for part in parts]
    return None if compared is None or None in compared else (type(value).__name__, compared)


def _parts(value: Any) -> list[Any] | None:
    """What a value consists of; None for what does not say."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:
        return None
    # its class, the arguments of it, and what it holds: enough to make another like it
    return [reduced] if isinstance(reduced, str) else list(reduced[:3])
