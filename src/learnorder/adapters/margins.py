"""Predictions of boosting after every round: the margins of the round before, and one tree more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.adapters.guarded import GuardedRecorder, Pieces
from learnorder.errors import LearnOrderError
from learnorder.recording.recorder import Recorder

Margins = NDArray[np.floating[Any]]
Further = Callable[[Any, Margins | None, int, int], Margins]
"""``(inputs, margins, first, last)``: margins after round ``last``, from those after ``first``."""


class Rounds:
    """Classes that a boosted model predicts, round by round.

    Parameters
    ----------
    inputs
        By split, as the library predicts them.
    further
        How margins go on from one round to a later one.
    """

    def __init__(self, inputs: Mapping[str, Any], further: Further) -> None:
        self._inputs, self._further = inputs, further
        self._margins: dict[str, Margins] = {}
        self._classes: dict[str, Any] = {}
        self.last = 0

    def pieces(self, last: int) -> Pieces:
        """Classes of each split after a round; the one before it need not have been asked for."""
        for split, inputs in self._inputs.items():
            before = self._margins.get(split)
            margins = self._further(inputs, before, self.last if before is not None else 0, last)
            self._margins[split] = margins
            # one margin is of the second of two classes; of several the largest counts
            self._classes[split] = margins if margins.ndim == 2 else (margins > 0).astype(np.int64)
        self.last = last
        yield from self.again()

    def again(self) -> Pieces:
        """The same classes once more."""
        for split, classes in self._classes.items():
            yield split, None, classes


def labels_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels of pairs of inputs and labels, as `Recorder` takes them."""
    return {"labels": {split: y for split, (_, y) in data.items()}}


def check_booster(where: str, model: Any, kind: type) -> None:
    """Refuse what is no single model.

    Raises
    ------
    LearnOrderError
        It is of another type, as what cross-validation hands to callbacks.
    """
    if not isinstance(model, kind):
        raise LearnOrderError(
            f"{where}: the model is a {type(model).__name__}; cross-validation trains several at "
            "once. A replicate is one model. Train the folds one by one."
        )


def finish(recorder: GuardedRecorder, rounds: Rounds, planned: int | None, why: str) -> None:
    """Finish a replicate; where training stopped before the rounds planned, repeat and say so."""
    last = rounds.last
    if planned is None or not 0 < last < planned:
        recorder.finish()
        return
    for epoch in range(last + 1, planned + 1):
        recorder.record(epoch, rounds.again)
    recorder.finish({"epoch": last, "reason": why})


def record_all(log: Any, rounds: Rounds, n_rounds: int, options: Mapping[str, Any]) -> None:
    """Record each round of a model that is trained, raising what does not fit."""
    with Recorder(log, **options) as recorder:
        for epoch in range(1, n_rounds + 1):
            for split, _, classes in rounds.pieces(epoch):
                recorder.record(epoch, split, classes)
