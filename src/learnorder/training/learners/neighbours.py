"""The vote of the k nearest training examples, for every k."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances

from learnorder.training.learners.choices import check_neighbours
from learnorder.training.learners.contract import LearnerData, Round, Rows

BLOCK = 4_000_000
"""Distances held at a time (some 100 MB with what is made of them)."""


def k_nn(data: LearnerData, random_state: int, rounds: Sequence[int]) -> Iterator[Round]:
    """Let one more neighbour vote in each round; scores are the shares of votes.

    Distances are Euclidean. Of neighbours equally far the one that comes first is nearer, of
    classes with equally many votes the first wins. The random state is not used.

    Raises
    ------
    LearnOrderError
        More neighbours are asked for than there are training examples.

    References
    ----------
    cover1967nearest.
    """
    check_neighbours(rounds[-1], len(data.labels))
    labels = {name: _neighbours(rows, data, rounds[-1]) for name, rows in data.splits.items()}
    votes = {name: np.zeros((len(rows), data.n_classes)) for name, rows in data.splits.items()}
    done = 0
    for k in rounds:
        for name, nearest in labels.items():
            rows = np.arange(len(nearest))
            for column in range(done, k):
                votes[name][rows, nearest[:, column]] += 1
        done = k
        yield Round({name: counted / k for name, counted in votes.items()})


def _neighbours(rows: Rows, data: LearnerData, most: int) -> NDArray[np.integer]:
    """Labels ``(example, neighbour)`` of the nearest training examples, nearest first."""
    step = max(1, BLOCK // len(data.labels))
    narrow = np.min_scalar_type(data.n_classes)
    parts = [
        data.labels[_nearest(rows[start : start + step], data.inputs, most)].astype(narrow)
        for start in range(0, len(rows), step)
    ]
    return np.concatenate(parts)


def _nearest(rows: Rows, inputs: Rows, most: int) -> NDArray[np.int64]:
    """Positions of the nearest inputs; whatever ``most`` is, the first ones are the same.

    A distance that is not negative is ordered like its bits. With the position below them all keys
    differ, so that neither partition nor sort has a choice.
    """
    distances = euclidean_distances(rows, inputs, squared=True).astype(np.float32)
    distances = np.maximum(distances, np.float32(0)) + np.float32(0)  # -0 would come last
    keys = distances.view(np.uint32).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(len(inputs), dtype=np.uint64)
    if most < len(inputs):
        keys = np.partition(keys, most - 1, axis=1)[:, :most]
    keys.sort(axis=1)
    positions: NDArray[np.int64] = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return positions
