"""What reproducing claims will take: measured before anything is trained."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.claims.recipe import Collection
from learnorder.collection.estimate import estimate_cost
from learnorder.collection.progress import CostEstimate
from learnorder.errors import LearnOrderError
from learnorder.log.cores import available_cores

SAME_COST = ("dataset", "labels", "architecture", "recording", "training", "augmentation")
"""Tables of a spec that decide what an epoch costs."""

MOST_AT_ONCE = 4
"""Each holds a dataset in memory."""


@dataclass(frozen=True)
class Budget:
    """What is still to be trained.

    Attributes
    ----------
    costs
        By collection; None where all replicates are there.
    start
        Seconds that finding out took, by collection: loading the data, starting a process and
        trying the network, which training does again.
    missing
        Collections that cannot be trained, with the reason.
    """

    costs: Mapping[str, CostEstimate | None]
    start: Mapping[str, float]
    missing: Mapping[str, str]

    def seconds(self, name: str) -> float:
        """Seconds for one collection."""
        cost = self.costs.get(name)
        return cost.seconds + self.start[name] if cost else 0.0

    @property
    def total_seconds(self) -> float:
        """Seconds for all of them, one after the other."""
        return sum(map(self.seconds, self.costs))

    @property
    def disk(self) -> int:
        """Bytes on the disk."""
        return sum(cost.disk for cost in self.costs.values() if cost)

    @property
    def memory(self) -> int:
        """Bytes of memory of the collection that takes most."""
        return max((cost.memory for cost in self.costs.values() if cost), default=0)


def measure_budget(
    collections: Mapping[str, Collection],
    place: Callable[[str], Path],
    workers: int | None,
    tell: Callable[[int, int], None],
) -> Budget:
    """Measure what each collection will cost; those of which an epoch costs the same, once.

    As many at a time as there will be workers, so that each has as much of the machine as then.
    """
    alike: dict[str, list[str]] = {}
    for name, collection in collections.items():
        alike.setdefault(_key(collection, place(name)), []).append(name)

    def measured(name: str) -> tuple[CostEstimate | str | None, float]:
        collection, started = collections[name], time.monotonic()
        try:
            cost = estimate_cost(collection.spec, collection.seeds, place(name), workers)
        except LearnOrderError as error:
            return str(error), 0.0
        return cost, time.monotonic() - started

    found: dict[str, tuple[CostEstimate | str | None, float]] = {}
    tell(0, len(alike))
    with ThreadPoolExecutor(min(workers or available_cores(), MOST_AT_ONCE)) as pool:
        jobs = {pool.submit(measured, names[0]): names for names in alike.values()}
        for done, job in enumerate(as_completed(jobs), start=1):
            found |= dict.fromkeys(jobs[job], job.result())
            tell(done, len(alike))
    costs: dict[str, CostEstimate | None] = {}
    missing: dict[str, str] = {}
    for name in collections:
        match found[name][0]:
            case str(reason):
                missing[name] = reason
            case cost:
                costs[name] = cost
    return Budget(costs, {name: found[name][1] for name in costs}, missing)


def _key(collection: Collection, place: Path) -> str:
    """What is equal for collections that cost the same; of one that is begun, its own name."""
    if place.exists():
        return str(place)
    spec: dict[str, Any] = collection.spec.resolved()
    about = {table: spec.get(table) for table in SAME_COST}
    return json.dumps([about, len(collection.seeds)], sort_keys=True)
