"""AdaBoost for several classes (SAMME) over two kinds of weak learners, round by round."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from learnorder.errors import LearnOrderError
from learnorder.training.learners.contract import LearnerData, Round, Stop

CHANCE = 1e-9
"""Weight, at learning rate 1, up to which a weak learner is no better than chance but for rounding;
the library asks for 0, which an error computed from many weights misses either way."""


def adaboost_stumps(
    data: LearnerData,
    random_state: int,
    rounds: Sequence[int],
    *,
    max_depth: int = 1,
    learning_rate: float = 1.0,
) -> Iterator[Round]:
    """Add one tree of ``max_depth`` a round; the random state decides between equal splits alone.

    References
    ----------
    zhu2009multi; freund1997decision.
    """
    weak = DecisionTreeClassifier(max_depth=max_depth)
    return _rounds(data, weak, "trees", random_state, rounds, learning_rate)


def adaboost_linear(
    data: LearnerData,
    random_state: int,
    rounds: Sequence[int],
    *,
    iterations: int = 10,
    learning_rate: float = 1.0,
) -> Iterator[Round]:
    """Add one softmax regression a round, stopped after a few iterations of L-BFGS: a weak one.

    Boosting gives weights that sum to 1. So that they are held against the penalty like examples
    of weight 1 each, the inverse penalty is the number of examples.

    References
    ----------
    zhu2009multi; freund1997decision.
    """
    weak = LogisticRegression(C=float(len(data.labels)), max_iter=iterations)
    return _rounds(data, weak, "linear classifiers", random_state, rounds, learning_rate)


def _rounds(
    data: LearnerData,
    weak: Any,
    noun: str,
    random_state: int,
    rounds: Sequence[int],
    learning_rate: float,
) -> Iterator[Round]:
    """Boost to the last round, or until boosting stops; from there on the ensemble stays as it is.

    It stops after a weak learner without error, whose weight would be infinite, and before one that
    is no better than chance, whose weight would not be positive.
    """
    model, stop = _boosted(data, weak, noun, random_state, rounds[-1], learning_rate)
    last = rounds[-1] if stop is None else stop.round
    stages = (model.staged_decision_function(rows) for rows in data.splits.values())
    stage: Iterator[tuple[NDArray[np.float64], ...]] = zip(*stages, strict=True)
    done, scores = 0, dict[str, NDArray[np.float64]]()
    for number in rounds:
        while done < min(number, last):
            scores = {n: _votes(s) for n, s in zip(data.splits, next(stage), strict=True)}
            done += 1
        yield Round(scores, stop if last < number else None)


def _boosted(
    data: LearnerData,
    weak: Any,
    noun: str,
    random_state: int,
    n_rounds: int,
    learning_rate: float,
) -> tuple[Any, Stop | None]:
    """Return the fitted model, and where boosting stopped before the last round."""
    model = AdaBoostClassifier(
        weak, n_estimators=n_rounds, learning_rate=learning_rate, random_state=random_state
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.fit(data.inputs, data.labels)
        except ValueError as error:
            if "worse than random" not in str(error):
                raise
            raise _cannot_begin(data, noun) from error
    done = len(model.estimators_)
    weights = model.estimator_weights_[:done]
    of_chance = np.flatnonzero(weights < CHANCE * learning_rate)
    if len(of_chance):
        done = int(of_chance[0])
        if done == 0:
            raise _cannot_begin(data, noun)
    elif done == n_rounds:
        return model, None
    elif model.estimator_errors_[done - 1] == 0:
        return model, Stop(done, f"the weak learner of round {done} makes no error")
    elif told:
        return model, Stop(done, "the weights of the examples are no longer finite numbers")
    return model, Stop(done, f"the weak learner of round {done + 1} is no better than chance")


def _cannot_begin(data: LearnerData, noun: str) -> LearnOrderError:
    return LearnOrderError(
        f"train: boosting over {noun} cannot begin, because the first is no better than chance "
        f"({data.n_classes} classes, {len(data.labels)} examples). A weak learner is right more "
        "often than that. Give features that tell the classes apart."
    )


def _votes(decision: NDArray[np.float64]) -> NDArray[np.float64]:
    """Votes of all classes; of two, the library gives those of the second less the first."""
    return decision if decision.ndim == 2 else np.stack([-decision, decision], axis=1)
