"""Evidence of pairs of collections: the same order, another one, the same beginning?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from learnorder.claims.evidence import Finding, Measured, measured
from learnorder.claims.of_collections import Thresholds
from learnorder.claims.verdicts import Verdict, above, all_of
from learnorder.comparison.compare import compare

Judge = Callable[["Compared", Thresholds], tuple[dict[str, Verdict], dict[str, Measured]]]

GOES_ON = "learned gain"
"""The measure that says whether the stronger goes on: asked where one of two is surely stronger."""


@dataclass(frozen=True)
class Compared:
    """A pair of collections, with replicates matched by accuracy, and by epoch.

    By accuracy another pace is not taken for another order, so this is what rules go by.
    """

    by_accuracy: Mapping[str, Any]
    by_epoch: Mapping[str, Any]
    matched: Mapping[str, Measured]
    """Over which accuracies, and how well."""

    def correlations(self, threshold: float) -> dict[str, Measured]:
        """Corrected correlation within class, and for comparison by epoch, and with classes."""
        return {
            "corrected": measured(
                self.by_accuracy["within_class"], "corrected", threshold=threshold
            ),
            "corrected, by epoch": measured(self.by_epoch["within_class"], "corrected"),
            "corrected, classes too": measured(self.by_accuracy, "corrected"),
            **self.matched,
        }


def same_order(
    pair: Compared, thresholds: Thresholds
) -> tuple[dict[str, Verdict], dict[str, Measured]]:
    """Do two collections learn in one order?

    Their corrected correlation within class, replicates matched by accuracy, is above
    ``correlation``.
    """
    found = pair.correlations(thresholds["correlation"])
    return {"corrected": found["corrected"].verdict}, found


def other_order(
    pair: Compared, thresholds: Thresholds
) -> tuple[dict[str, Verdict], dict[str, Measured]]:
    """Do two collections learn in different orders: it is below ``correlation``."""
    _, found = same_order(pair, thresholds)
    found["corrected"] = replace(found["corrected"], side="below")
    return {"corrected": found["corrected"].verdict}, found


def starts_alike(
    pair: Compared, thresholds: Thresholds
) -> tuple[dict[str, Verdict], dict[str, Measured]]:
    """Do two architectures begin with the same examples, and does the stronger go on?

    The order is the same as in `same_order`; at the middle of the matched accuracies, of what the
    weaker knows the stronger knows more than class alone would have it; and where one is surely
    stronger, it knows at the end more of what the others miss than one more of the weaker would.
    """
    because, found = same_order(pair, thresholds)
    found["containment"] = _contained_halfway(pair.by_epoch["containment"])
    because["containment"] = found["containment"].verdict
    found |= _contained_in_own_kind(pair.by_epoch["containment"])
    gains = pair.by_epoch["late_gains"]
    found |= {
        "accuracy gain": measured(gains, "accuracy_gain"),
        GOES_ON: measured(gains, "learned_gain", threshold=0.0),
    }
    if above(found["accuracy gain"].ci, 0) is Verdict.HOLDS:
        because[GOES_ON] = found[GOES_ON].verdict
    return because, found


def _contained_halfway(containment: Mapping[str, Any]) -> Measured:
    """Containment at the middle of the accuracies that both reach."""
    along = containment["along"]
    if not along:
        return Measured(None, undefined=containment["undefined"].get("along"))
    middle = along[len(along) // 2]
    found, null = measured(middle, "containment"), middle["null"]
    ends = None if null is None else (null, null)
    return Measured(found.value, found.ci, ends, found.undefined, null)


def _contained_in_own_kind(containment: Mapping[str, Any]) -> dict[str, Measured]:
    """Of what a replicate knows, how much another of its kind knows, at the same accuracies."""
    along = containment["along"]
    middle = along[len(along) // 2] if along else {}
    return {
        f"containment, {kind} in its kind": replace(
            measured(middle, f"upper_{kind}"), undefined="it is shown to read containment against"
        )
        for kind in ("weaker", "stronger")
        if middle.get(f"upper_{kind}") is not None
    }


def _matched(levels: Sequence[Mapping[str, Any]] | None) -> dict[str, Measured]:
    """Accuracies at which replicates are matched: the lowest, the highest, and the widest gap."""
    if not levels:
        return {}
    reason = "it is what replicates were matched at"
    values = (levels[0]["level"], levels[-1]["level"], max(level["gap"] for level in levels))
    names = ("matched from", "matched to", "matched to within")
    return {n: Measured(v, undefined=reason) for n, v in zip(names, values, strict=True)}


def pair_finding(
    study: str, split: str, logs: Mapping[str, xr.Dataset], judge: Judge, thresholds: Thresholds
) -> Finding:
    """Compare two collections and judge what is found."""
    by_accuracy, by_epoch = (compare(logs, clock).to_dict() for clock in ("accuracy", "epoch"))
    matched = _matched(by_accuracy["levels"])
    pair = Compared(by_accuracy["pairs"][0], by_epoch["pairs"][0], matched)
    because, found = judge(pair, thresholds)
    a, b = logs
    return Finding(
        study,
        f"{a} and {b}",
        split,
        all_of(because.values()),
        because,
        found,
        min(c["n_replicates"] for c in by_epoch["collections"]),
    )
