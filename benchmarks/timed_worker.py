"""A worker of the product that also says how much of its time went into recording.

For each group of replicates it adds a line of JSON to the file in ``BENCHMARK_RECORDING``: the
seconds in all, and those in opening replicates, committing epochs, keeping the states to resume
from, and declaring replicates finished.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from learnorder.collection import group, worker

_spent: dict[str, float] = {}


def _timed(owner: Any, name: str, what: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(original)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            _spent[what] = _spent.get(what, 0.0) + time.perf_counter() - start

    setattr(owner, name, timed)


def _report_each_group() -> None:
    train = worker.train_group

    @functools.wraps(train)
    def reported(*args: Any, **kwargs: Any) -> None:
        _spent.clear()
        start = time.perf_counter()
        train(*args, **kwargs)
        line = {**_spent, "all": time.perf_counter() - start}
        with Path(os.environ["BENCHMARK_RECORDING"]).open("a") as file:
            file.write(json.dumps(line) + "\n")

    worker.train_group = reported


if __name__ == "__main__":
    _timed(group.ReplicateWriter, "__init__", "open")
    _timed(group.ReplicateWriter, "write", "write")
    _timed(group.ReplicateWriter, "finish", "finish")
    _timed(group.Group, "states", "state")
    _timed(group, "save_state", "state")
    _timed(group, "drop_state", "state")
    _report_each_group()
    worker.main(Path(sys.argv[1]))
