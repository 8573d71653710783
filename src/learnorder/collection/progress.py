"""What training will cost, and how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass

from learnorder.collection.plan import Plan
from learnorder.collection.prepare import Prepared
from learnorder.schema import prediction_dtype
from learnorder.training.spec import TrainingSpec


@dataclass(frozen=True)
class CostEstimate:
    """Before training: wall time in seconds, disk and memory in bytes.

    Disk is the size without compression, so an upper bound for the predictions.
    """

    n_replicates: int
    n_workers: int
    epochs: int
    seconds: float
    disk: int
    memory: int

    @classmethod
    def of(
        cls, plan: Plan, prepared: Prepared, cost: tuple[float, int], n_workers: int
    ) -> CostEstimate:
        """Extrapolate from the measured cost of one replicate (seconds, bytes of one worker)."""
        seconds, memory = cost
        missing = sum(plan.missing_points[s] for s in plan.pending)
        share = missing / plan.n_points
        itemsize = prediction_dtype(prepared.dataset.n_classes).itemsize
        n_examples = sum(len(split) for split in prepared.dataset.splits.values())
        spec: TrainingSpec = prepared.spec
        return cls(
            n_replicates=len(plan.pending),
            n_workers=n_workers,
            epochs=spec.training.epochs,
            seconds=seconds * max(share / n_workers, 1 if len(plan.pending) <= n_workers else 0),
            disk=missing * n_examples * itemsize,
            memory=memory * n_workers,
        )


@dataclass(frozen=True)
class Progress:
    """During training: replicates and grid points done, time gone and left in seconds."""

    finished: int
    n_replicates: int
    recorded: int
    n_points: int
    elapsed: float
    left: float | None


class Tracker:
    """Counts events and turns them into a time left."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._start = time.monotonic()
        self._recorded = 0
        self._finished = 0
        self._n_points = sum(plan.missing_points[s] for s in plan.pending)

    def recorded(self) -> Progress:
        """One more point of the grid is committed."""
        self._recorded = min(self._recorded + 1, self._n_points)
        return self._now()

    def finished(self, seed: int) -> Progress:
        """One more replicate is at its end."""
        self._finished += 1
        return self._now()

    def _now(self) -> Progress:
        elapsed = time.monotonic() - self._start
        done, total = self._recorded, self._n_points
        left = elapsed / done * (total - done) if done else None
        return Progress(self._finished, len(self._plan.pending), done, total, elapsed, left)
