"""What reproducing claims will take: measured before anything is trained."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from learnorder.claims.missing import Lack, Missing, lacks_of
from learnorder.claims.recipe import Collection
from learnorder.collection.estimate import estimate_cost
from learnorder.collection.pool import Pool
from learnorder.collection.progress import CostEstimate
from learnorder.errors import DataNotFound, ExtraMissing, LearnOrderError
from learnorder.log.cores import available_cores

SAME_COST = ("dataset", "extra", "labels", "architecture", "recording", "training", "augmentation")
"""Tables of a spec that decide what an epoch costs, and which data it takes."""

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
        trying the network, which training does again. Not loading the libraries, which it does not
        where workers are forked.
    missing
        Collections that cannot be trained, with what they lack.
    """

    costs: Mapping[str, CostEstimate | None]
    start: Mapping[str, float]
    missing: Missing

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

    Raises
    ------
    LearnOrderError
        One cannot be trained for another reason than that data or libraries are not there.
    """
    alike: dict[str, list[str]] = {}
    for name, collection in collections.items():
        alike.setdefault(_key(collection, place(name)), []).append(name)
    # a log that does not fit ends everything: those that are begun are looked at first
    in_order = sorted(alike.values(), key=lambda names: not place(names[0]).exists())
    absent: dict[str, DataNotFound | ExtraMissing] = {}
    probers = _Probers(min(workers or available_cores(), MOST_AT_ONCE))

    def measured(name: str) -> tuple[CostEstimate | None, float]:
        collection, started = collections[name], time.monotonic()
        if collection.spec.dataset.name in absent:
            raise absent[collection.spec.dataset.name]  # the hub is not asked for it again
        waited = 0.0

        def begun(pool: Pool) -> None:
            nonlocal waited
            waited = pool.waited_seconds
            probers.begun(pool)

        cost = estimate_cost(collection.spec, collection.seeds, place(name), workers, begun)
        # libraries are loaded once for all collections
        return cost, time.monotonic() - started - waited

    found: dict[str, tuple[CostEstimate | None, float]] = {}
    missing: dict[str, tuple[Lack, ...]] = {}
    tell(0, len(alike))
    with probers:
        jobs = {probers.threads.submit(measured, names[0]): names for names in in_order}
        for done, job in enumerate(as_completed(jobs), start=1):
            names = jobs[job]
            try:
                found |= dict.fromkeys(names, job.result())
            except (DataNotFound, ExtraMissing) as error:
                if error.dataset is not None:
                    absent[error.dataset] = error
                missing |= {name: lacks_of(error, collections[name].spec) for name in names}
            except LearnOrderError as error:
                raise _refusal(names[0], place(names[0]), error) from error
            tell(done, len(alike))
    costs = {name: found[name][0] for name in collections if name in found}
    return Budget(
        costs,
        {name: found[name][1] for name in costs},
        {name: missing[name] for name in collections if name in missing},
    )


class _Probers:
    """Threads, each with a process that tries a network; nobody waits for them after an error."""

    def __init__(self, number: int) -> None:
        self.threads = ThreadPoolExecutor(number)
        self._begun: list[Pool] = []
        self._is_over = False

    def begun(self, pool: Pool) -> None:
        """Take note of a process, or end it if nobody waits for it any more."""
        self._begun.append(pool)
        if self._is_over:
            pool.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._is_over = error is not None
        if self._is_over:
            self.threads.shutdown(wait=False, cancel_futures=True)
            for pool in self._begun:
                pool.kill()
        self.threads.shutdown()


def _refusal(name: str, place: Path, error: LearnOrderError) -> LearnOrderError:
    """Say which collection cannot be trained, and into which log."""
    reason = str(error).removeprefix("train: ")
    if not place.exists():
        return LearnOrderError(f"reproduce: the collection {name!r} cannot be trained: {reason}")
    where = "" if str(place) in reason else f" in {place}"
    anew = "" if "another --out" in reason else " With another --out it begins anew."
    return LearnOrderError(
        f"reproduce: the collection {name!r} cannot go on{where}: {reason}{anew} No result was "
        "changed."
    )


def _key(collection: Collection, place: Path) -> str:
    """What is equal for collections that cost the same; of one that is begun, its own name."""
    if place.exists():
        return str(place)
    spec: dict[str, Any] = collection.spec.resolved()
    about = {table: spec.get(table) for table in SAME_COST}
    return json.dumps([about, len(collection.seeds)], sort_keys=True)
