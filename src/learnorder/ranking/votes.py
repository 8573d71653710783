"""Which class is voted for most, and which of the wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from learnorder.measures import _kernels
from learnorder.schema import Labels, Predictions, not_recorded

MOST_EXCHANGED = 32
"""Voters up to which whole rows are exchanged to sort; beyond, the votes of an example are."""

NO_CLASS = -1
"""Stands where there is no such class."""


@dataclass(frozen=True)
class Votes:
    """How votes on examples fall.

    Attributes
    ----------
    top
        ``(example,)`` int64, the class with most votes. Among equals it is the label, then the
        lowest class id.
    top_votes
        ``(example,)``, its votes.
    wrong
        ``(example,)`` int64, the class other than the label with most votes, the lowest class id
        among equals; `NO_CLASS` where all votes are for the label.
    wrong_votes
        ``(example,)``, its votes.
    """

    top: Labels
    top_votes: _kernels.Counts
    wrong: Labels
    wrong_votes: _kernels.Counts


def most_voted(votes: Predictions, label: Labels) -> Votes:
    """Count votes ``(voter, example)``; ``label`` is empty where there are no labels.

    Examples
    --------
    Three vote for 2, two for the label 1; one for each of three classes; all for the label:

    >>> votes = np.array([[2, 0, 1], [1, 1, 1], [2, 2, 1], [1, 1, 1], [2, 2, 1]], dtype=np.uint8)
    >>> found = most_voted(votes, np.array([1, 2, 1]))
    >>> found.top.tolist(), found.top_votes.tolist()
    ([2, 2, 1], [3, 2, 5])
    >>> found.wrong.tolist(), found.wrong_votes.tolist()
    ([2, 1, -1], [3, 2, 0])
    """
    # all ones is no class
    absent = np.full(votes.shape[1], not_recorded(votes.dtype), dtype=votes.dtype)
    own = label.astype(votes.dtype) if len(label) else absent
    own_votes = _kernels.count_rows(votes == own)
    wrong, wrong_votes = absent, np.zeros_like(own_votes)
    run = np.zeros_like(own_votes)
    for before, row in pairwise([absent, *_ordered(votes)]):
        run = run * (row == before) + run.dtype.type(1)
        # Classes ascend, so the lowest of equals is the first that comes so far.
        more = (run > wrong_votes) & (row != own)
        wrong, wrong_votes = np.where(more, row, wrong), np.where(more, run, wrong_votes)
    is_own = (own_votes >= wrong_votes) & (own_votes > 0)
    return Votes(
        top=np.where(is_own, own, wrong).astype(np.int64),
        top_votes=np.where(is_own, own_votes, wrong_votes),
        wrong=np.where(wrong_votes > 0, wrong.astype(np.int64), NO_CLASS),
        wrong_votes=wrong_votes,
    )


def _ordered(votes: Predictions) -> list[Predictions]:
    """Rows in which the votes on each example ascend."""
    if len(votes) <= MOST_EXCHANGED:
        return _kernels.sorted_rows(votes)
    return list(np.ascontiguousarray(np.sort(np.ascontiguousarray(votes.T), axis=1).T))
