"""How results reach a person or a program."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from learnorder.errors import LearnOrderError, count_of

if TYPE_CHECKING:
    from learnorder.log.reader import Log

PLAIN_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""

GAP = 2
"""Blanks between two columns."""

UNBROKEN = 28
"""Letters of a word up to which it stays on one line of a narrow table, as every name of a measure
does; numbers always do."""


def echo_json(value: Any) -> None:
    """Print JSON; a number that is not finite is a mistake of ours."""
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        # what this terminal cannot show, nor a file hold, is escaped
        text = json.dumps(value, indent=2, allow_nan=False)
    click.echo(text)


def echo_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "", keys: int = 1
) -> None:
    """Print a table to stdout.

    In a narrow terminal texts are folded, and columns for which there is no room go into a second
    table beneath, after the first ``keys`` columns, which say what a row is about. Numbers and
    short words are never folded.
    """
    # where a shell closed stdout there is none
    terminal = sys.stdout is not None and sys.stdout.isatty()
    room = get_terminal_size().columns if terminal else PLAIN_WIDTH
    texts = [[cell(value) for value in row] for row in rows]
    if _total(_natural_widths(columns, texts)) <= room:
        click.echo(_drawn(columns, texts, title, room, terminal))
        return
    spaced = [column.replace("_", " ") for column in columns]
    for number, places in enumerate(_blocks(spaced, texts, room, keys)):
        names = [spaced[i] for i in places]
        block = [[row[i] for i in places] for row in texts]
        click.echo("\n" if number else "", nl=False)
        click.echo(_drawn(names, block, "" if number else title, room, terminal))


def _drawn(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str, room: int, terminal: bool
) -> str:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title) or None, title_justify="left", box=None, pad_edge=False)
    table.show_header = any(columns)
    for column, width in zip(columns, _widths(columns, rows, room), strict=True):
        table.add_column(column, overflow="fold", width=width)
    for row in rows:
        table.add_row(*map(escape, row))
    text = StringIO()
    Console(file=text, force_terminal=terminal, width=room, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _blocks(
    columns: Sequence[str], rows: Sequence[Sequence[str]], room: int, keys: int
) -> list[list[int]]:
    """Which columns stand beside each other: the keys, then as many others as there is room for."""
    least = _least_widths(columns, rows)
    own, others = list(range(keys)), range(keys, len(columns))
    blocks = [own]
    for i in others:
        wanted = [*blocks[-1], i]
        if len(wanted) > keys + 1 and _total([least[j] for j in wanted]) > room:
            blocks.append([*own, i])
        else:
            blocks[-1] = wanted
    return blocks


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Share the room: each column what it needs at least, then those most in need first."""
    natural, widths = _natural_widths(columns, rows), _least_widths(columns, rows)
    for _ in range(room - _total(widths)):
        wanting = [i for i, width in enumerate(widths) if width < natural[i]]
        if not wanting:
            break
        widths[min(wanting, key=lambda i: widths[i] / natural[i])] += 1
    return widths


def _least_widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Width of the longest part of each column that must stay on one line."""
    return [
        max((_unbroken(word) for text in texts for word in text.split()), default=1)
        for texts in zip(columns, *rows, strict=True)
    ]


def _unbroken(word: str) -> int:
    try:
        float(word)
    except ValueError:
        return min(len(word), UNBROKEN)
    return len(word)


def _natural_widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, texts)) for texts in zip(columns, *rows, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def cell(value: object) -> str:
    """Text of one value; what is undefined says so."""
    if value is None:
        return "undefined"
    if isinstance(value, float):
        return f"{value:g}" if value.is_integer() else f"{value:z.3f}"
    if isinstance(value, list | tuple):
        return " to ".join(cell(v) for v in value)
    return str(value)


def say_what_is_left_out(log: Log, split: str) -> None:
    """Say on stderr which replicates and epochs of a split a result is not of."""
    about = log[split].attrs
    shown = about["n_replicates_planned"] - len(about["left_out"])
    if about["left_out"]:
        reasons = [f"seed {r['seed']} {r['status']}" for r in about["left_out"][:5]]
        more = ", ..." if len(about["left_out"]) > 5 else ""
        click.echo(
            f"{log.path}: {shown} of {count_of(about['n_replicates_planned'], 'replicate')} "
            f"{'is' if about['n_replicates_planned'] == 1 else 'are'} finished; "
            f"left out: {', '.join(reasons)}{more}",
            err=True,
        )
    if about.get("as_seen"):
        click.echo(
            f"{log.path}: predictions of split {split} were collected while training, each at its "
            "own moment of an epoch",
            err=True,
        )
    if about["epochs_left_out"]:
        listed = ", ".join(f"{e:g}" for e in about["epochs_left_out"][:5])
        click.echo(f"{log.path}: epochs that not all replicates have, left out: {listed}", err=True)


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
    return json.dumps(list(rows), indent=2, allow_nan=False, ensure_ascii=False).encode()


FORMATS = {".csv": _as_csv, ".parquet": _as_parquet, ".json": _as_json}
"""Formats of a table by suffix."""


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
