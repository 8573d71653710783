"""Rates on one core, and bytes: writing, compacting, reading, counting votes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from operator import truediv
from pathlib import Path
from statistics import median

from benchmarks.bench import COMPACTED, EPOCHS, PEER, Bench
from benchmarks.processes import Outcome, in_turn, run_operation, size_on_disk
from benchmarks.results import BYTES, MILLISECONDS, PERCENT, RATE, TIMES, Goal, Row, Section
from benchmarks.sizes import Size

FORMS = {EPOCHS: "before compact", COMPACTED: "after compact"}

READING = ("decode", "read", "read_and_measure", "two_measures")
"""Operations that read a whole log."""


def write(bench: Bench) -> Section:
    """Time committing an epoch."""
    rows = []
    for size in bench.sizes.written:
        given = asdict(size)
        found = in_turn(
            {
                "fsync": partial(bench.once, "operations:write_epochs", size=given, fsync=True),
                "no fsync": partial(bench.once, "operations:write_epochs", size=given, fsync=False),
                "peer": partial(bench.once, "peer:write_epochs", size=given),
            },
            bench.repeats,
        )
        seconds = {k: [median(o["epoch_seconds"]) for o in v] for k, v in found.items()}
        named = f"of {size.examples:,} examples, {size.classes:,} classes"
        for kind, text in (("fsync", "durable"), ("no fsync", "without fsync")):
            rows += [
                Row(f"an epoch {named}, {text}", MILLISECONDS, seconds[kind], seconds["peer"]),
                Row(
                    f"predictions {named}, {text}",
                    RATE,
                    [size.examples / s for s in seconds[kind]],
                    [size.examples / s for s in seconds["peer"]],
                ),
            ]
    about = (
        "Committing the predictions of one replicate, on one core; a repeat is the median over its "
        "epochs. *Durable* is the product as it is: chunk and commit record are both fsynced, and "
        "so are their folders. *Without fsync* the same with `os.fsync` switched off. The peer "
        "appends along `epoch`; it never calls fsync and has no commit records. On a virtual disk "
        "fsync can be far cheaper than on a real one."
    )
    return Section("write", "Writing", about, rows)


def size(bench: Bench) -> Section:
    """Count bytes per prediction."""
    rows = []
    for size in bench.sizes.logs:
        peer = size_on_disk(bench.log(size, PEER))
        for form, when in FORMS.items():
            here = size_on_disk(bench.log(size, form))
            for kind, text in ((0, "files"), (1, "disk blocks")):
                bytes_each = [n[kind] / size.n_predictions for n in (here, peer)]
                rows.append(Row(f"{size}, {when}, {text}", BYTES, bytes_each[:1], bytes_each[1:]))
    about = (
        "Bytes per prediction of everything in a synthetic log, counted once: ids, labels, records "
        "and all. Uncompressed it is 1 B up to 255 classes, then 2 B. The peer has no form after "
        "compact."
    )
    return Section("size", "Size", about, rows)


def compact(bench: Bench) -> Section:
    """Time rewriting a log."""
    rows = []
    for size in bench.sizes.compacted:
        log = bench.log(size, EPOCHS)
        found = in_turn({f"compact {size}": partial(_compact_copy, bench, log)}, bench.repeats)
        for outcomes in found.values():
            rates = [size.n_predictions / o["seconds"] for o in outcomes]
            rows.append(Row(str(size), RATE, rates))
        bench.drop(size)
    about = (
        "`compact` on one core: every chunk is read and checked, written in its new form, read "
        "back from the files and held against the commit records before the switch."
    )
    return Section("compact", "Compacting", about, rows)


def _compact_copy(bench: Bench, log: Path) -> Outcome:
    copy = bench.clone(log, bench.fresh())
    try:
        return run_operation("operations:compact", one_core=True, path=copy)
    finally:
        shutil.rmtree(copy)


def read(bench: Bench) -> Section:
    """Time reading, alone and with two measures, against decompression."""
    rows = []
    for size in bench.sizes.logs:
        found = in_turn(_reading(bench, size), bench.repeats)
        peer = {name: _rates(found[f"peer:{name}"]) for name in ("read", "measure")}
        for form, when in FORMS.items():
            own = {name: found[f"{form}:{name}"] for name in READING}
            _require_equal(own["read_and_measure"], found["peer:measure"], "mean")
            rates = {name: _rates(outcomes) for name, outcomes in own.items()}
            rows += _reading_rows(f"{size}, {when}", rates, peer)
    about = (
        "Predictions a second on one core, files in the page cache. *Decompression alone* is "
        "numcodecs' Zstd on the same chunk files, already in memory, into one buffer that is used "
        "again. Reading is what the product does: open, read, check every checksum. The peer "
        "checks nothing, and always reads the files it wrote."
    )
    return Section("read", "Reading", about, rows)


def _reading(bench: Bench, size: Size) -> dict[str, Callable[[], Outcome]]:
    operations: dict[str, Callable[[], Outcome]] = {}
    for form in FORMS:
        path = bench.log(size, form)
        for name in READING:
            one = partial(run_operation, f"operations:{name}", one_core=True, path=path)
            operations[f"{form}:{name}"] = one
    peer = {"path": bench.log(size, PEER), "replicates": size.replicates}
    for name in ("read", "measure"):
        operations[f"peer:{name}"] = partial(run_operation, f"peer:{name}", one_core=True, **peer)
    return operations


def _reading_rows(
    named: str, own: Mapping[str, Sequence[float]], peer: Mapping[str, Sequence[float]]
) -> list[Row]:
    both = own["read_and_measure"]
    share = list(map(truediv, both, own["decode"]))
    half = Goal.at_least(0.5, PERCENT)
    measured = f"{named}: read, TP-agreement and accessibility"
    return [
        Row(f"{named}: decompression alone", RATE, own["decode"]),
        Row(f"{named}: read", RATE, own["read"], peer["read"]),
        Row(f"{measured} in one pass", RATE, both, peer["measure"]),
        Row(f"{measured} by two calls", RATE, own["two_measures"], peer["measure"]),
        Row(f"{named}: the one pass as a share of decompression alone", PERCENT, share, goal=half),
    ]


def _rates(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome["n"] / outcome["seconds"] for outcome in outcomes]


def agreement(bench: Bench) -> Section:
    """Time the largest vote against scipy's mode and numpy's sort."""
    rows = []
    for size in bench.sizes.votes:
        kinds = ("product", "scipy", "sort")
        operations: dict[str, Callable[[], Outcome]] = {
            kind: partial(
                run_operation,
                "operations:agreement",
                one_core=True,
                kind=kind,
                size=asdict(size),
            )
            for kind in kinds
        }
        found = in_turn(operations, bench.repeats)
        for kind in kinds:
            _require_equal(found["product"], found[kind], "sum")
        rate = {kind: _rates(found[kind]) for kind in kinds}
        named = f"{size.replicates} votes, {size.classes:,} classes"
        goals = {"scipy": ("scipy.stats.mode", 3.0), "sort": ("numpy's sort and runs", 1.0)}
        rows.append(Row(named, RATE, rate["product"]))
        for kind, (text, least) in goals.items():
            rows.append(
                Row(
                    f"{named}: times as fast as {text}",
                    TIMES,
                    list(map(truediv, rate["product"], rate[kind])),
                    goal=Goal.at_least(least, TIMES),
                )
            )
    about = (
        "The largest share of replicates that predict one same class, in votes a second on one "
        "core, from votes in memory of a synthetic log after its first epoch, where replicates "
        "differ most. The three ways gave the same counts."
    )
    return Section("agreement", "Agreement", about, rows)


def _require_equal(here: Sequence[Outcome], peer: Sequence[Outcome], name: str) -> None:
    """A benchmark of wrong answers says nothing."""
    for a, b in zip(here, peer, strict=True):
        if abs(a[name] - b[name]) > 1e-9 * abs(a[name]):
            raise SystemExit(f"bench-log: {name} is {a[name]} here and {b[name]} there")
