"""Precision of the forward pass."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from learnorder.training.execution import Execution


def arithmetic(execution: Execution) -> AbstractContextManager[object]:
    """Forward passes in here run in the precision of the execution; weights stay float32."""
    if execution.precision == "bfloat16":
        return torch.autocast(torch.device(execution.device).type, torch.bfloat16)
    return nullcontext()
