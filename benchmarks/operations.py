"""The operations that are timed, each for a process of its own: those of the product."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr
from benchmarks.sizes import Size
from benchmarks.synthetic import SPLIT, World, hasty, predictions, write_log

BLOCK_BYTES = 64 << 20
"""Predictions read at once."""


def main() -> None:
    """Run the operation named on the command line and print its answer as JSON."""
    order = json.loads(sys.argv[1])
    if order["one_core"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warnings.filterwarnings("ignore", message="Consolidated metadata")
    module, function = order["name"].split(":")
    answer = getattr(import_module(f"benchmarks.{module}"), function)(**order["arguments"])
    print(json.dumps(answer))


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Give a function that says the seconds gone."""
    start = time.perf_counter()
    yield lambda: time.perf_counter() - start


def generate(path: str, size: dict[str, int]) -> dict[str, float]:
    """Write a synthetic log with the product's writer."""
    with stopwatch() as gone, hasty():
        write_log(Path(path), Size(**size))
        return {"seconds": gone()}


def generate_only(size: dict[str, int]) -> dict[str, float]:
    """Draw the predictions of one replicate and write nothing."""
    asked = Size(**size)
    world = World.draw(asked)
    with stopwatch() as gone:
        n = sum(len(votes) for votes in predictions(world, asked, 0))
        return {"seconds": gone(), "n": n}


def clone(path: str, out: str) -> dict[str, float]:
    """Copy a log by links to its files, which are replaced or removed but never changed."""
    shutil.copytree(path, out, copy_function=os.link)
    return {}


def compact(path: str) -> dict[str, float]:
    """Rewrite a log into chunks of all epochs."""
    from learnorder.log.compact import compact_log

    with stopwatch() as gone:
        compact_log(Path(path))
        return {"seconds": gone()}


def write_epochs(path: str, size: dict[str, int], fsync: bool) -> dict[str, list[float]]:
    """Commit the epochs of one replicate, which are in memory; the seconds of each."""
    from learnorder.log.writer import ReplicateWriter
    from learnorder.schema import EpochPredictions

    asked = Size(**size)
    world = write_log(Path(path), asked, range(0))
    votes = list(predictions(world, asked, 0))
    if not fsync:
        os.fsync = lambda _: None
    seconds = []
    with ReplicateWriter(Path(path), 0, [e + 1.0 for e in range(asked.epochs)], {}) as writer:
        for index, vote in enumerate(votes):
            record = EpochPredictions(0, index, index + 1.0, {SPLIT: vote})
            with stopwatch() as gone:
                writer.write(record)
                seconds.append(gone())
    return {"epoch_seconds": seconds}


def read(path: str) -> dict[str, float]:
    """Read every prediction once, block by block."""
    log = _open(path)
    with stopwatch() as gone:
        n = sum(block.size for _, _, block in blocks(log))
        return {"seconds": gone(), "n": n}


def decode(path: str) -> dict[str, float]:
    """Decompress the same chunk files and nothing else: no file is read inside the clock."""
    from numcodecs import Zstd

    codec, seconds, n_bytes = Zstd(), 0.0, 0
    log = _open(path)
    block = np.empty(_largest_chunk(log), log.prediction.dtype)
    for file in sorted(Path(path).glob(f"replicates/*/*/*/{SPLIT}/c.*")):
        content = file.read_bytes()[:-4]  # behind the frame stands its CRC32C
        with stopwatch() as gone:
            codec.decode(content, out=block)
            seconds += gone()
        n_bytes += block.nbytes
    return {"seconds": seconds, "n": log.prediction.size}


def read_and_measure(path: str) -> dict[str, float]:
    """Read every prediction once, for TP-agreement after each epoch and accessibility."""
    from learnorder.measures.split import read_split
    from learnorder.measures.sweep import TpShare, WeightedTp, sweep_counts

    log = _open(path)
    with stopwatch() as gone:
        split = read_split(log, "bench")
        weight = np.full(split.n_epochs, 1 / split.n_epochs / split.n_replicates)
        share, accessibility = TpShare(split), WeightedTp(split, weight)
        sweep_counts(split, share, accessibility)
        mean = float(accessibility.total.mean())
        return {"seconds": gone(), "n": log.prediction.size, "mean": mean}


def two_measures(path: str) -> dict[str, float]:
    """Call the two public functions, each of which reads every prediction."""
    from learnorder.measures import agreement, order

    log = _open(path)
    with stopwatch() as gone:
        agreement.tp_agreement(log)
        mean = float(order.accessibility(log).mean())
        return {"seconds": gone(), "n": log.prediction.size, "mean": mean}


def summarise(path: str) -> dict[str, float]:
    """Compute everything ``learnorder measure`` prints, without starting and printing."""
    from learnorder.log.reader import open_log
    from learnorder.measures import summary

    with stopwatch() as gone:
        log = open_log(Path(path))[SPLIT]
        found = summary.summarise(log)
        return {"seconds": gone(), "n": log.prediction.size, "epochs": len(found["per_epoch"])}


def agreement(kind: str, size: dict[str, int]) -> dict[str, float]:
    """Find the largest vote for each example, in one of three ways."""
    asked = Size(**size)
    world = World.draw(asked)
    votes = np.stack([next(predictions(world, asked, r)) for r in range(asked.replicates)])
    count = {"product": _product, "scipy": _scipy_mode, "sort": _sort_and_runs}[kind]
    seconds, largest = count(votes, asked.classes)
    return {"seconds": seconds, "n": votes.size, "sum": float(largest.sum())}


Timed = tuple[float, np.ndarray]


def _product(votes: np.ndarray, n_classes: int) -> Timed:
    """`learnorder.agreement` of a log in memory."""
    import learnorder

    names = [str(k) for k in range(n_classes)]
    log = learnorder.from_arrays(votes[:, np.newaxis], class_names=names)
    measure = learnorder.agreement
    with stopwatch() as gone:
        share = measure(log)
        seconds = gone()
    return seconds, share.values * len(votes)


def _scipy_mode(votes: np.ndarray, _: int) -> Timed:
    from scipy import stats

    with stopwatch() as gone:
        largest = stats.mode(votes, axis=0).count
        return gone(), largest


def _sort_and_runs(votes: np.ndarray, _: int) -> Timed:
    """Sort the votes on each example with numpy, then find the longest run of equal ones."""
    with stopwatch() as gone:
        ordered = np.sort(votes, axis=0)
        run = np.ones(votes.shape[1], np.int32)
        longest = run.copy()
        for before, after in pairwise(ordered):
            run = np.where(before == after, run + 1, 1)
            np.maximum(longest, run, out=longest)
        return gone(), longest


def blocks(log: xr.Dataset) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield whole columns or rows of chunks, of all replicates, a bounded number of bytes each."""
    chunk = log.prediction.encoding["preferred_chunks"]
    n_replicates, n_epochs, n_examples = log.prediction.shape
    n_chunk = n_replicates * chunk["epoch"] * chunk["example"] * log.prediction.dtype.itemsize
    together = max(1, BLOCK_BYTES // n_chunk)
    rows, columns = chunk["epoch"], chunk["example"]
    if columns < n_examples:
        columns *= together
    else:
        rows *= together
    for epoch in range(0, n_epochs, rows):
        for example in range(0, n_examples, columns):
            at = slice(epoch, epoch + rows), slice(example, example + columns)
            # a copy that reads anew: xarray keeps what has been read of one that stays
            part = log.prediction.copy(deep=False).isel(epoch=at[0], example=at[1])
            yield *at, part.values


def _largest_chunk(log: xr.Dataset) -> int:
    chunk = log.prediction.encoding["preferred_chunks"]
    return chunk["epoch"] * chunk["example"]


def _open(path: str) -> xr.Dataset:
    from learnorder.log.reader import open_log

    return open_log(Path(path))[SPLIT]


if __name__ == "__main__":
    main()
