"""``plan --cluster``: what a larger collection costs, from the replicates of a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from learnorder.errors import LearnOrderError, count_of

if TYPE_CHECKING:
    from learnorder.log.reader import Log
    from learnorder.measures.cluster_cost import ClusterCost, Collection

SLOTS = (1, 8, 64, 512)
"""Workers that the time is said for, unless others are asked for."""


class Slots(click.ParamType[tuple[int, ...]]):
    """Numbers of workers: ``8``, or ``1,8,64``."""

    name = "N,..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Parse, or fail with exit status 2."""
        if isinstance(value, tuple):
            return value
        parts = value.split(",")
        if not all(part.isdecimal() and int(part) > 0 for part in parts):
            return self.fail(
                f"{value!r} are no numbers of workers; write 8, or 1,8,64.", param, ctx
            )
        return tuple(int(part) for part in parts)


def cost_on_cluster(log: Log, given: Mapping[str, Any]) -> tuple[ClusterCost, Collection]:
    """Extrapolate from a log to what is asked for; what is not asked for is as in the log.

    Raises
    ------
    LearnOrderError
        The log has no split 'train', or no replicate that was measured.
    """
    from dataclasses import replace

    from learnorder.measures.cluster_cost import cluster_cost
    from learnorder.schema import prediction_dtype

    costs = [r.attempt.cost() for r in log.replicates if r.attempt is not None]
    measured = [cost for cost in costs if cost is not None]
    own = _collection(log, next(iter(measured), {"epochs": 1.0, "points": 1.0}))
    asked = {key: value for key, value in given.items() if key != "slots" and value is not None}
    if (n_classes := asked.pop("n_classes", None)) is not None:
        # classes take a byte each, or two where there are many
        widths = [prediction_dtype(n).itemsize for n in (log.header.n_classes, n_classes)]
        asked["bytes_per_prediction"] = own.bytes_per_prediction - widths[0] + widths[1]
    if "n_train" in asked and "n_predicted" not in asked:
        # what is trained on is predicted too
        asked["n_predicted"] = own.n_predicted - own.n_train + asked["n_train"]
    if "epochs" in asked and own.epochs:
        # recorded as often as in the log
        asked["points"] = max(1, round(own.points * asked["epochs"] / own.epochs))
    wanted = replace(own, **asked)
    return cluster_cost(measured, own, wanted, given["slots"] or SLOTS), wanted


def sizes_with_train(log: Log) -> dict[str, int] | str:
    """Examples of each split, or why it is unknown how many are trained on."""
    sizes = {name: about.n_examples for name, about in log.header.splits.items()}
    if "train" in sizes:
        return sizes
    return (
        f"has no split 'train' (it has {', '.join(sizes)}), and what an epoch costs depends on how "
        "many examples are trained on"
    )


def _collection(log: Log, known: Mapping[str, float]) -> Collection:
    from learnorder.log.lanes import BYTES_PER_COMMIT
    from learnorder.measures.cluster_cost import Collection

    sizes = sizes_with_train(log)
    if isinstance(sizes, str):
        raise LearnOrderError(f"plan: {log.path} {sizes}. Give a log of training.")
    lanes = log.header.lanes.values()
    per_split = {split: 0 for split in sizes}
    for lane in lanes:
        per_split[lane.split] += lane.dtype.itemsize
    return Collection(
        n_replicates=max(1, len(log.replicates)),
        epochs=known["epochs"],
        points=int(known["points"]),
        n_train=sizes["train"],
        n_predicted=sum(sizes.values()),
        bytes_per_prediction=max(per_split.values()),
        bytes_per_point=BYTES_PER_COMMIT * len(lanes),
    )


def print_cost(cost: ClusterCost, wanted: Collection) -> None:
    """Say it in lines and a table."""
    from learnorder.cli.output import duration, echo_table, size

    click.echo(
        f"{count_of(wanted.n_replicates, 'replicate')} x {wanted.epochs:g} epochs on "
        f"{wanted.n_train:,} examples, {wanted.points:,} recordings of {wanted.n_predicted:,}"
    )
    hours = (cost.hours_per_replicate, cost.lowest, cost.highest)
    typical, low, high = (duration(3600 * value) for value in hours)
    n = count_of(cost.n_measured, "measured replicate")
    click.echo(f"a replicate: {typical} of one worker ({low} to {high} by {n})")
    click.echo(f"together: {cost.worker_hours:,.1f} hours of a worker")
    click.echo(f"log: {size(cost.disk)} before compaction")
    sent = "unknown" if cost.inputs is None else f"{size(cost.inputs)}, once"
    click.echo(f"data sent to each node: {sent}")
    rows: list[Sequence[Any]] = [
        [int(row["slots"]), duration(3600 * row["hours"]), f"{size(row['log_rate'])}/s"]
        for row in cost.slots
    ]
    echo_table(["workers", "until all are trained", "written to the log"], rows)
