"""How results reach a person or a program."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO, StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from learnorder.errors import LearnOrderError, count_of
from learnorder.notebook import as_text

if TYPE_CHECKING:
    from learnorder.log.reader import Log

PLAIN_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""

GAP = 2
"""Blanks between two columns."""

UNBROKEN = 28
"""Letters of a word up to which it stays on one line of a narrow table, as every name of a measure
does; numbers always do."""


ACTING = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that JSON may hold as they are, and that act on a terminal."""

BLOCK_ROWS = 10_000
"""Rows that become a block of a Parquet table at once."""


def echo_json(value: Any) -> None:
    """Print JSON; a number that is not finite is a mistake of ours."""
    click.echo(_json_text(value, indent=2))


def echo_json_rows(rows: Iterable[Any]) -> None:
    """Print a list as JSON, a line for each item, as they come: long lists are never held."""
    for line in _json_lines(rows, _json_text):
        click.echo(line, nl=False)


def _json_text(value: Any, indent: int | None = None) -> str:
    text = json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False)
    if not text.isascii():
        text = ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        # what this terminal cannot show, nor a file hold, is escaped
        return json.dumps(value, indent=indent, allow_nan=False)
    return text


def _json_lines(rows: Iterable[Any], text: Callable[[Any], str]) -> Iterator[str]:
    first = True
    for row in rows:
        yield f"{'[' if first else ','}\n  {text(row)}"
        first = False
    yield "[]\n" if first else "\n]\n"


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
    texts = [[as_text(value) for value in row] for row in rows]
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
        return min(_width(word), UNBROKEN)
    return len(word)


def _natural_widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_width, texts)) for texts in zip(columns, *rows, strict=True)]


def _width(text: str) -> int:
    """Columns of a terminal that a text takes; wide characters take two."""
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)


def one_line(text: str, most: int) -> str:
    """Text of a user in at most so many columns of a terminal, with nothing in it that acts.

    Characters without a shape are named, line breaks and tabs drawn; an ellipsis says that it was
    cut.
    """
    from rich.cells import set_cell_size

    from learnorder.report.visible import visible

    shown = visible(text).replace("\n", "⏎").replace("\t", "⇥")
    return shown if _width(shown) <= most else f"{set_cell_size(shown, most - 1).rstrip()}…"


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


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
        The suffix is none of .csv, .parquet, .json, .jsonl; the path is a folder or a device, or
        leads into a log; or pyarrow is missing.
    """
    from learnorder.log.creation import refuse_inside_log

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
    refuse_inside_log(path)
    if suffix == ".parquet":
        _pyarrow()


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], *, new: bool = False) -> None:
    """Write flat rows as a table, in the format its suffix says; whole, or not at all.

    Rows are taken as they come, and the file is held in memory. A table with the same columns is
    replaced, and no other file; ``new``: nothing is.

    Raises
    ------
    LearnOrderError
        As `check_table_path`; or the place cannot be written to, or is taken.
    """
    from learnorder.cli.older_table import refuse_other_file
    from learnorder.log.files import write_durably, write_new

    check_table_path(path)
    target = path.resolve()
    content = FORMATS[path.suffix.lower()](rows)
    try:
        if not new:
            refuse_other_file(path, content)
        target.parent.mkdir(parents=True, exist_ok=True)
        (write_new if new else write_durably)(target, content)
    except OSError as error:
        # a file where its folder should be is another matter
        if isinstance(error, FileExistsError) and target.parent.is_dir():
            raise taken(path) from error
        raise LearnOrderError(
            f"output: {path} cannot be written ({os.strerror(error.errno or 0)}). "
            "A table needs a folder that this process may write to, with room on the disk. "
            "Choose another place."
        ) from error


def taken(path: Path) -> LearnOrderError:
    """Say that there is something that is not replaced."""
    return LearnOrderError(
        f"output: {path} exists. It is not replaced. Choose another name, or remove it first."
    )


def _as_csv(rows: Iterable[Mapping[str, Any]]) -> memoryview:
    import csv

    content = BytesIO()
    text = TextIOWrapper(content, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(row)
        writer.writerow(row.values())
    text.detach()
    return content.getbuffer()


def _as_parquet(rows: Iterable[Mapping[str, Any]]) -> memoryview:
    arrow, content, left = _pyarrow(), BytesIO(), iter(rows)
    blocks = iter(lambda: [dict(row) for row in islice(left, BLOCK_ROWS)], [])
    tables = [arrow.Table.from_pylist(block) for block in blocks] or [arrow.table({})]
    # a column may have no value at all in some blocks
    table = arrow.concat_tables(tables, promote_options="permissive")
    arrow.parquet.write_table(table, content)
    return content.getbuffer()


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


def _as_json(rows: Iterable[Mapping[str, Any]]) -> memoryview:
    return _encoded(_json_lines(rows, _strict_json))


def _as_jsonl(rows: Iterable[Mapping[str, Any]]) -> memoryview:
    return _encoded(f"{_strict_json(row)}\n" for row in rows)


def _strict_json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _encoded(texts: Iterable[str]) -> memoryview:
    content = BytesIO()
    for text in texts:
        content.write(text.encode())
    return content.getbuffer()


FORMATS = {".csv": _as_csv, ".parquet": _as_parquet, ".json": _as_json, ".jsonl": _as_jsonl}
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
