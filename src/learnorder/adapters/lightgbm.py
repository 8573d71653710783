"""LightGBM: a callback that records every round, and the rounds of a model that is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from types import TracebackType
from typing import Any, Self

import numpy as np

from learnorder.adapters.examples import check_pairs
from learnorder.adapters.extras import framework
from learnorder.adapters.guarded import GuardedRecorder
from learnorder.adapters.margins import (
    Further,
    Margins,
    Rounds,
    check_booster,
    declared_labels,
    finish,
    labels_of_estimator,
    record_all,
)
from learnorder.adapters.seen import refuse_as_seen
from learnorder.errors import LearnOrderError

with framework("lightgbm", "boost", "LightGBM"):
    import lightgbm

NAME = "lightgbm.RecordRounds"

BOOSTING = ("boosting", "boosting_type", "boost")
"""Names of the parameter that says how trees are added."""


class RecordRounds:
    """Records one replicate while ``lightgbm.train`` or ``LGBMClassifier.fit`` trains it.

    A boosting round is an epoch. Of each round one tree more is predicted and added to the margins
    of the round before. Use it as a context manager around training: where training stops early,
    LightGBM tells callbacks nothing, and the end of the block finishes the replicate. The last
    predictions are repeated until the planned number of rounds, and `learnorder info` says since
    when. Without the block a replicate that stops early stays open until `finish`. Nothing
    that goes wrong with recording stops training: the log is marked, and a `RecordingStopped`
    warning says why.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    seed
        Which replicate: the seed that training was started from.
    data
        By split a pair: inputs as ``Booster.predict`` takes them, and labels ``(example,)``, the
        classes of the booster, which are numbered from 0. `record_rounds` takes those of
        ``LGBMClassifier`` that are others.
    options
        Further arguments of `learnorder.Recorder`, as ``ids`` and ``about``.

    Raises
    ------
    LearnOrderError
        An argument cannot be used; this is before training.
    """

    order = 20
    """Before early stopping, which is 30 and ends a round for all that come later."""

    before_iteration = False

    def __init__(
        self,
        log: str | PathLike[str],
        *,
        seed: int,
        data: Mapping[str, tuple[Any, Any]],
        **options: Any,
    ) -> None:
        refuse_as_seen(NAME, options, "callbacks of LightGBM see no outputs")
        self._data, self._options = check_pairs(NAME, data), options
        self._recorder = GuardedRecorder(NAME, {**options, "log": log, "seed": seed})
        self._rounds: Rounds | None = None
        self._planned = 0

    @property
    def problem(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        return self._recorder.problem

    def __call__(self, env: Any) -> None:
        """Record the round; a model that is trained further counts on."""
        if env.iteration == env.begin_iteration:
            self._planned, self._rounds = env.end_iteration, None
            self._recorder.begin(lambda: self._declared(env.model, env.params))
        with self._recorder.guard():
            if self._rounds is not None and self._recorder.is_open:
                rounds, last = self._rounds, int(env.model.current_iteration())
                self._recorder.record(last, lambda: rounds.pieces(last))
        if env.iteration + 1 == env.end_iteration:
            self.finish()

    def _declared(self, model: Any, params: Mapping[str, Any]) -> dict[str, Any]:
        inputs = {split: x for split, (x, _) in self._data.items()}
        self._rounds = Rounds(inputs, _further(NAME, model, params))
        return declared_labels(NAME, self._data, _n_classes(model), self._options)

    def finish(self) -> None:
        """Declare the replicate finished; at the end of a block this is done for you."""
        if self._rounds is not None:
            finish(self._recorder, self._rounds, self._planned, "LightGBM stopped early")
        self._recorder.finish()
        self._rounds = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        self._recorder.close()


def record_rounds(
    log: str | PathLike[str],
    model: Any,
    data: Mapping[str, tuple[Any, Any]],
    *,
    seed: int,
    **options: Any,
) -> None:
    """Record every round of a trained model as an epoch of one replicate, without training again.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    model
        A ``Booster``, or an estimator that has one. All rounds that it keeps are recorded.
    data
        By split a pair: inputs as ``Booster.predict`` takes them, and labels ``(example,)``: of an
        estimator as in ``fit``, of a ``Booster`` its classes, which are numbered from 0.
    seed
        Which replicate: the seed that training was started from.
    options
        Further arguments of `learnorder.Recorder`, as ``ids`` and ``about``.

    Raises
    ------
    LearnOrderError
        The model does not choose between classes, a label is none of them, or `Recorder` refuses
        something.
    """
    where = "lightgbm.record_rounds"
    splits = check_pairs(where, data)
    booster = getattr(model, "booster_", model)
    rounds = Rounds(
        {split: x for split, (x, _) in splits.items()},
        _further(where, booster, getattr(booster, "params", {})),
    )
    found = labels_of_estimator(where, splits, model, _n_classes(booster), options)
    given = {**options, **found, "seed": seed}
    record_all(log, rounds, int(booster.current_iteration()), given)


def _further(where: str, model: Any, params: Mapping[str, Any]) -> Further:
    """How margins of a model go on.

    Raises
    ------
    LearnOrderError
        It is none, or does not choose between classes.
    """
    check_booster(where, model, lightgbm.Booster)
    objective = _objective(model)
    if objective not in ("binary", "multiclass", "multiclassova"):
        raise LearnOrderError(
            f"{where}: the objective {objective!r} does not choose between classes. Those of "
            "LightGBM that do are 'binary', 'multiclass' and 'multiclassova'. Use one, or "
            "lo.Recorder."
        )
    # only there a round leaves the trees before it as they are, and adds
    kind = next((str(params[name]) for name in BOOSTING if name in params), "gbdt")
    return _one_tree_more(model) if kind in ("gbdt", "gbrt", "goss") else _all_again(model)


def _n_classes(model: Any) -> int:
    """Between how many classes a booster chooses; with one tree a round there are two."""
    return max(2, int(model.num_model_per_iteration()))


def _objective(model: Any) -> str:
    """What a model says of its objective, whatever it was called when it was asked for."""
    lines = model.model_to_string(num_iteration=1).splitlines()
    found = next((line for line in lines if line.startswith("objective=")), "objective=none")
    return str(found.removeprefix("objective=").split(" ")[0])


def _one_tree_more(model: Any) -> Callable[..., Margins]:
    def further(inputs: Any, margins: Margins | None, first: int, last: int) -> Margins:
        added = _margins(model, inputs, first, last)
        return added if margins is None else margins + added

    return further


def _all_again(model: Any) -> Callable[..., Margins]:
    def further(inputs: Any, margins: Margins | None, first: int, last: int) -> Margins:
        return _margins(model, inputs, 0, last)

    return further


def _margins(model: Any, inputs: Any, first: int, last: int) -> Margins:
    return np.asarray(
        model.predict(inputs, raw_score=True, start_iteration=first, num_iteration=last - first)
    )
