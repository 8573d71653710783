"""A ranking as a person sees it in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from learnorder.cli.output import echo_table, one_line
from learnorder.errors import count_of
from learnorder.measures.split import UNDEFINED
from learnorder.ranking.columns import NEVER_RIGHT
from learnorder.ranking.curriculum import MUCH, Drop
from learnorder.ranking.ranking import Ranking
from learnorder.ranking.readings import MISLABELLED
from learnorder.ranking.rows import Table

MOST_ID = 16
"""Columns of the terminal for an id; files have it whole."""

MOST_NAME = 12
"""The same for the name of a class."""

Row = Mapping[str, Any]
Cell = Callable[[Row], str]


def print_ranking(ranking: Ranking, table: Table, most: int | None) -> None:
    """Print the first rows, how many more there are, and how many examples have each reading."""
    shown = table if most is None else table.first(most)
    columns = {n: of for n, of in _columns(ranking).items() if n in _asked(ranking, table)}
    about = ranking.evidence
    title = (
        f"split {one_line(ranking.split, MOST_ID)}: {count_of(about.n_examples, 'example')}, "
        f"{count_of(about.n_replicates, 'replicate')}, {count_of(about.n_epochs, 'epoch')} > 0"
    )
    rows = [[of(row) for of in columns.values()] for row in shown.rows()]
    echo_table(list(columns), rows, title, keys=2)
    if len(shown) < len(table):
        more = len(table) - len(shown)
        click.echo(f"... {more:,} more; --lowest, --highest, --out FILE or --json has them")
    if ranking.counts is not None:
        click.echo()
        for reading, n in ranking.counts.items():
            click.echo(f"{reading}: {n:,} ({100 * n / about.n_examples:.1f} %)")


def said_beside(
    ranking: Ranking, keep: NDArray[np.bool_] | None, drop: Drop, *, curriculum: bool
) -> Iterator[str]:
    """What is said on stderr: of pruning, of wrong labels that are known, and the notes."""
    notes = ranking.notes
    if keep is not None:
        yield from _of_pruning(ranking, keep, drop)
        notes = [*ranking.pruning_notes(keep), *notes]
    if ranking.evaluation is not None:
        yield _of_wrong_labels(ranking.evaluation)
    for note in [*(ranking.curriculum_notes() if curriculum else []), *notes]:
        yield f"note: {note}"


def _columns(ranking: Ranking) -> dict[str, Cell]:
    """Headings, and what stands beneath them."""
    by = ranking.by.name
    return {
        "rank": lambda row: str(row["rank"]),
        "id": lambda row: one_line(str(row["id"]), MOST_ID),
        "label": lambda row: _name(row, "label"),
        "suggested": lambda row: _name(row, "suggested"),
        by: lambda row: _short(row, by),
        "right": lambda row: _short(row, "accessibility"),
        "95 %": _interval,
        "forgets": _forgets,
        "one wrong": lambda row: _short(row, "wrong_agreement"),
        "reading": lambda row: row["reading"] or "undefined",
        "true label": lambda row: _name(row, "true_label") if row["label_is_wrong"] else "as given",
        "keep": lambda row: "yes" if row["keep"] else "no",
    }


def _asked(ranking: Ranking, table: Table) -> set[str]:
    """Headings of which the table has the columns."""
    needed = {
        "label": "label",
        "suggested": "suggested",
        "right": "accessibility_ci",
        "95 %": "accessibility_ci",
        "forgets": "forgetting",
        "one wrong": "wrong_agreement",
        "reading": "reading",
        "true label": "label_is_wrong",
        "keep": "keep",
    }
    asked = {heading for heading, column in needed.items() if column in table.columns}
    shown_already = (
        {"accessibility", "forgetting", "wrong_agreement"} if "right" in asked else set()
    )
    return asked | {"rank", "id"} | ({ranking.by.name} - shown_already)


def _name(row: Row, key: str) -> str:
    return one_line(str(row[f"{key}_name"]), MOST_NAME)


def _interval(row: Row) -> str:
    """Of accessibility."""
    interval = row["accessibility_ci"]
    return f"{interval[0]:.2f}-{interval[1]:.2f}" if interval else "undefined"


def _forgets(row: Row) -> str:
    if row[UNDEFINED].get("forgetting") == NEVER_RIGHT:
        return "never"
    return _short(row, "forgetting")


def _short(row: Row, key: str) -> str:
    return "undefined" if row[key] is None else f"{row[key]:z.2f}"


def _of_pruning(ranking: Ranking, keep: NDArray[np.bool_], drop: Drop) -> Iterator[str]:
    n_dropped = int((~keep).sum())
    classes = len(np.unique(ranking.evidence.label))
    yield (
        f"kept {int(keep.sum()):,} of {count_of(len(keep), 'example')}: of each of "
        f"{count_of(classes, 'class')} the {drop} are dropped, {n_dropped:,} in all"
    )
    if ranking.readings is not None and drop == "easiest":
        n_kept = int(keep[ranking.mislabelled()].sum())
        if n_kept:
            yield f"note: {n_kept:,} of what is kept reads {MISLABELLED!r}: look at these first"
    if drop == "easiest" and n_dropped >= MUCH * len(keep):
        yield (
            f"note: where {100 * MUCH:.0f} % or more was dropped, published experiments found that "
            "keeping the hardest is worse than keeping any (docs/rank.md); see --drop hardest"
        )


def _of_wrong_labels(found: Mapping[str, Any]) -> str:
    """How well wrong labels are found."""
    said = f"labels were changed on purpose: {count_of(found['n_wrong'], 'label')} wrong"
    if found.get("precision") is not None:
        read = found["readings"][MISLABELLED]
        said += (
            f"; of {read['n']:,} that read {MISLABELLED!r} {read['n_wrong']:,} are "
            f"(precision {found['precision']:.3f}"
        )
        said += f", recall {found['recall']:.3f})" if found["recall"] is not None else ")"
    return said
