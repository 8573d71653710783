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
    check_rounds,
    declared_labels,
    finish,
    labels_of_estimator,
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
        By split a pair: inputs as ``DMatrix`` takes them, and labels ``(example,)``, the classes
        of the booster, which are numbered from 0.
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
        check_rounds(NAME, rounds)
        self._data, self._planned = check_pairs(NAME, data), rounds
        self._options = options
        self._recorder = GuardedRecorder(NAME, {**options, "log": log, "seed": seed})
        self._rounds: Rounds | None = None
        self._is_begun = False

    @property
    def problem(self) -> str | None:
        """Why recording has stopped; None while it has not."""
        return self._recorder.problem

    def before_training(self, model: Any) -> Any:
        """Begin anew; what the booster chooses between is known after its first round."""
        self._rounds, self._is_begun = None, False
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Record the round; a model that is trained further counts on."""
        self._begin(model)
        with self._recorder.guard():
            self._record(model)
        return False

    def _begin(self, model: Any) -> None:
        """Open the log."""
        if not self._is_begun:
            self._is_begun = True
            self._recorder.begin(lambda: self._declared(model))

    def _declared(self, model: Any) -> dict[str, Any]:
        self._rounds = Rounds(_matrices(self._data), _further(NAME, model))
        return declared_labels(NAME, self._data, _n_classes(model), self._options)

    def _record(self, model: Any) -> None:
        if self._rounds is not None and self._recorder.is_open:
            rounds, last = self._rounds, _last(model)
            self._recorder.record(last, lambda: rounds.pieces(last))

    def after_training(self, model: Any) -> Any:
        """Declare the replicate finished."""
        self._begin(model)
        with self._recorder.guard():
            # callbacks that come after one that stops training are not told of the last round
            if self._rounds is not None and _last(model) > self._rounds.last:
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
        By split a pair: inputs as ``DMatrix`` takes them, and labels ``(example,)``: of an
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
    where = "xgboost.record_rounds"
    splits = check_pairs(where, data)
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    rounds = Rounds(_matrices(splits), _further(where, booster))
    found = labels_of_estimator(where, splits, model, _n_classes(booster), options)
    record_all(log, rounds, _last(booster), {**options, **found, "seed": seed})


def _matrices(data: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of our own, which the margins of the round before can be put into."""
    return {split: xgboost.DMatrix(x, enable_categorical=True) for split, (x, _) in data.items()}


def _last(model: Any) -> int:
    return int(model.num_boosted_rounds())


def _learner(model: Any) -> Any:
    """What a booster says of itself."""
    return json.loads(model.save_config())["learner"]


def _n_classes(model: Any) -> int:
    """Between how many classes a booster chooses; of two XGBoost says no number."""
    about = _learner(model)
    is_binary = about["learner_train_param"]["objective"].startswith("binary:")
    return 2 if is_binary else int(about["learner_model_param"]["num_class"])


def _further(where: str, model: Any) -> Further:
    """How margins of a model go on.

    Raises
    ------
    LearnOrderError
        It is none, or does not choose between classes.
    """
    check_booster(where, model, xgboost.Booster)
    about = _learner(model)
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
