"""From logits, batch by batch, to what is recorded of every split."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from learnorder.schema import (
    ERROR_NORM,
    MARGIN,
    PROBABILITY,
    Halves,
    Predictions,
    prediction_dtype,
)
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
    of_label
        ``(slot, example)`` of each quantity of the label that is asked for; none without labels.
    finite
        ``(slot,)`` bool, whether all logits of the slot are finite numbers; otherwise its
        predictions mean nothing.
    """

    classes: Predictions
    of_label: Mapping[str, Halves]
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
                record.add(part, executor.logits(split, part))
            found[split] = record.done()
    return found


def evaluation_parts(tensors: TrainingTensors, split: str, execution: Execution) -> Iterator[slice]:
    """Consecutive examples that are evaluated together."""
    for start in range(0, len(tensors.splits[split]), execution.evaluation_batch):
        yield slice(start, start + execution.evaluation_batch)


class _Recording:
    """Collects the predictions of one split, and what is asked for of its labels.

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
        shape = (n_slots, len(tensors.splits[split]))
        self._labels = tensors.labels.get(split)
        self._classes = np.empty(shape, prediction_dtype(tensors.inputs.n_classes))
        wanted = spec.recording.of_label if self._labels is not None else ()
        self._of_label = {quantity: np.empty(shape, np.float16) for quantity in wanted}
        self._finite: NDArray[np.bool_] = np.ones(n_slots, bool)

    def add(self, part: slice, logits: torch.Tensor) -> None:
        """Take float32 logits ``(slot, example, class_id)`` of consecutive examples."""
        n_slots = len(self._classes)
        used = logits[:n_slots]
        # what is not finite less itself is NaN: two passes, where `isfinite` takes five
        self._finite &= ((used - used).sum((1, 2)) == 0).cpu().numpy()
        # max, not argmax: the same class, ten times as fast where the classes are not innermost
        self._classes[:, part] = used.max(2).indices.cpu().numpy()
        if self._labels is not None:
            # of all slots: kernels may go by the shape, which does not depend on the seeds then
            found = of_label(logits, self._labels[part], list(self._of_label))
            for quantity, values in found.items():
                self._of_label[quantity][:, part] = values[:n_slots].cpu().numpy()

    def done(self) -> SplitPredictions:
        """Return what was collected."""
        return SplitPredictions(self._classes, self._of_label, self._finite)


def of_label(
    logits: torch.Tensor, labels: torch.Tensor, quantities: Sequence[str]
) -> dict[str, torch.Tensor]:
    """Quantities of the label from float32 logits ``(slot, example, class_id)``.

    Each is ``(slot, example)`` in half precision: beyond 65504 infinity, which only margins reach.
    """
    if not quantities:
        return {}
    found = _OfLabel(logits, labels)
    return {quantity: _QUANTITIES[quantity](found).half() for quantity in quantities}


class _OfLabel:
    """What is computed of the label from logits, each only once.

    All along rows of classes that are contiguous: along others the end of an array is computed by
    other instructions, and a replicate would depend on its place.
    """

    def __init__(self, logits: torch.Tensor, labels: torch.Tensor) -> None:
        self._logits = logits.contiguous()
        self._labels = labels.expand(len(logits), -1).unsqueeze(2)

    @cached_property
    def _chances(self) -> torch.Tensor:
        return torch.softmax(self._logits, 2)

    def probability(self) -> torch.Tensor:
        """Softmax probability of the label."""
        return self._chances.gather(2, self._labels).squeeze(2)

    def margin(self) -> torch.Tensor:
        """Logit of the label less the largest other."""
        largest = self._logits.scatter(2, self._labels, -math.inf).amax(2)
        return self._logits.gather(2, self._labels).squeeze(2) - largest

    def error_norm(self) -> torch.Tensor:
        """Euclidean norm of the probabilities less the label, one-hot."""
        # 1 - p of the label is the sum of the others: nothing is lost where p is near 1
        others = self._chances.scatter(2, self._labels, 0.0)
        return (others.square().sum(2) + others.sum(2).square()).sqrt()


_QUANTITIES: Final[Mapping[str, Callable[[_OfLabel], torch.Tensor]]] = {
    PROBABILITY: _OfLabel.probability,
    MARGIN: _OfLabel.margin,
    ERROR_NORM: _OfLabel.error_norm,
}
