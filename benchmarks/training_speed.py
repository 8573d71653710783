"""The training engine against the ordinary PyTorch loop: ``make bench-training``.

Both use all cores, in turn, in fresh processes, several times. With ``--write`` the tables go into
RESULTS.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import truediv
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, Outcome, in_turn, run_command, run_operation
from benchmarks.results import (
    FLOPS,
    MILLISECONDS,
    ORDER,
    PER_SECOND,
    PERCENT,
    RESULTS,
    SECONDS,
    TIMES,
    Goal,
    Row,
    Section,
    Unit,
    keep,
)
from benchmarks.workloads import PRECISIONS, WORKLOADS, Workload

from learnorder.errors import count_of
from learnorder.log.cores import available_cores

WHOLE, CHEAP, RECORDER = "whole-training", "cheap-order", "recorder"

SECTIONS = (*WORKLOADS, WHOLE, CHEAP, RECORDER)


@dataclass(frozen=True)
class WholeRun:
    """A collection trained from the command line, by a spec of the examples."""

    spec: str
    executor: str
    seeds: int
    epochs: int
    n_train: int
    n_test: int


FULL = WholeRun("fashion_mnist_lenet", "auto", 6, 8, 10_000, 2000)
QUICK = replace(FULL, seeds=2, epochs=2, n_train=256, n_test=64)

CHEAP_ORDER = WholeRun("fashion_mnist_mlp", "sequential", 1, 12, 10_000, 2000)
"""What `make bench-order` found to correlate 0.9 with the full order in every draw."""

FULL_ORDER = 100 * 15
"""Replicate-epochs of the full order there."""

RECORDED_EPOCHS = {"w2": 7, "w3": 3}
"""Pairs of epochs, with the recorder and without, by network."""

FASHION_MNIST = Path(os.environ.get("LEARNORDER_DATA", "")) / "fashion-mnist"


def main() -> None:
    """Run the sections asked for and print them."""
    given = _arguments()
    repeats = 1 if given.quick else given.repeats
    _warn_if_busy()
    if given.scratch is not None:
        given.scratch.mkdir(parents=True, exist_ok=True)
    for name in given.sections:
        workload = WORKLOADS.get(name)
        if not (workload.has_data if workload else FASHION_MNIST.is_dir()):
            print(f"{name}: left out, its data is not in LEARNORDER_DATA", file=sys.stderr)
            continue
        print(name, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="bench-training-", dir=given.scratch) as scratch:
            if name == WHOLE:
                section = whole(QUICK if given.quick else FULL, Path(scratch), repeats)
            elif name == RECORDER:
                section = recorder(Path(scratch), given.quick)
            elif workload is None:
                section = cheap_order(Path(scratch), repeats, given.quick)
            else:
                size = workload.quick() if given.quick else workload
                section = steady(name, size, Path(scratch), repeats)
        print(section.to_markdown(), flush=True)
        if given.write:
            keep(section, ORDER, given.results)


def _warn_if_busy() -> None:
    """Threads of one process wait for each other, so a neighbour slows the peer most of all."""
    load, cores = os.getloadavg()[0], available_cores()
    if load > cores / 4:
        print(
            f"bench-training: the load is {load:.1f} on {cores} cores before anything is timed. "
            "The ordinary loop suffers from neighbours far more than the engine, so ratios will "
            "flatter the engine. Leave the machine alone.",
            file=sys.stderr,
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-training", description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", default=list(SECTIONS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, once: does it run?")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="another file than that")
    parser.add_argument("--scratch", type=Path, help="where the logs go (default: temporary)")
    given = parser.parse_args()
    given.sections = [name.lower() for name in given.sections]
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"{', '.join(sorted(unknown))}: the sections are {', '.join(SECTIONS)}")
    return given


def steady(name: str, workload: Workload, scratch: Path, repeats: int) -> Section:
    """Time the engine once it runs, in each precision, and the ordinary loop."""
    tables = {precision: workload.tables(precision) for precision in _precisions()}
    operations: dict[str, Callable[[], Outcome]] = {
        "ordinary": partial(
            run_operation,
            "ordinary:train",
            tables=tables["float32"],
            epochs=workload.ordinary_epochs,
        ),
        **{p: partial(_engine, scratch, t, workload.seeds) for p, t in tables.items()},
        "peak": partial(run_operation, "ordinary:peak"),
    }
    found = in_turn(operations, repeats)
    rows = [row for p in tables for row in _rows(p, workload, found)]
    settled = "; ".join(f"{p}: {_settled(found[p][0]['execution'])}" for p in tables)
    about = (
        f"{workload.n_train:,} training and {workload.n_test:,} test examples, batches of 128, SGD "
        f"with momentum 0.9 and rate {workload.learning_rate:g}. The engine trained "
        f"{workload.seeds} replicates x {workload.epochs} epochs ({settled}), the ordinary loop "
        f"one replicate x {count_of(workload.ordinary_epochs, 'epoch')} in float32 on "
        f"{found['ordinary'][0]['threads']} threads."
    )
    return Section(name, f"Training {name.upper()}: {workload.title}", about, rows)


def _precisions() -> Sequence[str]:
    """The precisions that this processor multiplies faster than float32, and float32."""
    peak = run_operation("ordinary:peak").answer
    return [p for p in PRECISIONS if peak[p] >= peak["float32"]]


def _engine(scratch: Path, tables: Mapping[str, Any], seeds: int) -> Outcome:
    path = scratch / "log.zarr"
    try:
        return run_operation("engine:train", path=path, tables=tables, seeds=seeds)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _rows(precision: str, workload: Workload, found: Mapping[str, Sequence[Outcome]]) -> list[Row]:
    here, ordinary = found[precision], found["ordinary"]
    rates, peer = [o["rate"] for o in here], [o["rate"] for o in ordinary]
    flops = ordinary[0]["flops"]
    peaks = {p: [o[p] for o in found["peak"]] for p in PRECISIONS}
    least = workload.least[PRECISIONS.index(precision)]
    return [
        Row(f"{precision}: replicate-epochs", PER_SECOND, rates, peer),
        Row(
            f"{precision}: times as fast as the ordinary loop",
            TIMES,
            list(map(truediv, rates, peer)),
            goal=Goal.at_least(least, TIMES),
        ),
        Row(
            f"{precision}: share of the matrix-product peak",
            PERCENT,
            _shares(flops, rates, peaks[precision]),
            _shares(flops, peer, peaks["float32"]),
        ),
        Row(f"{precision}: the peak", FLOPS, peaks[precision], peaks["float32"]),
        Row(f"{precision}: start to first record", SECONDS, [o["start_seconds"] for o in here]),
        Row(
            f"{precision}: replicate-epochs, start included",
            PER_SECOND,
            [o["whole_rate"] for o in here],
        ),
    ]


def _shares(flops: float, rates: Sequence[float], peaks: Sequence[float]) -> list[float]:
    return [flops * rate / peak for rate, peak in zip(rates, peaks, strict=True)]


def _settled(execution: Mapping[str, Any]) -> str:
    return f"{execution['executor']}, {execution['width']} at a time"


def whole(run: WholeRun, scratch: Path, repeats: int) -> Section:
    """Time ``learnorder train`` from start to end, and a plain script that does the same."""
    found = in_turn(
        {"here": partial(_command, run, scratch), "script": partial(_script, run, scratch)},
        repeats,
    )
    here, script = ([o.seconds for o in found[name]] for name in ("here", "script"))
    accuracies = {name: [o["accuracy"] for o in outcomes] for name, outcomes in found.items()}
    rows = [
        Row("the whole command", SECONDS, here, script),
        Row(
            "times as fast as the script",
            TIMES,
            list(map(truediv, script, here)),
            goal=Goal.at_least(1.8, TIMES),
        ),
        Row("right at the end, test", PERCENT, accuracies["here"], accuracies["script"]),
    ]
    about = (
        f"`learnorder train`, lenet in float32 on {run.n_train:,} / {run.n_test:,} images of "
        f"Fashion-MNIST, {run.seeds} seeds x {run.epochs} epochs, from start to end of the "
        "process: reading the data, starting workers, the estimate of the cost, training, durable "
        "recording. The peer is `plain_script.py`, which keeps its predictions with `np.save`."
    )
    return Section(WHOLE, "Training from the command line", about, rows)


def cheap_order(scratch: Path, repeats: int, quick: bool) -> Section:
    """Time an order that is as good as it need be, and the full one by the ordinary loop."""
    run = replace(CHEAP_ORDER, n_train=256, n_test=64, epochs=2) if quick else CHEAP_ORDER
    workload = WORKLOADS["w2"].quick() if quick else WORKLOADS["w2"]
    ordinary = partial(
        run_operation,
        "ordinary:train",
        tables=workload.tables("float32"),
        epochs=workload.ordinary_epochs,
    )
    found = in_turn({"here": partial(_command, run, scratch), "ordinary": ordinary}, repeats)
    here = [o.seconds for o in found["here"]]
    peer = [FULL_ORDER / o["rate"] for o in found["ordinary"]]
    rows = [
        Row("an order that correlates 0.9", SECONDS, here, peer),
        Row("times as fast as the full one", TIMES, list(map(truediv, peer, here))),
    ]
    about = (
        f"`learnorder train`, mlp on {run.n_train:,} / {run.n_test:,} images of Fashion-MNIST, "
        f"{run.seeds} seed x {run.epochs} epochs, from start to end of the process: a design that "
        "correlates 0.9 in every draw with the order of 100 replicates x 15 epochs (planning.md), "
        "one by one, because a group would be filled up. "
        "The peer is that full order at the rate of the ordinary loop, measured on a few epochs."
    )
    return Section(CHEAP, "The cost of an order that correlates 0.9", about, rows)


def recorder(scratch: Path, quick: bool) -> Section:
    """Time epochs of the ordinary loop with and without a recorder, in turn in one process."""
    rows = [row for name in RECORDED_EPOCHS for row in _recorder_rows(name, scratch, quick)]
    size = WORKLOADS["w2"].quick() if quick else WORKLOADS["w2"]
    about = (
        f"{size.n_train:,} / {size.n_test:,} images of Fashion-MNIST in the ordinary loop, here on "
        "one thread, one replicate: an epoch without and an epoch with `Recorder.record` of both "
        "splits follow each other in one process, and each pair is a repeat. Both predict all "
        "examples after training; shares are of training alone. What is recorded waits for the "
        "disk, and for the processor where it is busy: the load was "
        f"{os.getloadavg()[0]:.1f} on {available_cores()} cores."
    )
    return Section(RECORDER, "A recorder in a loop of one's own", about, rows)


def _recorder_rows(name: str, scratch: Path, quick: bool) -> list[Row]:
    workload = WORKLOADS[name].quick() if quick else WORKLOADS[name]
    found = run_operation(
        "recorder:in_turn",
        path=scratch / f"{name}.zarr",
        tables=workload.tables("float32"),
        epochs=2 if quick else RECORDED_EPOCHS[name],
    )
    pairs, network = found["pairs"], workload.architecture
    columns = {key: [pair[key] for pair in pairs] for key in pairs[0]}
    shares = list(map(truediv, columns["recording"], columns["training"]))
    busy = list(map(truediv, columns["recording_busy"], columns["training_busy"]))
    ratios = list(map(truediv, columns["whole"], columns["without"]))
    goal = Goal("< 2 %", lambda share: share < 0.02)
    return [
        Row(
            f"{network}: an epoch; peer: without recorder",
            SECONDS,
            columns["whole"],
            columns["without"],
        ),
        Row(f"{network}: with / without", TIMES, ratios),
        Row(f"{network}: inside `record`, both splits", MILLISECONDS, columns["recording"]),
        Row(f"{network}: of it, the processor's time", MILLISECONDS, columns["recording_busy"]),
        Row(f"{network}: `record` as a share of training", PERCENT, shares, goal=goal),
        Row(f"{network}: the same of the processor's time", PERCENT, busy, goal=goal),
        Row(f"{network}: making the recorder and the log", MILLISECONDS, [found["opening"]]),
        Row(f"{network}: files for each epoch and split", Unit("files"), [found["files"]]),
    ]


def _command(run: WholeRun, scratch: Path) -> Outcome:
    path = scratch / "command.zarr"
    settings = {
        "dataset.train_limit": run.n_train,
        "dataset.test_limit": run.n_test,
        "training.epochs": run.epochs,
        "execution.executor": run.executor,
    }
    command = [sys.executable, "-m", "learnorder", "train"]
    command += [str(ROOT / "examples" / f"{run.spec}.toml"), "--out", str(path)]
    command += ["--seeds", f"0:{run.seeds}"]
    command += [part for k, v in settings.items() for part in ("--set", f"{k}={v}")]
    try:
        outcome = run_command(command)
        answer = run_operation("engine:accuracy_at_the_end", path=path).answer
        return Outcome(outcome.seconds, outcome.peak_bytes, answer)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _script(run: WholeRun, scratch: Path) -> Outcome:
    out = scratch / "script"
    command = [sys.executable, "-m", "benchmarks.plain_script", "--data", str(FASHION_MNIST)]
    command += ["--out", str(out), "--seeds", str(run.seeds), "--epochs", str(run.epochs)]
    command += ["--train", str(run.n_train), "--test", str(run.n_test)]
    try:
        return run_command(command, answers=True)
    finally:
        shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
