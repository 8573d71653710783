"""Engines against the local pool, and ten thousand replicates: ``make bench-scale``.

``overhead`` trains the same replicates by each engine in turn, on the same two cores. ``many``
drives the real loop of the driver, and the real log, with nodes that are simulated: they take
simulated time, write one epoch, and are lost now and then. With ``--write`` the tables go into
RESULTS.md.
"""

from __future__ import annotations

import argparse
import heapq
import random
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import numpy as np
from benchmarks.results import (
    MILLISECONDS,
    ORDER,
    PERCENT,
    RESULTS,
    SECONDS,
    TIMES,
    Goal,
    Row,
    Section,
    keep,
)

from learnorder.collection.engines.chunk import Chunk, Lost, Outcome
from learnorder.collection.engines.cluster import ClusterWorkers
from learnorder.collection.engines.contract import Engine, train_groups
from learnorder.collection.engines.local import LocalEngine
from learnorder.collection.engines.ray_cluster import RayEngine
from learnorder.collection.engines.slurm import SlurmEngine
from learnorder.collection.progress import CostEstimate
from learnorder.collection.train import train_collection
from learnorder.log.creation import NewLog, create_log, plan_replicates
from learnorder.log.reader import Log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples
from learnorder.training.execution import Execution
from learnorder.training.spec import TrainingSpec

MOST_OVERHEAD = 0.05
"""Share of the time of the local pool that an engine may take more."""

FLAT = 1.5
"""Time per replicate of the largest simulation against that of the smallest, at most."""

WORKERS, LOST = 1000, 0.02
"""Simulated workers, and the share of chunks that is lost."""

REPLICATES = 2


def overhead(seconds: float, repeats: int, scratch: Path) -> Section:
    """Train replicates of so many seconds by each engine, in turn."""
    engines: dict[str, Callable[[], Engine]] = {
        "local": partial(LocalEngine, 2),
        "ray": RayEngine,
        "slurm": partial(SlurmEngine, cluster="local", replicates_per_job=2),
    }
    # libraries and data are read from the disk once, and the epochs found that take so long
    costs: list[CostEstimate] = []
    train_collection(
        _spec(epochs=4), [0, 1], out=scratch / "warm.zarr", engine=LocalEngine(2),
        report=lambda event: costs.append(event) if isinstance(event, CostEstimate) else None,
    )  # fmt: skip
    spec = _spec(epochs=max(2, round(4 * seconds / costs[0].seconds)))
    found: dict[str, list[float]] = {name: [] for name in engines}
    each: dict[str, list[float]] = {name: [] for name in engines}
    for repeat in range(repeats):
        for name, engine in engines.items():
            started = time.perf_counter()
            out = scratch / f"{name}-{repeat}.zarr"
            result = train_collection(spec, range(REPLICATES), out=out, engine=engine())
            assert not result.failed
            found[name].append(time.perf_counter() - started)
            each[name].append(_replicate_seconds(out))
    local, alone = found.pop("local"), each["local"]
    rows = [Row("local", SECONDS, local), Row("local: a replicate", SECONDS, alone)]
    for name, values in found.items():
        rows += [
            Row(f"{name}: a replicate", SECONDS, each[name], alone),
            Row(
                f"{name}: a replicate, more than local",
                PERCENT,
                [a / b - 1 for a, b in zip(each[name], alone, strict=True)],
                (),
                Goal.at_most(MOST_OVERHEAD, PERCENT),
            ),
            Row(f"{name}: the command", SECONDS, values, local),
            Row(
                f"{name}: the command, longer than local",
                SECONDS,
                [a - b for a, b in zip(values, local, strict=True)],
            ),
        ]
    about = (
        f"{REPLICATES} replicates on two cores, by each engine in turn. A replicate: what its "
        "training took, commits included, as the log says it. The command: `train_collection` from "
        "start to end, with what is spent once however many replicates there are: Ray is started "
        "and ended each time, each worker process loads PyTorch, and jobs of SLURM are those of "
        "submitit's local executor, looked at every 0.5 s. The peer is the local pool."
    )
    return Section("scale-overhead", "Engines against the local pool", about, rows)


def _replicate_seconds(path: Path) -> float:
    """What training a replicate took, by the log: the median."""
    costs = [r.attempt.cost() for r in Log(path).replicates if r.attempt is not None]
    return median(cost["seconds"] for cost in costs if cost is not None)


def _spec(epochs: int) -> TrainingSpec:
    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "digits"},
            "architecture": {"name": "resnet-8"},
            "training": {"epochs": epochs, "batch_size": 32},
            "execution": {"executor": "sequential"},
        }
    )


class Simulated:
    """A `Scheduler` of nodes that take simulated time: none of it is waited for.

    Each writes the one epoch of its replicate, as a real node does, or is lost.
    """

    def __init__(self, log: Path, record: Callable[[int], None]) -> None:
        self._record, self._random = record, random.Random(0)
        self._numbers, self._now = count(), 0.0
        self._queue: deque[tuple[int, Chunk]] = deque()
        self._busy: list[tuple[float, int, Chunk]] = []

    def submit(self, chunks: Sequence[str]) -> list[int]:
        handles = [next(self._numbers) for _ in chunks]
        self._queue += zip(handles, map(Chunk.from_text, chunks), strict=True)
        self._fill()
        return handles

    def _fill(self) -> None:
        while self._queue and len(self._busy) < WORKERS:
            handle, chunk = self._queue.popleft()
            ends = self._now + self._random.lognormvariate(4, 0.3)
            heapq.heappush(self._busy, (ends, handle, chunk))

    def wait(self, seconds: float) -> list[tuple[int, str | Lost]]:
        if not self._busy:
            return []
        self._now, handle, chunk = heapq.heappop(self._busy)
        self._fill()
        if self._random.random() < LOST:
            return [(handle, Lost("its node is gone."))]
        for seed in chunk.seeds:
            self._record(seed)
        return [(handle, Outcome("node").to_text())]

    def cancel(self) -> None:
        self._busy.clear()


def many(sizes: Sequence[int], scratch: Path) -> Section:
    """Time of the driver and of the log for each replicate, by number of replicates."""
    rows, each = [], []
    for n in sizes:
        started = time.perf_counter()
        failed = _simulate(n, scratch / f"{n}.zarr")
        each.append((time.perf_counter() - started) / n)
        name = f"{n:,} replicates ({failed} failed): each"
        rows.append(Row(name, MILLISECONDS, [each[-1]]))
    rows.append(
        Row(
            "largest: times the smallest, each",
            TIMES,
            [each[-1] / each[0]],
            (),
            Goal.at_most(FLAT, TIMES),
        )
    )
    about = (
        f"The loop of the driver with {WORKERS:,} simulated workers, of which {LOST:.0%} of the "
        "chunks are lost and sent again, on a real log in memory: each replicate claims, writes "
        "and commits one epoch of 100 predictions, and is finished. Training takes no time, so "
        "this is what scheduling and the log add to each replicate."
    )
    return Section("scale-many", "Ten thousand replicates", about, rows)


def _simulate(n: int, path: Path) -> int:
    """Drive n replicates to their end; return how many failed."""
    examples = {"test": (Examples(np.arange(100), np.zeros(100, np.int64)), None)}
    about = {"name": "simulated", "kind": "features", "fingerprint": "f", "class_names": list("01")}
    create_log(path, NewLog({}, "simulated", about, {}, examples))
    plan_replicates(path, range(n))

    def record(seed: int) -> None:
        predictions = {"test": np.full(100, seed % 2, np.uint8)}
        with ReplicateWriter(path, seed, [1.0], {}, "simulated") as writer:
            writer.write(EpochPredictions(seed, 0, 1.0, predictions))
            writer.finish()

    template = Chunk("train", {}, "simulated", {}, {}, [], 1, claim={"token": "t"})
    workers = ClusterWorkers(Simulated(path, record), template, WORKERS)
    workers.begin(path, Execution(), take_over=False)
    failed = 0

    def on_event(event: object) -> None:
        nonlocal failed
        failed += getattr(event, "kind", "") == "failed"

    train_groups(workers, [[seed] for seed in range(n)], on_event)
    return failed


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(prog="bench-scale", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40, help="of a replicate (default: 40)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["overhead", "many"])
    parser.add_argument("--quick", action="store_true", help="small sizes, once: does it run?")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="another file than that")
    given = parser.parse_args()
    seconds, repeats = (1.0, 1) if given.quick else (given.seconds, given.repeats)
    sizes = (20, 60) if given.quick else (100, 1000, 10_000)
    parts: dict[str, Callable[[Path], Section]] = {
        "overhead": partial(overhead, seconds, repeats),
        "many": partial(many, sizes),
    }
    for name, make in parts.items():
        if given.only in (None, name):
            memory = Path("/dev/shm") if name == "many" and Path("/dev/shm").is_dir() else None
            with tempfile.TemporaryDirectory(prefix="bench-scale-", dir=memory) as scratch:
                section = make(Path(scratch))
            print(section.to_markdown(), flush=True)
            if given.write:
                keep(section, ORDER, given.results)


if __name__ == "__main__":
    main()
