"""From the logs of a claim to its verdict: each study by the claim's rule, then all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

import xarray as xr

from learnorder.claims import of_collections, of_conditions, of_pairs
from learnorder.claims.evidence import Finding
from learnorder.claims.recipe import Claim, Study
from learnorder.claims.verdicts import Verdict, all_of, any_of
from learnorder.errors import LearnOrderError

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

FEWEST_REPLICATES = 5
"""With fewer no verdict is made: intervals do not cover what they say."""


def find_evidence(claim: Claim, study: Study, logs: Logs) -> list[Finding]:
    """Everything a study finds in its logs.

    Raises
    ------
    LearnOrderError
        A log lacks a split that the study needs.
    """
    if claim.rule in SINGLE:
        judge = SINGLE[claim.rule]
        return [
            judge(study.name, name, split, _split(logs, name, split), claim.thresholds)
            for name in study.collections
            for split in study.splits
        ]
    if claim.rule in PAIRS:
        return list(_pair_findings(claim, study, logs))
    return [of_conditions.goes_with_accuracy(study.name, logs, claim.thresholds)]


def _pair_findings(claim: Claim, study: Study, logs: Logs) -> Iterator[Finding]:
    judge, (first, *others) = PAIRS[claim.rule], study.collections
    pairs = [(first, other) for other in others]
    if claim.rule == "starts-alike":
        pairs = list(combinations(study.collections, 2))
    for split in study.splits:
        for pair in pairs:
            two = {name: _split(logs, name, split) for name in pair}
            yield of_pairs.pair_finding(study.name, split, two, judge, claim.thresholds)


def _split(logs: Logs, name: str, split: str) -> xr.Dataset:
    if split not in logs[name]:
        raise LearnOrderError(
            f"reproduce: the log of {name!r} has no split {split!r} (it has "
            f"{', '.join(logs[name])}). The study needs it. Train it anew into another folder."
        )
    return logs[name][split]


def verdict_of(claim: Claim, findings: list[Finding]) -> Verdict:
    """Verdict on a claim: a subject holds if it does on all splits, see `Claim.together`.

    Fewer than 5 replicates anywhere make it inconclusive.
    """
    if not findings or min(f.n_replicates for f in findings) < FEWEST_REPLICATES:
        return Verdict.INCONCLUSIVE
    by_subject: dict[tuple[str, str], list[Verdict]] = {}
    for finding in findings:
        by_subject.setdefault((finding.study, finding.subject), []).append(finding.verdict)
    together: Callable[..., Verdict] = any_of if claim.together == "any" else all_of
    return together(all_of(of_splits) for of_splits in by_subject.values())
