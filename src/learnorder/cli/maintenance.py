"""The commands that keep a log in order: ``compact``, ``gc``, ``merge``."""

from __future__ import annotations

import sys
from typing import Any

import click

LOG = click.argument("log")
TAKE_OVER = click.option(
    "--take-over",
    is_flag=True,
    help="Where there are no locks: replace claims of processes that have ended.",
)


@click.command()
@LOG
@TAKE_OVER
def compact(log: str, take_over: bool) -> None:
    """Rewrite finished replicates about ten times smaller, and quick to measure.

    Everything is held against the commit records before anything is removed. It may be interrupted
    at any moment, and run again.

    \b
    learnorder compact runs/mlp.zarr
    """
    from learnorder.cli.output import size
    from learnorder.log.compact import compact_log

    bars: list[Any] = []

    def show(done: int, total: int) -> None:
        if not bars:
            bars.append(click.progressbar(length=total, label="compacting", file=sys.stderr))
        bars[0].update(1)
        if done == total:
            bars[0].render_finish()

    done = compact_log(log, show, take_over=take_over)
    click.echo(
        f"{log}: {len(done.compacted)} replicates compacted, {len(done.already)} were already"
    )
    if done.compacted:
        ratio = done.bytes_before / done.bytes_after
        before, after = size(done.bytes_before), size(done.bytes_after)
        click.echo(f"{before} became {after}, {ratio:.1f} times smaller")
    for why in dict.fromkeys(done.left_out.values()):
        seeds = [str(seed) for seed, reason in done.left_out.items() if reason == why]
        click.echo(
            f"left as they are: seeds {', '.join(seeds)} ({why.removeprefix('log: ').rstrip('.')})"
        )


@click.command()
@LOG
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@TAKE_OVER
def gc(log: str, dry_run: bool, take_over: bool) -> None:
    """Remove what killed processes left in a log and nothing refers to.

    What a live process writes is not touched.

    \b
    learnorder gc runs/mlp.zarr --dry-run
    """
    from learnorder.cli.output import size
    from learnorder.log.garbage import collect_garbage

    found = collect_garbage(log, dry_run=dry_run, take_over=take_over)
    for path in found.paths:
        click.echo(f"{'would remove' if dry_run else 'removed'} {path}")
    what = "would be freed" if dry_run else "freed"
    click.echo(f"{log}: {len(found.paths)} files or folders, {size(found.n_bytes)} {what}")
    if found.busy:
        click.echo(f"not looked at, being written: seeds {', '.join(map(str, found.busy))}")


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option("--out", required=True, help="Folder or URL of the new log.")
def merge(logs: tuple[str, ...], out: str) -> None:
    """Put the replicates of several logs of one spec into a new log.

    For seeds trained in different places. The logs stay as they are.

    \b
    learnorder train examples/digits_mlp.toml --seeds 4:6 --out there/mlp.zarr
    learnorder merge runs/mlp.zarr there/mlp.zarr --out runs/both.zarr
    """
    from learnorder.log.merge import merge_logs

    done = merge_logs(logs, out)
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{out}: {len(done.seeds)} replicates from {len(logs)} logs, all verified")
