"""Whether a result is one: a sound file, and of what its rule asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from learnorder.claims.judging import level_of, named
from learnorder.claims.missing import possible
from learnorder.claims.recipe import Claim, Study, find_claims
from learnorder.claims.result_file import FoundTable, HeadTable, ResultTable, first_mistake
from learnorder.claims.rules import RULES
from learnorder.claims.verdicts import Verdict
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
    for row in result.measures:
        _refuse_other_parts(row, claim, result)
    at_once = RULES[claim.rule].judges == "all"
    found = Counter((r.study, "" if at_once else r.subject, r.split) for r in result.measures)
    expected = Counter(_expected(result, claim, studies.values()))
    for what, rows in (("no finding", expected - found), ("a finding too many", found - expected)):
        for place in sorted(rows):
            raise LearnOrderError(f"measures has {what} of {' / '.join(filter(None, place))!a}")


def _refuse_other_parts(row: FoundTable, claim: Claim, result: ResultTable) -> None:
    """Refuse a finding that is judged by other parts, sides or thresholds than the rule has."""
    where, asks = f"measures has for {row.subject!a}", RULES[claim.rule].asks
    finished = [n for n, about in result.collections.items() if about.n_replicates]
    if not row.because and not set(row.subject.split(" and ")) <= set(finished):
        return  # there is nothing to judge
    needed = {*asks, *(asked.where for asked in asks.values() if asked.where)}
    if lacking := sorted(needed - set(row.measures)):
        raise LearnOrderError(f"{where} no {lacking[0]!a}, which its rule asks for")
    measures: Mapping[str, Any] = row.measures
    if set(row.because) != {part for part, asked in asks.items() if asked.is_apt(measures)}:
        parts = ", ".join(row.because)
        raise LearnOrderError(f"{where} the parts {parts!a}, which are not those of its rule")
    for part in row.because:
        found, asked = row.measures[part], asks[part]
        threshold = asked.against(found.null, claim.thresholds)
        if found.threshold != threshold or (threshold is not None and found.side != asked.side):
            said = f"{found.side} {found.threshold}"
            raise LearnOrderError(f"{where} {part!a} asked to lie {said}, which its rule does not")
        if (
            None in (threshold, found.value)
            and Verdict(row.because[part]) is not Verdict.INCONCLUSIVE
        ):
            raise LearnOrderError(f"{where} {row.because[part]!a} for {part!a}, which is undefined")


def _expected(
    result: ResultTable, claim: Claim, studies: Iterable[Study]
) -> Iterator[tuple[str, str, str]]:
    """Yield study, subject and split of what can be judged of the collections that were trained.

    A subject that is made of whatever can be compared has no name here.
    """
    for study in studies:
        names = possible(claim, study, result.not_run)
        if RULES[claim.rule].judges == "all":
            yield from [(study.name, "", "test")] * bool(names)
            continue
        for subject in RULES[claim.rule].subjects(names):
            yield from ((study.name, named(subject), split) for split in study.splits)
