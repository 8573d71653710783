"""Recording leaves the random numbers of training as they were."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np


@contextmanager
def generators_kept() -> Iterator[None]:
    """Restore the global random generators of python, numpy and torch, on all its devices.

    torch is looked at where it is loaded; it is never imported here.
    """
    with ExitStack() as restored:
        restored.callback(random.setstate, random.getstate())
        restored.callback(np.random.set_state, np.random.get_state())
        for setter, state in _of_torch(sys.modules.get("torch")):
            restored.callback(setter, state)
        yield


def generator_state(value: Any) -> tuple[Callable[[Any], object], Any] | None:
    """How to put a random generator of torch, numpy or Python back, and its state; else None."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Generator):
        return value.set_state, value.get_state()
    if isinstance(value, random.Random):
        return value.setstate, value.getstate()
    if isinstance(value, np.random.RandomState):
        return value.set_state, value.get_state()
    if isinstance(value, np.random.Generator):
        bits = value.bit_generator
        return lambda state: setattr(bits, "state", state), bits.state
    return None


def _of_torch(torch: Any) -> Iterator[tuple[Callable[[Any], object], Any]]:
    if torch is None:
        return
    yield torch.set_rng_state, torch.get_rng_state()
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        yield torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        yield torch.mps.set_rng_state, torch.mps.get_rng_state()
