"""Which devices can be trained on here."""

from __future__ import annotations

import re
import time
import warnings
from typing import Final

from learnorder.errors import LearnOrderError

TRIED_SIZE: Final = 768
"""Rows and columns of the matrices that bfloat16 is tried on: some milliseconds a product."""

TRIALS: Final = 8

CLEARLY_FASTER: Final = 1.2
"""Below it what bfloat16 saves in products is lost again in rounding to it and back."""


def check_device(name: str) -> None:
    """Refuse a device that is not there; needs torch for any other than ``cpu``.

    Parameters
    ----------
    name
        ``cpu``, ``cuda`` (the first GPU) or ``cuda:1``.

    Raises
    ------
    LearnOrderError
        There is no such kind of device, none of it here, or not so many; the message names those
        there are.
    """
    if name == "cpu":
        return
    gpu = re.fullmatch(r"cuda(?::(\d+))?", name)
    n_gpus = _count_gpus()
    if gpu is not None and int(gpu[1] or 0) < n_gpus:
        return
    here = ", ".join(["'cpu'", *(f"'cuda:{i}'" for i in range(n_gpus))])
    raise LearnOrderError(
        f"train: execution.device = {name!r} is {'not there' if gpu else 'no device'}. "
        f"{_reason(n_gpus)} Use one of: {here}."
    )


def make_deterministic(name: str) -> None:
    """Let this process compute the same bytes every time: one thread; on a GPU, its plain ways.

    Parameters
    ----------
    name
        The device that is trained on.
    """
    import torch

    torch.set_num_threads(1)
    if name != "cpu":
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False


def bfloat16_pays() -> bool:
    """Whether products of matrices take clearly less time in bfloat16 than in float32, tried here.

    On one thread, as workers compute. The least of several times of each, in turn: a neighbour on
    the machine can only add to one.
    """
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _takes_longer_in_float32()
    finally:
        torch.set_num_threads(n_threads)


def _takes_longer_in_float32() -> bool:
    import torch

    least = dict.fromkeys((torch.float32, torch.bfloat16), float("inf"))
    matrices = {kind: torch.ones(TRIED_SIZE, TRIED_SIZE, dtype=kind) for kind in least}
    for _ in range(TRIALS):
        for kind, matrix in matrices.items():
            start = time.perf_counter()
            torch.mm(matrix, matrix)
            least[kind] = min(least[kind], time.perf_counter() - start)
    return least[torch.float32] > CLEARLY_FASTER * least[torch.bfloat16]


def _count_gpus() -> int:
    import torch

    with warnings.catch_warnings():
        # of a driver that does not fit: then there is none to train on
        warnings.simplefilter("ignore")
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _reason(n_gpus: int) -> str:
    """Say how many GPUs there are, and why there may be none."""
    import torch

    if n_gpus:
        return f"PyTorch sees {n_gpus} GPU{'s' * (n_gpus > 1)} here."
    if torch.version.cuda is None:
        return f"PyTorch {torch.__version__} here is built without CUDA."
    return "PyTorch sees no GPU here."
