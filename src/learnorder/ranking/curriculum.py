"""From an order to what is trained on: in which order, and what may be left out."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import Labels

Drop = Literal["easiest", "hardest"]

MUCH: Final = 0.7
"""Share from which on, in zheng2023coverage, leaving the easiest out did worse than a draw."""

Positions = NDArray[np.int64]


def in_turn(order: Positions, label: Labels) -> Positions:
    """Order in which classes take turns in proportion to their size, each in its own order.

    The example that is j-th of n in its class comes at (j - 1/2) / n of the way: every beginning of
    the order holds each class in its share, within one example or so. Classes that are due at once
    come by class id.

    Parameters
    ----------
    order
        ``(example,)``, positions of all examples.
    label
        ``(example,)``, by position.

    Returns
    -------
    ``(example,)``, the same positions.

    Examples
    --------
    >>> in_turn(np.array([0, 1, 2, 3, 4, 5]), np.array([7, 7, 7, 7, 2, 2])).tolist()
    [0, 4, 1, 2, 5, 3]
    """
    of_class, place, size = _places(label[order])
    due = (2 * place + 1) / (2 * size[of_class])
    return order[np.lexsort((of_class, due))]


def left_out(order: Positions, label: Labels, fraction: float, drop: Drop) -> NDArray[np.bool_]:
    """Which examples are dropped, ``(example,)`` by position: one share of every class.

    In total ``fraction`` of all, rounded; of each class that share rounded down, and what is
    missing to the total from the classes with the largest remainders, the lowest class id among
    equals. Of every class at least one example is kept, even where that drops fewer.

    Parameters
    ----------
    order
        ``(example,)``, positions of all examples, from easy to hard.
    label
        ``(example,)``, by position.
    fraction
        In [0, 1).
    drop
        From which end.

    Raises
    ------
    LearnOrderError
        The fraction is outside [0, 1), or the end is unknown.

    Examples
    --------
    >>> left_out(np.arange(6), np.array([0, 0, 0, 0, 1, 1]), 0.5, "hardest").tolist()
    [False, False, True, True, False, True]
    """
    _check(fraction, drop)
    from_end = order if drop == "easiest" else order[::-1]
    of_class, place, size = _places(label[from_end])
    dropped = np.empty(len(order), dtype=np.bool_)
    dropped[from_end] = place < _shares(size, fraction)[of_class]
    return dropped


def _shares(size: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """How many of each class are dropped, by largest remainders."""
    # to twelve digits, or 0.29 of 100 would be less than 29
    exact = np.round(size * float(fraction), 12)
    most = size - 1
    taken = np.minimum(np.floor(exact).astype(np.int64), most)
    missing = round(float(fraction) * int(size.sum())) - int(taken.sum())
    by_remainder = np.argsort(taken - exact, kind="stable")
    # none gives more than its share rounded up
    able = (taken < most) & (taken < exact)
    more = by_remainder[able[by_remainder]][: max(missing, 0)]
    taken[more] += 1
    return taken


def _places(label: Labels) -> tuple[NDArray[np.intp], Positions, NDArray[np.int64]]:
    """Class of each example among those there are, its place in it, and the size of each."""
    _, of_class, size = np.unique(label, return_inverse=True, return_counts=True)
    by_class = np.argsort(of_class, kind="stable")
    first = np.cumsum(size) - size
    place = np.empty(len(label), dtype=np.int64)
    place[by_class] = np.arange(len(label)) - np.repeat(first, size)
    return of_class, place, size


def _check(fraction: Any, drop: str) -> None:
    number = isinstance(fraction, int | float | np.number) and not isinstance(fraction, bool)
    if not number or not 0 <= fraction < 1:
        raise LearnOrderError(
            f"rank: the share to drop is {fraction!r}. It is at least 0 and below 1. "
            "Use such a number."
        )
    if drop not in get_args(Drop):
        raise LearnOrderError(f"rank: unknown end {drop!r}. {nearest(str(drop), get_args(Drop))}")
