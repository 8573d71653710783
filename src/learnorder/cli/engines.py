"""Options of ``train`` that say where it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from learnorder.collection.engines.contract import Engine

LOCAL, RAY, SLURM = "local", "ray", "slurm"


@dataclass(frozen=True)
class _Option:
    """An option, the engines it is for, and the argument of their classes that it becomes."""

    name: str
    engines: tuple[str, ...]
    argument: str
    help: str
    kind: Any
    is_multiple: bool = False

    @property
    def key(self) -> str:
        return self.name.removeprefix("--").replace("-", "_")


_OPTIONS = (
    _Option(
        "--address",
        (RAY,),
        "address",
        "Of the cluster, as auto; without it, Ray is started here.",
        str,
    ),
    _Option(
        "--cpus-per-replicate",
        (RAY, SLURM),
        "cpus_per_replicate",
        "Cores; it trains on one thread. Default: 1.",
        click.FloatRange(0, min_open=True),
    ),
    _Option(
        "--gpus-per-replicate",
        (RAY, SLURM),
        "gpus_per_replicate",
        "Graphics cards; in Ray a part of one is allowed. Default: 0.",
        click.FloatRange(0),
    ),
    _Option(
        "--memory-per-replicate",
        (RAY, SLURM),
        "memory_gb_per_replicate",
        "Memory in GB.",
        click.FloatRange(0, min_open=True),
    ),
    _Option(
        "--shared",
        (SLURM,),
        "shared",
        "Folder that all nodes see; default: LOG.jobs.",
        click.Path(file_okay=False, path_type=Path),
    ),
    _Option("--partition", (SLURM,), "partition", "Partition of the cluster.", str),
    _Option(
        "--time", (SLURM,), "minutes", "Minutes of a job. Default: 1440.", click.IntRange(min=1)
    ),
    _Option(
        "--replicates-per-job",
        (SLURM,),
        "replicates_per_job",
        "Trained at once by one job. Default: 1.",
        click.IntRange(min=1),
    ),
    _Option("--jobs-at-once", (SLURM,), "jobs_at_once", "Jobs of an array.", click.IntRange(min=1)),
    _Option(
        "--sbatch", (SLURM,), "options", "Further options of sbatch, KEY=VALUE or KEY.", str, True
    ),
)

WHOLE = ("cpus_per_replicate", "gpus_per_replicate")
"""Arguments that SLURM counts in whole numbers."""


OURS = {"output", "error", "array", "signal", "time", "job-name", "open-mode", "wckey"}
"""Options of sbatch that jobs are found and watched by."""


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--engine`` and the options of each."""
    for option in reversed(_OPTIONS):
        text = f"{' or '.join(option.engines)}: {option.help}"
        command = click.option(
            option.name, type=option.kind, multiple=option.is_multiple, help=text
        )(command)
    return click.option(
        "--engine",
        type=click.Choice([LOCAL, RAY, SLURM]),
        default=LOCAL,
        show_default=True,
        help="Where to train; the bytes are the same.",
    )(command)


def check_engine_options(given: Mapping[str, Any], workers: int | None) -> None:
    """Refuse options that are not for the engine.

    Raises
    ------
    click.UsageError
        One is; the message says for which it is.
    """
    engine = given["engine"]
    if workers is not None and engine != LOCAL:
        raise click.UsageError(
            f"--workers counts processes of this machine; --engine {engine} says itself how many "
            "replicates it trains at once. Leave one of the two out."
        )
    for option in _OPTIONS:
        if given[option.key] not in (None, ()) and engine not in option.engines:
            engines = " or ".join(f"--engine {name}" for name in option.engines)
            raise click.UsageError(f"{option.name} is for {engines}, and this is {engine}.")


def make_engine(given: Mapping[str, Any], workers: int | None) -> Engine:
    """Make the engine that the options describe."""
    engine = given["engine"]
    if engine == LOCAL:
        from learnorder.collection.engines.local import LocalEngine

        return LocalEngine(workers)
    arguments = {
        option.argument: given[option.key]
        for option in _OPTIONS
        if engine in option.engines and given[option.key] not in (None, ())
    }
    if engine == RAY:
        from learnorder.collection.engines.ray_cluster import RayEngine

        return RayEngine(**arguments)
    from learnorder.collection.engines.slurm import SlurmEngine

    arguments |= {key: _whole(arguments[key]) for key in WHOLE if key in arguments}
    if "options" in arguments:
        arguments["options"] = dict(_setting(text) for text in arguments["options"])
    return SlurmEngine(**arguments)


def _whole(number: float) -> float:
    return int(number) if number.is_integer() else number


def _setting(text: str) -> tuple[str, str | bool]:
    """Key and value of ``--sbatch KEY=VALUE``, or of ``--sbatch KEY``, which has no value."""
    key, equals, value = text.partition("=")
    if not key or key in OURS:
        what = f"is set by learnorder (others are {', '.join(sorted(OURS - {key}))})"
        raise click.BadParameter(
            f"{text!r} {what if key else 'is no option of sbatch'}; write KEY=VALUE, as account=ml."
        )
    return key, value if equals else True
