"""Epochs that lie evenly on a logarithmic scale, two to each doubling."""

from __future__ import annotations

from bisect import bisect_right


def log_spaced(last: int) -> list[int]:
    """Epochs 1, 2, 3, 4, 6, 8, 12, 16, 24, ... up to ``last``: ``2**k`` and ``3 * 2**k``.

    Examples
    --------
    >>> log_spaced(20)
    [1, 2, 3, 4, 6, 8, 12, 16]
    """
    doublings = range(max(last, 0).bit_length())
    epochs = {first << k for first in (1, 3) for k in doublings}
    return sorted(epoch for epoch in epochs if epoch <= last)


def neighbours(epoch: int) -> tuple[int, int]:
    """Return the log-spaced epochs around one that is at least 1: not after it, and after it.

    Examples
    --------
    >>> neighbours(10)
    (8, 12)
    """
    epochs = log_spaced(2 * epoch)
    place = bisect_right(epochs, epoch)
    return epochs[place - 1], epochs[place]
