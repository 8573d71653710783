"""scikit-learn: the stages of a fitted ensemble, and loops of ``partial_fit`` or ``warm_start``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.adapters.examples import check_pairs, places
from learnorder.adapters.guarded import GuardedRecorder, Pieces
from learnorder.errors import LearnOrderError
from learnorder.recording.recorder import Recorder

STAGES, EPOCHS = "sklearn.record_stages", "sklearn.record_epochs"


def record_stages(
    log: str | PathLike[str],
    estimator: Any,
    data: Mapping[str, tuple[Any, Any]],
    *,
    seed: int,
    **options: Any,
) -> None:
    """Record every stage of a fitted ensemble as an epoch of one replicate, without fitting again.

    An ensemble that stopped before the number of stages it was made for keeps its last predictions
    until there; `learnorder info` says after which stage, and why. This is after training, so what
    does not fit is an error.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    estimator
        A fitted classifier with ``staged_predict``: AdaBoost, GradientBoosting or
        HistGradientBoosting.
    data
        By split a pair: inputs as ``predict`` takes them, and labels as in ``fit``, of which the
        places in ``classes_`` are recorded.
    seed
        Which replicate: the seed that training was started from.
    options
        Further arguments of `learnorder.Recorder`, as ``ids`` and ``about``.

    Raises
    ------
    LearnOrderError
        The estimator has no stages, a label is unknown to it, or `Recorder` refuses something.
    """
    if not hasattr(estimator, "staged_predict"):
        raise LearnOrderError(
            f"{STAGES}: {type(estimator).__name__} has no staged_predict, which gives the "
            "predictions after each stage. Train it with warm_start and record_epochs."
        )
    splits = check_pairs(STAGES, data)
    classes = _classes(STAGES, estimator)
    with Recorder(log, seed=seed, **{**_declared(STAGES, splits, classes), **options}) as recorder:
        staged = zip(*(estimator.staged_predict(x) for x, _ in splits.values()), strict=True)
        stages = _whole(staged, _planned(estimator))
        last = 0
        for epoch, predictions, is_repeated in stages:
            for split, predicted in zip(splits, predictions, strict=True):
                recorder.record(epoch, split, places(STAGES, split, predicted, classes))
            last = last if is_repeated else epoch
        stopped = {"epoch": last, "reason": f"{type(estimator).__name__} fitted {last} stages"}
        recorder.finish(stopped if recorder.last_epoch != last else None)


def record_epochs(
    log: str | PathLike[str],
    estimator: Any,
    data: Mapping[str, tuple[Any, Any]],
    *,
    epochs: int,
    seed: int,
    **options: Any,
) -> Iterator[int]:
    """Count epochs for a loop around ``partial_fit`` or ``warm_start``, and record after each.

    After the last one the replicate is finished; after an exception or ``break`` it is interrupted.
    Nothing that goes wrong with recording stops the loop: the log is marked, and a
    `RecordingStopped` warning says why.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    estimator
        A classifier that the loop trains further in each turn; it is fitted after the first.
    data
        By split a pair: inputs as ``predict`` takes them, and labels as in ``fit``, of which the
        places in ``classes_`` are recorded.
    epochs
        How often to go round.
    seed
        Which replicate: the seed that training is started from.
    options
        Further arguments of `learnorder.Recorder`, as ``ids`` and ``about``.

    Yields
    ------
    1 to ``epochs``.

    Raises
    ------
    LearnOrderError
        An argument cannot be used; this is before training.
    """
    splits = check_pairs(EPOCHS, data)
    recorder = GuardedRecorder(EPOCHS, {**options, "log": log, "seed": seed})
    return _recorded(recorder, estimator, splits, epochs)


def _recorded(
    recorder: GuardedRecorder, estimator: Any, splits: Mapping[str, Any], epochs: int
) -> Iterator[int]:
    classes: NDArray[Any] = np.arange(0)

    def declared() -> dict[str, Any]:
        nonlocal classes
        classes = _classes(EPOCHS, estimator)
        return _declared(EPOCHS, splits, classes)

    def pieces() -> Pieces:
        for split, (x, _) in splits.items():
            yield split, None, places(EPOCHS, split, estimator.predict(x), classes)

    try:
        for epoch in range(1, epochs + 1):
            yield epoch
            if epoch == 1:  # before there are no classes
                recorder.begin(declared)
            recorder.record(epoch, pieces)
        recorder.finish()
    finally:
        recorder.close()


def _classes(where: str, estimator: Any) -> NDArray[Any]:
    classes = getattr(estimator, "classes_", None)
    if not isinstance(classes, np.ndarray):
        raise LearnOrderError(
            f"{where}: {type(estimator).__name__} has no classes_. It is a classifier that is "
            "fitted, for one label of each example. Fit it first."
        )
    return classes


def _declared(where: str, splits: Mapping[str, Any], classes: NDArray[Any]) -> dict[str, Any]:
    labels = {split: places(where, split, y, classes) for split, (_, y) in splits.items()}
    return {"labels": labels, "class_names": [str(name) for name in classes.tolist()]}


def _planned(estimator: Any) -> int:
    """How many stages an estimator was made for."""
    names = ("n_estimators", "max_iter")
    return next((int(getattr(estimator, n)) for n in names if hasattr(estimator, n)), 0)


def _whole(staged: Iterable[Any], planned: int) -> Iterator[tuple[int, Any, bool]]:
    """Stages from 1 on, and the last one again for each that is planned and was not fitted."""
    epoch, predictions = 0, None
    for epoch, predictions in enumerate(staged, 1):
        yield epoch, predictions, False
    for repeated in range(epoch + 1, planned + 1 if epoch else 0):
        yield repeated, predictions, True
