"""From logits, batch by batch, to what is recorded of every split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.schema import Predictions, prediction_dtype
from learnorder.training.data import TrainingTensors
from learnorder.training.execution import Execution
from learnorder.training.executors.contract import Executor
from learnorder.training.spec import TrainingSpec


@dataclass(frozen=True)
class SplitPredictions:
    """What every slot predicts for one split.

    Attributes
    ----------
    classes
        ``(slot, example)``; ties go to the lowest class id.
    probabilities
        ``(slot, example)`` float16, of the given label; None where it is not asked for.
    finite
        ``(slot,)`` bool, whether all logits of the slot are finite numbers; otherwise its
        predictions mean nothing.
    """

    classes: Predictions
    probabilities: NDArray[np.float16] | None
    finite: NDArray[np.bool_]


def predict(
    executor: Executor, spec: TrainingSpec, tensors: TrainingTensors, n_slots: int, step: int
) -> dict[str, SplitPredictions]:
    """Predict every example of every split in eval mode, in source order."""
    found = {}
    with executor.evaluation(step):
        for split in tensors.splits:
            record = _Recording(spec, tensors, split, n_slots)
            for part in evaluation_parts(tensors, split, executor.execution):
                record.add(part, executor.logits(split, part)[:n_slots])
            found[split] = record.done()
    return found


def evaluation_parts(tensors: TrainingTensors, split: str, execution: Execution) -> Iterator[slice]:
    """Consecutive examples that are evaluated together."""
    for start in range(0, len(tensors.splits[split]), execution.evaluation_batch):
        yield slice(start, start + execution.evaluation_batch)


class _Recording:
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

    def add(self, part: slice, logits: torch.Tensor) -> None:
        """Take float32 logits ``(slot, example, class_id)`` of consecutive examples."""
        # what is not finite less itself is NaN: two passes, where `isfinite` takes five
        self._finite &= ((logits - logits).sum((1, 2)) == 0).cpu().numpy()
        # max, not argmax: the same class, ten times as fast where the classes are not innermost
        self._classes[:, part] = logits.max(2).indices.cpu().numpy()
        if self._labels is not None:
            labels = self._labels[part].expand(len(logits), -1).unsqueeze(2)
            of_label = torch.softmax(logits, 2).gather(2, labels)
            self._probabilities[:, part] = of_label.squeeze(2).half().cpu().numpy()

    def done(self) -> SplitPredictions:
        """Return what was collected."""
        probabilities = None if self._labels is None else self._probabilities
        return SplitPredictions(self._classes, probabilities, self._finite)
