"""The commands that keep a log in order: ``compact``, ``gc``, ``merge``."""

from __future__ import annotations

from collections.abc import Mapping

import click

from learnorder.cli.arguments import LOG, LOGS, TAKE_OVER
from learnorder.errors import LearnOrderError, LogDamaged, count_of


@click.command()
@LOG
@TAKE_OVER
def compact(log: str, take_over: bool) -> None:
    """Rewrite finished replicates several times smaller, and quick to measure.

    Everything is held against the commit records before anything is removed. It may be interrupted
    at any moment, and run again.

    \b
    learnorder compact runs/mlp.zarr
    """
    from learnorder.cli.output import size
    from learnorder.cli.progress import bar
    from learnorder.log.compact import compact_log

    with bar("compacting", "replicate") as show:
        done = compact_log(log, show, take_over=take_over)
    click.echo(
        f"{log}: {count_of(len(done.compacted), 'replicate')} compacted, "
        f"{len(done.already)} {'was' if len(done.already) == 1 else 'were'} already"
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
    _fail_if_damaged(log, done.damaged)


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
    click.echo(
        f"{log}: {count_of(len(found.paths), 'file or folder')}, {size(found.n_bytes)} {what}"
    )
    if found.busy:
        click.echo(f"not looked at, being written: seeds {', '.join(map(str, found.busy))}")
    _fail_if_damaged(log, found.damaged)


@click.command()
@LOGS
@click.option("--out", required=True, help="Folder or URL of the new log.")
def merge(logs: tuple[str, ...], out: str) -> None:
    """Put the replicates of several logs of one spec into a new log.

    For seeds trained in different places. The logs stay as they are.

    \b
    learnorder train examples/digits_mlp.toml --seeds 4:6 --out there/mlp.zarr
    learnorder merge runs/mlp.zarr there/mlp.zarr --out runs/both.zarr
    """
    from learnorder.log.location import is_shared, locate
    from learnorder.log.merge import merge_logs

    if not is_shared(locate(out)):
        raise LearnOrderError(
            f"merge: {out} is in the memory of this process and would be gone with it. "
            "Use a local folder, or a URL of storage."
        )
    done = merge_logs(logs, out)
    for warning in done.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(
        f"{out}: {count_of(len(done.seeds), 'replicate')} from {len(logs)} logs, all verified"
    )


def _fail_if_damaged(log: str, damaged: Mapping[int, str]) -> None:
    """Exit with status 1 if some replicates could not be touched; the others have been."""
    if damaged:
        seeds, first = ", ".join(map(str, damaged)), next(iter(damaged.values()))
        raise LogDamaged(
            f"{log}: replicates that are damaged were not touched (seeds {seeds}; first: "
            f"{first.removeprefix('log: ').rstrip('.')}). See `learnorder verify`."
        )
