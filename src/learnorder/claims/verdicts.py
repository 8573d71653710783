"""Verdicts: what an interval says of a threshold, and how several make one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from learnorder.measures.intervals import Interval


class Verdict(StrEnum):
    """What measurement says of a claim."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    INCONCLUSIVE = "inconclusive"


def above(interval: Interval | None, threshold: float) -> Verdict:
    """Whether a value is known to lie above a threshold.

    Examples
    --------
    >>> [str(above(ends, 0.5)) for ends in ((0.6, 0.8), (0.1, 0.3), (0.4, 0.6), None)]
    ['holds', 'does not hold', 'inconclusive', 'inconclusive']
    """
    if interval is None:
        return Verdict.INCONCLUSIVE
    low, high = interval
    if low > threshold:
        return Verdict.HOLDS
    return Verdict.DOES_NOT_HOLD if high < threshold else Verdict.INCONCLUSIVE


def opposite(verdict: Verdict) -> Verdict:
    """The verdict of the contrary claim."""
    swapped = {Verdict.HOLDS: Verdict.DOES_NOT_HOLD, Verdict.DOES_NOT_HOLD: Verdict.HOLDS}
    return swapped.get(verdict, verdict)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Every part has to hold; one that does not is enough against it. Nothing says nothing.

    Examples
    --------
    >>> str(all_of([Verdict.HOLDS, Verdict.INCONCLUSIVE]))
    'inconclusive'
    """
    found = set(verdicts)
    if Verdict.DOES_NOT_HOLD in found:
        return Verdict.DOES_NOT_HOLD
    return Verdict.HOLDS if found == {Verdict.HOLDS} else Verdict.INCONCLUSIVE


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """One part that holds is enough; all have to fail against it. Nothing says nothing."""
    return opposite(all_of(opposite(verdict) for verdict in verdicts))
