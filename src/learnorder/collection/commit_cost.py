"""How long committing one epoch takes here: a few real commits to a log that is thrown away."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import numpy as np

from learnorder.collection.prepare import Prepared
from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, prediction_dtype

N_COMMITS = 4
"""The first also allocates; the median leaves it out."""


def seconds_per_commit(scratch: Path, prepared: Prepared) -> float:
    """Median time to commit what is recorded of every split, on the disk of ``scratch``."""
    data = prepared.dataset
    about = {"name": data.name, "kind": data.kind, "class_names": list(data.class_names)}
    splits = {name: (split.examples, None) for name, split in data.splits.items()}
    log = scratch / "commits.zarr"
    create_log(log, NewLog({}, "probe", about, {}, splits, quantities=prepared.quantities))
    random, dtype = np.random.default_rng(0), prediction_dtype(data.n_classes)
    votes = {
        name: random.integers(0, data.n_classes, len(split)).astype(dtype)
        for name, split in data.splits.items()
    }
    labelled = {name: s for name, s in data.splits.items() if s.examples.labels is not None}
    of_label = {
        quantity: {name: random.random(len(s)).astype(np.float16) for name, s in labelled.items()}
        for quantity in prepared.spec.recording.of_label
    }
    seconds = []
    with ReplicateWriter(log, 0, [float(e) for e in range(N_COMMITS)], {}) as writer:
        for index in range(N_COMMITS):
            start = time.perf_counter()
            writer.write(EpochPredictions(0, index, float(index), votes, of_label))
            seconds.append(time.perf_counter() - start)
    return median(seconds)
