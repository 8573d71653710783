"""How results and progress reach a person or a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from shutil import get_terminal_size
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from learnorder.errors import LearnOrderError

if TYPE_CHECKING:
    from learnorder.collection.progress import CostEstimate, Progress

LINE_SECONDS = 10.0
"""Without a terminal, progress is one line in so many seconds."""

PLAIN_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""


def echo_json(value: Any) -> None:
    """Print JSON; a number that is not finite is a mistake of ours."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def echo_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print a table to stdout."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title) or None, title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(escape(cell(value)) for value in row))
    terminal = sys.stdout.isatty()
    text = StringIO()
    width = get_terminal_size().columns if terminal else PLAIN_WIDTH
    Console(file=text, force_terminal=terminal, width=width, highlight=False).print(table)
    click.echo("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def cell(value: object) -> str:
    """Text of one value; what is undefined says so."""
    if value is None:
        return "undefined"
    if isinstance(value, float):
        return f"{value:g}" if value.is_integer() else f"{value:.3f}"
    if isinstance(value, list | tuple):
        return " to ".join(cell(v) for v in value)
    return str(value)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a table, in the format its suffix says.

    Raises
    ------
    LearnOrderError
        The suffix is none of .csv, .parquet, .json; or pyarrow is missing.
    """
    writers = {".csv": _write_csv, ".parquet": _write_parquet, ".json": _write_json}
    if path.suffix not in writers:
        raise LearnOrderError(
            f"output: {path} ends in {path.suffix or 'nothing'!r}. "
            f"Tables are written as {', '.join(writers)}. Choose one of these."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    writers[path.suffix](path, rows)


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        from learnorder.errors import ExtraMissing

        raise ExtraMissing(
            "output: writing Parquet needs pyarrow, which is not installed. "
            'Run `pip install "learnorder[parquet]"`, or write .csv.'
        ) from error
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([dict(r) for r in rows]), path)


def _write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text(json.dumps(list(rows), indent=2, allow_nan=False), encoding="utf-8")


class ProgressDisplay:
    """Shows the cost, then the progress, on stderr; plain lines where there is no terminal."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._last_line = 0.0

    def __call__(self, news: Progress | CostEstimate | str) -> None:
        """Take one piece of news."""
        from learnorder.collection.progress import CostEstimate

        if isinstance(news, str):
            click.echo(news, err=True)
        elif isinstance(news, CostEstimate):
            click.echo(cost_line(news), err=True)
        elif sys.stderr.isatty():
            self._draw(news)
        else:
            self._write(news)

    def _draw(self, news: Progress) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bars

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self._bar = Bars(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=news.n_points, left="")
        self._bar.update(
            self._task, completed=news.recorded, description=_done(news), left=_left(news)
        )

    def _write(self, news: Progress) -> None:
        now = time.monotonic()
        ended = news.finished == news.n_replicates
        if ended or now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            click.echo(f"{_done(news)}; {_left(news)}", err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _done(news: Progress) -> str:
    return (
        f"{news.finished} of {news.n_replicates} replicates, "
        f"{news.recorded} of {news.n_points} epochs recorded"
    )


def _left(news: Progress) -> str:
    left = "unknown" if news.left is None else duration(news.left)
    return f"{duration(news.elapsed)} gone, {left} left"


def cost_line(cost: CostEstimate) -> str:
    """Say what training will cost."""
    many = "process" if cost.n_workers == 1 else "processes"
    return (
        f"{cost.n_replicates} replicates x {cost.epochs} epochs on {cost.n_workers} {many}: "
        f"about {duration(cost.seconds)}, at most {size(cost.disk)} on disk, "
        f"{size(cost.memory)} of memory"
    )


def duration(seconds: float) -> str:
    """Time for a person.

    Examples
    --------
    >>> [duration(s) for s in (3, 75, 7300)]
    ['3 s', '1 min 15 s', '2 h 1 min']
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(n_bytes: float) -> str:
    """Bytes for a person, in powers of 1000.

    Examples
    --------
    >>> [size(b) for b in (950, 12_300_000, 2_560_000_000)]
    ['950 B', '12.3 MB', '2.6 GB']
    """
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
