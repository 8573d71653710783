"""Whole commands and whole trainings: time, memory, what recording costs, how small logs become."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.bench import COMPACTED, EPOCHS, PEER, Bench
from benchmarks.processes import Outcome, in_turn, measure_command, run_operation, size_on_disk
from benchmarks.results import (
    BYTES,
    MEBIBYTES,
    MILLISECONDS,
    PERCENT,
    SECONDS,
    TIMES,
    Goal,
    Row,
    Section,
)

FORMS = {EPOCHS: "before compact", COMPACTED: "after compact"}


def measure(bench: Bench) -> Section:
    """Time ``learnorder measure`` and its memory."""
    rows = []
    for size in bench.sizes.logs:
        operations: dict[str, Callable[[], Outcome]] = {
            when: partial(measure_command, bench.log(size, form)) for form, when in FORMS.items()
        }
        operations["peer"] = partial(
            run_operation,
            "peer:measure",
            path=bench.log(size, PEER),
            replicates=size.replicates,
        )
        found = in_turn(operations, bench.repeats)
        peer = found.pop("peer")
        for when, outcomes in found.items():
            rows += [
                Row(
                    f"{size}, {when}: time",
                    SECONDS,
                    [o.seconds for o in outcomes],
                    [o.seconds for o in peer],
                ),
                Row(
                    f"{size}, {when}: peak memory",
                    MEBIBYTES,
                    [o.peak_bytes for o in outcomes],
                    [o.peak_bytes for o in peer],
                    Goal("< 1 GiB", lambda found: found < 1 << 30),
                ),
            ]
    about = (
        "`learnorder measure LOG --json` from start to end, on all cores, with everything it "
        "prints: accuracy, agreement, bimodality and its nulls, kappa of correctness with its "
        "interval, kappa of predictions, reliability overall and within class with intervals. The "
        "peer computes accuracy, TP-agreement and accessibility, and nothing else. Memory is "
        "`ru_maxrss` of the process."
    )
    return Section("measure", "Measuring a whole log", about, rows)


def recording(bench: Bench) -> Section:
    """Time recording while a network trains."""
    training = bench.sizes.trained
    _, outcome = bench.trained(training)
    found = outcome["replicates"]
    spent = [sum(v for k, v in line.items() if k != "all") for line in found]
    rest = [line["all"] - s for line, s in zip(found, spent, strict=True)]
    rows = [
        Row("training and predicting", SECONDS, rest),
        Row("recording", MILLISECONDS, spent),
        *(
            Row(f"of it: {text}", MILLISECONDS, [line.get(key, 0.0) for line in found])
            for key, text in (
                ("open", "opening the replicate"),
                ("write", "committing epochs"),
                ("state", "keeping the state to resume from"),
                ("finish", "declaring it finished"),
            )
        ),
        Row(
            "recording as a share of training",
            PERCENT,
            [s / r for s, r in zip(spent, rest, strict=True)],
            goal=Goal("< 2 %", lambda share: share < 0.02),
        ),
    ]
    about = (
        f"`{training.spec.name}` trained with the product, one worker, {training.seeds} replicates "
        "one after the other; each is a repeat. The worker's own functions are timed in it. "
        "Predicting every example after each epoch counts as training here: a user who keeps "
        "predictions has to predict, wherever they go."
    )
    return Section("recording", "Recording while a network trains", about, rows)


def real(bench: Bench) -> Section:
    """Count how much smaller real logs become."""
    rows = []
    for training in bench.sizes.real:
        path, _ = bench.trained(training)
        about = run_operation("real:count", path=path)
        before = size_on_disk(path / "replicates")
        run_operation("operations:compact", path=path)
        after = size_on_disk(path / "replicates")
        named = f"{training.spec.stem}, {about['shape']}"
        raw = about["bytes"]
        goal = Goal.at_least(10, TIMES)
        rows += [
            Row(f"{named}: bytes per prediction before compact", BYTES, [before[0] / raw]),
            Row(f"{named}: bytes per prediction after compact", BYTES, [after[0] / raw]),
            Row(f"{named}: raw bytes / files after compact", TIMES, [raw / after[0]], goal=goal),
            Row(f"{named}: files before / after", TIMES, [before[0] / after[0]]),
            Row(f"{named}: disk blocks before / after", TIMES, [before[1] / after[1]]),
        ]
    about = (
        "Logs of networks trained here, counted once: everything under `replicates/`, records and "
        "manifests with the predictions of all splits. Uncompressed a prediction is 1 B."
    )
    return Section("real", "Size of real logs", about, rows)
