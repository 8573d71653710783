"""The command ``train``."""

from __future__ import annotations

import re
import sys
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from learnorder.cli.arguments import TAKE_OVER
from learnorder.cli.engines import check_engine_options, engine_options, make_engine
from learnorder.errors import LearnOrderError, count_of

if TYPE_CHECKING:
    from learnorder.collection.train import TrainingResult
    from learnorder.training.spec import TrainingSpec

MOST_SEEDS = 1_000_000
"""More are a slip of the keyboard, and a list of them fills the memory."""


Rounds = tuple[list[int] | None, float | None, int | None]
"""Seeds, the reliability to reach and the most replicates, as asked for."""


class Seeds(click.ParamType[list[int]]):
    """``0:10`` (half-open), ``3``, or a list ``0,2,7``."""

    name = "SEEDS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        """Parse, or fail with exit status 2."""
        if isinstance(value, list):
            return value
        if match := re.fullmatch(r"(\d+):(\d+)", value):
            span = range(int(match[1]), int(match[2]))
            if len(span) > MOST_SEEDS:
                self.fail(f"{value!r} are {len(span)} seeds; at most {MOST_SEEDS}.", param, ctx)
            return list(span)
        if re.fullmatch(r"\d+(,\d+)*", value):
            return [int(part) for part in value.split(",")]
        return self.fail(
            f"{value!r} are no seeds; write 0:10 (half-open), 3, or 0,2,7.", param, ctx
        )


def parse_setting(text: str) -> tuple[str, Any]:
    """Key and value of ``--set KEY=VALUE``; the value is TOML, or else a string.

    Examples
    --------
    >>> parse_setting("training.epochs=3"), parse_setting("architecture.name=mlp")
    (('training.epochs', 3), ('architecture.name', 'mlp'))
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} is no setting; write KEY=VALUE, as training.epochs=3.")
    if len(value.splitlines()) > 1:
        raise click.BadParameter(f"{text!r} has several lines; a setting has one.")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


@click.command()
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(),
    help="Folder or URL of the log, or of the logs of all variants.",
)
@click.option(
    "--seeds",
    type=Seeds(),
    help="One replicate each; default: 0:10, in rounds those of the log or 0:5.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes; default: the cores it may use."
)
@click.option(
    "--until-reliability",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="X",
    help="Add replicates until the reliability of the order is at least X, interval included.",
)
@click.option(
    "--most-replicates",
    type=click.IntRange(min=5),
    help="Where that ends, those in the log counted; default: 100.",
)
@engine_options
@TAKE_OVER
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override the spec.")
def train(
    spec: Path,
    out: str,
    seeds: list[int] | None,
    workers: int | None,
    until_reliability: float | None,
    most_replicates: int | None,
    take_over: bool,
    settings: tuple[str, ...],
    **engine: Any,
) -> None:
    """Train the replicates of a spec and log every prediction.

    On a log of the same spec it resumes what was interrupted and adds seeds or epochs. A spec with
    [variants] or a [grid] is several: --out is then a folder with a log of each. With
    --until-reliability it adds replicates in rounds, their seeds going on upwards. With --engine
    ray or slurm it trains on a cluster (docs/cluster.md). Exit status 1 if a replicate failed, or
    --most-replicates of them are not enough.

    \b
    learnorder train examples/digits_mlp.toml --seeds 0:4 --out runs/mlp.zarr
    learnorder train examples/digits_mlp.toml --set training.epochs=5 --out runs/short.zarr
    learnorder train examples/digits_mlp.toml --until-reliability 0.9 --out runs/sure.zarr
    """
    if most_replicates is not None and until_reliability is None:
        raise click.UsageError("--most-replicates says where --until-reliability ends; give both.")
    overrides = dict(parse_setting(setting) for setting in settings)
    from learnorder.log.location import locate
    from learnorder.training.variants import BASE, read_variants

    path = locate(out)
    # an architecture `package.module:callable` may lie beside the spec or in the current folder
    sys.path += [str(spec.parent.resolve()), str(Path.cwd())]
    rounds = (seeds, until_reliability, most_replicates)
    check_engine_options(engine, workers)
    asked: dict[str, Any] = {"take_over": take_over}
    try:
        specs = read_variants(spec, overrides)
        asked["engine"] = make_engine(engine, workers)
        if list(specs) == [BASE]:
            _train_one(specs[BASE], path, rounds, asked)
        else:
            _train_variants(specs, path, rounds, asked)
    except KeyboardInterrupt as interrupt:
        kept = f"Every recorded epoch is safe in {out}" if path.exists() else "Nothing was written"
        raise LearnOrderError(
            f"train: interrupted. {kept}. Run the same command again to go on."
        ) from interrupt


def _train_variants(
    specs: dict[str, TrainingSpec], folder: Path, rounds: Rounds, asked: dict[str, Any]
) -> None:
    """Train each into a log of its name in the folder; what fails does not keep back the rest."""
    from learnorder.log.creation import refuse_inside_log
    from learnorder.training.architectures.table import check_architecture

    refuse_inside_log(folder / "variant.zarr")
    for name, spec in specs.items():
        with _of_variant(name):
            check_architecture(spec.architecture.name, spec.architecture.options)
    problems = []
    for number, (name, spec) in enumerate(specs.items(), start=1):
        click.echo(f"variant {number} of {len(specs)}: {name}", err=True)
        try:
            with _of_variant(name):
                _train_one(spec, folder / f"{name}.zarr", rounds, asked)
        except LearnOrderError as problem:
            click.echo(str(problem), err=True)
            problems.append(problem)
    if problems:
        raise LearnOrderError(
            f"train: {len(problems)} of {count_of(len(specs), 'variant')} did not come out as "
            f"asked for; the first is {str(problems[0]).removeprefix('train: ')}"
        ) from problems[0]


@contextmanager
def _of_variant(name: str) -> Iterator[None]:
    """Name the variant in what goes wrong."""
    try:
        yield
    except LearnOrderError as error:
        text = str(error).removeprefix("train: ")
        raise LearnOrderError(f"train: variant {name!r}: {text}") from error


def _train_one(spec: TrainingSpec, path: Path, rounds: Rounds, asked: dict[str, Any]) -> None:
    """Train, show how far it is, and print what became of it."""
    from learnorder.cli.progress import ProgressDisplay

    with ProgressDisplay() as display, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # failures end the command as an error
        result, problem = _train(spec, *rounds, {**asked, "out": path, "report": display})
    if problem:
        raise LearnOrderError(problem)
    done = "nothing to do" if not result.trained else f"{len(result.trained)} trained now"
    click.echo(f"{result.path}: {count_of(len(result.finished), 'replicate')} finished, {done}")


def _train(
    spec: TrainingSpec,
    seeds: list[int] | None,
    reliability: float | None,
    most_replicates: int | None,
    asked: dict[str, Any],
) -> tuple[TrainingResult, str | None]:
    """Train once, or in rounds; what became of it, and a line if it is not what was asked for."""
    if reliability is None:
        from learnorder.collection.train import failure_line, train_collection

        trained = train_collection(spec, range(10) if seeds is None else seeds, **asked)
        return trained, failure_line(trained) if trained.failed else None
    from learnorder.collection.until import MOST_REPLICATES, problem_line, train_until
    from learnorder.measures.planning import replicates_needed

    most = most_replicates or MOST_REPLICATES
    result = train_until(
        spec, reliability, seeds, needed=replicates_needed, most_replicates=most, **asked
    )
    return result.training, problem_line(result, reliability)
