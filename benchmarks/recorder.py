"""What a recorder costs in the loop of a PyTorch tutorial: epochs with and without it, in turn."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from benchmarks.ordinary import WARM_UP_BATCHES, OrdinaryLoop

import learnorder as lo
from learnorder.collection.prepare import prepare
from learnorder.training.spec import TrainingSpec


def in_turn(path: str, tables: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Train one replicate; every second epoch its predictions are recorded.

    For each pair of epochs: seconds of the one without and of the one with the recorder, and in it
    those of training alone, and those inside ``record``; of these two the processor's time too.
    """
    torch.set_num_threads(1)  # neighbours on a core stop threads that wait for each other
    spec = TrainingSpec.from_tables(tables)
    inputs = prepare(spec, None).encoded()
    warm_up = OrdinaryLoop(spec, inputs, batches=WARM_UP_BATCHES)
    warm_up.train()
    warm_up.predict()
    loop = OrdinaryLoop(spec, inputs)
    start = time.perf_counter()
    recorder = lo.Recorder(path, seed=0, labels=inputs.labels)
    opening = time.perf_counter() - start
    pairs = []
    for epoch in range(1, epochs + 1):
        without = _epoch(loop)
        pairs.append({"without": without["whole"], **_epoch(loop, recorder, epoch)})
    start = time.perf_counter()
    recorder.finish()
    log = lo.open_log(path)
    return {
        "pairs": pairs,
        "opening": opening,
        "finishing": time.perf_counter() - start,
        "files": _files_of_an_epoch(Path(path)),
        "n_recorded": sum(log[split].prediction.size for split in log),
    }


def _epoch(
    loop: OrdinaryLoop, recorder: lo.Recorder | None = None, epoch: int = 0
) -> dict[str, float]:
    moments = [_now()]
    loop.train()
    moments.append(_now())
    predictions = loop.predict()
    moments.append(_now())
    if recorder is not None:
        for split, classes in predictions.items():
            recorder.record(epoch, split, classes)
    moments.append(_now())
    (wall, busy), (trained, of_training), (predicted, of_both), (end, of_all) = moments
    return {
        "whole": end - wall,
        "training": trained - wall,
        "recording": end - predicted,
        "training_busy": of_training - busy,
        "recording_busy": of_all - of_both,
    }


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _files_of_an_epoch(path: Path) -> float:
    """Chunks and commit records of an epoch and split."""
    chunks = len(list(path.glob("replicates/**/c.*.0")))
    records = len(list(path.glob("replicates/*/*/commits/*/*.json")))
    return (chunks + records) / records
