"""From logits, batch by batch, to what is recorded of a split."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.schema import prediction_dtype
from learnorder.training.data import TrainingTensors
from learnorder.training.executors.contract import SplitPredictions
from learnorder.training.spec import TrainingSpec

EVALUATION_BATCH = 500
"""Examples per forward pass of an evaluation; fixed, because it can change the last bits."""


class Recording:
    """Collects the predictions of one split; probabilities of the label where they are asked for.

    Parameters
    ----------
    spec, tensors
        What is trained, on what.
    split
        Which split.
    n_slots
        Replicates trained side by side.
    """

    def __init__(
        self, spec: TrainingSpec, tensors: TrainingTensors, split: str, n_slots: int
    ) -> None:
        n_examples = len(tensors.splits[split])
        self._labels = tensors.labels.get(split) if spec.recording.probability else None
        self._classes = np.empty((n_slots, n_examples), prediction_dtype(tensors.inputs.n_classes))
        self._probabilities = np.empty((n_slots, n_examples), np.float16)
        self._finite: NDArray[np.bool_] = np.ones(n_slots, bool)

    def add(self, part: slice, logits: torch.Tensor, class_dim: int) -> None:
        """Take float32 logits of consecutive examples.

        They are ``(slot, example, class_id)`` with ``class_dim`` 2, or ``(slot, class_id,
        example)`` with 1.
        """
        # max, not argmax: the same class, ten times as fast where the classes are not innermost
        self._finite &= torch.isfinite(logits).flatten(1).all(1).cpu().numpy()
        self._classes[:, part] = logits.max(class_dim).indices.cpu().numpy()
        if self._labels is not None:
            labels = self._labels[part].expand(len(logits), -1).unsqueeze(class_dim)
            of_label = torch.softmax(logits, class_dim).gather(class_dim, labels)
            self._probabilities[:, part] = of_label.squeeze(class_dim).half().cpu().numpy()

    def done(self) -> SplitPredictions:
        """Return what was collected."""
        probabilities = None if self._labels is None else self._probabilities
        return SplitPredictions(self._classes, probabilities, self._finite)
