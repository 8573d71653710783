"""Random streams keyed by what they are for, so that nothing depends on what was drawn before."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; a number, once used, keeps its meaning for ever."""

    INITIALISATION = 1
    ORDER = 2
    AUGMENTATION = 3
    DROPOUT = 4
    PREDICTION = 5


def stream(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.SeedSequence:
    """Return the independent stream of a replicate, for one purpose in one epoch.

    Examples
    --------
    >>> a = stream(3, Purpose.ORDER, epoch=1).generate_state(1)
    >>> b = stream(3, Purpose.ORDER, epoch=2).generate_state(1)
    >>> bool(a[0] != b[0])
    True
    """
    return np.random.SeedSequence([seed, int(purpose), epoch])


def generator(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.Generator:
    """Return a NumPy generator on that stream; PCG64 by name, whatever NumPy's default becomes."""
    return np.random.Generator(np.random.PCG64(stream(seed, purpose, epoch)))


def torch_seed(seed: int, purpose: Purpose, epoch: int = 0) -> int:
    """Return a 63-bit seed for ``torch.manual_seed`` from that stream."""
    high, low = stream(seed, purpose, epoch).generate_state(2, np.uint32).tolist()
    return ((int(high) << 32) | int(low)) & ((1 << 63) - 1)
