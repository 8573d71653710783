"""What a log holds and what is missing, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from learnorder.errors import LogDamaged, count_of
from learnorder.log.reader import Log, ReplicateState

MOST_SEEDS = 8
"""Seeds that a sentence names; the table has all."""

ADVICE: Mapping[str, str] = {
    "running": "being written by a live process",
    "interrupted": "interrupted; `learnorder train` with the same spec goes on after the last "
    "committed epoch",
    "planned": "planned, and nothing of them is committed; `learnorder train` with the same spec "
    "trains them",
    "failed": "failed",
    "damaged": "damaged, and nothing is measured while they are; see `learnorder verify`",
    "lost": "lost: what they committed is gone. Restore it from a copy, or train them again",
}
"""What to say of replicates that are not finished."""

ADVICE_OF_RECORDED: Mapping[str, str] = {
    **ADVICE,
    "interrupted": "interrupted; a recorder of the same seed goes on after the last committed "
    "epoch, and finish() makes it count",
    "planned": "planned, and nothing of them is committed; a recorder of the same seed begins them",
}
"""The same of replicates that a recorder wrote."""


def describe(log: Log) -> dict[str, Any]:
    """Everything `learnorder info` says, as plain JSON types.

    ``replicates`` has ``seed, status, epochs`` (committed, by split), ``planned_epochs`` (None
    where nothing says), ``compacted`` (how many of the epochs), ``stopped`` (the ``epoch`` after
    which a learner stopped and the ``reason``), ``reason`` and ``undefined``, which says why one of
    these is None; ``missing`` has a sentence for everything that a measure will leave out, and for
    what would make it quicker.
    ``as_seen`` names splits whose predictions were collected while training.
    ``made_by`` has the ``versions`` that made replicates, each with their ``seeds``; where there
    are several, ``notes`` says in which they differ; it says too where learners stopped.
    """
    replicates = [_describe(log, r) for r in log.replicates]
    made_by = _made_by(log.replicates)
    return {
        "path": str(log.path),
        "replicates": replicates,
        "missing": [*_unfinished(log), *_ragged(replicates), *_scattered(replicates)],
        "notes": [*_differing(made_by), *stopped_early(log)],
        "made_by": made_by,
        "execution": dict(log.execution),
        "quantities": list(log.header.quantities),
        "as_seen": log.header.as_seen,
        "splits": {name: s.n_examples for name, s in log.header.splits.items()},
        "n_classes": log.header.n_classes,
        "class_names": log.header.class_names,
        "dataset": {k: v for k, v in log.header.dataset.items() if k != "class_names"},
        "identity": log.header.identity,
        "format_version": log.header.format_version,
        "spec": dict(log.spec),
        "provenance": dict(log.header.provenance),
        "undefined": _unknown(log.header.provenance),
    }


def _unknown(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Why parts of the provenance are None."""
    unknown = [name for name, value in provenance.items() if value is None]
    return {f"provenance.{name}": "not known where the log was made" for name in unknown}


def _describe(log: Log, replicate: ReplicateState) -> dict[str, Any]:
    attempt = replicate.attempt
    compacted = 0
    if attempt is not None and attempt.compaction() is not None:
        commits = attempt.commits(next(iter(log.header.lanes)), log.header).values()
        compacted = sum(commit.is_compacted for commit in commits)
    planned = attempt.planned_epochs() if attempt else None
    undefined = {} if planned else {"planned_epochs": "nothing in the log says how many"}
    stopped = _stop_of(replicate)
    if stopped is None:
        undefined["stopped"] = "it was trained, or goes on, to the end that is planned"
    if not replicate.reason:
        undefined["reason"] = f"{replicate.status}: there is nothing to explain"
    return {
        "seed": replicate.seed,
        "status": replicate.status,
        "epochs": {split: replicate.count_epochs(split) for split in log},
        "planned_epochs": planned,
        "compacted": compacted,
        "stopped": stopped,
        "reason": replicate.reason,
        "undefined": undefined,
    }


def _made_by(replicates: Sequence[ReplicateState]) -> list[dict[str, Any]]:
    """Versions that made replicates, as their attempts say, each with the seeds."""
    found: list[dict[str, Any]] = []
    for replicate in replicates:
        versions = _versions(replicate)
        if versions is None:
            continue
        same = [entry for entry in found if entry["versions"] == versions]
        if same:
            same[0]["seeds"].append(replicate.seed)
        else:
            found.append({"versions": versions, "seeds": [replicate.seed]})
    return found


def _versions(replicate: ReplicateState) -> dict[str, Any] | None:
    try:
        return replicate.attempt.versions if replicate.attempt else None
    except LogDamaged:
        return None  # which `verify` names; nothing else depends on it


def _differing(made_by: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say in which versions replicates differ: other versions may give other last bits."""
    for name in sorted({name for entry in made_by for name in entry["versions"]}):
        seeds: dict[str, list[int]] = {}
        for entry in made_by:
            seeds.setdefault(str(entry["versions"].get(name)), []).extend(entry["seeds"])
        if len(seeds) > 1:
            each = "; ".join(f"{value} ({_listed(sorted(of))})" for value, of in seeds.items())
            yield f"replicates were made with different versions of {name}: {each}"


def _unfinished(log: Log) -> Iterator[str]:
    replicates = log.replicates
    for status, advice in (ADVICE_OF_RECORDED if log.header.is_recorded else ADVICE).items():
        found = [r for r in replicates if r.status == status]
        if found:
            reasons = f" ({found[0].reason})" if found[0].reason else ""
            seeds = _listed([r.seed for r in found])
            count = f"{len(found):,} of {count_of(len(replicates), 'replicate')}"
            yield f"{count} {_are(len(found))} {advice}{reasons}: {seeds}"


def stopped_early(log: Log) -> Iterator[str]:
    """Say of which replicates the learner stopped before its last epoch."""
    stops = {r.seed: stop for r in log.replicates if (stop := _stop_of(r)) is not None}
    for seed, stop in list(stops.items())[:1]:
        count = f"{len(stops):,} of {count_of(len(log.replicates), 'replicate')}"
        epochs = sorted(int(s["epoch"]) for s in stops.values())
        span = f"{epochs[0]}" if epochs[0] == epochs[-1] else f"{epochs[0]} to {epochs[-1]}"
        yield (
            f"{count} stopped early, after epoch {span} (seed {seed}: {stop['reason']}); what "
            "follows repeats the predictions from there"
        )


def _stop_of(replicate: ReplicateState) -> dict[str, Any] | None:
    return (
        replicate.attempt.stopped()
        if replicate.status == "finished" and replicate.attempt
        else None
    )


def _ragged(replicates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say when finished replicates end at different epochs."""
    finished = [r for r in replicates if r["status"] == "finished"]
    counts = {r["seed"]: min(r["epochs"].values(), default=0) for r in finished}
    if len(set(counts.values())) > 1:
        fewest = min(counts.values())
        short = [seed for seed, count in counts.items() if count == fewest]
        yield (
            f"finished replicates have {fewest} to {max(counts.values())} epochs; measures use "
            f"those that all have. Fewest: {_listed(short)}"
        )


def _scattered(replicates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say when `compact` would help."""
    finished = [r for r in replicates if r["status"] == "finished"]
    plain = [r["seed"] for r in finished if r["compacted"] < min(r["epochs"].values(), default=0)]
    if plain:
        count = count_of(len(plain), "finished replicate")
        yield (
            f"{count} {_are(len(plain))} not wholly compacted; "
            "`learnorder compact` makes that smaller and quicker to measure"
        )


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _listed(seeds: Sequence[int]) -> str:
    more = ", ..." if len(seeds) > MOST_SEEDS else ""
    word = "seed" if len(seeds) == 1 else "seeds"
    return f"{word} {', '.join(map(str, seeds[:MOST_SEEDS]))}{more}"
