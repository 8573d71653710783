"""Pages and figures of claims, made from result files alone: ``python -m learnorder.claims.pages``.

Every number and sentence of a page is in the result file, or follows from it by a rule here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from learnorder.claims import SCALES, Scale
from learnorder.claims.recipe import ORDER, all_claims
from learnorder.claims.results import DONE, read_result
from learnorder.errors import LearnOrderError, count_of
from learnorder.report.claim_figure import claim_figure

MARK = "<!-- made by `make claims` from result files; what is written here by hand goes -->"


def write_pages(folder: Path) -> list[Path]:
    """Write a page for each claim with a result, a figure for each result, and the index.

    Results of the quick scale lie in ``folder/results``, those of a larger one in a folder of its
    name in there.

    Returns
    -------
    The files written.

    Raises
    ------
    LearnOrderError
        There is no result, or a file is none, or of another scale than its folder.
    """
    results = dict(_finished(folder / "results"))
    if not results:
        raise LearnOrderError(
            f"claims: there is no finished result in {folder / 'results'}. "
            "`learnorder reproduce --out DIR` writes them as DIR/CLAIM.json. Copy them there."
        )
    written = []
    for claim, by_scale in results.items():
        for scale, result in by_scale.items():
            if result["measures"]:
                figure = folder / _figure_of(claim, scale)
                figure.write_text(claim_figure(result) + "\n", encoding="utf-8")
                written.append(figure)
        page = folder / f"{claim}.md"
        page.write_text(page_of(by_scale), encoding="utf-8")
        written.append(page)
    index = folder / "README.md"
    index.write_text(index_of(results), encoding="utf-8")
    return [*written, index]


def _finished(folder: Path) -> Iterator[tuple[str, dict[Scale, dict[str, Any]]]]:
    """Yield finished results of each claim, in the order of the paper, the largest scale first."""
    for claim in ORDER:
        found = {}
        for scale in reversed(SCALES):
            path = folder / _place(claim, scale)
            result = read_result(path) if path.exists() else None
            if result is None or result["status"] != DONE:
                continue
            if (result["claim"], result["scale"]) != (claim, scale):
                raise LearnOrderError(
                    f"claims: {path} is of {result['claim']} at the {result['scale']} scale. "
                    f"That belongs at {folder / _place(result['claim'], result['scale'])}."
                )
            found[scale] = result
        if found:
            yield claim, found


def _place(claim: str, scale: Scale) -> Path:
    """Where the file of a result lies."""
    return Path("" if scale == SCALES[0] else scale, f"{claim}.json")


def _figure_of(claim: str, scale: Scale) -> str:
    return f"{claim}-{scale}.svg"


def index_of(results: Mapping[str, Mapping[Scale, Mapping[str, Any]]]) -> str:
    """Return the page that lists the claims with their verdicts."""
    lines = [MARK, "", "# Claims", ""]
    lines += [_row(["claim", "scale", "verdict", "subjects", "replicates"]), _row(["---"] * 5)]
    for claim in all_claims():
        if claim.id not in results:
            lines.append(_row([f"{claim.claim} (`{claim.id}`)", "not run", "", "", ""]))
        for i, (scale, result) in enumerate(results.get(claim.id, {}).items()):
            name = "" if i else f"[{claim.claim}]({claim.id}.md)"
            at_least = f"{result['n_replicates']} or more"
            lines.append(_row([name, scale, f"**{result['verdict']}**", _tally(result), at_least]))
    return "\n".join([*lines, ""])


def page_of(by_scale: Mapping[Scale, Mapping[str, Any]]) -> str:
    """Return the page of one claim: what it says, then what was found at each scale."""
    first = next(iter(by_scale.values()))
    lines = [MARK, "", f"# {first['claim']}", "", f"*{first['statement']}*", ""]
    lines += [f"Rule, fixed before the run. {first['rule']}", ""]
    for result in by_scale.values():
        lines += _at_scale(result)
    return "\n".join(lines)


def _at_scale(result: Mapping[str, Any]) -> list[str]:
    """Everything that was found at one scale."""
    claim, scale = result["claim"], result["scale"]
    lines = [
        f"## At the {scale} scale: {result['verdict']}",
        "",
        f"{_tally(result)}; at least {count_of(result['n_replicates'], 'replicate')}.",
        "",
    ]
    if result["measures"]:
        lines += [f"![Every subject with its interval]({_figure_of(claim, scale)})", ""]
    for section in (_agreement, _findings, _collections, _not_run, _made_with):
        lines += section(result)
    return lines


def _tally(result: Mapping[str, Any]) -> str:
    """Count the subjects by verdict."""
    verdicts = [finding["verdict"] for finding in result["measures"]]
    if not verdicts:
        return "nothing was run"
    parts = [f"{verdicts.count(v)} of {len(verdicts)}: {v}" for v in dict.fromkeys(verdicts)]
    return ", ".join(parts)


def _agreement(result: Mapping[str, Any]) -> list[str]:
    """What agrees with the paper and what does not."""
    lines = ["### What agrees with the claim, and what does not", ""]
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
    lines = ["### Measures", "", "With 95 % intervals in brackets and nulls behind them.", ""]
    head = ["study", "subject", "split", *names, "replicates", "verdict"]
    lines += [_row(head), _row(["---"] * len(head))]
    for finding in result["measures"]:
        cells = [_measured(finding["measures"].get(name)) for name in names]
        about = [finding["study"], finding["subject"], finding["split"]]
        lines.append(_row([*about, *cells, str(finding["n_replicates"]), finding["verdict"]]))
    return [*lines, "", *(f"Undefined: {reason}.  " for reason in _undefined(result)), ""]


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
    """Say of each finding what is undefined, and why, a reason that several share once."""
    for finding in result["measures"]:
        names: dict[str, list[str]] = {}
        for name, found in finding["measures"].items():
            if found["value"] is None:
                names.setdefault(found["undefined"]["value"], []).append(name)
        for reason, of in names.items():
            yield f"{'; '.join(of)} of {finding['subject']}, {finding['split']}: {reason}"


def _collections(result: Mapping[str, Any]) -> list[str]:
    lines = ["### What was trained", ""]
    head = ["collection", "what", "replicates", "epochs", "train / test limit", "failed"]
    lines += [_row(head), _row(["---"] * len(head))]
    for name, about in result["collections"].items():
        dataset = about["spec"]["dataset"]
        limits = " / ".join(str(dataset[k] or "all") for k in ("train_limit", "test_limit"))
        failed = "; ".join(f"seed {k}: {_in_short(why)}" for k, why in about["failed"].items())
        cells = [name, about["about"], str(about["n_replicates"]), str(about["epochs"]), limits]
        lines.append(_row([*cells, failed or "none"]))
    return [*lines, ""]


def _in_short(failure: str) -> str:
    """What happened to a replicate, without its name before and advice behind."""
    first = failure.partition(". ")[0]
    return re.sub(r"^train: replicate \d+ ", "", first)


def _not_run(result: Mapping[str, Any]) -> list[str]:
    if not result["not_run"]:
        return []
    lines = [f"* {name}: {reason}" for name, reason in result["not_run"].items()]
    return ["### What was not run", "", *lines, ""]


def _made_with(result: Mapping[str, Any]) -> list[str]:
    versions = {k: v for k, v in result["versions"].items() if v}
    listed = ", ".join(f"{name} {value}" for name, value in versions.items())
    path = Path("results") / _place(result["claim"], result["scale"])
    return [f"Made with {listed}. Seeds and specs are in `{path}`.", ""]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    try:
        for path in write_pages(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/claims")):
            sys.stdout.write(f"{path}\n")
    except LearnOrderError as error:
        sys.exit(f"learnorder: {error}")
