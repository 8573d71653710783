"""Optimisers without PyTorch's compiler: nothing here is compiled, and importing it takes long."""

from __future__ import annotations

import torch

ASKING = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""Methods of every optimiser that import the compiler, to be left out of compiled graphs."""


def spare_compiler() -> None:
    """Let the optimisers of this process do what they do without importing ``torch._dynamo``.

    That takes one to two seconds and 70 MB of every worker. The numbers stay the same. Where a
    version of PyTorch is built otherwise, nothing changes.
    """
    for name in ASKING:
        method = getattr(torch.optim.Optimizer, name)
        setattr(torch.optim.Optimizer, name, getattr(method, "__wrapped__", method))
    for family in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
        step = getattr(vars(family).get("step"), "__wrapped__", None)
        if step is not None:
            # beside asking the compiler, what wraps it only turns gradients off
            setattr(family, "step", torch.no_grad()(step))  # noqa: B010
