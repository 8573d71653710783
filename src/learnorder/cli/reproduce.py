"""The command ``reproduce``: the claims of the paper, trained, measured and judged."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from learnorder.claims import SCALES, Scale
from learnorder.cli.arguments import JSON
from learnorder.errors import LearnOrderError, count_of

if TYPE_CHECKING:
    from learnorder.claims.budget import Budget
    from learnorder.claims.recipe import Claim
    from learnorder.claims.reproduce import News, Probing, Stage

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Signals that ask a process to end: of the system, and of a terminal that is closed."""


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
@click.option(
    "--study",
    "studies",
    metavar="NAME",
    multiple=True,
    help="Only this study of the claims, a part of them such as one dataset; may be repeated. "
    "What a result has of the others stays.",
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
    studies: tuple[str, ...],
    out: Path | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Reproduce claims of the paper, all of them without names, each with a verdict.

    Says what it will take before anything is trained. Interrupted, it goes on when it is run
    again; logs are shared between claims. Exit status 1 if a claim has no new verdict.

    \b
    learnorder reproduce --list
    learnorder reproduce same-architecture --data DIR --out results
    learnorder reproduce across-architectures --study CIFAR-10 --data DIR --out results
    learnorder reproduce --scale quick --data DIR --out results
    """
    from learnorder.claims.recipe import find_claims, with_studies

    claims = with_studies(find_claims(names), studies, scale, each=bool(names))
    if as_list:
        _list(claims, scale, as_json)
        return
    if out is None:
        raise click.UsageError("Missing option '--out'.")
    from learnorder.claims.reproduce import reproduce as run

    display = _Display(claims, scale, data)
    try:
        with _stopped_by_signals():
            found = run(
                names,
                out=out,
                data=data,
                scale=scale,
                studies=studies,
                workers=workers,
                report=display,
            )
    except KeyboardInterrupt as interrupt:
        raise LearnOrderError(
            f"reproduce: interrupted. Every recorded epoch and finished claim is safe in {out}. "
            "Run the same command again to go on."
        ) from interrupt
    finally:
        display.close()
    _print(found, as_json)
    click.echo(f"results: {out}", err=True)
    if problem := _problem_line(found):
        raise LearnOrderError(problem)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let what asks a process to end stop it as Ctrl-C does, so that it is said how far it came.

    A signal that is ignored, as by `nohup`, stays so.
    """

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    changed = [n for n in ENDING if signal.getsignal(n) is signal.SIG_DFL]
    try:
        for number in changed:
            signal.signal(number, stop)
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _list(claims: list[Claim], scale: Scale, as_json: bool) -> None:
    from learnorder.claims.recipe import collections_of
    from learnorder.cli.output import echo_json, echo_table

    rows = [
        {
            "claim": claim.id,
            "statement": claim.claim,
            "rule": claim.because,
            "studies": [study.name for study in claim.at(scale)],
            "collections": list(collections_of([claim], scale)),
        }
        for claim in claims
    ]
    if as_json:
        echo_json(rows)
        return
    columns = ("claim", "statement", "collections", "studies")
    shown = [
        (r["claim"], r["statement"], len(r["collections"]), "; ".join(r["studies"])) for r in rows
    ]
    echo_table(columns, shown, f"scale {scale}")


class _Display:
    """Tells a person what it will take and how far it is, on stderr."""

    def __init__(self, claims: list[Claim], scale: Scale, data: Path | None) -> None:
        from learnorder.cli.progress import Bar

        self._about = (claims, scale, data)
        self._bar = Bar()
        self._last_line = 0.0

    def __call__(self, news: News) -> None:
        """Take one piece of news."""
        from learnorder.claims.budget import Budget
        from learnorder.claims.reproduce import Probing, Stage

        if isinstance(news, Probing):
            self._probing(news)
        elif isinstance(news, Budget):
            self._echo(*budget_lines(news, *self._about))
        elif isinstance(news, Stage):
            self._stage(news)
        elif isinstance(news, Mapping):
            self._echo(f"{news['claim']}: {news['verdict'] or _ended(news)}")
        else:
            self._echo(news)

    def _probing(self, news: Probing) -> None:
        text = f"measuring what it will cost: {news.done} of {news.total}"
        if sys.stderr.isatty():
            self._bar.show(text, news.done, news.total, None)
        else:
            self._line(text, news.done in (0, news.total))

    def _stage(self, news: Stage) -> None:
        from learnorder.cli.output import duration

        number = news.done + (news.trained is None)
        place = f"{news.claim}: {news.collection} ({number} of {news.total})"
        left = f"about {duration(news.left)} left"
        if news.trained is not None:
            finished, diverged = news.trained
            failed = f", {diverged} diverged" if diverged else ""
            self._echo(f"{place}: {count_of(finished, 'replicate')} trained{failed}; {left}")
            return
        share = 0.0
        if news.training is not None:
            share = news.training.recorded / max(news.training.n_points, 1)
        text = f"{place}: {100 * share:.0f} %"
        if sys.stderr.isatty():
            self._bar.show(text, news.done + share, news.total, news.left)
        else:
            self._line(f"{text}; {left}", news.training is None)

    def _line(self, text: str, is_due: bool) -> None:
        """Without a terminal: a line where something begins or ends, and seldom in between."""
        from learnorder.cli.progress import CAMPAIGN_LINE_SECONDS

        if is_due or time.monotonic() - self._last_line >= CAMPAIGN_LINE_SECONDS:
            self._last_line = time.monotonic()
            click.echo(text, err=True)

    def _echo(self, *lines: str) -> None:
        """Say what is to stay on a terminal, where a bar would cover it."""
        from learnorder.cli.progress import Bar

        self._bar.close()
        self._bar = Bar()
        self._last_line = time.monotonic()
        for line in lines:
            click.echo(line, err=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.close()


def budget_lines(
    budget: Budget, claims: list[Claim], scale: Scale, data: Path | None
) -> Iterator[str]:
    """Say what it will take, and what is missing: what for, how to get it, and what runs without.

    Parameters
    ----------
    budget
        What was measured.
    claims, scale
        What is to be reproduced.
    data
        Folder of the datasets, as given; without it ``$LEARNORDER_DATA``.
    """
    from learnorder.claims.missing import left_without, studies_needing
    from learnorder.cli.output import duration, size

    left = [name for name, cost in budget.costs.items() if cost is not None]
    yield (
        f"{count_of(len(budget.costs), 'collection')}, {len(left)} to train: about "
        f"{duration(budget.total_seconds)}, {size(budget.disk)} on disk, "
        f"{size(budget.memory)} of memory"
    )
    if not budget.missing:
        return
    folder = data or os.environ.get("LEARNORDER_DATA")
    yield f"folder of the datasets: {folder or 'none; give --data DIR or set LEARNORDER_DATA'}"
    for lack in dict.fromkeys(lack for lacks in budget.missing.values() for lack in lacks):
        needing = studies_needing(lack, claims, scale, budget.missing)
        yield f"missing: {lack.what}, for {needing}. To have it: {lack.how}."
    without = left_without(claims, scale, budget.missing)
    parts = [f"{how}: {', '.join(names) or 'none'}" for how, names in without.items()]
    yield f"without that, {'; '.join(parts)}"


def _ended(result: Mapping[str, Any]) -> str:
    """Say why a claim has no new verdict."""
    return f"{result['status']}: {result['reason'].removeprefix('reproduce: ')}"


def _problem_line(found: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Say in a line that claims have no new verdict, and why the first has none."""
    without = {name: result for name, result in found.items() if result["verdict"] is None}
    if not without:
        return None
    name, first = next(iter(without.items()))
    return (
        f"reproduce: {len(without)} of {count_of(len(found), 'claim')} without a new verdict: "
        f"{', '.join(without)}. The first, {name}, was {_ended(first)}"
    )


def _print(found: Mapping[str, Mapping[str, Any]], as_json: bool) -> None:
    from learnorder.cli.output import echo_json, echo_table

    if as_json:
        echo_json(list(found.values()))
        return
    rows = []
    for name, result in found.items():
        verdicts = [finding["verdict"] for finding in result["measures"]]
        parts = [f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)]
        left_out = ", ".join(result.get("not_asked", []))
        subjects = ", ".join(parts) + (f"; not asked for: {left_out}" if left_out else "")
        verdict = result["verdict"] or result["status"]
        rows.append((name, verdict, subjects, result["n_replicates"]))
    echo_table(("claim", "verdict", "of its subjects", "replicates, at least"), rows)
