"""Evidence of pairs of collections: the same order, another one, the same beginning?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from learnorder.claims.evidence import Evidence, Measured, measured
from learnorder.comparison.clocks import Clock
from learnorder.comparison.compare import compare


def same_order(logs: Mapping[str, xr.Dataset]) -> Evidence:
    """How far do two collections learn in one order?

    Their corrected correlation within class, replicates matched by accuracy: so another pace is not
    taken for another order. Beside it the same by epoch, and with classes.

    Parameters
    ----------
    logs
        One split of each, by their names.
    """
    return _same_order(_compared(logs, "accuracy"), _compared(logs, "epoch"))


def starts_alike(logs: Mapping[str, xr.Dataset]) -> Evidence:
    """How far do two architectures begin with the same examples, and does the stronger go on?

    The order as in `same_order`; at the middle of the matched accuracies, what of the weaker's
    knowledge the stronger has, where class and accuracy alone would have it at the null; and what
    the stronger knows at the end of what the others miss, beyond one more of the weaker.
    """
    by_epoch = _compared(logs, "epoch")
    evidence = _same_order(_compared(logs, "accuracy"), by_epoch)
    (pair,) = by_epoch["pairs"]
    found = {
        "containment": _contained_halfway(pair["containment"]),
        **_contained_in_own_kind(pair["containment"]),
        "accuracy gain": measured(pair["late_gains"], "accuracy_gain"),
        "learned gain": measured(pair["late_gains"], "learned_gain"),
    }
    return replace(evidence, measures={**evidence.measures, **found})


def _compared(logs: Mapping[str, xr.Dataset], clock: Clock) -> dict[str, Any]:
    return compare(logs, clock).to_dict()


def _same_order(by_accuracy: Mapping[str, Any], by_epoch: Mapping[str, Any]) -> Evidence:
    """Correlations of the only pair of two comparisons."""
    (pair,), (in_step,) = by_accuracy["pairs"], by_epoch["pairs"]
    found = {
        "corrected": measured(pair["within_class"], "corrected"),
        "corrected, by epoch": measured(in_step["within_class"], "corrected"),
        "corrected, classes too": measured(pair, "corrected"),
        **_matched(by_accuracy["levels"]),
    }
    return Evidence(found, min(c["n_replicates"] for c in by_epoch["collections"]))


def _contained_halfway(containment: Mapping[str, Any]) -> Measured:
    """Containment at the middle of the accuracies that both reach."""
    along = containment["along"]
    if not along:
        return Measured(None, undefined=containment["undefined"].get("along"))
    middle = along[len(along) // 2]
    found, null = measured(middle, "containment"), middle["null"]
    ends = None if null is None else (null, null)
    return Measured(found.value, found.ci, ends, found.undefined)


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
