"""Train the replicates of a spec into a log; what the log holds already is not trained again."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

from learnorder.collection.engines.contract import Engine, Event, Work, Workers, train_groups
from learnorder.collection.engines.local import LocalEngine
from learnorder.collection.estimate import check_machine, probed_cost
from learnorder.collection.plan import Plan, make_plan
from learnorder.collection.prepare import Prepared, prepare
from learnorder.collection.progress import CostEstimate, Progress, Tracker
from learnorder.collection.provenance import made_by
from learnorder.collection.scratch import scratch_folder
from learnorder.collection.settled import (
    kept_execution,
    refuse_other_execution,
    refuse_other_precision,
    with_settled_precision,
)
from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError, SpecDiffers
from learnorder.log.creation import create_log, is_vacant, plan_replicates, refuse_foreign
from learnorder.log.description import stopped_early
from learnorder.log.location import is_shared, locate
from learnorder.log.reader import Log
from learnorder.log.writer import ReplicateWriter
from learnorder.training.execution import Execution
from learnorder.training.inputs import save
from learnorder.training.spec import TrainingSpec

LARGEST_SEED = 2**63 - 1
"""Seeds are coordinates of the log, which are 64-bit integers."""

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
    diverged
        Those of ``failed`` whose training ended in numbers that are not finite, which it would
        again; what keeps the others from being finished may be gone when they are next trained.
    """

    path: Path
    finished: tuple[int, ...]
    failed: dict[int, str]
    trained: tuple[int, ...]
    diverged: tuple[int, ...] = ()


def train_collection(
    spec: TrainingSpec,
    seeds: Iterable[int] = range(10),
    *,
    out: str | Path,
    dataset: Dataset | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    take_over: bool = False,
    report: Report | None = None,
) -> TrainingResult:
    """Train one replicate per seed and log every prediction after every recorded epoch.

    On a log of the same spec this resumes what was interrupted and adds seeds or epochs; finished
    replicates are left alone. The bytes written do not depend on the number of workers, the engine,
    the order of seeds, or how often training was interrupted.

    Parameters
    ----------
    spec
        What to train.
    seeds
        Integers from 0 up, all different.
    out
        Folder or URL of the log.
    dataset
        Used instead of the one that ``spec.dataset`` names; its limits and classes, and the
        spec's treatment of labels, are applied to it.
    workers
        Processes of this machine, one thread each; without it as many as this process may use
        cores.
    engine
        Where to train instead of on this machine: a `RayEngine` or a `SlurmEngine`.
    take_over
        Where a file system has no locks: replace the claims of processes that are known to have
        ended.
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
    place = the_engine(workers, engine)
    path = locate(out)
    _require_shared(path)
    refuse_foreign(path)
    tell = report or (lambda _: None)
    kept = kept_execution(path)
    prepared = prepare(with_settled_precision(spec, kept), dataset)
    plan = make_plan(path, prepared, wanted)
    if kept is not None:
        refuse_other_execution(path, spec, kept)
    failures: dict[int, str] = {}
    if plan.pending:
        tell(_data_line(prepared.dataset))
        failures = _train_pending(path, plan, prepared, spec, place, take_over, tell)
    else:
        plan_replicates(path, wanted)  # what says that they are planned may have been lost
        if spec.architecture.is_learner:
            for line in stopped_early(Log(path)):
                tell(line)
    result = _result(path, wanted, plan.pending, failures)
    if result.failed:
        warnings.warn(failure_line(result), stacklevel=2)
    return result


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """Refuse seeds that are no plan: none, no integers, out of range, or one of them twice."""
    try:
        given = list(seeds)
    except TypeError as error:
        raise LearnOrderError(
            f"train: seeds = {seeds!r} is no list of seeds, one per replicate. They are different "
            f"integers from 0 to {LARGEST_SEED}. Give for example range(10)."
        ) from error
    if problem := _problem_of(given):
        raise LearnOrderError(
            f"train: {problem}. Seeds are different integers from 0 to {LARGEST_SEED}, one per "
            "replicate. Give for example 0:10."
        )
    return [int(seed) for seed in given]


def the_engine(workers: int | None, engine: Engine | None) -> Engine:
    """Where to train: this machine by so many workers, or the engine that is given."""
    if engine is None:
        return LocalEngine(workers)
    if workers is not None:
        raise LearnOrderError(
            f"train: workers = {workers!r} and an engine are given. Workers are processes of this "
            "machine; an engine says itself how many it has. Give one of the two."
        )
    return engine


def _problem_of(seeds: Sequence[object]) -> str | None:
    if not seeds:
        return "there are none"
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, Integral):
            return f"seed {seed!r} is no integer"
        if not 0 <= int(seed) <= LARGEST_SEED:
            return f"seed {seed} is {'negative' if int(seed) < 0 else 'too large'}"
    seed, times = Counter(seeds).most_common(1)[0]
    return f"seed {seed} is given more than once" if times > 1 else None


def failure_line(result: TrainingResult) -> str:
    """Say in one line how many replicates failed and why the first one did."""
    n_wanted = len(result.finished) + len(result.failed)
    seed, reason = next(iter(result.failed.items()))
    rest = f"The other {len(result.finished)} are" if result.finished else "None is"
    return (
        f"train: {len(result.failed)} of {n_wanted} replicates failed; the first is seed {seed}: "
        f"{reason.removeprefix('train: ')} {rest} finished in {result.path}."
    )


def _require_shared(path: Path) -> None:
    if not is_shared(path):
        raise LearnOrderError(
            f"train: {path} is in the memory of this process. Replicates are trained by processes "
            "of their own, which would not find it. Use a local folder, or a URL of storage that "
            "several processes reach, as s3://bucket/log."
        )


def _train_pending(
    path: Path,
    plan: Plan,
    prepared: Prepared,
    spec: TrainingSpec,
    engine: Engine,
    take_over: bool,
    tell: Report,
) -> dict[int, str]:
    if engine.is_here:
        check_machine(prepared.spec)
    with scratch_folder() as scratch:
        work = Work(
            spec=prepared.spec,
            identity=prepared.identity,
            log=path,
            scratch=scratch,
            save_inputs=lambda folder: save(prepared.encoded(), folder),
            n_pending=len(plan.pending),
        )
        with engine.start(work) as workers:
            cost = probed_cost(workers, scratch, plan, prepared, kept_execution(path), tell)
            tell(cost)
            execution = cost.execution
            # only now, when the network has been seen to train, anything is written
            if is_vacant(path):
                # if another log is there by now, the plan says what differs
                with suppress(SpecDiffers):
                    create_log(path, prepared.new_log(execution), take_over=take_over)
            # another process may have created the log, or trained some of it, in the meantime
            refuse_other_precision(path, spec, execution.precision)
            plan = make_plan(path, prepared, plan.wanted)
            execution = kept_execution(path) or execution
            refuse_other_execution(path, spec, execution)
            plan_replicates(path, plan.wanted)
            workers.begin(path, execution, take_over=take_over)
            failures = _run(plan, workers, execution, tell)
    _keep_reasons(path, prepared, failures)
    return failures


def _run(plan: Plan, workers: Workers, execution: Execution, tell: Report) -> dict[int, str]:
    failures: dict[int, str] = {}
    tracker = Tracker(plan)

    def on_event(event: Event) -> None:
        match event.kind:
            case "recorded":
                tell(tracker.recorded(event.seed))
            case "finished":
                tell(tracker.finished())
            case "failed":
                failures[event.seed] = event.reason
                tell(tracker.failed(event.seed))
            case "retried":
                tell(f"replicate {event.seed}: {event.reason} It goes on from its last epoch.")
            case "fewer" | "told":
                tell(event.reason)

    train_groups(workers, plan.groups(execution.width), on_event)
    return failures


def _keep_reasons(path: Path, prepared: Prepared, failures: dict[int, str]) -> None:
    """Note in the log why replicates failed whose process ended before it could."""
    silent = [r.seed for r in Log(path).replicates if r.seed in failures and not r.reason]
    epochs = [point.epoch for point in prepared.grid]
    for seed in silent:
        # where another process trains it by now, the reason is no longer of interest
        with (
            suppress(LearnOrderError, OSError),
            ReplicateWriter(
                path, seed, epochs, made_by(prepared.spec), prepared.identity
            ) as writer,
        ):
            writer.give_up(failures[seed])


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
    attempts = {seed: states[seed].attempt for seed in failed if seed in states}
    diverged = tuple(seed for seed, found in attempts.items() if found and found.has_diverged)
    return TrainingResult(path, finished, failed, tuple(sorted(trained)), diverged)
