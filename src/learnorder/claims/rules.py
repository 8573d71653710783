"""Rules: what each looks at, and what it asks of what is found there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

from learnorder.claims import of_collections, of_conditions, of_pairs
from learnorder.claims.evidence import REACHED, Evidence, Measured, Side
from learnorder.claims.recipe import RuleName
from learnorder.claims.verdicts import Verdict, above

Subjects = Literal["each", "first and other", "every two", "all"]
"""What a rule judges: each collection of a study; the first with each other one; every two; or all
of them at once."""


@dataclass(frozen=True)
class Asked:
    """What a rule asks of a measure.

    Attributes
    ----------
    threshold
        What its interval is held against: a threshold of the claim by its name, a number, or, where
        it is None, the upper end of the measure's own null.
    side
        On which side of it the interval has to lie.
    where
        A measure whose interval has to lie above 0 for this one to be asked for; None where it
        always is.
    """

    threshold: str | float | None
    side: Side = "above"
    where: str | None = None

    def of(self, found: Measured, thresholds: Mapping[str, float]) -> Measured:
        """A measure, with what it is held against."""
        return replace(found, threshold=self.against(found.null, thresholds), side=self.side)

    def against(
        self, null: Sequence[float] | None, thresholds: Mapping[str, float]
    ) -> float | None:
        """What an interval is held against; None where that is a null, and there is none."""
        if isinstance(self.threshold, str):
            return thresholds[self.threshold]
        if self.threshold is not None:
            return self.threshold
        return None if null is None else null[1]

    def is_apt(self, measures: Mapping[str, Measured]) -> bool:
        """Whether it is asked for, given everything that was found."""
        return self.where is None or above(measures[self.where].ci, 0) is Verdict.HOLDS


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes
    ----------
    judges
        Of which collections it makes a subject.
    find
        Everything that is measured of one: given a log; two of them by collection; or the splits of
        all collections.
    asks
        What it asks, by measure: all of it has to hold.
    """

    judges: Subjects
    find: Callable[[Any], Evidence]
    asks: Mapping[str, Asked]

    def subjects(self, collections: Sequence[str]) -> list[tuple[str, ...]]:
        """Collections of a study that are judged together; of each subject, in order."""
        if self.judges == "each":
            return [(name,) for name in collections]
        if self.judges == "every two":
            return list(combinations(collections, 2))
        if self.judges == "first and other":
            return [(collections[0], other) for other in collections[1:]]
        return [tuple(collections)]

    def is_enough(self, left: Sequence[str], collections: Sequence[str]) -> bool:
        """Whether what is left of the collections of a study can be judged.

        The first of them is what others are held against, where one is.
        """
        if self.judges == "first and other":
            return len(left) > 1 and left[0] == collections[0]
        return len(left) > (1 if self.judges == "every two" else 0)


RULES: Mapping[RuleName, Rule] = {
    "shared": Rule(
        "each",
        of_collections.shared_order,
        {"order": Asked("single_reliability"), "kappa": Asked("kappa")},
    ),
    "broken": Rule(
        "each",
        of_collections.broken_order,
        {
            "order": Asked("single_reliability", "below"),
            "kappa": Asked("kappa", "below"),
            REACHED: Asked("accuracy"),
        },
    ),
    "agrees": Rule(
        "each", of_collections.agreement_out_of_sample, {"conger kappa": Asked("kappa")}
    ),
    "same-order": Rule("first and other", of_pairs.same_order, {"corrected": Asked("correlation")}),
    "other-order": Rule(
        "first and other", of_pairs.same_order, {"corrected": Asked("correlation", "below")}
    ),
    "starts-alike": Rule(
        "every two",
        of_pairs.starts_alike,
        {
            "corrected": Asked("correlation"),
            "containment": Asked(None),
            "learned gain": Asked(0.0, where="accuracy gain"),
        },
    ),
    "goes-with-accuracy": Rule(
        "all",
        of_conditions.goes_with_accuracy,
        {
            "order and accuracy": Asked("correlation"),
            "kappa and accuracy": Asked("correlation"),
        },
    ),
}
