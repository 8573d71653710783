"""The training engine as it is used: whole collections in its own worker processes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from learnorder.collection.progress import Progress
from learnorder.collection.train import train_collection
from learnorder.log.reader import open_log
from learnorder.training.spec import TrainingSpec


def train(path: str, tables: Mapping[str, Any], seeds: int) -> dict[str, Any]:
    """Train a collection into a new log; rates are in committed replicate-epochs a second."""
    moments: list[tuple[float, int]] = []

    def report(news: object) -> None:
        if isinstance(news, Progress):
            moments.append((time.perf_counter(), news.recorded))

    start = time.perf_counter()
    result = train_collection(
        TrainingSpec.from_tables(tables), range(seeds), out=path, report=report
    )
    end = time.perf_counter()
    if result.failed:
        raise SystemExit(f"engine: {result.failed}")
    return {
        "rate": steady_rate(moments, seeds),
        "whole_rate": moments[-1][1] / (end - start),
        "start_seconds": moments[0][0] - start,
        "execution": dict(open_log(path).header.execution),
    }


def steady_rate(moments: Sequence[tuple[float, int]], first: int) -> float:
    """Points recorded a second, from the moment at which ``first`` are there to the last.

    Parameters
    ----------
    moments
        Time in seconds and how many points are recorded then, ascending.
    first
        As many as are trained: by then every worker has started, read the data and recorded.
    """
    last = moments[-1][1]
    begin, recorded = next(m for m in moments if m[1] >= first)
    end = next(time for time, n in moments if n == last)
    if end <= begin:
        raise ValueError(f"engine: all {last} points were recorded within the first {first}")
    return (last - recorded) / (end - begin)


def accuracy_at_the_end(path: str) -> dict[str, float]:
    """Share of right test predictions after the last epoch, over all replicates."""
    test = open_log(path)["test"]
    last = test.prediction.isel(epoch=-1)
    return {"accuracy": float((last == test.label).mean())}
