"""The inputs and labels of all splits as tensors on the device, shared by every replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from learnorder.errors import LearnOrderError
from learnorder.training.inputs import NetworkInputs, to_tensors


@dataclass(frozen=True)
class TrainingTensors:
    """What every replicate of a process reads.

    Attributes
    ----------
    inputs
        As encoded.
    splits
        Normalised inputs ``(example, ...)`` of each split.
    labels
        ``(example,)`` int64 of each split that has any.
    """

    inputs: NetworkInputs
    splits: Mapping[str, torch.Tensor]
    labels: Mapping[str, torch.Tensor]

    @classmethod
    def from_inputs(cls, inputs: NetworkInputs, device: str = "cpu") -> TrainingTensors:
        """Normalise once and put everything on the device."""
        if inputs.labels["train"] is None:
            raise LearnOrderError("train: the split 'train' has no labels. Training needs them.")
        splits = {n: to_tensors(inputs, n).to(device) for n in inputs.splits}
        labels = {
            name: torch.from_numpy(np.array(given, dtype=np.int64)).to(device)
            for name, given in inputs.labels.items()
            if given is not None
        }
        return cls(inputs, splits, labels)

    @cached_property
    def flat(self) -> Mapping[str, torch.Tensor]:
        """Every input as one row, ``(example, feature)``."""
        return {name: split.flatten(1) for name, split in self.splits.items()}

    @cached_property
    def flat_bfloat16(self) -> Mapping[str, torch.Tensor]:
        """The same rows as products in bfloat16 read them, rounded once for all replicates."""
        return {name: split.bfloat16() for name, split in self.flat.items()}

    @property
    def n_train(self) -> int:
        """Number of training examples."""
        return len(self.labels["train"])
