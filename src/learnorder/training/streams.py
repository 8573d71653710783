"""Random streams keyed by what they are for, so that nothing depends on what was drawn before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import torch


Order = Literal["shuffled", "fixed", "source"]
"""How the training split is gone through."""


class Purpose(IntEnum):
    """What a stream is for; a number, once used, keeps its meaning for ever."""

    INITIALISATION = 1
    ORDER = 2
    AUGMENTATION = 3
    DROPOUT = 4
    PREDICTION = 5
    STATISTICS = 6
    BOOTSTRAP = 7
    LEARNER = 8


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


def order(seed: int, epoch: int, n_train: int, kind: Order = "shuffled") -> torch.Tensor:
    """Return the order ``(n_train,)`` in which a replicate sees the training split in an epoch.

    ``shuffled`` anew in each epoch; ``fixed``: in every epoch as in the first; ``source``: as the
    examples come, in every epoch and for every seed.
    """
    import torch

    if kind == "source":
        return torch.arange(n_train)
    drawn_in = 0 if kind == "fixed" else epoch
    return torch.from_numpy(generator(seed, Purpose.ORDER, drawn_in).permutation(n_train))


class RandomState:
    """The global streams, borrowed: entered at a seed or where they were left; then put back.

    Those of PyTorch, of NumPy's ``numpy.random`` functions and of Python's ``random``.

    Parameters
    ----------
    device
        Whose stream of PyTorch; on a GPU that of the CPU too.
    """

    def __init__(self, device: str) -> None:
        import torch

        self._devices = [torch.device(device)] if device.startswith("cuda") else []
        self._left: list[torch.Tensor] | None = None
        self._python: tuple[Any, Any] | None = None

    @contextmanager
    def entered(self, seed: int, *, go_on: bool = False) -> Iterator[None]:
        """Draw from the streams of ``seed`` from their beginning, or from where they were left."""
        import torch

        with torch.random.fork_rng(devices=self._devices), _python_streams_put_back():
            if self._left is None or self._python is None or not go_on:
                torch.manual_seed(seed)
                random.seed(seed)
                np.random.seed(np.random.SeedSequence(seed).generate_state(4))
            else:
                torch.set_rng_state(self._left[0])
                for device, state in zip(self._devices, self._left[1:], strict=True):
                    torch.cuda.set_rng_state(state, device)
                random.setstate(self._python[0])
                np.random.set_state(self._python[1])
            yield
            on_devices = [torch.cuda.get_rng_state(device) for device in self._devices]
            self._left = [torch.get_rng_state(), *on_devices]
            self._python = random.getstate(), np.random.get_state()


def python_streams() -> tuple[Any, ...]:
    """Return where the streams of ``random`` and ``numpy.random`` stand, to be compared."""
    of_numpy = np.random.get_state(legacy=False)
    return random.getstate(), of_numpy["state"]["key"].tobytes(), of_numpy["state"]["pos"]


@contextmanager
def _python_streams_put_back() -> Iterator[None]:
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
