"""Train the replicates of a spec into a log; what the log holds already is not trained again."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from learnorder.collection.plan import Plan, make_plan
from learnorder.collection.pool import Pool, PoolEvent
from learnorder.collection.prepare import Prepared, prepare
from learnorder.collection.progress import CostEstimate, Progress, Tracker
from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError
from learnorder.log.reader import Log
from learnorder.log.writer import create_log, plan_replicates, refuse_foreign
from learnorder.training.inputs import save
from learnorder.training.spec import TrainingSpec

Report = Callable[[Progress | CostEstimate | str], None]
"""Told what it will cost, then how far training is, and of what went wrong."""


@dataclass(frozen=True)
class TrainingResult:
    """What became of the replicates that were asked for.

    Attributes
    ----------
    path
        The log.
    finished
        Seeds that are finished in it, of those asked for, ascending.
    failed
        Seeds that failed, with the reason.
    trained
        Seeds that this call trained; the others were finished before.
    """

    path: Path
    finished: tuple[int, ...]
    failed: dict[int, str]
    trained: tuple[int, ...]


def train_collection(
    spec: TrainingSpec,
    seeds: Iterable[int] = range(10),
    *,
    out: str | Path,
    dataset: Dataset | None = None,
    workers: int | None = None,
    report: Report | None = None,
) -> TrainingResult:
    """Train one replicate per seed and log every prediction after every recorded epoch.

    On a log of the same spec this resumes what was interrupted and adds seeds or epochs; finished
    replicates are left alone. The bytes written do not depend on the number of workers, the order
    of seeds, or how often training was interrupted.

    Parameters
    ----------
    spec
        What to train.
    seeds
        Integers from 0 up, all different.
    out
        Folder of the log.
    dataset
        Used instead of the one that ``spec.dataset`` names; its limits and classes, and the
        spec's treatment of labels, are applied to it.
    workers
        Processes, one thread each; without it as many as this process may use cores.
    report
        Called with the cost before training, then with the progress.

    Raises
    ------
    LearnOrderError
        The spec, the data or ``out`` do not allow it; nothing is written then.

    Warns
    -----
    UserWarning
        Some replicates failed; `TrainingResult.failed` says why.
    """
    wanted = check_seeds(seeds)
    path = Path(out)
    refuse_foreign(path)
    tell = report or (lambda _: None)
    prepared = prepare(spec, dataset)
    plan = make_plan(path, prepared, wanted)
    failures: dict[int, str] = {}
    if plan.pending:
        tell(_data_line(prepared.dataset))
        prepared.check_network()
        failures = _train_pending(path, plan, prepared, workers, tell)
    result = _result(path, wanted, plan.pending, failures)
    if result.failed:
        warnings.warn(failure_line(result), stacklevel=2)
    return result


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """Refuse seeds that are no plan: none, negative, or one of them twice."""
    given = [int(s) for s in seeds]
    repeated = sorted({s for s in given if given.count(s) > 1}) if len(given) < 10_000 else []
    if not given or min(given) < 0 or repeated:
        problem = "there are none" if not given else f"seed {min(given)} is negative"
        if repeated:
            problem = f"seed {repeated[0]} is given more than once"
        raise LearnOrderError(
            f"train: {problem}. Seeds are different integers from 0 up, one per replicate. "
            "Give for example 0:10."
        )
    return given


def failure_line(result: TrainingResult) -> str:
    """Say in one line how many replicates failed and why the first one did."""
    n_wanted = len(result.finished) + len(result.failed)
    seed, reason = next(iter(result.failed.items()))
    return (
        f"train: {len(result.failed)} of {n_wanted} replicates failed; the first is seed {seed}: "
        f"{reason} The other {len(result.finished)} are finished in {result.path}."
    )


def _train_pending(
    path: Path, plan: Plan, prepared: Prepared, workers: int | None, tell: Report
) -> dict[int, str]:
    scratch = Path(tempfile.mkdtemp(prefix="learnorder-"))
    try:
        save(prepared.inputs, scratch / "inputs")
        n_workers = min(workers or available_cores(), len(plan.pending))
        with Pool(prepared.spec, scratch, n_workers) as pool:
            cost = pool.probe()
            tell(CostEstimate.of(plan, prepared, cost, n_workers))
            # only now, when the network has been seen to train, anything is written
            if not path.exists() or not any(path.iterdir()):
                create_log(path, prepared.new_log())
            plan_replicates(path, plan.wanted)
            return _run(path, plan, pool, tell)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(path: Path, plan: Plan, pool: Pool, tell: Report) -> dict[int, str]:
    failures: dict[int, str] = {}
    tracker = Tracker(plan)

    def on_event(event: PoolEvent) -> None:
        match event.kind:
            case "recorded":
                tell(tracker.recorded())
            case "finished":
                tell(tracker.finished(event.seed))
            case "failed":
                failures[event.seed] = event.reason
                tell(tracker.finished(event.seed))
            case "retried":
                tell(f"replicate {event.seed}: {event.reason} It goes on from its last epoch.")

    pool.train(path, plan.pending, on_event)
    return failures


def _data_line(dataset: Dataset) -> str:
    sizes = ", ".join(f"{len(split)} {name}" for name, split in dataset.splits.items())
    return f"{dataset.name}: {sizes} examples, {dataset.n_classes} classes"


def _result(
    path: Path, wanted: Sequence[int], trained: Sequence[int], failures: dict[int, str]
) -> TrainingResult:
    states = {r.seed: r for r in Log(path).replicates}
    failed = {
        seed: failures.get(seed) or states[seed].reason or "it did not finish."
        for seed in sorted(wanted)
        if seed in failures or states[seed].status != "finished"
    }
    finished = tuple(seed for seed in sorted(wanted) if seed not in failed)
    return TrainingResult(path, finished, failed, tuple(sorted(trained)))


def available_cores() -> int:
    """Cores this process may use, by affinity and by the quota of its control group."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(affinity or 1, _cgroup_cores()))


def _cgroup_cores() -> int:
    """Whole cores of the quota; very many where there is none."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, int(quota) // int(period)) if quota != "max" else 1_000_000
    except (OSError, ValueError):
        return 1_000_000
