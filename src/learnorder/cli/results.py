"""The commands that turn logs into results: ``measure``, ``compare``, ``report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from learnorder.cli.arguments import JSON, LOG, LOGS, SPLIT
from learnorder.errors import LearnOrderError, count_of

if TYPE_CHECKING:
    from learnorder.log.reader import Log

STAGE_COLUMNS = ("epochs", "reliability", "reliability_ci", "reliability_within_class")


@click.command()
@LOG
@click.option("-m", "names", multiple=True, metavar="NAME", help="Measure; may be repeated.")
@SPLIT
@JSON
@click.option("--out", type=click.Path(path_type=Path), help="Write .csv, .parquet or .json.")
def measure(log: str, names: tuple[str, ...], split: str, as_json: bool, out: Path | None) -> None:
    """Measure how far replicates share an order; with -m, just the measures named.

    \b
    learnorder measure runs/mlp.zarr
    learnorder measure runs/mlp.zarr -m accessibility --split train --out order.csv
    """
    from learnorder.cli.output import (
        check_table_path,
        echo_json,
        say_what_is_left_out,
        write_rows,
    )
    from learnorder.log.reader import open_log
    from learnorder.measures.summary import summarise
    from learnorder.measures.values import flat_rows, measure_values, value_rows

    if out is not None:
        check_table_path(out)
    opened = open_log(log)
    say_what_is_left_out(opened, split)
    content: dict[str, Any] = summarise(opened[split]) if not names or as_json else {}
    if names:
        content["measures"] = measure_values(opened[split], names)
    if out is not None:
        rows = value_rows(content["measures"]) if names else flat_rows(content["per_epoch"])
        write_rows(out, rows)
        click.echo(f"wrote {out}", err=True)
    if as_json:
        echo_json(content)
    elif names and out is None:
        _print_values(content["measures"])
    elif not names:
        _print_summary(content)


@click.command()
@LOGS
@SPLIT
@JSON
def compare(logs: tuple[str, ...], split: str, as_json: bool) -> None:
    """Hold the orders of two or more collections against each other.

    \b
    learnorder compare runs/mlp.zarr runs/resnet.zarr
    """
    from learnorder.cli.output import echo_json, echo_table, say_what_is_left_out
    from learnorder.comparison.compare import compare as compare_logs

    if len(logs) < 2:
        raise LearnOrderError(
            f"compare: there is one log ({logs[0]}). A comparison needs two or more. Name another."
        )
    opened = _open_all(logs)
    for log in opened.values():
        say_what_is_left_out(log, split)
    content = compare_logs({name: log[split] for name, log in opened.items()}).to_dict()
    if as_json:
        echo_json(content)
        return
    columns = ("pearson", "pearson_ci", "spearman", "noise_ceiling", "corrected", "corrected_ci")
    rows = []
    for pair in content["pairs"]:
        for scope, values in (("all", pair), ("within class", pair["within_class"] or {})):
            rows.append((pair["a"], pair["b"], scope, *(values.get(c) for c in columns)))
    echo_table(("a", "b", "examples", *columns), rows, f"order of examples, split {split}", keys=3)
    _print_notes(content)
    _print_reasons(content)


@click.command()
@LOGS
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The HTML file.")
@click.option("--no-examples", is_flag=True, help="Leave pictures and texts of examples out.")
def report(logs: tuple[str, ...], out: Path, no_examples: bool) -> None:
    """Write one HTML file about one or more collections; it opens from disk, offline.

    \b
    learnorder report runs/mlp.zarr runs/resnet.zarr --out report.html
    """
    from learnorder.report.render import render_report

    path = render_report(_open_all(logs), out, examples=not no_examples)
    click.echo(str(path))


def _open_all(paths: Sequence[str]) -> dict[str, Log]:
    """Open logs under their names; those of one name get their folder too, or the whole path."""
    from learnorder.log.reader import open_log

    logs = [open_log(path) for path in paths]
    names = [log.name for log in logs]
    places = [log.path.resolve() for log in logs]
    for position, place in enumerate(places):
        if place in places[:position]:
            raise LearnOrderError(
                f"{paths[position]} and {paths[places.index(place)]} are one log. "
                "Each log is given once. Name different logs."
            )
    long = [
        n if names.count(n) == 1 else f"{p.parent.name}/{n}"
        for n, p in zip(names, places, strict=True)
    ]
    unique = [n if long.count(n) == 1 else str(p) for n, p in zip(long, places, strict=True)]
    return dict(zip(unique, logs, strict=True))


def _print_summary(content: dict[str, Any]) -> None:
    from learnorder.cli.output import cell, echo_table

    columns = (
        "epoch",
        "accuracy_mean",
        "accuracy_std",
        "agreement_mean",
        "bimodality",
        "bimodality_null",
        "fleiss_kappa",
    )
    title = (
        f"split {content['split']}: {content['n_replicates']} of "
        f"{count_of(content['n_replicates_planned'], 'replicate')}, "
        f"{count_of(content['n_examples'], 'example')}, {count_of(content['n_classes'], 'class')}"
    )
    echo_table(columns, [[row[c] for c in columns] for row in content["per_epoch"]], title)
    order = content["order"]
    click.echo(
        f"\nreliability of the order: {cell(order['reliability'])} "
        f"(95 % interval {cell(order['reliability_ci'])}), "
        f"within class {cell(order['reliability_within_class'])}"
    )
    if order["by_stage"]:
        echo_table(STAGE_COLUMNS, [_stage_row(stage) for stage in order["by_stage"]])
    _print_notes(content)
    _print_reasons(content)


def _stage_row(stage: dict[str, Any]) -> list[Any]:
    """A stage of training: from its first epoch to its last, then what the columns name."""
    first, last = stage["epochs"]
    return [f"{first:g} to {last:g}", *(stage[column] for column in STAGE_COLUMNS[1:])]


def _print_notes(content: dict[str, Any]) -> None:
    """Say what a reader must know."""
    for note in content["notes"]:
        click.echo(f"note: {note}")


def _print_values(values: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table
    from learnorder.measures.values import value_rows

    for name, content in values.items():
        rows = value_rows({name: content})
        echo_table(list(rows[0]), [list(row.values()) for row in rows[:50]], title=name)
        if len(rows) > 50:
            click.echo(f"... {len(rows) - 50} more rows; --out FILE.csv or --json has them all\n")


def _print_reasons(content: Any) -> None:
    """Say, once each, why something is undefined."""
    for reason in dict.fromkeys(_reasons(content)):
        click.echo(f"undefined: {reason}")


def _reasons(content: Any) -> list[str]:
    if isinstance(content, list):
        return [r for item in content for r in _reasons(item)]
    if not isinstance(content, dict):
        return []
    own = [f"{key}: {reason}" for key, reason in (content.get("undefined") or {}).items()]
    return own + [r for k, v in content.items() if k != "undefined" for r in _reasons(v)]
