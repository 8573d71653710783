"""XGBoost: a callback that records every round, and the rounds of a model that is trained."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from learnorder.adapters.examples import check_pairs
from learnorder.adapters.extras import framework
from learnorder.adapters.guarded import GuardedRecorder
from learnorder.adapters.margins import (
    Further,
    Margins,
    Rounds,
    check_booster,
    finish,
    labels_of,
    record_all,
)
from learnorder.adapters.seen import refuse_as_seen
from learnorder.errors import LearnOrderError

with framework("xgboost", "boost", "XGBoost"):
    import xgboost
    from xgboost.callback import TrainingCallback

NAME = "xgboost.RecordRounds"


class RecordRounds(TrainingCallback):
    """Records one replicate while ``xgboost.train`` or ``XGBClassifier.fit`` trains it.

    A boosting round is an epoch. Of each round one tree more is predicted and added to the margins
    of the round before. Nothing that goes wrong with recording stops training: the log is marked,
    and a `RecordingStopped` warning says why.

    Parameters
    ----------
    log
        Folder or URL of the log, which other seeds may share.
    seed
        Which replicate: the seed that training was started from.
    data
        By split a pair: inputs as ``DMatrix`` takes them, and labels ``(example,)``, integers.
    rounds
        How many rounds are planned. Where training stops before, the last predictions are repeated
        until there, and `learnorder info` says since when. Without it a log ends with training.
    options
        Further arguments of `learnorder.Recorder`, as ``ids`` and ``about``.

    Raises
    ------
    LearnOrderError
        An argument cannot be used; this is before training.
    """

    def __init__(
        self,
        log: str | PathLike[str],
        *,
        seed: int,
        data: Mapping[str, tuple[Any, Any]],
        rounds: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        refuse_as_seen(NAME, options, "callbacks of XGBoost see no outputs")
        self._data, self._planned = check_pairs(NAME, data), rounds
        self._recorder = GuardedRecorder(NAME, {**options, "log": log, "seed": seed})
        self._rounds: Rounds | None = None

    @property
    def problem(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        return self._recorder.problem

    def before_training(self, model: Any) -> Any:
        """Open the log."""
        self._rounds = None
        self._recorder.begin(lambda: labels_of(self._data))
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Record the round; a model that is trained further counts on."""
        with self._recorder.guard():
            if self._recorder.is_open:
                self._record(model)
        return False

    def _record(self, model: Any) -> None:
        if self._rounds is None:
            self._rounds = Rounds(_matrices(self._data), _further(NAME, model))
        rounds, last = self._rounds, _last(model)
        self._recorder.record(last, lambda: rounds.pieces(last))

    def after_training(self, model: Any) -> Any:
        """Declare the replicate finished."""
        with self._recorder.guard():
            rounds = self._rounds
            # callbacks that come after one that stops training are not told of the last round
            if self._recorder.is_open and _last(model) > (rounds.last if rounds else 0):
                self._record(model)
        if self._rounds is not None:
            finish(self._recorder, self._rounds, self._planned, "XGBoost stopped early")
        self._recorder.finish()
        return model


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
        A ``Booster``, or an estimator that has one. All its rounds are recorded, also those after
        the best.
    data
        By split a pair: inputs as ``DMatrix`` takes them, and labels ``(example,)``, integers.
    seed
        Which replicate: the seed that training was started from.
    options
        Further arguments of `learnorder.Recorder`, as ``ids`` and ``about``.

    Raises
    ------
    LearnOrderError
        The model does not choose between classes, or `Recorder` refuses something.
    """
    where = "xgboost.record_rounds"
    splits = check_pairs(where, data)
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    rounds = Rounds(_matrices(splits), _further(where, booster))
    given = {**labels_of(splits), **options, "seed": seed}
    record_all(log, rounds, _last(booster), given)


def _matrices(data: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of our own, which the margins of the round before can be put into."""
    return {split: xgboost.DMatrix(x, enable_categorical=True) for split, (x, _) in data.items()}


def _last(model: Any) -> int:
    return int(model.num_boosted_rounds())


def _further(where: str, model: Any) -> Further:
    """How margins of a model go on.

    Raises
    ------
    LearnOrderError
        It is none, or does not choose between classes.
    """
    check_booster(where, model, xgboost.Booster)
    about = json.loads(model.save_config())["learner"]
    objective = str(about["learner_train_param"]["objective"])
    if not objective.startswith(("binary:", "multi:")):
        raise LearnOrderError(
            f"{where}: the objective {objective!r} does not choose between classes. Those of "
            "XGBoost that do begin with 'binary:' or 'multi:'. Use one, or lo.Recorder."
        )
    # only there a round leaves the trees before it as they are
    is_additive = about["gradient_booster"]["name"] == "gbtree"
    return _one_tree_more(model) if is_additive else _all_again(model)


def _one_tree_more(model: Any) -> Callable[..., Margins]:
    def further(matrix: Any, margins: Margins | None, first: int, last: int) -> Margins:
        if margins is not None:
            matrix.set_base_margin(margins)
        found = model.predict(matrix, output_margin=True, iteration_range=(first, last))
        return np.asarray(found)

    return further


def _all_again(model: Any) -> Callable[..., Margins]:
    def further(matrix: Any, margins: Margins | None, first: int, last: int) -> Margins:
        return np.asarray(model.predict(matrix, output_margin=True, iteration_range=(0, last)))

    return further
