"""The page of one claim: what the paper says, then what was found at each scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from learnorder.claims import Scale
from learnorder.claims.judging import FEWEST_REPLICATES
from learnorder.claims.markdown import code, table, text
from learnorder.claims.older import differences
from learnorder.claims.page_tables import measures, not_run, provenance, trained, undefined
from learnorder.claims.paper import PAPER
from learnorder.claims.results import place_of
from learnorder.errors import count_of
from learnorder.measures.intervals import LEVEL
from learnorder.report.claim.rows import Row, names_of

MARK = "<!-- made by `make claims` from result files; what is written here by hand goes -->"

SENTENCES = {
    "holds": "What was measured bears the claim out.",
    "does not hold": "What was measured speaks against the claim.",
    "inconclusive": (
        "What was measured neither bears the claim out nor speaks against it: intervals that the "
        "verdict rests on reach across their threshold, or are undefined."
    ),
}
TOO_FEW = (
    f"Of some subjects fewer than {count_of(FEWEST_REPLICATES, 'replicate')} finished, and so few "
    "make no verdict."
)
TOGETHER = {
    "all": (
        "The claim is about every subject: all have to hold, on all their splits, and one that "
        "does not is enough against it."
    ),
    "any": (
        "The claim says that such a case exists: one subject that holds on all its splits is "
        "enough for it, and all have to fail against it."
    ),
}
LINKS = (
    "How rules and verdicts are made: [Reproducing the paper](../reproduce.md#how-a-verdict-is-made"
    "). What *order*, *corrected*, *kappa*, *null* and *threshold* are, and why a correlation can "
    "lie above 1: [Reading the numbers](../reading.md#words-on-the-pages-of-claims)."
)


def figure_of(claim: str, scale: Scale) -> str:
    """The name of a figure."""
    return f"{claim}-{scale}.svg"


def page_of(by_scale: Mapping[Scale, Mapping[str, Any]]) -> str:
    """Return the page of one claim, from its results by scale."""
    first = next(iter(by_scale.values()))
    lines = [MARK, "", f"# {first['claim']}", "", PAPER[first["claim"]], ""]
    lines += [f"The claim as it is tested: *{text(first['statement'])}*", "", LINKS, ""]
    for result in by_scale.values():
        lines += _at_scale(result)
    return "\n".join(lines)


def tally(result: Mapping[str, Any]) -> dict[str, int]:
    """Count subjects by verdict, and those for which a measure of the rule is undefined."""
    verdicts = [row["verdict"] for row in result["measures"]]
    counts = {verdict: verdicts.count(verdict) for verdict in SENTENCES}
    return {
        "all": len(verdicts),
        **counts,
        "undefined": sum(map(_is_undefined, result["measures"])),
        "replicates": min((row["n_replicates"] for row in result["measures"]), default=0),
    }


def _is_undefined(row: Row) -> bool:
    """Whether a part of the rule has nothing to go by."""
    parts = [row["measures"][part] for part in row["because"]]
    return not parts or any(found["value"] is None for found in parts)


def _at_scale(result: Mapping[str, Any]) -> list[str]:
    """Everything that was found at one scale."""
    claim, scale = result["claim"], result["scale"]
    lines = [f"## At the {scale} scale: {result['verdict']}", ""]
    lines += _in_words(result)
    if result["measures"]:
        n = count_of(len(result["measures"]), "subject")
        alt = f"Each part of the rule for {n}, with interval, null, threshold and verdict"
        lines += [f"![{alt}]({figure_of(claim, scale)})", ""]
        lines += _agreement(result)
    for section in (measures, undefined, trained, not_run):
        lines += section(result)
    path = Path("results") / place_of(claim, scale)
    return [*lines, *provenance(result), f"Everything, with seeds and specs: `{path}`.", ""]


def _in_words(result: Mapping[str, Any]) -> list[str]:
    """The verdict for a newcomer, what it rests on, and the rule."""
    if not result["measures"]:
        reason = "**Inconclusive.** Nothing was measured, so nothing is known."
        return [reason, "", *_rule(result)]
    counts, verdict = tally(result), result["verdict"]
    few = f" {TOO_FEW}" if counts["replicates"] < FEWEST_REPLICATES else ""
    return [
        f"**{verdict.capitalize()}.** {SENTENCES[verdict]}{few} {TOGETHER[result['together']]}"
        f"{_by_chance(result)}",
        "",
        *_left_out(result),
        *_rule(result),
        *table(
            [
                "subjects by split, asked for",
                "hold",
                "do not hold",
                "inconclusive",
                "with an undefined part",
                "collections not run",
                "fewest replicates",
            ],
            [
                [
                    *(str(counts[key]) for key in ("all", *SENTENCES, "undefined")),
                    str(len(result["not_run"])),
                    str(counts["replicates"]),
                ]
            ],
        ),
    ]


def _rule(result: Mapping[str, Any]) -> list[str]:
    """The rule, and whether it was fixed before there was anything to see."""
    lines = [f"> {_fixed(result)} {text(result['rule'])}", ""]
    if differs := differences(result):
        lines += [
            f"*The recipe has changed since: {text('; '.join(differs))}. This result is by what it "
            "had then.* What changed, and why: [Findings](../findings.md).",
            "",
        ]
    return lines


def _fixed(result: Mapping[str, Any]) -> str:
    """When the rule was fixed, held against when replicates were trained."""
    since, begun = (
        None if date is None else datetime.fromisoformat(str(date)).astimezone(UTC)
        for date in (result.get("since"), result["versions"].get("trained_from"))
    )
    if since is None or begun is None:
        return "The rule, as it was when this was judged."
    day, first = (f"{date:%Y-%m-%d %H:%M}" for date in (since, begun))
    if since <= begun:
        return f"The rule, fixed before the run (on {day} UTC; training began on {first})."
    return (
        f"The rule, fixed on {day} UTC, after training had begun (on {first}): what was seen of "
        "these replicates before, [Findings](../findings.md) say."
    )


def _by_chance(result: Mapping[str, Any]) -> str:
    """What one of many that speaks against a claim is worth."""
    if result["together"] != "all" or result["verdict"] != "does not hold":
        return ""
    n = sum(
        row["measures"][part]["ci"] is not None
        for row in result["measures"]
        for part in row["because"]
    )
    expected = n * (1 - result.get("level", LEVEL)) / 2
    return (
        f" (The rule does not ask how many there are: of the {n} intervals it goes by, about "
        f"{expected:.2g} would lie on the wrong side by chance, if every value were its threshold.)"
    )


def _left_out(result: Mapping[str, Any]) -> list[str]:
    """Studies that were not asked for: while there are any, not everything is known."""
    names = result.get("not_asked", [])
    if not names:
        return []
    listed = ", ".join(f"*{text(name)}*" for name in names)
    rest = (
        "A verdict that takes every subject stays open until then."
        if result["verdict"] == "inconclusive"
        else "The verdict does not depend on it: one subject is enough."
    )
    were = "was" if len(names) == 1 else "were"
    return [f"This is a part of the claim: {listed} {were} not asked for. {rest}", ""]


def _agreement(result: Mapping[str, Any]) -> list[str]:
    """What agrees with the claim and what does not, by study."""
    lines = ["### What agrees with the claim, and what does not", ""]
    for verdict, words in (
        ("holds", "Agrees"),
        ("does not hold", "Does not agree"),
        ("inconclusive", "Neither is known"),
    ):
        by_study: dict[str, list[str]] = {}
        for row, subject in _subjects(result):
            if row["verdict"] == verdict:
                by_study.setdefault(row["study"], []).append(subject)
        n = sum(map(len, by_study.values()))
        lines += [f"* {words}, {n} of {len(result['measures'])}:"] if n else []
        lines += [f"  * *{text(study)}*: {'; '.join(of)}" for study, of in by_study.items()]
    return [*lines, ""]


def _subjects(result: Mapping[str, Any]) -> Iterator[tuple[Row, str]]:
    """Yield each row with its name, and the parts of the rule that do not hold."""
    several = len({part for row in result["measures"] for part in row["because"]}) > 1
    for row, name in zip(result["measures"], names_of(result["measures"]), strict=True):
        failing = [part for part, verdict in row["because"].items() if verdict == row["verdict"]]
        named = several and failing and row["verdict"] != "holds"
        why = f" ({', '.join(code(part) for part in failing)})" if named else ""
        yield row, text(name) + why
