"""How results and progress reach a person or a program."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Self

import click

from learnorder.errors import LearnOrderError

if TYPE_CHECKING:
    from learnorder.collection.progress import CostEstimate, Progress

LINE_SECONDS = 10.0
"""Without a terminal, progress is one line in so many seconds."""

PLAIN_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""

BAR_WIDTH = 80
"""Columns of a terminal that has room for a bar beside the text."""


def echo_json(value: Any) -> None:
    """Print JSON; a number that is not finite is a mistake of ours."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def echo_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print a table to stdout."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    texts = [[cell(value) for value in row] for row in rows]
    # where a shell closed stdout there is none
    terminal = sys.stdout is not None and sys.stdout.isatty()
    width = get_terminal_size().columns if terminal else PLAIN_WIDTH
    narrow = _natural_width(columns, texts) > width
    table = Table(title=escape(title) or None, title_justify="left", box=None, pad_edge=False)
    table.show_header = any(columns)
    table.collapse_padding = narrow
    for number, column in enumerate(columns):
        # words of a name can be broken apart, letters cannot be read then
        header = column.replace("_", " ") if narrow else column
        table.add_column(header, overflow="fold", no_wrap=number == 0)
    for row in texts:
        table.add_row(*map(escape, row))
    text = StringIO()
    Console(file=text, force_terminal=terminal, width=width, highlight=False).print(table)
    click.echo("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def _natural_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    widest = [max(map(len, texts)) for texts in zip(columns, *rows, strict=True)]
    return sum(widest) + 2 * (len(columns) - 1)


def cell(value: object) -> str:
    """Text of one value; what is undefined says so."""
    if value is None:
        return "undefined"
    if isinstance(value, float):
        return f"{value:g}" if value.is_integer() else f"{value:.3f}"
    if isinstance(value, list | tuple):
        return " to ".join(cell(v) for v in value)
    return str(value)


def check_table_path(path: Path) -> None:
    """Refuse, before anything is computed, a table that could not be written.

    Raises
    ------
    LearnOrderError
        The suffix is none of .csv, .parquet, .json; the path is a folder or a device; or pyarrow
        is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise LearnOrderError(
            f"output: {path} {f'ends in {path.suffix!r}' if suffix else 'has no ending'}. "
            f"Tables are written as {', '.join(FORMATS)}. Choose one of these."
        )
    if path.exists() and not path.is_file():
        raise LearnOrderError(
            f"output: {path} is a {'folder' if path.is_dir() else 'device'}. "
            "A table is a file. Choose another path."
        )
    if suffix == ".parquet":
        _pyarrow()


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write flat rows as a table, in the format its suffix says; whole, or not at all.

    Raises
    ------
    LearnOrderError
        As `check_table_path`; or the place cannot be written to.
    """
    from learnorder.log.files import write_durably

    check_table_path(path)
    target = path.resolve()
    content = FORMATS[path.suffix.lower()](rows)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, content)
    except OSError as error:
        raise LearnOrderError(
            f"output: {path} cannot be written ({os.strerror(error.errno or 0)}). "
            "A table needs a folder that this process may write to, with room on the disk. "
            "Choose another place."
        ) from error


def _as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import csv

    text = StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _as_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    content = BytesIO()
    _pyarrow().parquet.write_table(_pyarrow().Table.from_pylist([dict(r) for r in rows]), content)
    return content.getvalue()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        from learnorder.errors import ExtraMissing

        raise ExtraMissing(
            "output: writing Parquet needs pyarrow, which is not installed. "
            'Run `pip install "learnorder[parquet]"`, or write .csv.'
        ) from error
    return pyarrow


def _as_json(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps(list(rows), indent=2, allow_nan=False).encode()


FORMATS = {".csv": _as_csv, ".parquet": _as_parquet, ".json": _as_json}
"""Formats of a table by suffix."""


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
            self._bar = _progress_bar()
            self._bar.start()
            self._task = self._bar.add_task("", total=news.n_points, left="")
        self._bar.update(
            self._task, completed=news.recorded, description=_done(news), left=_time_left(news)
        )

    def _write(self, news: Progress) -> None:
        now = time.monotonic()
        ended = news.finished + news.failed == news.n_replicates
        if ended or now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            click.echo(f"{_done(news)}; {_left(news)}", err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _progress_bar() -> Any:
    """Text, a bar and the time left; in a narrow terminal the text alone, on several lines."""
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, TextColumn
    from rich.progress import Progress as Bars
    from rich.table import Column

    console = Console(stderr=True)
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[left]}"),
    )
    if console.width < BAR_WIDTH:
        folded = Column(overflow="fold", no_wrap=False)
        columns = (TextColumn("{task.description}; {task.fields[left]}", table_column=folded),)
    return Bars(*columns, console=console, transient=True, expand=True)


def _done(news: Progress) -> str:
    failed = f" ({news.failed} failed)" if news.failed else ""
    return (
        f"{news.finished} of {news.n_replicates} replicates{failed}, "
        f"{news.recorded} of {news.n_points} epochs recorded"
    )


def _left(news: Progress) -> str:
    return f"{duration(news.elapsed)} gone, {_time_left(news)}"


def _time_left(news: Progress) -> str:
    return f"{'unknown' if news.left is None else duration(news.left)} left"


def cost_line(cost: CostEstimate) -> str:
    """Say what training will cost."""
    many = "process" if cost.n_workers == 1 else "processes"
    return (
        f"{cost.n_replicates} replicates x {cost.epochs} epochs on {cost.n_workers} {many}: "
        f"about {duration(max(1, cost.seconds))}, {size(cost.disk)} on disk, "
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
