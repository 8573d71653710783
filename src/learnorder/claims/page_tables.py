"""Tables of the page of a claim: measures, what is undefined, what was trained, with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from learnorder.claims.markdown import code, table, text
from learnorder.report.claim.rows import (
    Row,
    common_threshold,
    level_of,
    names_of,
    parts_of,
    side_of,
    title_of,
)

MOST_LISTED = 4
"""Of what is alike, such as versions in a list; the others are counted."""


def measures(result: Mapping[str, Any]) -> list[str]:
    """What the rule rests on, a table for each study; then what is shown beside it."""
    rows: Sequence[Row] = result["measures"]
    if not rows:
        return []
    parts, names = parts_of(rows), names_of(rows)
    lines = ["### Measures of the rule", ""]
    level = level_of(result)
    lines += [f"Value, {level} interval in brackets, null, and what that part comes to.", ""]
    lines += [f"* {code(part)}: {text(title_of(part))}" for part in parts]
    lines += [""] if parts else []
    head = ["subject", *(_head(rows, part) for part in parts), "replicates", "verdict"]
    for study in dict.fromkeys(row["study"] for row in rows):
        lines += [f"#### {text(study)}", ""]
        lines += table(
            head,
            (
                [
                    text(name),
                    *(_judged(rows, row, part) for part in parts),
                    str(row["n_replicates"]),
                    f"**{row['verdict']}**",
                ]
                for row, name in zip(rows, names, strict=True)
                if row["study"] == study
            ),
        )
    return [*lines, *_beside(rows, names, parts)]


def _beside(rows: Sequence[Row], names: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Measures that no verdict rests on, folded away."""
    others = list(dict.fromkeys(n for row in rows for n in row["measures"] if n not in parts))
    if not others:
        return []
    head = ["study", "subject", *(code(name) for name in others)]
    body = [
        [text(row["study"]), text(name), *(_value(row["measures"].get(n)) for n in others)]
        for row, name in zip(rows, names, strict=True)
    ]
    summary = "Measures that are shown beside it, and not judged"
    return [f"<details><summary>{summary}</summary>", "", *table(head, body), "</details>", ""]


def _head(rows: Sequence[Row], part: str) -> str:
    """The name of a part of the rule with its threshold."""
    common = common_threshold(rows, part)
    if common is not None:
        return f"{code(part)}<br>{side_of(rows, part)} {common:.3g}"
    found = [r["measures"][part]["threshold"] for r in rows if part in r["because"]]
    differs = any(threshold is not None for threshold in found)
    return f"{code(part)}<br>{side_of(rows, part)}, by row" if differs else code(part)


def _judged(rows: Sequence[Row], row: Row, part: str) -> str:
    """A part of the rule in one row, over up to three lines."""
    found = row["measures"].get(part)
    lines = [_value(found)]
    if part in row["because"] and found is not None:
        threshold = found["threshold"]
        if threshold is not None and common_threshold(rows, part) is None:
            lines.append(f"{side_of(rows, part)} {threshold:z.{_digits(found)}f}")
        lines.append(f"*{row['because'][part]}*")
    elif found is not None:
        lines.append("*not asked for*")
    return "<br>".join(line for line in lines if line)


def _value(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    if found["value"] is None:
        return "undefined"
    n = _digits(found)
    words = f"{found['value']:z.{n}f}"
    if found["ci"]:
        low, high = found["ci"]
        words += f" ({low:z.{n}f} to {high:z.{n}f})"
    if found["null"]:
        low, high = found["null"]
        words += f"<br>null {low:z.{n}f}" + (f" to {high:z.{n}f}" if high > low else "")
    return words


def _digits(found: Mapping[str, Any]) -> int:
    """Three digits, or more where an end of the interval would look like the threshold.

    Examples
    --------
    >>> _digits({"threshold": 0.8327, "ci": [0.8334, 0.9]})
    4
    """
    threshold, ends = found["threshold"], found["ci"] or ()
    if threshold is None:
        return 3
    return next((n for n in (3, 4) if all(f"{e:z.{n}f}" != f"{threshold:z.{n}f}" for e in ends)), 5)


def undefined(result: Mapping[str, Any]) -> list[str]:
    """What has no value or no interval, and why; a reason that several share stands there once."""
    rows: Sequence[Row] = result["measures"]
    by_reason: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        for what, reason in _missing(row):
            by_reason.setdefault((reason, what), []).append(i)
    if not by_reason:
        return []
    names = names_of(rows)
    merged: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for (reason, what), of in by_reason.items():
        merged.setdefault((reason, tuple(of)), []).append(what)
    body = [
        [text("; ".join(what)), _where(rows, names, of), text(reason)]
        for (reason, of), what in merged.items()
    ]
    return ["### What is undefined, and why", "", *table(["what", "where", "why"], body)]


def _where(rows: Sequence[Row], names: Sequence[str], of: Sequence[int]) -> str:
    if len(of) == len(rows) > 1:
        return "every subject"
    return "<br>".join(f"{text(rows[i]['study'])}: {text(names[i])}" for i in of)


def _missing(row: Row) -> Iterator[tuple[str, str]]:
    """Yield what a row lacks, with the reason; an interval only where the verdict rests on it."""
    yield from (("all measures" if k == "measures" else k, v) for k, v in row["undefined"].items())
    for name, found in row["measures"].items():
        if found["value"] is None:
            yield name, found["undefined"]["value"]
        elif found["ci"] is None and name in row["because"]:
            yield f"interval of {name}", found["undefined"]["ci"]


def trained(result: Mapping[str, Any]) -> list[str]:
    """Collections with what is left of them."""
    if not result["collections"]:
        return []
    head = ["collection", "what", "replicates", "failed", "epochs", "train / test limit"]
    body = []
    for name, about in result["collections"].items():
        dataset = about["spec"]["dataset"]
        limits = (dataset[key] for key in ("train_limit", "test_limit"))
        body.append(
            [
                code(name),
                text(about["about"]),
                str(about["n_replicates"]),
                _failures(about["failed"]) or "none",
                f"{about['epochs']:g}",
                " / ".join("all" if limit is None else str(limit) for limit in limits),
            ]
        )
    return ["### What was trained", "", *table(head, body)]


def _failures(failed: Mapping[str, str]) -> str:
    """Seeds of each cause: one that several share stands there once."""
    seeds: dict[str, list[str]] = {}
    for seed, reason in failed.items():
        seeds.setdefault(_in_short(reason), []).append(seed)
    parts = [f"{reason}, seed {', '.join(of)}" for reason, of in seeds.items()]
    more = f"; {len(parts) - MOST_LISTED} causes more" if len(parts) > MOST_LISTED else ""
    return text(f"{len(failed)}: {'; '.join(parts[:MOST_LISTED])}{more}") if failed else ""


def _in_short(failure: str) -> str:
    """What happened to a replicate, without its name before and advice behind."""
    first = re.split(r"\. |\n", failure, maxsplit=1)[0]
    first = re.sub(r"^train: replicate \d+ ", "", first)
    return first if len(first) <= 120 else f"{first[:119]}…"


def not_run(result: Mapping[str, Any]) -> list[str]:
    """Collections that could not be trained."""
    if not result["not_run"]:
        return []
    body = [[code(name), text(reason)] for name, reason in result["not_run"].items()]
    return ["### What was not run", "", *table(["collection", "why"], body)]


def provenance(result: Mapping[str, Any]) -> list[str]:
    """With what it was trained and judged."""
    columns = {"trained with": result["versions"], "judged with": result["judged_with"]}
    said = {head: {k: _said(v) for k, v in of.items()} for head, of in columns.items()}
    said = {head: {k: v for k, v in of.items() if v} for head, of in said.items()}
    said = {head: of for head, of in said.items() if of}
    if not said:
        return []
    keys = dict.fromkeys(key for of in said.values() for key in of)
    body = [[text(key), *(of.get(key, "") for of in said.values())] for key in keys]
    return ["### Made with", "", *table(["", *said], body)]


def _said(value: Any) -> str:
    """A version, or several where collections differ."""
    values = [v for v in (value if isinstance(value, list) else [value]) if v not in (None, "")]
    more = len(values) - MOST_LISTED
    listed = ", ".join(str(v) for v in values[:MOST_LISTED])
    return text(listed + (f", and {more} more" if more > 0 else ""))
