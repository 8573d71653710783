"""What training needs of the machine, and what it would cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from learnorder.collection.commit_cost import seconds_per_commit
from learnorder.collection.engines.contract import Workers
from learnorder.collection.plan import Plan, make_plan
from learnorder.collection.pool import Pool
from learnorder.collection.prepare import Prepared, prepare
from learnorder.collection.processes import ready_to_fork
from learnorder.collection.progress import CostEstimate
from learnorder.collection.scratch import scratch_folder
from learnorder.collection.settled import kept_execution, with_settled_precision
from learnorder.errors import ExtraMissing
from learnorder.log.cores import available_cores
from learnorder.training.device import check_device
from learnorder.training.execution import Execution
from learnorder.training.inputs import save
from learnorder.training.spec import TrainingSpec


def estimate_cost(
    spec: TrainingSpec,
    seeds: Sequence[int],
    out: Path,
    workers: int | None = None,
    begun: Callable[[Pool], None] = lambda _: None,
) -> CostEstimate | None:
    """Measure for some seconds what `train_collection` would take; None where nothing is left.

    Nothing is written. One process tries it, whatever the number of workers.

    Parameters
    ----------
    spec, seeds, workers
        As there.
    out
        The log; what it holds already is not counted.
    begun
        Given the process that tries it, which another thread may have to end.

    Raises
    ------
    LearnOrderError
        It could not be trained.
    """
    kept = kept_execution(out)
    prepared = prepare(with_settled_precision(spec, kept), None)
    plan = make_plan(out, prepared, seeds)
    if not plan.pending:
        return None
    check_machine(prepared.spec)
    n_workers = min(workers or available_cores(), len(plan.pending))
    with ready_to_fork(), scratch_folder() as scratch:
        save(prepared.encoded(), scratch / "inputs")
        with Pool(prepared.spec, prepared.identity, scratch, 1) as pool:
            begun(pool)
            return probed_cost(pool, scratch, plan, prepared, kept, lambda _: None, n_workers)


def check_machine(spec: TrainingSpec) -> None:
    """Refuse what cannot be trained here.

    Raises
    ------
    ExtraMissing
        A library is not installed.
    LearnOrderError
        The device is not there.
    """
    for name in ("torch", *(("sklearn",) if spec.architecture.is_learner else ())):
        _require(name)
    check_device(spec.execution.device)


def probed_cost(
    pool: Workers,
    scratch: Path,
    plan: Plan,
    prepared: Prepared,
    kept: Execution | None,
    tell: Callable[[str], None],
    n_workers: int | None = None,
) -> CostEstimate:
    """Measure one group by a worker, and extrapolate to the plan by so many of them."""
    execution, cost = pool.probe(kept, tell)
    commit = seconds_per_commit(scratch, prepared)
    return CostEstimate.of(plan, prepared, cost, commit, n_workers or pool.n_workers, execution)


def _require(name: str) -> None:
    if find_spec(name) is None:
        raise ExtraMissing(
            f"train: training needs {name}, which is not installed. It comes with the extra "
            "'train'. Install it with `pip install 'learnorder[train]'`."
        )
