"""The command ``rank``: which examples to look at, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from learnorder.cli.arguments import JSON, LOG
from learnorder.errors import LearnOrderError, count_of

SHOWN = 20
"""Rows that are printed where no number is asked for."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet may take for something to compute."""

TABLE = click.Path(path_type=Path)
ROWS = click.IntRange(min=1)


@click.command()
@LOG
@click.option("--split", default="train", show_default=True, help="Which examples.")
@click.option("--by", default="accessibility", show_default=True, metavar="NAME", help="Measure.")
@click.option("--lowest", type=ROWS, metavar="N", help="Only the N lowest values.")
@click.option("--highest", type=ROWS, metavar="N", help="Only the N highest, highest first.")
@click.option("--curriculum", is_flag=True, help="All examples from easy to hard.")
@click.option("--by-class", is_flag=True, help="With --curriculum: classes take turns.")
@click.option("--prune", type=float, metavar="FRACTION", help="Say what to keep of each class.")
@click.option(
    "--drop",
    type=click.Choice(["easiest", "hardest"]),
    help="With --prune: which go.  [default: easiest]",
)
@click.option("--corrected", type=TABLE, metavar="FILE", help="Write labels of the mislabelled.")
@click.option("--whole", is_flag=True, help="With --corrected: labels of all examples.")
@JSON
@click.option("--out", type=TABLE, help="Write .csv, .parquet, .json or .jsonl.")
def rank(
    log: str,
    split: str,
    by: str,
    lowest: int | None,
    highest: int | None,
    curriculum: bool,
    by_class: bool,
    prune: float | None,
    drop: Literal["easiest", "hardest"] | None,
    corrected: Path | None,
    whole: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """List examples in an order, and say which look mislabelled, ambiguous, hard or easy.

    \b
    learnorder rank runs/mlp.zarr --lowest 20
    learnorder rank runs/mlp.zarr --out triage.csv --corrected corrected.csv
    learnorder rank runs/mlp.zarr --curriculum --by-class --out order.csv
    learnorder rank runs/mlp.zarr --prune 0.3 --out kept.csv
    """
    from learnorder.cli.output import echo_json_rows, say_what_is_left_out
    from learnorder.cli.rank_table import print_ranking, said_beside
    from learnorder.log.reader import open_log
    from learnorder.ranking.rank import rank as rank_split
    from learnorder.ranking.rank import split_of

    if lowest and highest:
        raise click.UsageError("--lowest and --highest are two ends; give one of them.")
    if curriculum and (lowest or highest):
        raise click.UsageError("--curriculum is of all examples; it takes no number of rows.")
    if prune is not None and (lowest or highest):
        raise click.UsageError("--prune is of all examples; it takes no number of rows.")
    _refuse_alone({"--by-class": by_class}, "--curriculum", curriculum)
    _refuse_alone({"--drop": drop}, "--prune", prune is not None)
    _refuse_alone({"--whole": whole}, "--corrected", corrected is not None)
    _check_files(out, corrected)
    opened = open_log(log)
    chosen = split_of(opened, split)
    say_what_is_left_out(opened, split)
    ranking = rank_split(chosen, by=by, lowest=lowest, highest=highest)
    keep = None if prune is None else ranking.prune(prune, drop or "easiest")
    table = ranking.curriculum_table(by_class) if curriculum else ranking.table
    if keep is not None:
        table = table.only(keep) if curriculum else table.with_column("keep", keep)
    labels = None if corrected is None else ranking.corrections(whole)
    if out is not None:
        _write(out, table.flat_rows())
    if corrected is not None and labels is not None:
        _write(corrected, labels.flat_rows(), new=True)
        click.echo(
            f"{count_of(len(ranking.mislabelled()), 'label')} of {len(ranking.ids):,} replaced by "
            "the suggested one; a proposal: look before training on it",
            err=True,
        )
    if as_json:
        echo_json_rows(table.rows())
    elif out is None:
        print_ranking(ranking, table, None if lowest or highest else SHOWN)
    for line in said_beside(ranking, keep, drop or "easiest", curriculum=curriculum):
        click.echo(line, err=True)


def _refuse_alone(options: Mapping[str, Any], needed: str, given: bool) -> None:
    for name, value in options.items():
        if value and not given:
            raise click.UsageError(f"{name} goes with {needed}; give both.")


def _check_files(out: Path | None, corrected: Path | None) -> None:
    """Refuse, before anything is counted, files that will not be written."""
    from learnorder.cli.output import check_table_path, taken

    for path in (out, corrected):
        if path is not None:
            check_table_path(path)
    if corrected is None:
        return
    if out is not None and out.resolve() == corrected.resolve():
        raise LearnOrderError(
            f"rank: --out and --corrected are one file ({out}). One is a table, the other are "
            "labels. Name two files."
        )
    if corrected.exists():
        raise taken(corrected)


def _write(path: Path, rows: Iterable[Mapping[str, Any]], new: bool = False) -> None:
    """Write a table, and say where a spreadsheet would compute what is a text."""
    from learnorder.cli.output import one_line, write_rows

    found: list[str] = []

    def watched() -> Iterator[Mapping[str, Any]]:
        for row in rows:
            texts = (v for v in row.values() if isinstance(v, str))
            found.extend(v for v in texts if not found and v.startswith(FORMULA))
            yield row

    write_rows(path, watched(), new=new)
    click.echo(f"wrote {path}", err=True)
    if found and path.suffix.lower() == ".csv":
        click.echo(
            f"note: texts in {path} begin as formulas do ({one_line(found[0], 40)!r} is the first) "
            "and are kept as they are; a spreadsheet may compute them, so import the columns as "
            "text",
            err=True,
        )
