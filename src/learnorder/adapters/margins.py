"""Predictions of boosting after every round: the margins of the round before, and one tree more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.adapters.examples import places
from learnorder.adapters.guarded import GuardedRecorder, Pieces
from learnorder.errors import LearnOrderError
from learnorder.recording.arrays import as_numpy
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


def declared_labels(
    where: str, data: Mapping[str, Any], n_classes: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """``labels`` and ``n_classes`` of a recorder, which are those of a booster.

    Parameters
    ----------
    where
        How the message of an error begins.
    data
        By split a pair of inputs and labels.
    n_classes
        Between how many classes the booster chooses.
    options
        What a user says of the log.

    Raises
    ------
    LearnOrderError
        A label is no class of the booster, or the log is to have another number of classes.
    """
    if options.get("n_classes", n_classes) not in (None, n_classes):
        raise LearnOrderError(
            f"{where}: n_classes = {options['n_classes']!r}; the model chooses between "
            f"{n_classes}. A log of a model has its classes. Leave n_classes out."
        )
    labels = {}
    for split, (_, given) in data.items():
        array = labels[split] = as_numpy(given, f"{where}: split {split!r}: the labels")
        # written so that NaN is outside as well
        outside = np.flatnonzero(~((array >= 0) & (array < n_classes)))
        if outside.size:
            raise LearnOrderError(
                f"{where}: split {split!r}: label {array.flat[outside[0]]} at position "
                f"{outside[0]} is no class of the model, which has {n_classes}, counted from 0. An "
                "estimator numbers other labels in the order of its classes_, and tells callbacks "
                "nothing of it. Train on np.unique(y, return_inverse=True)[1] and give that, or "
                "record the fitted estimator with record_rounds."
            )
    return {"labels": labels, "n_classes": n_classes}


def labels_of_estimator(
    where: str, data: Mapping[str, Any], model: Any, n_classes: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What `declared_labels` says, of labels as they were given to an estimator that is fitted.

    Its classes have names then. A booster without an estimator knows numbers alone.

    Raises
    ------
    LearnOrderError
        A label is no class of the model, or the log is to have another number of classes.
    """
    classes = getattr(model, "classes_", None)
    if not isinstance(classes, np.ndarray):
        return declared_labels(where, data, n_classes, options)
    numbered = {
        split: (x, places(where, split, given, classes)) for split, (x, given) in data.items()
    }
    found = declared_labels(where, numbered, n_classes, options)
    names = [str(name) for name in classes.tolist()]
    # of a single class that was given to fit, a booster of two has learned
    is_named = len(names) == n_classes and "class_names" not in options
    return {**found, "class_names": names} if is_named else found


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
    with recorder.guard():
        last = rounds.last
        if planned is None or not 0 < last < planned:
            recorder.finish()
            return
        for epoch in range(last + 1, planned + 1):
            recorder.record(epoch, rounds.again)
        recorder.finish({"epoch": last, "reason": why})


def check_rounds(where: str, rounds: Any) -> None:
    """Refuse what is no number of rounds that are planned.

    Raises
    ------
    LearnOrderError
        It is neither None nor an integer from 1 up.
    """
    is_count = isinstance(rounds, Integral) and not isinstance(rounds, bool)
    if rounds is not None and not (is_count and rounds >= 1):
        raise LearnOrderError(
            f"{where}: rounds = {rounds!r}. It is the number of rounds that are planned, an "
            "integer from 1 up, or None. Pass what training is given as num_boost_round or "
            "n_estimators."
        )


def record_all(log: Any, rounds: Rounds, n_rounds: int, options: Mapping[str, Any]) -> None:
    """Record each round of a model that is trained, raising what does not fit."""
    with Recorder(log, **options) as recorder:
        for epoch in range(1, n_rounds + 1):
            for split, _, classes in rounds.pieces(epoch):
                recorder.record(epoch, split, classes)
