"""What training will cost, and how far it is."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from learnorder.collection.plan import Plan
from learnorder.collection.prepare import Prepared
from learnorder.log.lanes import BYTES_PER_COMMIT, lanes_of
from learnorder.training.execution import Execution


@dataclass(frozen=True)
class CostEstimate:
    """Before training: wall time in seconds, disk and memory in bytes, all estimates.

    Time is measured in a probe, of training, predicting and committing. Disk counts what is
    recorded without compression, and the blocks that files take at least.
    """

    n_replicates: int
    n_workers: int
    execution: Execution
    epochs: int
    seconds: float
    disk: int
    memory: int

    @classmethod
    def of(
        cls,
        plan: Plan,
        prepared: Prepared,
        cost: tuple[float, int],
        commit_seconds: float,
        n_workers: int,
        execution: Execution,
    ) -> CostEstimate:
        """Extrapolate from the measured cost of one group (seconds, bytes of one worker)."""
        seconds, memory = cost
        missing = sum(plan.missing_points[s] for s in plan.pending)
        groups = plan.groups(execution.width)
        n_workers = min(n_workers, len(groups))
        # a group takes as long as the one of its replicates that lacks most
        lacking = [max(plan.missing_points[s] for s in group) for group in groups]
        rounds = max(sum(lacking) / n_workers, max(lacking)) / plan.n_points
        per_point = sum(
            lane.n_examples * lane.dtype.itemsize + BYTES_PER_COMMIT
            for name, split in prepared.dataset.splits.items()
            for lane in lanes_of(
                name,
                len(split),
                split.examples.labels is not None,
                prepared.dataset.n_classes,
                prepared.quantities,
            )
        )
        return cls(
            n_replicates=len(plan.pending),
            n_workers=n_workers,
            execution=execution,
            epochs=prepared.spec.training.epochs,
            seconds=rounds * (seconds + plan.n_points * commit_seconds),
            disk=missing * per_point,
            memory=memory * n_workers,
        )


@dataclass(frozen=True)
class Progress:
    """During training: replicates and grid points done, time gone and left in seconds."""

    finished: int
    failed: int
    n_replicates: int
    recorded: int
    n_points: int
    elapsed: float
    left: float | None


class Tracker:
    """Counts events and turns them into a time left."""

    def __init__(self, plan: Plan) -> None:
        self._start = time.monotonic()
        self._expected = {seed: plan.missing_points[seed] for seed in plan.pending}
        self._recorded: Counter[int] = Counter()
        self._finished = 0
        self._failed = 0

    def recorded(self, seed: int) -> Progress:
        """One more point of the grid of this replicate is committed."""
        self._recorded[seed] += 1
        return self._now()

    def finished(self) -> Progress:
        """One more replicate is finished."""
        self._finished += 1
        return self._now()

    def failed(self, seed: int) -> Progress:
        """One more replicate has failed: what it has not recorded will not come."""
        self._failed += 1
        self._expected[seed] = self._recorded[seed]
        return self._now()

    def _now(self) -> Progress:
        elapsed = time.monotonic() - self._start
        total = sum(self._expected.values())
        done = min(self._recorded.total(), total)
        left = elapsed / done * (total - done) if done else None
        n_replicates = len(self._expected)
        return Progress(self._finished, self._failed, n_replicates, done, total, elapsed, left)
