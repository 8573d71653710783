"""Whether a result is one: a sound file, and of what its rule asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from learnorder.claims.evidence import Side
from learnorder.claims.judging import PARTS, SIDES, level_of, subjects_of
from learnorder.claims.missing import is_enough
from learnorder.claims.of_collections import REACHED
from learnorder.claims.of_pairs import GOES_ON
from learnorder.claims.recipe import Claim, Study, find_claims
from learnorder.claims.result_file import FoundTable, HeadTable, ResultTable, first_mistake
from learnorder.errors import LearnOrderError


def check_result(content: object) -> None:
    """Refuse what is no result of a claim.

    Raises
    ------
    LearnOrderError
        Names the place in the file and the value there.
    """
    try:
        head = HeadTable.model_validate(content)
        if head.status == "done":
            refuse_partial(ResultTable.model_validate(content))
    except ValidationError as error:
        raise LearnOrderError(first_mistake(error)) from error


def refuse_partial(result: ResultTable) -> None:
    """Refuse what was judged by the rule of today, but lacks subjects of it or has others.

    Raises
    ------
    LearnOrderError
        Names what is missing, or is too much.
    """
    (claim,) = find_claims([result.claim])
    if any(getattr(result, name) != now for name, now in claim.judged_by.items()):
        return
    studies = {study.name: study for study in claim.at(result.scale)}
    if result.level != level_of(claim, list(studies.values())):
        raise LearnOrderError(f"level is {result.level:g}, which is not that of the rule")
    for name in result.not_asked:
        if name not in studies:
            raise LearnOrderError(f"not_asked has {name!a}, which is no study of the claim")
    found = Counter((row.study, row.subject, row.split) for row in result.measures)
    expected = Counter(_expected(result, claim, studies.values()))
    for row in result.measures:
        _refuse_other_parts(row, claim)
    if not expected:
        return
    for what, rows in (("no finding", expected - found), ("a finding too many", found - expected)):
        for place in sorted(rows):
            raise LearnOrderError(f"measures has {what} of {' / '.join(place)!a}")


def _refuse_other_parts(row: FoundTable, claim: Claim) -> None:
    """Refuse a finding that is judged by other parts, sides or thresholds than the rule has."""
    where = f"measures has for {row.subject!a}"
    if not row.because:
        return
    needed, asked_where_apt = PARTS[claim.rule]
    if not set(needed) <= set(row.because) <= {*needed, *asked_where_apt}:
        parts = ", ".join(row.because)
        raise LearnOrderError(f"{where} the parts {parts!a}, which are not those of its rule")
    for part in row.because:
        found = row.measures[part]
        allowed = {*claim.thresholds.values(), *(found.null or ()), *[0.0] * (part == GOES_ON)}
        if found.value is None and found.threshold is None:
            continue
        side: Side = "above" if part == REACHED else SIDES.get(claim.rule, "above")
        if found.threshold not in allowed or found.side != side:
            said = f"{found.side} {found.threshold}"
            raise LearnOrderError(f"{where} {part!a} asked to lie {said}, which its rule does not")


def _expected(
    result: ResultTable, claim: Claim, studies: Iterable[Study]
) -> Iterator[tuple[str, str, str]]:
    """Yield study, subject and split of what can be judged of the collections that were trained."""
    for study in studies:
        names = [name for name in study.collections if name not in result.not_run]
        if is_enough(claim, study, names):
            left = study.model_copy(update={"collections": names})
            for subject in subjects_of(claim, left):
                yield from ((study.name, subject, split) for split in study.splits)
