"""What a learner will cost, from a few rounds on a part of the data."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from learnorder.training.data import TrainingTensors
from learnorder.training.grid import recording_grid
from learnorder.training.learners.contract import LearnerData
from learnorder.training.learners.replicates import replicate_rounds
from learnorder.training.learners.rows import learner_data
from learnorder.training.spec import TrainingSpec

EXAMPLES = 2000
"""Training examples that are tried at most, with the same share of every other split."""

FEW = 3
"""Rounds tried at most, beside the first alone: their difference is what a round adds."""

GROWTH: Mapping[str, int] = {"k-nn": 2}
"""How cost grows with the number of examples: with its square where each is held against each;
nearly in proportion elsewhere."""


def estimate(spec: TrainingSpec, tensors: TrainingTensors) -> tuple[float, float]:
    """Return seconds that a replicate will take, and the share of the examples that was tried."""
    data = learner_data(tensors)
    share = min(1.0, EXAMPLES / len(data.labels))
    part = data.share(share) if share < 1 else data
    rounds = [point.step for point in recording_grid(spec, tensors.n_train)]
    last = min(rounds[-1], len(part.labels))  # of neighbours there are no more
    first_seconds = _seconds(spec, part, [1])
    few = min(last, FEW)
    more = _seconds(spec, part, range(1, few + 1)) - first_seconds if few > 1 else 0.0
    per_round = max(more, 0.0) / max(few - 1, 1)
    seconds = first_seconds + (rounds[-1] - 1) * per_round
    return seconds / share ** GROWTH.get(spec.architecture.name, 1), share


def _seconds(spec: TrainingSpec, data: LearnerData, rounds: Sequence[int]) -> float:
    start = time.perf_counter()
    for _ in replicate_rounds(spec, data, 0, rounds):
        pass
    return time.perf_counter() - start
