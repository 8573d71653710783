"""The commands ``info`` and ``verify``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from learnorder.cli.arguments import JSON, LOG
from learnorder.errors import count_of


@click.command()
@LOG
@JSON
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
@LOG
@JSON
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
            f"{log}: {count_of(found.n_epochs, 'committed epoch')} of "
            f"{count_of(found.n_replicates, 'replicate')} read, "
            f"{'all as they were written' if found.intact else 'DAMAGED'}"
        )
        for problem in found.problems:
            click.echo(f"{problem.file}: {problem.problem}")
        if found.unfinished:
            click.echo(f"unfinished: seeds {', '.join(map(str, found.unfinished))}")
        if found.orphans:
            click.echo(
                "left by killed processes, harmless: "
                f"{count_of(len(found.orphans), 'file or folder')}"
            )
    if not found.intact:
        sys.exit(1)


def _print(content: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table

    replicates = content["replicates"]
    finished = sum(r["status"] == "finished" for r in replicates)
    about = [
        ("log", content["path"]),
        ("replicates", f"{finished} of {len(replicates)} finished"),
        ("dataset", f"{content['dataset']['name']}, {count_of(content['n_classes'], 'class')}"),
        *((f"split {name}", count_of(n, "example")) for name, n in content["splits"].items()),
        ("recorded", ", ".join(content["quantities"])),
        *(("as seen", f"split {name}, while training") for name in content["as_seen"]),
        *_training(content["spec"]),
        ("execution", _listed(content["execution"]) or "not recorded"),
        ("identity", content["identity"]),
        ("made by", _listed(content["provenance"])),
    ]
    if merged := content["provenance"].get("merged"):
        about.append(("merged from", count_of(len(merged), "log")))
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
    for sentence in (*content["missing"], *content["notes"]):
        click.echo(sentence)


def _training(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say what was trained, by a spec or by a loop of somebody's own."""
    yield "architecture", spec.get("architecture", {}).get("name", "recorded from outside")
    if about := spec.get("about"):
        yield "about", _listed(about)


def _listed(about: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {v}" for k, v in about.items() if v and k != "merged")
