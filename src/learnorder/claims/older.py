"""In what a result differs from what its recipe would make now."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from learnorder.claims import Scale, recipe
from learnorder.claims.judging import level_of
from learnorder.claims.recipe import Claim, find_claims
from learnorder.measures.intervals import LEVEL

Result = Mapping[str, Any]
"""The content of a result file."""

RULE = {
    "rule": "another rule",
    "since": "a rule of another date",
    "thresholds": "other thresholds",
    "together": "other counting of its subjects",
}
"""What a result was judged by, where a field that tells rules apart is not what it is now."""


def differences(result: Result) -> list[str]:
    """Say in what a result differs from its recipe: rule, intervals, collections, specs, seeds."""
    (claim,) = find_claims([result["claim"]])
    scale = result["scale"]
    known = {name for study in claim.at(scale) for name in study.collections}
    gone = [name for name in result["collections"] if name not in known]
    return [
        *other_rule(result, claim, scale),
        *(f"{name} is of no study of it any more" for name in gone),
        *other_replicates(result, known, scale),
    ]


def other_rule(result: Result, claim: Claim, scale: Scale) -> Iterator[str]:
    """Say in what a result was judged otherwise than it would be now."""
    for field, now in claim.judged_by.items():
        if result.get(field) != now:
            yield f"it was judged by {RULE[field]}"
    level = level_of(claim, claim.at(scale))
    if result.get("level", LEVEL) != level:
        yield f"it was judged by intervals that do not cover {level:.4g}"


def other_replicates(result: Result, names: Container[str], scale: Scale) -> Iterator[str]:
    """Say which of these collections of recipes were other replicates than the recipe has."""
    for name, known in result["collections"].items():
        if name not in names:
            continue
        now = recipe.collection(name, scale)
        if known["spec"] != now.spec.resolved():
            yield f"its {name} was trained by another spec"
        elif {*known["seeds"], *map(int, known["failed"])} != set(now.seeds):
            yield f"its {name} has other seeds"
