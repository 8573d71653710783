"""How many more replicates a reliability takes, from the replicates there are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from learnorder.errors import LearnOrderError
from learnorder.measures.intervals import Interval
from learnorder.measures.order import Of, Reliability, Weights, reliability
from learnorder.notebook import as_html

MIN_REPLICATES = 5
"""Fewer say too little of how far replicates differ to plan by."""

MOST = 10**9
"""More replicates than this are not asked for: it is said that there is no number."""

ROUNDING = 1e-9
"""A number of replicates above a whole one by less than this share is that whole one."""


@dataclass(frozen=True)
class ReplicatesNeeded:
    """Replicates to add until the reliability of the order is what is aimed at.

    Attributes
    ----------
    target
        The reliability aimed at.
    n_replicates
        R, the replicates there are.
    reliability, reliability_ci
        Of their mean order, with its 95 % interval.
    more
        Replicates to add until the estimate is at the target; 0: it is.
    more_ci
        The same if reliability is at the upper end of its interval, and at the lower one: (fewest,
        most); most is None where no number is known to be enough.
    more_for_low
        Replicates to add until the lower end of the interval can be expected at the target.
    undefined
        For each attribute that is None, the reason.
    """

    target: float
    n_replicates: int
    reliability: float | None
    reliability_ci: Interval | None
    more: int | None
    more_ci: tuple[int, int | None] | None
    more_for_low: int | None
    undefined: dict[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """What there is and what is missing, for a notebook."""
        rows = [
            ("replicates there are", self.n_replicates),
            ("their reliability", self.reliability),
            ("95 % interval", self.reliability_ci),
            ("replicates to add", self.more if self.more is not None else self.undefined["more"]),
        ]
        return as_html(f"Replicates for a reliability of {self.target:g}", (), rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        pairs = ("reliability_ci", "more_ci")
        return {k: list(v) if k in pairs and v else v for k, v in vars(self).items()}


def replicates_needed(
    log: xr.Dataset, target: float = 0.95, weights: Weights = "equal", of: Of = "correct"
) -> ReplicatesNeeded:
    r"""Replicates to add until the reliability of the order is ``target``.

    By Spearman and Brown's formula the mean order of n replicates has the reliability

    .. math:: \alpha_n = \frac{n s}{1 + n s}, \qquad s = \frac{\alpha_R}{R (1 - \alpha_R)}

    where s is the signal to noise ratio of one replicate, from the reliability of the R there are;
    see `reliability`. It is solved for n, at the estimate and at both ends of its interval. For the
    lower end of the interval to come, the interval is taken to narrow as 1 / sqrt(n).

    0: enough are there. Undefined, None with the reason: everything for fewer than 5 replicates;
    where reliability is; and where no number is enough, because it is 0 or below, or the target
    is 1.

    Parameters
    ----------
    log
        One split of a log, with labels.
    target
        Above 0, at most 1.
    weights, of
        As in `accessibility`.

    Raises
    ------
    LearnOrderError
        A target outside (0, 1], or as `reliability`.

    References
    ----------
    spearman1910, brown1910
    """
    check_target(target, "replicates_needed")
    return needed_for(reliability(log, weights, of), target)


def check_target(target: float, caller: str) -> None:
    """Refuse what is no reliability to aim at."""
    number = isinstance(target, int | float) and not isinstance(target, bool)
    if not number or not 0 < target <= 1:
        raise LearnOrderError(
            f"{caller}: the target is {target!r}. A reliability to aim at lies above 0 and is at "
            "most 1. Give for example 0.95."
        )


def needed_for(found: Reliability, target: float) -> ReplicatesNeeded:
    """Replicates to add to those of a reliability; see `replicates_needed`."""
    undefined: dict[str, str] = {}
    names = {"reliability": "value", "reliability_ci": "ci"}
    undefined |= {n: found.undefined[a] for n, a in names.items() if a in found.undefined}
    more = _more(found, target)
    ends = _ends(found, target)
    low = _more_for_low(found, target)
    for name, value in (("more", more), ("more_ci", ends), ("more_for_low", low)):
        if isinstance(value, str):
            undefined[name] = value
    return ReplicatesNeeded(
        target=target,
        n_replicates=found.n_replicates,
        reliability=found.value,
        reliability_ci=found.ci,
        more=None if isinstance(more, str) else more,
        more_ci=None if isinstance(ends, str) else ends,
        more_for_low=None if isinstance(low, str) else low,
        undefined=undefined,
    )


def spearman_brown(value: float, n_before: float, n_after: float) -> float:
    """Reliability of the mean of ``n_after`` replicates where that of ``n_before`` is ``value``.

    Examples
    --------
    >>> spearman_brown(0.5, 1, 4)
    0.8
    """
    ratio = n_after / n_before
    return ratio * value / (1 + (ratio - 1) * value)


def _more(found: Reliability, target: float) -> int | str:
    """Replicates to add by the estimate, or why there is no number."""
    if found.n_replicates < MIN_REPLICATES:
        n = found.n_replicates
        return f"planning needs {MIN_REPLICATES} replicates; there {'is' if n == 1 else 'are'} {n}"
    if found.value is None:
        return found.undefined["value"]
    return _to_add(found.value, found.n_replicates, target)


def _to_add(value: float, n_replicates: int, target: float) -> int | str:
    if value >= target:
        return 0
    if value <= 0:
        return "reliability is not above 0: no number of replicates is known to be enough"
    if target == 1:
        return "only infinitely many replicates have a reliability of 1"
    needed = n_replicates * target / (1 - target) * (1 - value) / value
    if needed > MOST:
        return f"more than {MOST} replicates would be needed"
    return max(1, math.ceil(needed * (1 - ROUNDING)) - n_replicates)


def _ends(found: Reliability, target: float) -> tuple[int, int | None] | str:
    """Replicates to add by the ends of the interval, or why there are none."""
    more = _more(found, target)
    if found.n_replicates < MIN_REPLICATES or found.ci is None:
        return more if isinstance(more, str) else found.undefined["ci"]
    low, high = found.ci
    fewest = _to_add(high, found.n_replicates, target)
    if isinstance(fewest, str):
        return fewest
    most = _to_add(low, found.n_replicates, target)
    return fewest, None if isinstance(most, str) else most


def _more_for_low(found: Reliability, target: float) -> int | str:
    """Replicates to add until the lower end can be expected at the target, or why none."""
    more = _more(found, target)
    if isinstance(more, str):
        return more
    if found.ci is None:
        return found.undefined["ci"]
    if found.ci[0] >= target:
        return 0
    enough = found.n_replicates + 1
    while _expected_low(found, enough) < target:
        enough *= 2
        if enough > MOST:
            return f"more than {MOST} replicates would be needed"
    short = max(found.n_replicates, enough // 2)
    while enough - short > 1:
        middle = (enough + short) // 2
        if _expected_low(found, middle) < target:
            short = middle
        else:
            enough = middle
    return enough - found.n_replicates


def _expected_low(found: Reliability, n_after: int) -> float:
    """Lower end of the interval to expect with so many replicates; it is built on log(1 - alpha).

    Defined where ``value`` and ``ci`` are, and ``value`` is above 0.
    """
    assert found.value is not None, "checked by the caller"
    assert found.ci is not None, "checked by the caller"
    half = math.log((1 - found.ci[0]) / (1 - found.value))
    half *= math.sqrt(found.n_replicates / n_after)
    after = spearman_brown(found.value, found.n_replicates, n_after)
    return 1 - (1 - after) * math.exp(half)
