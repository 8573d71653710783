"""A random forest, tree by tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from learnorder.training.learners.contract import LearnerData, Round


def random_forest(
    data: LearnerData, random_state: int, rounds: Sequence[int], *, min_samples_leaf: int = 1
) -> Iterator[Round]:
    """Grow one tree a round; scores are the mean over trees of the shares in the leaves.

    Bootstrap and features of a tree go by its place in the forest, so a larger forest begins with
    the same trees. Trees already grown are not asked again.

    References
    ----------
    breiman2001random.
    """
    forest = RandomForestClassifier(
        min_samples_leaf=min_samples_leaf, random_state=random_state, warm_start=True
    )
    totals = {name: np.zeros((len(rows), data.n_classes)) for name, rows in data.splits.items()}
    grown = 0
    for n_trees in rounds:
        forest.set_params(n_estimators=n_trees).fit(data.inputs, data.labels)
        for tree in forest.estimators_[grown:]:
            for name, rows in data.splits.items():
                totals[name] += tree.predict_proba(rows)
        grown = n_trees
        yield Round({name: total / n_trees for name, total in totals.items()})
