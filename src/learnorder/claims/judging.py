"""From the logs of a claim to its verdict: each subject by the claim's rule, then all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import xarray as xr

from learnorder.claims.evidence import REACHED, Evidence, Finding, Measured, nothing_finished
from learnorder.claims.recipe import Claim, Study
from learnorder.claims.rules import RULES
from learnorder.claims.verdicts import Verdict, all_of, any_of
from learnorder.errors import LearnOrderError, count_of
from learnorder.measures.intervals import LEVEL
from learnorder.schema import REPLICATE

Logs = Mapping[str, Mapping[str, xr.Dataset]]
"""Splits by collection."""

FEWEST_REPLICATES = 5
"""Below them a subject has no verdict."""


def find_evidence(claim: Claim, study: Study, logs: Logs) -> list[Finding]:
    """Everything a study finds in its logs.

    A collection of the study without a log has no finished replicate: what is about it is known to
    be unknown.

    Raises
    ------
    LearnOrderError
        A log lacks a split that the study needs.
    """
    rule = RULES[claim.rule]
    if rule.judges == "all":
        return [_of_all(claim, study, logs)]
    return list(_of_subjects(claim, study, logs))


def _of_subjects(claim: Claim, study: Study, logs: Logs) -> Iterator[Finding]:
    """Judge each subject on each split."""
    rule = RULES[claim.rule]
    places = list(product(rule.subjects(study.collections), study.splits))
    if rule.judges != "each":  # pairs are many, and read split by split
        places.sort(key=lambda place: study.splits.index(place[1]))
    for names, split in places:
        absent = [name for name in names if name not in logs]
        if absent:
            yield nothing_finished(study.name, named(names), split, _none_of(absent))
            continue
        chosen = {name: _split(logs, name, split) for name in names}
        found = rule.find(chosen if len(names) > 1 else chosen[names[0]])
        yield _judged(claim, (study.name, named(names), split), found)


def _of_all(claim: Claim, study: Study, logs: Logs) -> Finding:
    """Judge all collections at once; what is too little of one is left out, and named."""
    finished = {name: min(s.sizes[REPLICATE] for s in of.values()) for name, of in logs.items()}
    enough = {name: of for name, of in logs.items() if finished[name] >= FEWEST_REPLICATES}
    left_out = {
        name: f"left out: of its replicates {finished.get(name, 0)} finished, and it takes "
        f"{FEWEST_REPLICATES}"
        for name in study.collections
        if name not in enough
    }
    found = RULES[claim.rule].find(enough)
    found = replace(found, undefined={**left_out, **found.undefined})
    subject = count_of(len(found.curves["collection"]), "collection")
    return _judged(claim, (study.name, subject, "test"), found)


def named(names: Sequence[str]) -> str:
    """A subject, by the names of its collections."""
    return " and ".join(names)


def _judged(claim: Claim, place: tuple[str, str, str], evidence: Evidence) -> Finding:
    """Hold the rule of a claim against what was found at a place: study, subject, split."""
    asks, found = RULES[claim.rule].asks, dict(evidence.measures)
    found |= {part: asked.of(found[part], claim.thresholds) for part, asked in asks.items()}
    because = {part: judged(part, found[part]) for part, ask in asks.items() if ask.is_apt(found)}
    verdict = verdict_of_parts(because, evidence.n_replicates)
    return Finding(
        *place, verdict, because, found, evidence.n_replicates, evidence.curves, evidence.undefined
    )


def judged(part: str, found: Measured) -> Verdict:
    """What a measure comes to as a part of a rule, see `REACHED`."""
    if part != REACHED:
        return found.verdict
    if found.value is None or found.threshold is None or found.value < found.threshold:
        return Verdict.INCONCLUSIVE
    return Verdict.HOLDS


def verdict_of_parts(because: Mapping[str, Verdict], n_replicates: int) -> Verdict:
    """Verdict on a subject: every part has to hold.

    Fewer than 5 replicates, or such that have learned too little, speak neither for nor against.
    """
    if n_replicates < FEWEST_REPLICATES or because.get(REACHED) is Verdict.INCONCLUSIVE:
        return Verdict.INCONCLUSIVE
    return all_of(because.values())


def _none_of(names: Sequence[str]) -> str:
    return f"no replicate of {' or of '.join(names)} finished"


def _split(logs: Logs, name: str, split: str) -> xr.Dataset:
    if split not in logs[name]:
        raise LearnOrderError(
            f"reproduce: the log of {name!r} has no split {split!r} (it has "
            f"{', '.join(logs[name])}). The study needs it. Train it anew into another folder."
        )
    return logs[name][split]


def level_of(claim: Claim, studies: Sequence[Study]) -> float:
    """Coverage of each interval of a claim.

    Where one subject is enough, each of the m in the recipe errs in 5 % / m: all together, 5 %.
    """
    if claim.together == "all":
        return LEVEL
    rule = RULES[claim.rule]
    return 1 - (1 - LEVEL) / sum(len(rule.subjects(study.collections)) for study in studies)


def verdict_of(claim: Claim, findings: Sequence[Finding], not_asked: Sequence[str] = ()) -> Verdict:
    """Verdict on a claim: a subject holds if it does on all splits, see `Claim.together`.

    What is asked of some subjects only, such as that the stronger of two goes on, must have been
    asked of one. A verdict that takes every subject is open while studies have not been asked for:
    nobody may choose them.
    """
    by_subject: dict[tuple[str, str], list[Verdict]] = {}
    for finding in findings:
        by_subject.setdefault((finding.study, finding.subject), []).append(finding.verdict)
    together: Callable[..., Verdict] = any_of if claim.together == "any" else all_of
    verdict = together(all_of(of_splits) for of_splits in by_subject.values())
    takes_all = Verdict.DOES_NOT_HOLD if claim.together == "any" else Verdict.HOLDS
    if not_asked and verdict is takes_all:
        return Verdict.INCONCLUSIVE
    of_some = {part for part, asked in RULES[claim.rule].asks.items() if asked.where}
    was_asked = of_some <= {part for finding in findings for part in finding.because}
    return verdict if was_asked or verdict is not Verdict.HOLDS else Verdict.INCONCLUSIVE
