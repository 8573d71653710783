"""The commands ``info`` and ``verify``."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command()
@click.argument("log", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(log: str, as_json: bool) -> None:
    """Say what a log holds and what is missing.

    \b
    learnorder info runs/mlp.zarr
    """
    from learnorder.cli.output import echo_json
    from learnorder.log.description import describe
    from learnorder.log.reader import Log

    content = describe(Log(log))
    if as_json:
        echo_json(content)
    else:
        _print(content)


@click.command()
@click.argument("log", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(log: str, as_json: bool) -> None:
    """Check every file of a log against its checksums; exit status 1 if anything is damaged.

    \b
    learnorder verify runs/mlp.zarr
    """
    from learnorder.cli.output import echo_json
    from learnorder.log.verify import verify_log

    found = verify_log(log)
    if as_json:
        echo_json(found.to_dict())
    else:
        click.echo(
            f"{log}: {found.n_epochs} committed epochs of {found.n_replicates} replicates read, "
            f"{'all as they were written' if found.intact else 'DAMAGED'}"
        )
        for problem in found.problems:
            click.echo(f"{problem.file}: {problem.problem}")
        if found.unfinished:
            click.echo(f"unfinished: seeds {', '.join(map(str, found.unfinished))}")
        if found.orphans:
            click.echo(f"left by killed processes, harmless: {len(found.orphans)} files or folders")
    if not found.intact:
        sys.exit(1)


def _print(content: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table

    replicates = content["replicates"]
    finished = sum(r["status"] == "finished" for r in replicates)
    spec = content["spec"]
    about = [
        ("log", content["path"]),
        ("replicates", f"{finished} of {len(replicates)} finished"),
        ("dataset", f"{content['dataset']['name']}, {content['n_classes']} classes"),
        *((f"split {name}", f"{n} examples") for name, n in content["splits"].items()),
        ("architecture", spec["architecture"]["name"] if spec else "recorded from outside"),
        ("identity", content["identity"]),
        ("made by", ", ".join(f"{k} {v}" for k, v in content["provenance"].items() if v)),
    ]
    echo_table(("", ""), about)
    splits = list(content["splits"])
    rows = [
        (
            r["seed"],
            r["status"],
            *(f"{r['epochs'][s]} of {r['planned_epochs'] or '?'}" for s in splits),
            f"{r['compacted']} of {max(r['epochs'].values(), default=0)}",
        )
        for r in replicates
    ]
    click.echo()
    epochs = (f"epochs {s}" for s in splits)
    echo_table(("seed", "status", *epochs, "compacted"), rows)
    for sentence in content["missing"]:
        click.echo(sentence)
