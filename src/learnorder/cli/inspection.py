"""The command ``info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(log: Path, as_json: bool) -> None:
    """Say what a log holds and what is missing.

    \b
    learnorder info runs/mlp.zarr
    """
    from learnorder.cli.output import echo_json
    from learnorder.log.reader import Log, describe

    content = describe(Log(log))
    if as_json:
        echo_json(content)
    else:
        _print(content)


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
        (r["seed"], r["status"], *(r["epochs"][s] for s in splits), r["reason"] or "")
        for r in replicates
    ]
    click.echo()
    echo_table(("seed", "status", *(f"epochs {s}" for s in splits), "reason"), rows)
