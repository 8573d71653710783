"""What training would cost, without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from learnorder.collection.commit_cost import seconds_per_commit
from learnorder.collection.plan import make_plan
from learnorder.collection.pool import Pool
from learnorder.collection.prepare import prepare
from learnorder.collection.progress import CostEstimate
from learnorder.collection.scratch import scratch_folder
from learnorder.collection.settled import kept_execution, with_settled_precision
from learnorder.log.cores import available_cores
from learnorder.training.inputs import save
from learnorder.training.spec import TrainingSpec


def estimate_cost(
    spec: TrainingSpec, seeds: Sequence[int], out: Path, workers: int | None = None
) -> CostEstimate | None:
    """Measure for some seconds what `train_collection` would take; None where nothing is left.

    Parameters
    ----------
    spec, seeds, workers
        As there.
    out
        The log; what it holds already is not counted.

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
    with scratch_folder() as scratch:
        save(prepared.encoded(), scratch / "inputs")
        with Pool(prepared.spec, prepared.identity, scratch, 1) as pool:
            execution, cost = pool.probe(kept, lambda _: None)
        commit = seconds_per_commit(scratch, prepared)
    n_workers = min(workers or available_cores(), len(plan.pending))
    return CostEstimate.of(plan, prepared, cost, commit, n_workers, execution)
