"""Gradient boosting of trees, round by round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from learnorder.errors import LearnOrderError
from learnorder.training.learners.contract import LearnerData, Round


def gradient_boosting(
    data: LearnerData,
    random_state: int,
    rounds: Sequence[int],
    *,
    learning_rate: float = 0.1,
    max_features: float = 0.5,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
) -> Iterator[Round]:
    """Add one tree per class a round (of two classes, one tree); scores are logits.

    Trees are grown on histograms of the features. Each split is chosen among a random share
    ``max_features`` of them. Nothing is held out, so nothing stops early.

    Raises
    ------
    LearnOrderError
        An option is out of its range.

    References
    ----------
    friedman2001greedy; friedman2002stochastic; ke2017lightgbm.
    """
    if max_features > 1 or max_leaf_nodes < 2:
        raise LearnOrderError(
            f"architecture: 'gradient-boosting' has max_features = {max_features:g} and "
            f"max_leaf_nodes = {max_leaf_nodes}. The first is a share above 0 and up to 1, the "
            "second 2 or more. Correct the option."
        )
    model = HistGradientBoostingClassifier(
        learning_rate=learning_rate,
        max_iter=rounds[-1],
        max_features=float(max_features),
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        early_stopping=False,
        random_state=random_state,
    )
    model.fit(data.inputs, data.labels)
    wanted = set(rounds)
    stages = (model.staged_decision_function(rows) for rows in data.splits.values())
    for number, of_splits in enumerate(zip(*stages, strict=True), start=1):
        if number in wanted:
            yield Round(dict(zip(data.splits, map(_logits, of_splits), strict=True)))


def _logits(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits of all classes; of two, the library gives the second less the first."""
    return raw if raw.ndim == 2 else np.stack([np.zeros_like(raw), raw], axis=1)
