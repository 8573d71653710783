"""What is found in logs: measures with interval and null, and the verdict on each subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from learnorder.claims.verdicts import Verdict, above, opposite
from learnorder.measures.intervals import Interval

Side = Literal["above", "below"]
"""Where a rule asks an interval to lie."""

REACHED = "accuracy"
"""The measure that needs no interval: every replicate has its threshold, or nothing is said."""


@dataclass(frozen=True)
class Measured:
    """A value with its 95 % interval, and what it would be if nothing were shared.

    Attributes
    ----------
    value, ci
        None where undefined.
    null
        95 % of values lie within where nothing is shared; None where there is no null.
    undefined
        Why there is no value, or no interval.
    threshold
        What the rule holds the interval against; None where it is only shown.
    side
        On which side of the threshold the rule asks it to lie.
    """

    value: float | None
    ci: Interval | None = None
    null: Interval | None = None
    undefined: str | None = None
    threshold: float | None = None
    side: Side = "above"

    @property
    def verdict(self) -> Verdict:
        """Whether it is known to lie on the side of its threshold that the rule asks for."""
        if self.threshold is None:
            return Verdict.INCONCLUSIVE
        is_above = above(self.ci, self.threshold)
        return is_above if self.side == "above" else opposite(is_above)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; what is undefined is None, with the reason."""
        ends = {
            name: None if found is None else [float(end) for end in found]
            for name, found in (("ci", self.ci), ("null", self.null))
        }
        value = None if self.value is None else float(self.value)
        missing = [name for name, v in (("value", value), ("ci", ends["ci"])) if v is None]
        reasons = {name: self.undefined or "not estimated" for name in missing}
        if ends["null"] is None:
            reasons["null"] = "no null is drawn for it"
        held = {"threshold": self.threshold, "side": None if self.threshold is None else self.side}
        return {"value": value, **ends, **held, "undefined": reasons}


@dataclass(frozen=True)
class Evidence:
    """What is measured of one subject, before a rule is held against it.

    Attributes
    ----------
    measures
        By name.
    n_replicates
        The fewest that went into it.
    curves
        Quantities by epoch, for figures.
    undefined
        What was left out, and why.
    """

    measures: Mapping[str, Measured]
    n_replicates: int
    curves: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What was found of one subject, and what it says of the claim.

    Attributes
    ----------
    study
        Where it belongs.
    subject
        A collection, or two.
    split
        Split it was found on.
    verdict
        Of this subject alone.
    because
        The measures that the rule asks for, each with its verdict.
    measures
        By name; others are only shown.
    n_replicates
        The fewest that went into it.
    curves
        Quantities by epoch, for figures.
    undefined
        Why there are no measures, under ``measures``; or what was left out, and why.
    """

    study: str
    subject: str
    split: str
    verdict: Verdict
    because: Mapping[str, Verdict]
    measures: Mapping[str, Measured]
    n_replicates: int
    curves: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "study": self.study,
            "subject": self.subject,
            "split": self.split,
            "verdict": str(self.verdict),
            "because": {part: str(verdict) for part, verdict in self.because.items()},
            "n_replicates": self.n_replicates,
            "measures": {name: found.to_dict() for name, found in self.measures.items()},
            "curves": {name: list(values) for name, values in self.curves.items()},
            "undefined": dict(self.undefined),
        }


def nothing_finished(study: str, subject: str, split: str, reason: str) -> Finding:
    """Return what is known of a subject without a finished replicate: nothing, and why."""
    open_ = Verdict.INCONCLUSIVE
    return Finding(study, subject, split, open_, {}, {}, 0, undefined={"measures": reason})


def measured(
    record: Mapping[str, Any],
    name: str,
    null: str | None = None,
    threshold: float | None = None,
) -> Measured:
    """Take a value of a JSON record with its interval, its null and the reason of what is None."""
    undefined = record.get("undefined") or {}
    ends = record.get(f"{name}_ci")
    of_null = record.get(null) if null else None
    return Measured(
        record.get(name),
        tuple(ends) if ends else None,
        tuple(of_null) if of_null else None,
        undefined.get(name) or undefined.get(f"{name}_ci"),
        threshold,
    )
