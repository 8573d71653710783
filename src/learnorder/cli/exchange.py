"""The commands ``import`` and ``export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from learnorder.cli.arguments import JSON, LOG
from learnorder.cli.training import Seeds
from learnorder.errors import LearnOrderError, count_of
from learnorder.exchange.formats import FORMATS


def _listing(field: str) -> str:
    """Formats for a help text, as they are in the table."""
    found = [f for f in FORMATS.values() if getattr(f, field) is not None]
    width = max(len(f.name) for f in found)
    return "\n".join(["\b", "Formats:", *(f"  {f.name:{width}}  {f.what}" for f in found)])


class _Pairs(click.ParamType[Any]):
    """``MEANING=NAME``."""

    name = "MEANING=NAME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first equals sign."""
        meaning, equals, name = str(value).partition("=")
        if not equals or not meaning or not name:
            self.fail(f"{value!r} is no pair; write id=image_id.", param, ctx)
        return meaning, name


@click.command(name="import", epilog=_listing("reader"))
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@click.option("--out", required=True, help="Folder or URL of the new log.")
@click.option("--format", "format_", help="What FILE is; by default, by what is in it.")
@click.option("--split", default="test", show_default=True, help="Split, where FILE has none.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    type=_Pairs(),
    help="Column that means id, seed, epoch, split, prediction, label, ...; may be repeated.",
)
@click.option(
    "--class-names",
    type=click.Path(path_type=Path),
    help="Text file with the name of a class in each line.",
)
@click.option(
    "--seeds", type=Seeds(), help="Of replicates, where FILE has none: 0:10, 3, or 0,2,7."
)
@JSON
def import_(
    sources: tuple[str, ...],
    out: str,
    format_: str | None,
    split: str,
    columns: tuple[tuple[str, str], ...],
    class_names: Path | None,
    seeds: list[int] | None,
    as_json: bool,
) -> None:
    """Make a log from predictions that were recorded elsewhere.

    Every seed has every example after every epoch; what is missing or contradicts itself is
    refused, and no log is made. Nothing is read through pickle.

    \b
    learnorder export runs/mlp.zarr --to csv --out mlp.csv
    learnorder import mlp.csv --out runs/copy.zarr
    """
    from learnorder.cli.output import echo_json
    from learnorder.cli.progress import bar
    from learnorder.exchange.importing import import_log
    from learnorder.log.location import is_shared, locate

    if not is_shared(locate(out)):
        raise LearnOrderError(
            f"import: {out} is in the memory of this process and would be gone with it. Use a "
            "local folder, or a URL of storage."
        )
    with bar("writing", "replicate") as show:
        report = import_log(
            [Path(source) for source in sources],
            out,
            format=format_,
            split=split,
            columns=_once(columns),
            class_names=None if class_names is None else _read_names(class_names),
            seeds=seeds,
            progress=show,
        )
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    if as_json:
        echo_json(
            {
                "path": out,
                "format": report.format,
                "replicates": [{"seed": s, "epochs": n} for s, n in report.epochs.items()],
                "splits": dict(report.splits),
                "n_classes": report.n_classes,
                "quantities": list(report.quantities),
                "notes": report.notes,
            }
        )
        return
    sizes = ", ".join(f"{name} {count_of(n, 'example')}" for name, n in report.splits.items())
    click.echo(
        f"{out}: {count_of(len(report.epochs), 'replicate')}, "
        f"{count_of(max(report.epochs.values()), 'epoch')}, {sizes}, "
        f"{count_of(report.n_classes, 'class')} (from {report.format})"
    )


@click.command(epilog=_listing("writer"))
@LOG
@click.option("--to", "format_", required=True, help="Format, one of those below.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The new file or folder."
)
@click.option("--split", help="Which examples; by default all, or test where a format holds one.")
@click.option("--epoch", type=float, help="Of formats that hold one; by default the last.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@JSON
def export(
    log: str,
    format_: str,
    out: Path,
    split: str | None,
    epoch: float | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write a log in the format of another tool; what the format cannot hold is said.

    Finished replicates are written, on the epochs that all have.

    \b
    learnorder export runs/mlp.zarr --to npz --out mlp.npz
    learnorder export runs/mlp.zarr --to cleanlab --split train --out votes.npz
    """
    from learnorder.cli.output import echo_json, say_what_is_left_out
    from learnorder.exchange.exporting import export_log
    from learnorder.log.reader import open_log

    opened = open_log(log)
    report = export_log(opened, format_, out, split=split, epoch=epoch, overwrite=overwrite)
    say_what_is_left_out(opened, next(iter(report.splits)))
    for lost in report.lost:
        click.echo(f"not in {out}: {lost}", err=True)
    if as_json:
        echo_json(
            {
                "path": str(out),
                "format": format_,
                "splits": dict(report.splits),
                "lost": report.lost,
            }
        )
        return
    sizes = ", ".join(f"{name} {count_of(n, 'example')}" for name, n in report.splits.items())
    click.echo(f"{out}: {sizes} ({format_})")


def _once(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    if len(found) < len(pairs):
        meanings = [meaning for meaning, _ in pairs]
        twice = next(m for m in meanings if meanings.count(m) > 1)
        raise LearnOrderError(
            f"import: --column {twice}=... is given twice. Each meaning has one column. Leave one "
            "out."
        )
    return found


def _read_names(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise LearnOrderError(
            f"import: {path} is no text in UTF-8. It has the name of a class in each line. Save it "
            "again."
        ) from error
    return [line.strip() for line in lines if line.strip()]
