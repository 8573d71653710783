"""The command ``plan``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from learnorder.cli.arguments import JSON, LOG, SPLIT
from learnorder.cli.plan_cluster import Slots, cost_on_cluster, print_cost, sizes_with_train
from learnorder.errors import count_of
from learnorder.notebook import as_text

if TYPE_CHECKING:
    from learnorder.log.reader import Log
    from learnorder.measures.designs import CostModel


def _of_cluster(option: str, name: str, kind: Any, what: str) -> Callable[[Any], Any]:
    text = f"--cluster: {what}; default: as in the log."
    return click.option(option, name, type=kind, help=text)


@click.command()
@LOG
@click.option(
    "--target",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="Reliability of the order to reach.",
)
@click.option(
    "--correlation",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    help="Correlation with the full order that a cheaper design is to reach in every draw.",
)
@click.option("--cluster", is_flag=True, help="Say instead what a larger collection costs.")
@_of_cluster("--replicates", "n_replicates", click.IntRange(min=1), "Replicates")
@_of_cluster("--epochs", "epochs", click.FloatRange(0, min_open=True), "Epochs")
@_of_cluster("--train", "n_train", click.IntRange(min=1), "Examples trained on")
@_of_cluster("--predicted", "n_predicted", click.IntRange(min=1), "Examples predicted")
@_of_cluster("--classes", "n_classes", click.IntRange(min=1), "Classes")
@click.option("--slots", type=Slots(), help="--cluster: numbers of workers; default: 1,8,64,512.")
@SPLIT
@JSON
def plan(
    log: str,
    target: float,
    correlation: float,
    cluster: bool,
    split: str,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Say how many more replicates a reliability takes, and which smaller design does as well.

    With --cluster, say what a larger collection of the same network costs: hours, disk and network.

    \b
    learnorder plan runs/mlp.zarr --target 0.98
    learnorder plan runs/resnet.zarr --cluster --replicates 100 --train 50000 --predicted 60000
    """
    if cluster:
        _plan_cluster(log, wanted, as_json)
        return
    if given := [name for name, value in wanted.items() if value is not None]:
        option = given[0].removeprefix("n_")
        raise click.UsageError(f"--{option} says what a cluster trains; give --cluster with it.")
    from learnorder.cli.output import echo_json, say_what_is_left_out
    from learnorder.log.reader import open_log
    from learnorder.measures.designs import sub_designs
    from learnorder.measures.planning import replicates_needed

    opened = open_log(log)
    say_what_is_left_out(opened, split)
    needed = replicates_needed(opened[split], target)
    cost = _cost(opened)
    if isinstance(cost, str):
        designs: dict[str, Any] = {"designs": None, "undefined": {"designs": cost}}
    else:
        designs = sub_designs(opened[split], cost, correlation).to_dict()
    if as_json:
        echo_json({"split": split, "needed": needed.to_dict(), "designs": designs})
        return
    _print_needed(needed.to_dict(), split)
    if isinstance(cost, str):
        click.echo(f"note: which smaller design tells the same order is not said: {cost}", err=True)
        return
    click.echo()
    _print_designs(designs)


def _plan_cluster(log: str, wanted: dict[str, Any], as_json: bool) -> None:
    from learnorder.cli.output import echo_json
    from learnorder.log.reader import open_log

    cost, collection = cost_on_cluster(open_log(log), wanted)
    if as_json:
        echo_json({"collection": asdict(collection), "cluster": cost.to_dict()})
    else:
        print_cost(cost, collection)


def _cost(log: Log) -> CostModel | str:
    """Cost of an epoch of this log, or why it is unknown: predicted are all splits."""
    from learnorder.measures.designs import CostModel

    sizes = sizes_with_train(log)
    if isinstance(sizes, str):
        advice = "In Python, give `lo.sub_designs(log, lo.CostModel(n_train, n_predicted))`"
        return f"the log {sizes}. {advice}"
    return CostModel(sizes["train"], sum(sizes.values()))


def _print_needed(needed: dict[str, Any], split: str) -> None:
    from learnorder.measures.intervals import few_replicates

    n = count_of(needed["n_replicates"], "replicate")
    click.echo(
        f"reliability of the order, split {split}, {n}: {as_text(needed['reliability'])} "
        f"(95 % interval {as_text(needed['reliability_ci'])})"
    )
    note = few_replicates(needed["n_replicates"])
    if note:
        click.echo(f"note: {note}", err=True)
    target, more, low = needed["target"], needed["more"], needed["more_for_low"]
    if more is not None:
        ends = _range(needed["more_ci"]) if more else ""
        click.echo(f"reliability {target:g}: {_to_add(more)}{ends}")
    if low is not None:
        expected = ", by expectation" if low else ""
        click.echo(f"lower end of its interval at {target:g}: {_to_add(low)}{expected}")
    for reason in dict.fromkeys(needed["undefined"].values()):
        click.echo(f"undefined: {reason}")


def _to_add(n: int) -> str:
    return count_of(n, "more replicate") if n else "reached"


def _range(ends: list[int] | None) -> str:
    if ends is None:
        return ""
    fewest, most = ends
    most_shown = "no number" if most is None else f"{most:,}"
    return f" ({fewest:,} to {most_shown} by the ends of the interval)"


COLUMNS = {
    "n_replicates": "replicates",
    "epochs": "epochs",
    "every": "recorded every",
    "quantity": "quantity",
    "cost": "cost",
    "correlation": "correlation",
    "range": "over draws",
    "corrected": "corrected",
    "mark": "",
}
"""Columns of the table of designs, by what they hold."""


def _print_designs(designs: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table

    if designs["front"]:
        rows = []
        for design in designs["front"]:
            shown = {
                **design,
                "cost": f"{100 * design['cost']:.2g}\N{NO-BREAK SPACE}%",
                "range": [design["lowest"], design["highest"]],
                "mark": f"cheapest for {designs['goal']:g}" if _is(design, designs) else "",
            }
            rows.append([shown[column] for column in COLUMNS])
        title = (
            "smaller designs, their cost as a share of this log, and the correlation of their "
            f"order with the full one of {designs['n_reference']} other replicates (reliability "
            f"{as_text(designs['reliability'])})"
        )
        echo_table(list(COLUMNS.values()), rows, title, keys=4)
    for reason in dict.fromkeys(designs["undefined"].values()):
        click.echo(f"undefined: smaller designs: {reason}")


def _is(design: dict[str, Any], designs: dict[str, Any]) -> bool:
    return bool(design == designs["cheapest"])
