"""Real logs: what recording costs while a network trains, and how small the log becomes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from learnorder.collection import processes
from learnorder.collection.train import train_collection
from learnorder.log.reader import open_log
from learnorder.training.spec import TrainingSpec


def train(spec: str, out: str, seeds: Sequence[int], changes: dict[str, Any]) -> dict[str, Any]:
    """Train with the product, one worker; ``replicates`` has what `timed_worker` said of each."""
    told = Path(f"{out}.recording")
    os.environ["BENCHMARK_RECORDING"] = str(told)
    processes.CAN_FORK = False  # type: ignore[misc]
    processes.subprocess = _Subprocess()  # type: ignore[assignment]
    asked = TrainingSpec.from_toml(Path(spec), changes)
    result = train_collection(asked, seeds, out=out, workers=1)
    lines = told.read_text().splitlines()
    return {"finished": len(result.finished), "replicates": [json.loads(line) for line in lines]}


def count(path: str) -> dict[str, Any]:
    """Say how many predictions a log holds, and what they take uncompressed."""
    log = open_log(Path(path))
    shapes = {name: log[name].prediction.shape for name in log}
    n_bytes = sum(log[name].prediction.nbytes for name in log)
    n_replicates, n_epochs, _ = next(iter(shapes.values()))
    examples = " + ".join(f"{shape[2]:,}" for shape in shapes.values())
    return {"bytes": n_bytes, "shape": f"{n_replicates} x {n_epochs} x ({examples})"}


class _Subprocess:
    """The module ``subprocess``, except that the worker it starts is the one with a watch."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(command: Sequence[str], **options: Any) -> Any:
        places = {"learnorder.collection.worker": "benchmarks.timed_worker"}
        return subprocess.Popen([places.get(part, part) for part in command], **options)
