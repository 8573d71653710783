"""How progress reaches a person: one kind of bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import click

from learnorder.cli.output import duration, size
from learnorder.errors import count_of

if TYPE_CHECKING:
    from learnorder.collection.progress import CostEstimate, Progress

LINE_SECONDS = 10.0
"""Without a terminal, progress of one collection is one line in so many seconds."""

CAMPAIGN_LINE_SECONDS = 180.0
"""The same of many collections, which take hours: beside a line at the start and end of each."""

BAR_WIDTH = 80
"""Columns of a terminal that has room for a bar beside the text."""


class Bar:
    """Text, a bar and the time left, on stderr; in a narrow terminal the text alone, folded."""

    def __init__(self) -> None:
        self._drawn: Any = None
        self._task: Any = None

    def show(self, text: str, done: float, total: float, left: float | None) -> None:
        """Draw it: so much done, and the seconds left, if that can be said."""
        shown: dict[str, Any] = {"description": text, "left": _time_left(left)}
        if self._drawn is None:
            self._drawn = _rich_bar()
            self._task = self._drawn.add_task(**shown)
            self._drawn.start()
        self._drawn.update(self._task, total=total, completed=done, **shown)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._drawn is not None:
            self._drawn.stop()


def _rich_bar() -> Any:
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


@contextmanager
def bar(label: str, noun: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that takes how many are done, and of how many; None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    drawn, start = Bar(), time.monotonic()

    def show(done: int, total: int) -> None:
        left = (time.monotonic() - start) / done * (total - done) if done else None
        drawn.show(f"{label}: {done} of {count_of(total, noun)}", done, total, left)

    try:
        yield show
    finally:
        drawn.close()


class ProgressDisplay:
    """Shows the cost of training, then its progress, on stderr; a bar if that is a terminal."""

    def __init__(self) -> None:
        self._bar = Bar()
        self._last_line = 0.0

    def __call__(self, news: Progress | CostEstimate | str) -> None:
        """Take one piece of news."""
        from learnorder.collection.progress import CostEstimate

        if isinstance(news, str):
            click.echo(news, err=True)
        elif isinstance(news, CostEstimate):
            click.echo(cost_line(news), err=True)
        elif sys.stderr.isatty():
            self._bar.show(_done(news), news.recorded, news.n_points, news.left)
        else:
            self._write(news)

    def _write(self, news: Progress) -> None:
        now = time.monotonic()
        ended = news.finished + news.failed == news.n_replicates
        if ended or now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            gone = f"{duration(news.elapsed)} gone, {_time_left(news.left)}"
            click.echo(f"{_done(news)}; {gone}", err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _done(news: Progress) -> str:
    failed = f" ({news.failed} failed)" if news.failed else ""
    return (
        f"{news.finished} of {count_of(news.n_replicates, 'replicate')}{failed}, "
        f"{news.recorded:,} of {count_of(news.n_points, 'epoch')} recorded"
    )


def _time_left(seconds: float | None) -> str:
    return f"{'unknown' if seconds is None else duration(seconds)} left"


def cost_line(cost: CostEstimate) -> str:
    """Say what training will cost."""
    return (
        f"{count_of(cost.n_replicates, 'replicate')} x {count_of(cost.epochs, 'epoch')} on "
        f"{count_of(cost.n_workers, 'process')}: about {duration(max(1, cost.seconds))}, "
        f"{size(cost.disk)} on disk, {size(cost.memory)} of memory"
    )
