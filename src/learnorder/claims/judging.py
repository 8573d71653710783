"""From the logs of a claim to its verdict: each study by the claim's rule, then all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import xarray as xr

from learnorder.claims import of_collections, of_conditions, of_pairs
from learnorder.claims.evidence import Finding, Side, nothing_finished
from learnorder.claims.recipe import Claim, Study
from learnorder.claims.verdicts import Verdict, all_of, any_of
from learnorder.errors import LearnOrderError
from learnorder.measures.intervals import LEVEL
from learnorder.schema import REPLICATE

Logs = Mapping[str, Mapping[str, xr.Dataset]]
"""Splits by collection."""

SINGLE = {
    "shared": of_collections.shared_order,
    "broken": of_collections.broken_order,
    "agrees": of_collections.agreement_out_of_sample,
}
PAIRS: Mapping[str, of_pairs.Judge] = {
    "same-order": of_pairs.same_order,
    "starts-alike": of_pairs.starts_alike,
    "other-order": of_pairs.other_order,
}

PARTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "shared": (("order", "kappa"), ()),
    "broken": (("order", "kappa", of_collections.REACHED), ()),
    "agrees": (("conger kappa",), ()),
    "same-order": (("corrected",), ()),
    "starts-alike": (("corrected", "containment"), (of_pairs.GOES_ON,)),
    "other-order": (("corrected",), ()),
    "goes-with-accuracy": (("order and accuracy", "kappa and accuracy"), ()),
}
"""Measures that a verdict goes by, for each rule: always, and where they are apt."""

SIDES: Mapping[str, Side] = {"broken": "below", "other-order": "below"}
"""Where a rule asks its parts to lie, other than above their thresholds."""

FEWEST_REPLICATES = 5
"""With fewer no verdict is made: intervals do not cover what they say."""


def subjects_of(claim: Claim, study: Study) -> list[str]:
    """Names of what a study judges on each of its splits, as findings have them."""
    if claim.rule in PAIRS:
        return [" and ".join(pair) for pair in pairs_of(claim, study)]
    return list(study.collections) if claim.rule in SINGLE else []


def find_evidence(claim: Claim, study: Study, logs: Logs) -> list[Finding]:
    """Everything a study finds in its logs.

    A collection of the study without a log has no finished replicate: what is about it is known to
    be unknown.

    Raises
    ------
    LearnOrderError
        A log lacks a split that the study needs.
    """
    if claim.rule in SINGLE:
        return list(_single_findings(claim, study, logs))
    if claim.rule in PAIRS:
        return list(_pair_findings(claim, study, logs))
    enough = {
        name: splits
        for name, splits in logs.items()
        if min(log.sizes[REPLICATE] for log in splits.values()) >= FEWEST_REPLICATES
    }
    return [of_conditions.goes_with_accuracy(study.name, enough, claim.thresholds)]


def _single_findings(claim: Claim, study: Study, logs: Logs) -> Iterator[Finding]:
    judge = SINGLE[claim.rule]
    for name in study.collections:
        for split in study.splits:
            if name in logs:
                log = _split(logs, name, split)
                yield _if_enough(judge(study.name, name, split, log, claim.thresholds))
            else:
                yield nothing_finished(study.name, name, split, _none_of([name]))


def _pair_findings(claim: Claim, study: Study, logs: Logs) -> Iterator[Finding]:
    judge = PAIRS[claim.rule]
    for split in study.splits:
        for pair in pairs_of(claim, study):
            absent = [name for name in pair if name not in logs]
            if absent:
                reason = _none_of(absent)
                yield nothing_finished(study.name, " and ".join(pair), split, reason)
                continue
            two = {name: _split(logs, name, split) for name in pair}
            found = of_pairs.pair_finding(study.name, split, two, judge, claim.thresholds)
            yield _if_enough(found)


def pairs_of(claim: Claim, study: Study) -> list[tuple[str, str]]:
    """Collections that are held against each other: every two, or the first and each other."""
    if claim.rule == "starts-alike":
        return list(combinations(study.collections, 2))
    first, *others = study.collections
    return [(first, other) for other in others]


def _none_of(names: Sequence[str]) -> str:
    return f"no replicate of {' or of '.join(names)} finished"


def _if_enough(finding: Finding) -> Finding:
    """Fewer than 5 replicates make no verdict, of this subject alone."""
    if finding.n_replicates >= FEWEST_REPLICATES:
        return finding
    return replace(finding, verdict=Verdict.INCONCLUSIVE)


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
    return 1 - (1 - LEVEL) / sum(len(subjects_of(claim, study)) for study in studies)


def verdict_of(claim: Claim, findings: Sequence[Finding], not_asked: Sequence[str] = ()) -> Verdict:
    """Verdict on a claim: a subject holds if it does on all splits, see `Claim.together`.

    Where the stronger of two is to go on, some pair must have had a stronger one. A verdict that
    takes every subject is open while studies have not been asked for: nobody may choose them.
    """
    by_subject: dict[tuple[str, str], list[Verdict]] = {}
    for finding in findings:
        by_subject.setdefault((finding.study, finding.subject), []).append(finding.verdict)
    together: Callable[..., Verdict] = any_of if claim.together == "any" else all_of
    verdict = together(all_of(of_splits) for of_splits in by_subject.values())
    takes_all = Verdict.DOES_NOT_HOLD if claim.together == "any" else Verdict.HOLDS
    if not_asked and verdict is takes_all:
        return Verdict.INCONCLUSIVE
    if claim.rule == "starts-alike" and verdict is Verdict.HOLDS:
        tested = any(of_pairs.GOES_ON in finding.because for finding in findings)
        return verdict if tested else Verdict.INCONCLUSIVE
    return verdict
