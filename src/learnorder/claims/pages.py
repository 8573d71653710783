"""Pages and figures of claims, made from result files alone: ``python -m learnorder.claims.pages``.

Every number and sentence of a page is in the result file, or follows from it by a rule here; the
first lines say what the paper found.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learnorder.claims import SCALES, Scale
from learnorder.claims.markdown import table, text
from learnorder.claims.older import differences
from learnorder.claims.page import MARK, figure_of, page_of, tally
from learnorder.claims.recipe import ORDER, all_claims
from learnorder.claims.results import DONE, place_of, read_result, status_place
from learnorder.errors import LearnOrderError, nearest
from learnorder.report.claim.figure import claim_figure
from learnorder.report.claim.rows import one_line

Results = Mapping[str, Mapping[Scale, Mapping[str, Any]]]
"""By claim, in the order of the paper, and by scale, the largest first."""


def write_pages(folder: Path) -> list[Path]:
    """Write a page for each claim with a result, a figure for each result, and the index.

    Results of the quick scale lie in ``folder/results``, those of a larger one in a folder of its
    name in there; nothing else may lie there, but for hidden files.

    Returns
    -------
    The files written.

    Raises
    ------
    LearnOrderError
        There is no result, or a file is none, or of another claim or scale than its place.
    """
    results = read_results(folder / "results")
    finished = {
        claim: {scale: found for scale, found in of.items() if found["status"] == DONE}
        for claim, of in results.items()
    }
    finished = {claim: of for claim, of in finished.items() if of}
    if not finished:
        raise LearnOrderError(
            f"claims: there is no finished result in {folder / 'results'}. "
            "`learnorder reproduce --out DIR` writes them as DIR/CLAIM.json. Copy them there."
        )
    contents: dict[Path, str] = {}  # all of them before the first is written
    for claim, by_scale in finished.items():
        for scale, result in by_scale.items():
            if result["measures"]:
                contents[folder / figure_of(claim, scale)] = claim_figure(result).svg() + "\n"
        contents[folder / f"{claim}.md"] = page_of(by_scale)
    contents[folder / "README.md"] = index_of(results)
    for path, content in contents.items():
        path.write_text(content, encoding="utf-8")
    _remove_older(folder, set(contents))
    return list(contents)


def _remove_older(folder: Path, written: set[Path]) -> None:
    """Take away pages and figures of results that are gone: they would go on being believed."""
    made = {folder / f"{claim}.md" for claim in ORDER}
    made |= {folder / figure_of(claim, scale) for claim in ORDER for scale in SCALES}
    for path in made - written:
        if path.suffix == ".svg" or (path.exists() and path.read_text("utf-8").startswith(MARK)):
            path.unlink(missing_ok=True)


def read_results(folder: Path) -> Results:
    """Read every result in a folder, finished or not.

    Raises
    ------
    LearnOrderError
        A file is no result, belongs to no claim, or lies where another belongs.
    """
    places = {
        Path(folder, place_of(claim, scale)): (claim, scale)
        for claim in ORDER
        for scale in reversed(SCALES)
    }
    _refuse_strays(folder, set(places) | set(map(status_place, places)))
    results: dict[str, dict[Scale, Mapping[str, Any]]] = {}
    for place, (claim, scale) in places.items():
        path = place if place.exists() else status_place(place)
        if not path.exists():
            continue
        result = read_result(path)
        if (result["claim"], result["scale"]) != (claim, scale):
            raise LearnOrderError(
                f"claims: {path} is of {result['claim']} at the {result['scale']} scale. "
                f"That belongs at {folder / place_of(result['claim'], result['scale'])}."
            )
        results.setdefault(claim, {})[scale] = result
    return results


def _refuse_strays(folder: Path, known: set[Path]) -> None:
    """Refuse what is no result: it would be missing on the pages without a word."""
    folders = {path.parent for path in known}
    for found in sorted(folder.iterdir()) if folder.is_dir() else ():
        if found.name.startswith(".") or found in known:
            continue
        if found in folders and found.is_dir():
            _refuse_strays(found, known)
            continue
        names = [str(path.relative_to(folder)) for path in known if path.is_relative_to(folder)]
        raise LearnOrderError(
            f"claims: {one_line(str(found))} belongs to no claim. "
            f"{nearest(one_line(found.name), names)} Rename it, or take it away."
        )


def index_of(results: Results) -> str:
    """Return the page that lists the claims with their verdicts."""
    head = [
        "claim",
        "scale",
        "verdict",
        "subjects by split",
        "hold",
        "do not hold",
        "inconclusive",
        "undefined",
        "fewest replicates",
    ]
    rows = []
    for claim in all_claims():
        of = results.get(claim.id, {})
        has_page = any(result["status"] == DONE for result in of.values())
        named = f"[{claim.claim}]({claim.id}.md)" if has_page else f"{claim.claim} (`{claim.id}`)"
        if not of:
            rows.append([named, "", "not run", *[""] * 6])
        for scale, result in of.items():
            if result["status"] == DONE:
                counts = [str(n) for n in tally(result).values()]
                rows.append([named, _scale_of(result), f"**{result['verdict']}**", *counts])
            else:
                rows.append([named, scale, result["status"], *[""] * 6])
            named = ""
    return "\n".join([MARK, "", "# Claims", "", *INTRODUCTION, "", *table(head, rows)])


def _scale_of(result: Mapping[str, Any]) -> str:
    """The scale, what of the claim was left out, and whether the recipe is still the same."""
    left_out = ", ".join(text(name) for name in result.get("not_asked", []))
    named = f"{result['scale']}, without {left_out}" if left_out else str(result["scale"])
    return f"{named}; by an earlier recipe" if differences(result) else named


INTRODUCTION = (
    "What the paper claims, and what measurement says of each claim by a rule; each page says "
    "whether that is older than the networks it judges. Subjects are collections of networks, or "
    "two that are compared; they are counted for each split of the data. *Undefined* are those for "
    "which a part of the rule has nothing to go by.",
    "",
    "How rules and verdicts are made: [Reproducing the paper](../reproduce.md). How to read the "
    "numbers: [Reading the numbers](../reading.md).",
)


def main(folder: str = "docs/claims") -> None:
    """Write the pages of a folder, and say which; a refusal is one line."""
    try:
        for path in write_pages(Path(folder)):
            sys.stdout.write(f"{path}\n")
    except (LearnOrderError, OSError) as error:
        sys.exit(f"learnorder: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
