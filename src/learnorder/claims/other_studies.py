"""A claim that is run in parts: a result of some studies, and an earlier one of the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from learnorder.claims import Scale
from learnorder.claims.judging import verdict_of
from learnorder.claims.older import Result, other_replicates, other_rule
from learnorder.claims.recipe import Claim, Study
from learnorder.claims.result_file import FoundTable
from learnorder.claims.results import DONE, read_result
from learnorder.errors import LearnOrderError

BEGUN, ENDED, JUDGED = "trained_from", "trained_to", "created"
"""Of the origins of a result, those that are dates."""


def others_of(claim: Claim, asked: Claim, scale: Scale) -> list[Study]:
    """Studies of a claim that are not asked for now."""
    names = {study.name for study in asked.at(scale)}
    return [study for study in claim.at(scale) if study.name not in names]


def earlier_result(
    place: Path, claim: Claim, others: Sequence[Study], scale: Scale
) -> Result | None:
    """What an earlier run found of the other studies; None where there was none.

    Parameters
    ----------
    place
        Of the result.
    claim
        With all its studies.
    others
        Those that are not asked for now.
    scale
        Of the result.

    Raises
    ------
    LearnOrderError
        It is no result, was judged by another rule or level, has studies that the recipe has not,
        or is of other replicates than the recipe has now: its findings and new ones are not of one
        claim.
    """
    if not others or not place.exists():
        return None
    try:
        earlier = read_result(place)
        if earlier["status"] != DONE:
            return None
        differs = [
            *other_rule(earlier, claim, scale),
            *other_replicates(earlier, _names_of(others), scale),
        ]
    except LearnOrderError as error:
        differs = [str(error).partition(": ")[2].partition(". ")[0]]
    if differs:
        raise LearnOrderError(
            f"reproduce: what {place} has of other studies cannot be kept: {'; '.join(differs)}. "
            "Without --study the claim is run whole, and the file replaced; or give another folder "
            "as --out."
        )
    return earlier


def _other_data(new: Mapping[str, Result], kept: Mapping[str, Result]) -> Iterator[str]:
    """Say which collections of datasets that both have were trained on other data."""
    before = {_dataset_of(about): (name, about.get("data")) for name, about in kept.items()}
    for name, about in new.items():
        known, data = before.get(_dataset_of(about), (name, None))
        if data is not None and data != about.get("data"):
            yield f"its {known} was trained on other data than {name}, of the same name"


def _dataset_of(about: Result) -> str:
    """What is taken as data, as text: the dataset, its labels and the test sets beside it."""
    tables = {name: about["spec"].get(name) for name in ("dataset", "labels", "extra")}
    return json.dumps(tables, sort_keys=True)


def joined(
    new: Result, earlier: Result | None, claim: Claim, others: Sequence[Study], scale: Scale
) -> dict[str, Any]:
    """Return a result of all studies of a claim: those of now, and the earlier ones of the others.

    Parameters
    ----------
    new
        Of the studies that were asked for. One that nothing can be judged of now, since its data
        are missing, keeps its earlier findings too.
    earlier
        See `earlier_result`. Studies that neither result has are listed as not asked for, and
        their collections as not run.
    claim
        With all its studies.
    others
        Those that were not asked for.
    scale
        Of both results.

    Raises
    ------
    LearnOrderError
        They are of other data under one name.
    """
    earlier = earlier or {"measures": [], "collections": {}, "not_run": {}, "not_asked": None}
    found_now = {found["study"] for found in new["measures"]}
    lacking = [s for s in claim.at(scale) if s.name not in found_now and s not in others]
    others = [
        *others,
        *(s for s in lacking if not list(other_replicates(earlier, s.collections, scale))),
    ]
    kept = [found for found in earlier["measures"] if found["study"] in {s.name for s in others}]
    order = [study.name for study in claim.at(scale)]
    measures = sorted([*new["measures"], *kept], key=lambda found: order.index(found["study"]))
    of_kept = _names_of(s for s in others if s.name in {found["study"] for found in kept})
    collections = {n: c for n, c in earlier["collections"].items() if n in of_kept}
    if differs := list(_other_data(new["collections"], collections)):
        raise LearnOrderError(
            f"reproduce: an earlier result of other studies cannot be kept: {'; '.join(differs)}. "
            "Give another folder as --out."
        )
    collections |= new["collections"]
    not_asked = _not_asked(others, lacking, measures, earlier)
    not_run = {n: why for n, why in earlier["not_run"].items() if n in _names_of(others)}
    for study in others:
        if study.name in not_asked:
            reason = f"its study, {study.name}, was not asked for"
            not_run |= dict.fromkeys(study.collections, reason)
    not_run |= new["not_run"]
    findings = [FoundTable.model_validate(found).as_finding() for found in measures]
    return {
        **new,
        "verdict": str(verdict_of(claim, findings, not_asked)),
        "n_replicates": min((found["n_replicates"] for found in measures), default=0),
        "measures": measures,
        "collections": collections,
        "seeds": {name: about["seeds"] for name, about in collections.items()},
        "not_run": {name: why for name, why in not_run.items() if name not in collections},
        "not_asked": not_asked,
        "versions": _both(new["versions"], earlier["versions"] if kept else {}),
        "judged_with": _both(new["judged_with"], earlier["judged_with"] if kept else {}),
    }


def _not_asked(
    others: Sequence[Study],
    lacking: Sequence[Study],
    measures: Sequence[Result],
    earlier: Result,
) -> list[str]:
    """Studies that neither run was asked for: not those whose data were missing."""
    found = {of["study"] for of in measures}
    before = earlier.get("not_asked", [])
    return [
        study.name
        for study in others
        if study.name not in found
        and study not in lacking
        and (before is None or study.name in before)
    ]


def _names_of(studies: Iterable[Study]) -> list[str]:
    return list(dict.fromkeys(name for study in studies for name in study.collections))


def _both(new: Result, earlier: Result) -> dict[str, Any]:
    """Origins of findings that were made at different times; several of one are all named."""
    found = dict(new)
    for name, value in earlier.items():
        mine = found.get(name)
        if mine is None or value is None:
            found[name] = value if mine is None else mine
        elif name in (BEGUN, JUDGED, ENDED):
            found[name] = min(mine, value) if name == BEGUN else max(mine, value)
        else:
            named = {*str(mine).split(" and "), *str(value).split(" and ")}
            found[name] = " and ".join(sorted(named))
    return found
