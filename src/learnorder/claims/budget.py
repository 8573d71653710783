"""What reproducing claims will take: measured before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.claims.recipe import Collection
from learnorder.collection.estimate import estimate_cost
from learnorder.collection.progress import CostEstimate
from learnorder.errors import LearnOrderError

SAME_COST = ("dataset", "labels", "architecture", "recording", "training", "augmentation")
"""Tables of a spec that decide what an epoch costs."""


@dataclass(frozen=True)
class Budget:
    """What is still to be trained.

    Attributes
    ----------
    costs
        By collection; None where all replicates are there.
    missing
        Collections that cannot be trained, with the reason.
    """

    costs: Mapping[str, CostEstimate | None]
    missing: Mapping[str, str]

    def seconds(self, name: str) -> float:
        """Seconds for one collection."""
        cost = self.costs.get(name)
        return cost.seconds if cost else 0.0

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
    """Measure what each collection will cost; those of which an epoch costs the same, once."""
    costs: dict[str, CostEstimate | None] = {}
    missing: dict[str, str] = {}
    known: dict[str, CostEstimate] = {}
    for done, (name, collection) in enumerate(collections.items()):
        tell(done, len(collections))
        key = _key(collection)
        if key in known and not place(name).exists():
            costs[name] = known[key]
            continue
        try:
            costs[name] = estimate_cost(collection.spec, collection.seeds, place(name), workers)
        except LearnOrderError as error:
            missing[name] = str(error)
            continue
        found = costs[name]
        if found is not None and not place(name).exists():
            known[key] = found
    return Budget(costs, missing)


def _key(collection: Collection) -> str:
    spec: dict[str, Any] = collection.spec.resolved()
    about = {table: spec.get(table) for table in SAME_COST}
    return json.dumps([about, len(collection.seeds)], sort_keys=True)
