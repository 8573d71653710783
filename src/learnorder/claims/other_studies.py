"""A claim that is run in parts: a result of some studies, and an earlier one of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from learnorder.claims import Scale
from learnorder.claims.judging import verdict_of
from learnorder.claims.recipe import Claim, Study, collections_of
from learnorder.claims.result_file import FoundTable
from learnorder.claims.results import DONE, read_result
from learnorder.errors import LearnOrderError

Result = Mapping[str, Any]

BEGUN, ENDED, JUDGED = "trained_from", "trained_to", "created"
"""Of the origins of a result, those that are dates."""


def others_of(claim: Claim, asked: Claim, scale: Scale) -> list[Study]:
    """Studies of a claim that are not asked for now."""
    names = {study.name for study in asked.at(scale)}
    return [study for study in claim.at(scale) if study.name not in names]


def earlier_result(place: Path, claim: Claim, others: list[Study], scale: Scale) -> Result | None:
    """What an earlier run found of the other studies; None where there was none.

    Raises
    ------
    LearnOrderError
        It was judged by another rule, or is of other replicates than the recipe has now: its
        findings and new ones are not of one claim.
    """
    if not others or not place.exists():
        return None
    earlier = read_result(place)
    if earlier["status"] != DONE:
        return None
    differs = "" if earlier["rule"] == claim.because else "its rule is another"
    if earlier["thresholds"] != dict(claim.thresholds):
        differs = "its thresholds are others"
    of_others = claim.model_copy(update={"studies": others})
    for name, collection in collections_of([of_others], scale).items():
        known = earlier["collections"].get(name)
        if known and known["spec"] != collection.spec.resolved():
            differs = f"its {name} was trained by another spec"
    if differs:
        raise LearnOrderError(
            f"reproduce: {place} cannot be kept in part: {differs}. Without --study the claim is "
            "run whole, and the file replaced; or give another folder as --out."
        )
    return earlier


def joined(
    new: Result, earlier: Result | None, claim: Claim, others: list[Study], scale: Scale
) -> dict[str, Any]:
    """Return a result of all studies of a claim: those of now, and the earlier ones of the others.

    Parameters
    ----------
    new
        Of the studies that were asked for.
    earlier
        See `earlier_result`. Collections of studies that neither has are listed as not run.
    claim
        With all its studies.
    others
        Those that were not asked for.
    scale
        Of both results.
    """
    order = [study.name for study in claim.at(scale)]
    if earlier is None:
        earlier = {"measures": [], "collections": {}, "not_run": {}, "versions": {}}
    of_others = {study.name for study in others}
    kept = [found for found in earlier["measures"] if found["study"] in of_others]
    measures = sorted([*new["measures"], *kept], key=lambda found: order.index(found["study"]))
    names = _collections_of(others)
    collections = {n: c for n, c in earlier["collections"].items() if n in names}
    collections |= new["collections"]
    lacking = {n: earlier["not_run"].get(n, _not_asked(n, others)) for n in names}
    not_run = {n: why for n, why in lacking.items() if n not in collections} | new["not_run"]
    findings = [FoundTable.model_validate(found).as_finding() for found in measures]
    return {
        **new,
        "verdict": str(verdict_of(claim, findings)),
        "n_replicates": min((found["n_replicates"] for found in measures), default=0),
        "measures": measures,
        "collections": collections,
        "seeds": {name: about["seeds"] for name, about in collections.items()},
        "not_run": not_run,
        "versions": _both(new["versions"], earlier["versions"] if kept else {}),
        "judged_with": _both(new["judged_with"], earlier["judged_with"] if kept else {}),
    }


def _collections_of(studies: Iterable[Study]) -> list[str]:
    return list(dict.fromkeys(name for study in studies for name in study.collections))


def _not_asked(name: str, others: Iterable[Study]) -> str:
    study = next(study.name for study in others if name in study.collections)
    return f"its study, {study}, was not asked for"


def _both(new: Result, earlier: Result) -> dict[str, Any]:
    """Origins of findings that were made at different times; several of one are all named."""
    found = dict(new)
    for name, value in earlier.items():
        mine = found.get(name, value)
        if name in (BEGUN, JUDGED, ENDED):
            found[name] = min(mine, value) if name == BEGUN else max(mine, value)
        elif value not in str(mine).split(" and "):
            found[name] = " and ".join(sorted({*str(mine).split(" and "), str(value)}))
    return found
