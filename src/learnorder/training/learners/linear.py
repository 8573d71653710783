"""Logistic regression and a linear support vector machine, by iterations of L-BFGS.

The solvers of scikit-learn hand out nothing between iterations, and starting them again for every
number of iterations takes as long squared. So the two losses are minimised here, by SciPy, with the
settings of scikit-learn's ``LogisticRegression``, and the tests hold them against scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from learnorder.datasets.normalisation import blocks
from learnorder.training.learners.contract import LearnerData, Round, Rows, Stop

Floats = NDArray[np.float64]

Loss = Callable[[Floats, NDArray[np.int64]], tuple[float, Floats]]
"""From scores ``(example, class_id)`` and labels: summed loss, and its slope at each score."""

OPTIONS = {"maxls": 50, "gtol": 1e-4, "ftol": 64 * float(np.finfo(float).eps)}
"""Steps of a line search, and when it has converged: the largest slope of the mean loss, and the
relative decrease in an iteration."""


def logistic_regression(
    data: LearnerData, random_state: int, rounds: Sequence[int], *, c: float = 1.0
) -> Iterator[Round]:
    """Take one iteration a round of softmax regression from zero weights; scores are logits.

    Minimised is the mean cross-entropy plus ``|W|^2 / (2 c n)``, intercepts free. The random state
    is not used.

    References
    ----------
    liu1989limited.
    """
    return _rounds(data, rounds, cross_entropy, c, penalised_intercept=False)


def linear_svm(
    data: LearnerData, random_state: int, rounds: Sequence[int], *, c: float = 1.0
) -> Iterator[Round]:
    """Take one iteration a round of support vector machines, each class against the rest.

    Minimised is the sum over classes of the mean squared hinge loss plus ``|w|^2 / (2 c n)``, the
    intercept in ``w``. Scores are the signed decisions. The random state is not used.

    References
    ----------
    fan2008liblinear; liu1989limited.
    """
    return _rounds(data, rounds, squared_hinge, c, penalised_intercept=True)


def cross_entropy(scores: Floats, labels: NDArray[np.int64]) -> tuple[float, Floats]:
    """Loss of the softmax of all scores."""
    logs = log_softmax(scores, axis=1)
    rows = np.arange(len(labels))
    slopes = np.exp(logs)
    slopes[rows, labels] -= 1.0
    return -float(logs[rows, labels].sum()), slopes


def squared_hinge(scores: Floats, labels: NDArray[np.int64]) -> tuple[float, Floats]:
    """Loss of each score that is not on its side by 1 at least."""
    signs = np.full(scores.shape, -1.0)
    signs[np.arange(len(labels)), labels] = 1.0
    lacking = np.maximum(1.0 - signs * scores, 0.0)
    return float((lacking * lacking).sum()), -2.0 * signs * lacking


def _rounds(
    data: LearnerData, rounds: Sequence[int], loss: Loss, c: float, *, penalised_intercept: bool
) -> Iterator[Round]:
    kept, stop = _iterates(data, rounds, loss, c, penalised_intercept)
    for number in rounds:
        weights = kept[min(number, max(kept))]
        scores = {name: _scores(rows, weights) for name, rows in data.splits.items()}
        yield Round(scores, stop if stop is not None and stop.round < number else None)


def _iterates(
    data: LearnerData, rounds: Sequence[int], loss: Loss, c: float, penalised_intercept: bool
) -> tuple[dict[int, Floats], Stop | None]:
    """Weights ``(feature and intercept, class_id)`` after the wanted rounds and the last one."""
    n, shape = len(data.labels), (data.inputs.shape[1] + 1, data.n_classes)
    penalised = slice(None) if penalised_intercept else slice(-1)
    wanted, kept, taken = set(rounds), dict[int, Floats](), 0

    def objective(flat: Floats) -> tuple[float, Floats]:
        weights, gradient, value = flat.reshape(shape), np.zeros(shape), 0.0
        for block in blocks(data.inputs):
            rows = data.inputs[block].astype(np.float64)
            losses, slopes = loss(rows @ weights[:-1] + weights[-1], data.labels[block])
            value += losses
            gradient[:-1] += rows.T @ slopes
            gradient[-1] += slopes.sum(axis=0)
        gradient[penalised] += weights[penalised] / c
        return (value + float((weights[penalised] ** 2).sum()) / (2 * c)) / n, gradient.ravel() / n

    def keep(flat: Floats) -> None:
        nonlocal taken
        taken += 1
        if taken in wanted:
            kept[taken] = flat.reshape(shape).copy()

    options = {**OPTIONS, "maxiter": rounds[-1], "maxfun": 100 * rounds[-1] + 1000}
    start = np.zeros(shape).ravel()
    found = minimize(objective, start, method="L-BFGS-B", jac=True, callback=keep, options=options)
    kept[taken] = found.x.reshape(shape)
    if taken == rounds[-1]:
        return kept, None
    why = "it has converged" if found.success else f"no step lowers the loss ({found.message})"
    return kept, Stop(taken, why)


def _scores(rows: Rows, weights: Floats) -> Floats:
    parts = [rows[b].astype(np.float64) @ weights[:-1] + weights[-1] for b in blocks(rows)]
    return np.concatenate(parts)
