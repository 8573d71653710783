"""The commands that turn logs into results: ``measure``, ``compare``, ``report``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from learnorder.cli.arguments import JSON, LOG, LOGS, SPLIT
from learnorder.errors import LearnOrderError, count_of
from learnorder.notebook import as_text

if TYPE_CHECKING:
    import xarray as xr

    from learnorder.log.reader import Log

STAGE_COLUMNS = ("epochs", "reliability", "reliability_ci", "reliability_within_class")
SUMMARY_COLUMNS: Mapping[str, str] = {
    "epoch": "epoch",
    "accuracy_mean": "accuracy",
    "accuracy_std": "deviation",
    "agreement_mean": "agreement",
    "impossible_share": "none right",
    "trivial_share": "all right",
    "bimodality": "bimodality",
    "bimodality_null": "null",
    "bimodality_null_class": "class null",
    "fleiss_kappa": "kappa",
    "fleiss_kappa_ci": "95 % interval",
    "fleiss_kappa_null_class_ci": "class null",
}
"""What is printed of an epoch, and its heading; JSON has more."""

UNLABELLED_COLUMNS: Mapping[str, str] = {
    "epoch": "epoch",
    "agreement_mean": "agreement",
    "fleiss_kappa_predictions": "kappa of predictions",
}
"""Where nothing is right or wrong."""

MOST_COLUMNS = 8
"""A single row of more columns is printed as a column."""

MOST_NAMES = 5
"""Names of what is undefined for one reason that are printed; JSON has all of them."""


@click.command()
@LOG
@click.option("-m", "names", multiple=True, metavar="NAME", help="Measure; may be repeated.")
@SPLIT
@JSON
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write .csv, .parquet, .json or .jsonl."
)
def measure(log: str, names: tuple[str, ...], split: str, as_json: bool, out: Path | None) -> None:
    """Measure how far replicates share an order; with -m, just the measures named.

    \b
    learnorder measure runs/mlp.zarr
    learnorder measure runs/mlp.zarr -m accessibility --split train --out train.csv
    """
    from learnorder.cli.output import (
        check_table_path,
        echo_json,
        say_what_is_left_out,
        write_rows,
    )
    from learnorder.log.reader import open_log
    from learnorder.measures.summary import summarise
    from learnorder.measures.values import measure_values, value_rows

    if out is not None:
        check_table_path(out)
    opened = open_log(log)
    say_what_is_left_out(opened, split)
    content: dict[str, Any] = summarise(opened[split]) if not names or as_json else {}
    if names:
        content["measures"] = measure_values(opened[split], names)
    if out is not None:
        rows = value_rows(content["measures"]) if names else _epoch_rows(content["per_epoch"])
        write_rows(out, rows)
        click.echo(f"wrote {out}", err=True)
    if as_json:
        echo_json(content)
    elif not names:
        _print_summary(content)
    elif out is None:
        _print_values(content["measures"])
    if names and not as_json:
        _print_notes(opened[split], content["measures"])


@click.command()
@LOGS
@SPLIT
@click.option(
    "--clock",
    type=click.Choice(["epoch", "accuracy", "progress"]),
    default="epoch",
    show_default=True,
    help="Match replicates by epoch, accuracy, or share of their own final accuracy.",
)
@JSON
def compare(
    logs: tuple[str, ...],
    split: str,
    clock: Literal["epoch", "accuracy", "progress"],
    as_json: bool,
) -> None:
    """Hold the orders of two or more collections against each other.

    \b
    learnorder compare runs/mlp.zarr runs/resnet.zarr
    learnorder compare runs/mlp.zarr runs/resnet.zarr --clock accuracy
    """
    from learnorder.cli.output import echo_json, say_what_is_left_out
    from learnorder.comparison.compare import compare as compare_logs

    if len(logs) < 2:
        raise LearnOrderError(
            f"compare: there is one log ({logs[0]}). A comparison needs two or more. Name another."
        )
    opened = _open_all(logs)
    for log in opened.values():
        say_what_is_left_out(log, split)
    splits = {name: log[split] for name, log in opened.items()}
    content = compare_logs(splits, clock).to_dict()
    if as_json:
        echo_json(content)
    else:
        _print_comparison(content)


@click.command()
@LOGS
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The HTML file.")
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write every figure there too, as SVG, PDF and PNG.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where the dataset lies: pictures and texts of every example, not of those in the log.",
)
@click.option("--no-examples", is_flag=True, help="Leave out everything of single examples.")
@click.option(
    "--most-megabytes",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    help="The file is never larger; it says what was left out.",
)
def report(
    logs: tuple[str, ...],
    out: Path,
    figures: Path | None,
    data: Path | None,
    no_examples: bool,
    most_megabytes: float,
) -> None:
    """Write one HTML file about one or more collections; it opens from disk, offline.

    \b
    learnorder report runs/mlp.zarr runs/resnet.zarr --out report.html
    learnorder report runs/mlp.zarr --out report.html --figures figures
    """
    from learnorder.cli.output import say_what_is_left_out
    from learnorder.report.render import render_report

    opened = _open_all(logs)
    for log in opened.values():
        say_what_is_left_out(log, next(iter(log)))
    path = render_report(
        opened,
        out,
        examples=not no_examples,
        data=data,
        figures=figures,
        most_bytes=int(most_megabytes * 1e6),
    )
    click.echo(str(path))


def _open_all(paths: Sequence[str]) -> dict[str, Log]:
    """Open logs under their names; those of one name get as many folders as tell them apart."""
    from learnorder.log.reader import open_log

    logs = [open_log(path) for path in paths]
    places = [log.path.resolve() for log in logs]
    for position, place in enumerate(places):
        if place in places[:position]:
            raise LearnOrderError(
                f"{paths[position]} and {paths[places.index(place)]} are one log. "
                "Each log is given once. Name different logs."
            )
    return dict(zip(_short_names(logs, places), logs, strict=True))


def _short_names(logs: Sequence[Log], places: Sequence[Path]) -> list[str]:
    """Names of logs; those that are not alone with theirs get more of the folders above them."""
    names = [log.name for log in logs]
    for n_parts in range(1, max(len(place.parts) for place in places)):
        if len(set(names)) == len(names):
            break
        names = [
            "/".join(place.parts[-n_parts:]) if names.count(name) > 1 else name
            for name, place in zip(names, places, strict=True)
        ]
    return names


def _epoch_rows(per_epoch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table; of the distribution its two ends."""
    from learnorder.measures.values import flat_rows

    return flat_rows(
        [{k: v for k, v in row.items() if k != "tp_agreement_counts"} for row in per_epoch]
    )


def _print_summary(content: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table

    unlabelled = all(row["accuracy_mean"] is None for row in content["per_epoch"])
    columns = UNLABELLED_COLUMNS if unlabelled else SUMMARY_COLUMNS
    title = (
        f"split {content['split']}: {content['n_replicates']} of "
        f"{count_of(content['n_replicates_planned'], 'replicate')}, "
        f"{count_of(content['n_examples'], 'example')}, {count_of(content['n_classes'], 'class')}"
    )
    rows = [[row[c] for c in columns] for row in content["per_epoch"]]
    echo_table(list(columns.values()), rows, title)
    order = content["order"]
    click.echo(
        f"\nreliability of the order: {as_text(order['reliability'])} "
        f"(95 % interval {as_text(order['reliability_ci'])}), "
        f"within class {as_text(order['reliability_within_class'])} "
        f"({as_text(order['reliability_within_class_ci'])})"
    )
    if order["by_stage"]:
        click.echo()
        echo_table(STAGE_COLUMNS, [_stage_row(stage) for stage in order["by_stage"]])
    if content["baselines"] is not None:
        _print_baselines(content["baselines"])
    _print_reasons(content)
    for note in content["notes"]:
        click.echo(f"note: {note}", err=True)


def _print_comparison(content: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table

    columns = (
        "pearson",
        "pearson_ci",
        "spearman",
        "spearman_halves_a",
        "spearman_halves_b",
        "noise_ceiling",
        "corrected",
        "corrected_ci",
    )
    rows = []
    for pair in content["pairs"]:
        scopes = {"all": pair, "within class": pair["within_class"]}
        if pair["beyond_baselines"] is not None:
            scopes["beyond baselines"] = pair["beyond_baselines"]
        for scope, values in scopes.items():
            rows.append((pair["a"], pair["b"], scope, *(values.get(c, "") for c in columns)))
    title = f"order of examples, split {content['split']}, by {content['clock']}"
    echo_table(("a", "b", "examples", *columns), rows, title, keys=3)
    contained = ("containment", "containment_ci", "null", "upper_weaker", "upper_stronger")
    rows = []
    for found in (pair["containment"] for pair in content["pairs"]):
        names, along = (found["weaker"], found["stronger"]), found["along"] or []
        # Where accuracies first meet, where they last do, and without matching.
        rows += [
            (*names, f"accuracy {at['level']:.3f}", *(at[c] for c in contained))
            for at in (along[:1] + along[-1:])
        ]
        rows.append((*names, "its end", *(found[c] for c in contained)))
    click.echo()
    title = "what the stronger has right of what the weaker has right"
    echo_table(("weaker", "stronger", "each at", *contained), rows, title, keys=3)
    click.echo()
    for pair in content["pairs"]:
        _print_late_gains(pair["late_gains"])
    for note in content["notes"]:
        click.echo(f"note: {note}", err=True)
    _print_reasons(content)


def _print_late_gains(gains: dict[str, Any]) -> None:

    weaker, stronger = gains["weaker"], gains["stronger"]
    click.echo(
        f"{stronger} ends {as_text(gains['accuracy_gain'])} above {weaker} in accuracy "
        f"({as_text(gains['accuracy_gain_ci'])})"
    )
    if gains["learned"] is None:
        return  # the reason stands below
    click.echo(
        f"  of what all other networks of {weaker} miss, one of {stronger} has "
        f"{as_text(gains['learned'])} right, "
        f"one of {weaker} {as_text(gains['learned_reference'])}:\n"
        f"  a difference of {as_text(gains['learned_gain'])} ({as_text(gains['learned_gain_ci'])})"
    )


def _print_baselines(content: dict[str, Any]) -> None:
    """What is trivial about the order, beside its reliability."""
    from learnorder.cli.output import echo_table

    rows = [
        ("class", "", "", content["class"]),
        *((b["name"], b["pearson"], b["within_class"]["pearson"], b) for b in content["each"]),
    ]
    if content["together"] is not None:
        rows.append(("class and all", "", "", content["together"]))
    columns = ("baseline", "correlation", "within class", "share of the shared order", "interval")
    shown = [(*cells, share["share"], share["share_ci"]) for *cells, share in rows]
    click.echo()
    echo_table(columns, shown, "how much of the order is trivial")


def _stage_row(stage: dict[str, Any]) -> list[Any]:
    """A stage of training: from its first epoch to its last, then what the columns name."""
    first, last = stage["epochs"]
    return [
        f"{first:g} to {last:g}" if first < last else f"{first:g}",
        *(stage[column] for column in STAGE_COLUMNS[1:]),
    ]


def _print_notes(log: xr.Dataset, values: dict[str, Any]) -> None:
    """Say what to know of the log that measures asked for by name are of."""
    from learnorder.measures.checks import self_checks
    from learnorder.measures.intervals import few_replicates
    from learnorder.schema import REPLICATE

    of_one_row = [content["values"] for content in values.values() if not content["dims"]]
    has_intervals = any(column.endswith("_ci") for row in of_one_row for column in row)
    few = few_replicates(log.sizes[REPLICATE]) if has_intervals else None
    for note in (*([few] if few else ()), *self_checks(log)):
        click.echo(f"note: {note}", err=True)


def _print_values(values: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table
    from learnorder.measures.values import value_rows

    for name, content in values.items():
        if len(content["values"]) > MOST_COLUMNS and not content["dims"]:
            echo_table(("", ""), content["values"].items(), title=name)
            _print_reasons(content)
            continue
        rows = value_rows({name: content})
        echo_table(list(rows[0]), [list(row.values()) for row in rows[:50]], title=name)
        if len(rows) > 50:
            click.echo(f"... {len(rows) - 50} more rows; --out FILE.csv or --json has them all\n")


def _print_reasons(content: Any) -> None:
    """Say, once each, why something is undefined, and what."""
    names: dict[str, list[str]] = {}
    for name, reason in dict.fromkeys(_reasons(content)):
        names.setdefault(reason, []).append(name)
    for reason, undefined in names.items():
        more = f" and {len(undefined) - MOST_NAMES} more" if len(undefined) > MOST_NAMES else ""
        click.echo(f"undefined: {', '.join(undefined[:MOST_NAMES])}{more}: {reason}")


def _reasons(content: Any) -> list[tuple[str, str]]:
    """What is undefined, with the reason, at any depth."""
    if isinstance(content, list):
        return [r for item in content for r in _reasons(item)]
    if not isinstance(content, dict):
        return []
    own = list((content.get("undefined") or {}).items())
    # Overlaps are not printed, so neither is why one of them is undefined.
    inner = (v for k, v in content.items() if k not in ("undefined", "overlap"))
    return own + [r for v in inner for r in _reasons(v)]
