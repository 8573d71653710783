"""Pages and figures of claims, made from result files alone: ``python -m learnorder.claims.pages``.

Every number and sentence of a page is in the result file, or follows from it by a rule here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from learnorder.claims.recipe import ORDER, all_claims
from learnorder.claims.results import DONE, read_result
from learnorder.errors import LearnOrderError, count_of
from learnorder.report.claim_figure import claim_figure

MARK = "<!-- made by `make claims` from the result file; what is written here by hand goes -->"


def write_pages(folder: Path) -> list[Path]:
    """Write a page and a figure for each result in ``folder/results``, and the index.

    Returns
    -------
    The files written.

    Raises
    ------
    LearnOrderError
        There is no result, or a file is none.
    """
    paths = sorted((folder / "results").glob("*.json"), key=_place)
    results = [result for result in map(read_result, paths) if result["status"] == DONE]
    if not results:
        raise LearnOrderError(
            f"claims: there is no finished result in {folder / 'results'}. "
            "`learnorder reproduce --out DIR` writes them as DIR/CLAIM.json. Copy them there."
        )
    written = []
    for result in results:
        page, figure = (folder / f"{result['claim']}.{ending}" for ending in ("md", "svg"))
        if result["measures"]:
            figure.write_text(claim_figure(result) + "\n", encoding="utf-8")
            written.append(figure)
        page.write_text(page_of(result), encoding="utf-8")
        written.append(page)
    index = folder / "README.md"
    index.write_text(index_of(results), encoding="utf-8")
    return [*written, index]


def _place(path: Path) -> int:
    return ORDER.index(path.stem) if path.stem in ORDER else len(ORDER)


def index_of(results: list[dict[str, Any]]) -> str:
    """Return the page that lists the claims with their verdicts."""
    done = {result["claim"]: result for result in results}
    lines = [MARK, "", "# Claims", "", "| claim | verdict | scale | subjects | replicates |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for claim in all_claims():
        result = done.get(claim.id)
        if result is None:
            lines.append(f"| {claim.claim} (`{claim.id}`) | not run | | | |")
        else:
            lines.append(
                f"| [{claim.claim}]({claim.id}.md) | **{result['verdict']}** | {result['scale']} | "
                f"{_tally(result)} | {result['n_replicates']} or more |"
            )
    return "\n".join([*lines, ""])


def page_of(result: Mapping[str, Any]) -> str:
    """Return the page of one claim."""
    lines = [
        MARK,
        "",
        f"# {result['claim']}",
        "",
        f"*{result['statement']}*",
        "",
        f"**Verdict: {result['verdict']}** ({_tally(result)}; scale {result['scale']}, at least "
        f"{count_of(result['n_replicates'], 'replicate')}).",
        "",
        f"Rule, fixed before the run. {result['rule']}",
        "",
    ]
    if result["measures"]:
        lines += [f"![Every subject with its interval]({result['claim']}.svg)", ""]
    for section in (_agreement, _findings, _collections, _not_run, _made_with):
        lines += section(result)
    return "\n".join(lines)


def _tally(result: Mapping[str, Any]) -> str:
    """Count the subjects by verdict."""
    verdicts = [finding["verdict"] for finding in result["measures"]]
    if not verdicts:
        return "nothing was run"
    parts = [f"{verdicts.count(v)} of {len(verdicts)}: {v}" for v in dict.fromkeys(verdicts)]
    return ", ".join(parts)


def _agreement(result: Mapping[str, Any]) -> list[str]:
    """What agrees with the paper and what does not."""
    lines = ["## What agrees with the claim, and what does not", ""]
    for verdict, words in (
        ("holds", "Agrees"),
        ("does not hold", "Does not agree"),
        ("inconclusive", "Neither is known"),
    ):
        subjects = [_subject(f, result) for f in result["measures"] if f["verdict"] == verdict]
        if subjects:
            lines += [f"* {words}: {'; '.join(subjects)}."]
    return [*lines, ""]


def _subject(finding: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Name a subject, and the parts of the rule that do not hold."""
    failing = [part for part, verdict in finding["because"].items() if verdict != "holds"]
    why = f" ({', '.join(failing)})" if failing and finding["verdict"] != "holds" else ""
    return f"{finding['subject']}, {finding['split']}{why}"


def _findings(result: Mapping[str, Any]) -> list[str]:
    if not result["measures"]:
        return []
    names = list(dict.fromkeys(n for f in result["measures"] for n in f["measures"]))
    lines = ["## Measures", "", "With 95 % intervals in brackets and nulls behind them.", ""]
    head = ["study", "subject", "split", *names, "replicates", "verdict"]
    lines += [_row(head), _row(["---"] * len(head))]
    for finding in result["measures"]:
        cells = [_measured(finding["measures"].get(name)) for name in names]
        about = [finding["study"], finding["subject"], finding["split"]]
        lines.append(_row([*about, *cells, str(finding["n_replicates"]), finding["verdict"]]))
    undefined = dict.fromkeys(_undefined(result))
    return [*lines, "", *(f"Undefined: {reason}.  " for reason in undefined), ""]


def _measured(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    if found["value"] is None:
        return "undefined"
    text = f"{found['value']:z.3f}"
    if found["ci"]:
        text += " ({:z.3f} to {:z.3f})".format(*found["ci"])
    if found["null"]:
        low, high = found["null"]
        text += f"; null {low:z.3f}" + (f" to {high:z.3f}" if high > low else "")
    return text


def _undefined(result: Mapping[str, Any]) -> Iterator[str]:
    for finding in result["measures"]:
        for name, found in finding["measures"].items():
            if found["value"] is None:
                yield f"{name} of {finding['subject']}: {found['undefined']['value']}"


def _collections(result: Mapping[str, Any]) -> list[str]:
    lines = ["## What was trained", ""]
    head = ["collection", "what", "replicates", "epochs", "train / test limit", "failed"]
    lines += [_row(head), _row(["---"] * len(head))]
    for name, about in result["collections"].items():
        dataset = about["spec"]["dataset"]
        limits = " / ".join(str(dataset[k] or "all") for k in ("train_limit", "test_limit"))
        failed = ", ".join(f"seed {seed}: {why}" for seed, why in about["failed"].items())
        cells = [name, about["about"], str(about["n_replicates"]), str(about["epochs"]), limits]
        lines.append(_row([*cells, failed or "none"]))
    return [*lines, ""]


def _not_run(result: Mapping[str, Any]) -> list[str]:
    if not result["not_run"]:
        return []
    lines = [f"* {name}: {reason}" for name, reason in result["not_run"].items()]
    return ["## What was not run", "", *lines, ""]


def _made_with(result: Mapping[str, Any]) -> list[str]:
    versions = {k: v for k, v in result["versions"].items() if v}
    listed = ", ".join(f"{name} {value}" for name, value in versions.items())
    return [f"Made with {listed}. Seeds and specs are in `results/{result['claim']}.json`.", ""]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    try:
        for path in write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/claims")):
            sys.stdout.write(f"{path}\n")
    except LearnOrderError as error:
        sys.exit(f"learnorder: {error}")
