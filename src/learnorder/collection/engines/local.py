"""The engine ``local``: worker processes of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from learnorder.collection.engines.contract import Work, Workers
from learnorder.collection.pool import Pool
from learnorder.collection.processes import ready_to_fork
from learnorder.errors import LearnOrderError
from learnorder.log.cores import available_cores


class LocalEngine:
    """Train by processes of this machine, one thread each.

    Parameters
    ----------
    workers
        How many; without it as many as this process may use cores.

    Raises
    ------
    LearnOrderError
        It is no number of processes.
    """

    is_here = True

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and (type(workers) is not int or workers < 1):
            raise LearnOrderError(
                f"train: workers = {workers!r}. It is a number of processes, 1 or more. "
                "Leave it out for one per core."
            )
        self._workers = workers

    @property
    def n_at_once(self) -> int:
        """Number of processes."""
        return self._workers or available_cores()

    @contextmanager
    def start(self, work: Work) -> Iterator[Workers]:
        """Start the processes; they share what they read, and end with the block."""
        with ready_to_fork():
            work.save_inputs(work.scratch / "inputs")
            n_workers = min(self.n_at_once, work.n_pending)
            with Pool(work.spec, work.identity, work.scratch, n_workers) as pool:
                yield pool
