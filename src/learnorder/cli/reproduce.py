"""The command ``reproduce``: the claims of the paper, trained, measured and judged."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from learnorder.claims import SCALES, Scale
from learnorder.cli.arguments import JSON
from learnorder.errors import LearnOrderError, count_of

if TYPE_CHECKING:
    from learnorder.claims.budget import Budget
    from learnorder.claims.recipe import Claim
    from learnorder.claims.reproduce import News, Stage


@click.command()
@click.argument("names", metavar="[CLAIM]...", nargs=-1)
@click.option("--list", "as_list", is_flag=True, help="Say what the claims are, and end.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the datasets.")
@click.option(
    "--scale",
    type=click.Choice(SCALES),
    default="quick",
    show_default=True,
    help="How large: quick for all in under an hour, full as in the paper.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of results and logs.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes; default: the cores it may use."
)
@JSON
def reproduce(
    names: tuple[str, ...],
    as_list: bool,
    data: Path | None,
    scale: Scale,
    out: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Reproduce claims of the paper, all of them without names, each with a verdict.

    Says what it will take before anything is trained. Interrupted, it goes on when it is run
    again; logs are shared between claims.

    \b
    learnorder reproduce --list
    learnorder reproduce same-architecture --data DIR --out results
    learnorder reproduce --scale quick --data DIR --out results
    """
    from learnorder.claims.recipe import find_claims

    claims = find_claims(names)
    if as_list:
        _list(claims, scale, as_json)
        return
    if out is None:
        raise click.UsageError("Missing option '--out'.")
    from learnorder.claims.reproduce import reproduce as run

    if data is not None and not data.is_dir():
        raise LearnOrderError(
            f"reproduce: there is no folder {data}. --data is the folder with the datasets, each "
            "in a folder of its own. Correct it, or leave it out where LEARNORDER_DATA is set."
        )
    display = _Display(claims)
    try:
        found = run(names, out=out, data=data, scale=scale, workers=workers, report=display)
    except KeyboardInterrupt as interrupt:
        raise LearnOrderError(
            f"reproduce: interrupted. Every recorded epoch and finished claim is safe in {out}. "
            "Run the same command again to go on."
        ) from interrupt
    finally:
        display.close()
    _print(found, as_json)
    click.echo(f"results: {out}", err=True)


def _list(claims: list[Claim], scale: Scale, as_json: bool) -> None:
    from learnorder.claims.recipe import collections_of
    from learnorder.cli.output import echo_json, echo_table

    rows = [
        {
            "claim": claim.id,
            "statement": claim.claim,
            "rule": claim.because,
            "collections": list(collections_of([claim], scale)),
        }
        for claim in claims
    ]
    if as_json:
        echo_json(rows)
        return
    columns = ("claim", "statement", "collections")
    shown = [(r["claim"], r["statement"], len(r["collections"])) for r in rows]
    echo_table(columns, shown, f"scale {scale}")


class _Display:
    """Tells a person what it will take and how far it is, on stderr."""

    def __init__(self, claims: list[Claim]) -> None:
        from learnorder.cli.progress import Bar

        self._claims = claims
        self._bar = Bar()
        self._said = ""
        self._last_line = 0.0

    def __call__(self, news: News) -> None:
        """Take one piece of news."""
        from learnorder.claims.budget import Budget
        from learnorder.claims.reproduce import Stage

        if isinstance(news, Budget):
            self._clear()
            for line in budget_lines(news, self._claims):
                click.echo(line, err=True)
        elif isinstance(news, Stage):
            self._stage(news)
        elif isinstance(news, Mapping):
            self._clear()
            click.echo(f"{news['claim']}: {news['verdict']}", err=True)
        elif sys.stderr.isatty():
            self._bar.show(news, 0, 1, None)
        else:
            self._line(news, news.rpartition(":")[0])

    def _stage(self, news: Stage) -> None:
        from learnorder.cli.output import duration

        share, inside = 0.0, ""
        if news.training is not None:
            share = news.training.recorded / max(news.training.n_points, 1)
            inside = f", {100 * share:.0f} %"
        text = f"{news.claim}: {news.collection}{inside} ({news.done + 1} of {news.total})"
        if sys.stderr.isatty():
            self._bar.show(text, news.done + share, news.total, news.left)
        else:
            self._line(f"{text}; about {duration(news.left)} left", news.collection)

    def _line(self, text: str, topic: str) -> None:
        """Without a terminal: a line for each new topic, and else one in ten seconds."""
        from learnorder.cli.progress import LINE_SECONDS

        now = time.monotonic()
        if topic != self._said or now - self._last_line >= LINE_SECONDS:
            self._said, self._last_line = topic, now
            click.echo(text, err=True)

    def _clear(self) -> None:
        from learnorder.cli.progress import Bar

        self._bar.close()
        self._bar = Bar()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.close()


def budget_lines(budget: Budget, claims: list[Claim]) -> list[str]:
    """Say what it will take, and what cannot be trained: why, and which claims miss it."""
    from learnorder.cli.output import duration, size

    left = [name for name, cost in budget.costs.items() if cost is not None]
    lines = [
        f"{count_of(len(budget.costs), 'collection')}, {len(left)} to train: about "
        f"{duration(budget.total_seconds)}, {size(budget.disk)} on disk, "
        f"{size(budget.memory)} of memory"
    ]
    for name, reason in budget.missing.items():
        needing = [c.id for c in claims if any(name in s.collections for s in c.studies)]
        lines.append(f"not possible: {name} (for {', '.join(needing)}): {reason}")
    return lines


def _print(found: Mapping[str, Mapping[str, Any]], as_json: bool) -> None:
    from learnorder.cli.output import echo_json, echo_table

    if as_json:
        echo_json(list(found.values()))
        return
    rows = []
    for name, result in found.items():
        verdicts = [finding["verdict"] for finding in result["measures"]]
        parts = [f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)]
        rows.append((name, result["verdict"], ", ".join(parts), result["n_replicates"]))
    echo_table(("claim", "verdict", "of its subjects", "replicates, at least"), rows)
