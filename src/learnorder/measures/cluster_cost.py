"""What a larger collection costs on a cluster, from replicates whose training was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from learnorder.errors import LearnOrderError
from learnorder.measures.designs import CostModel

STORED = 1.25
"""Bytes sent to a node for each byte that networks read: images are kept as they came, too."""


@dataclass(frozen=True)
class Collection:
    """A collection to be trained.

    Attributes
    ----------
    n_replicates, epochs, points
        How many, for how many epochs each, recorded at how many points.
    n_train, n_predicted
        Examples trained on in an epoch, and predicted at a point.
    bytes_per_prediction
        Of one example at one point, all quantities together.
    bytes_per_point
        Of the files of one point, beside what is predicted.
    """

    n_replicates: int
    epochs: float
    points: int
    n_train: int
    n_predicted: int
    bytes_per_prediction: int
    bytes_per_point: int

    @property
    def work(self) -> float:
        """Work of one replicate in forward passes, see `CostModel`."""
        return CostModel(self.n_train, self.n_predicted).work(1, self.epochs, self.points)

    @property
    def disk(self) -> float:
        """Bytes of one replicate as it is written, before compaction."""
        return self.points * (self.n_predicted * self.bytes_per_prediction + self.bytes_per_point)


@dataclass(frozen=True)
class ClusterCost:
    """What a collection costs, extrapolated.

    Attributes
    ----------
    n_measured
        Replicates it is extrapolated from.
    hours_per_replicate, lowest, highest
        Of one worker: by the median of the measured ones, by the quickest and by the slowest.
    worker_hours
        Of all replicates.
    disk
        Bytes of the log before compaction.
    inputs
        Bytes that each node is sent once; None where the log does not say.
    slots
        For each number of workers: ``slots``, ``hours`` until all are trained, and ``log_rate``,
        bytes a second that are written to the log.
    undefined
        Reasons for what is None.
    """

    n_measured: int
    hours_per_replicate: float
    lowest: float
    highest: float
    worker_hours: float
    disk: float
    inputs: float | None
    slots: tuple[Mapping[str, float], ...]
    undefined: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "slots": [dict(row) for row in self.slots]}


def cluster_cost(
    measured: Sequence[Mapping[str, float]],
    of: Collection,
    wanted: Collection,
    slots: Sequence[int],
) -> ClusterCost:
    """Extrapolate from measured replicates: time grows with the work, everything else alike.

    So the network, the form of its input, the batch size and the machine have to be those that
    will be used.

    Parameters
    ----------
    measured
        What training took for each replicate, as `learnorder.log.attempt.Attempt.cost` has it.
    of
        The collection they are of; its epochs and points are those of each measurement.
    wanted
        The one that is to be trained.
    slots
        Numbers of workers to say the time for, each 1 or more.

    Raises
    ------
    LearnOrderError
        There are no measurements, or a number of workers is none.
    """
    if not measured:
        raise LearnOrderError(
            "plan: no replicate of this log says what its training took. One that was trained in "
            "one go does, from the first epoch to the last. Train one more seed."
        )
    if bad := [n for n in slots if n < 1]:
        raise LearnOrderError(
            f"plan: slots = {bad[0]}. It is a number of workers, 1 or more. Give for example 8."
        )
    model = CostModel(of.n_train, of.n_predicted)
    per_work = [m["seconds"] / model.work(1, m["epochs"], int(m["points"])) for m in measured]
    hours = wanted.work / 3600
    typical = median(per_work) * hours
    together = max(1, round(median(m.get("together", 1) for m in measured)))
    example = measured[0].get("input_bytes")
    inputs = None if example is None else STORED * example * wanted.n_predicted
    return ClusterCost(
        n_measured=len(measured),
        hours_per_replicate=typical,
        lowest=min(per_work) * hours,
        highest=max(per_work) * hours,
        worker_hours=typical * wanted.n_replicates,
        disk=wanted.disk * wanted.n_replicates,
        inputs=inputs,
        slots=tuple(_row(n, typical, wanted, together) for n in slots),
        undefined={} if inputs is not None else {"inputs": "the log does not say it"},
    )


def _row(slots: int, hours: float, wanted: Collection, together: int) -> dict[str, float]:
    """What so many workers come to: each trains a group of replicates from end to end."""
    n_groups = math.ceil(wanted.n_replicates / together)
    size = min(together, wanted.n_replicates)
    return {
        "slots": slots,
        "hours": math.ceil(n_groups / slots) * size * hours,
        "log_rate": min(slots, n_groups) * wanted.disk / (3600 * hours),
    }
