"""Put the replicates of several logs of one spec into a new log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from learnorder.errors import LearnOrderError, LogBusy, LogDamaged, SpecDiffers
from learnorder.log import layout
from learnorder.log.attempt import committed_attempt
from learnorder.log.claim import is_claimed
from learnorder.log.creation import assemble_log, is_vacant, refuse_inside_log, seal_header
from learnorder.log.files import (
    is_folder,
    is_there,
    list_folder,
    make_folder,
    read_bytes,
    write_durably,
)
from learnorder.log.garbage import replicate_garbage
from learnorder.log.layout import METADATA, Header
from learnorder.log.location import locate
from learnorder.log.manifest import listed_files
from learnorder.log.seeds import record_seed
from learnorder.log.verify import verify_log


@dataclass
class MergeReport:
    """What `merge_logs` did.

    Attributes
    ----------
    seeds
        Replicates in the new log.
    warnings
        What a reader of its numbers should know.
    """

    seeds: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def merge_logs(places: Sequence[str | Path], out: str | Path) -> MergeReport:
    """Copy the replicates of logs of one spec into a new log, which appears whole or not at all.

    A seed that several logs hold is taken once, from the log that holds more of it, with a warning;
    if what they hold differs, nothing is merged. The provenance of the new log has, as ``merged``,
    that of each.

    Parameters
    ----------
    places
        Folders or URLs of at least two logs of one identity.
    out
        Folder or URL of the new log.

    Raises
    ------
    SpecDiffers
        The logs are of different specs or data, were trained in different ways or record different
        quantities; the message says where they differ.
    LogDamaged
        A log is damaged.
    LogBusy
        A replicate is being written.
    LearnOrderError
        Fewer than two logs, a log given twice, ``out`` exists or lies in a log, or two logs hold
        other predictions for one seed.
    """
    logs = _open_sources(places)
    target = locate(out)
    if not is_vacant(target):
        raise LearnOrderError(
            f"merge: {target} exists. A merge makes a new log. Choose another path."
        )
    refuse_inside_log(target)
    headers = {log: layout.read_header(log) for log in logs}
    _require_one_spec(headers)
    _require_one_execution(headers)
    for log in logs:
        _require_intact(log)
    report = MergeReport()
    sources = _choose_sources(headers, report)
    first = headers[logs[0]]

    def write_parts(folder: Path) -> bytes:
        known = _copy_shared(logs[0], folder)
        for seed, log in sources.items():
            _copy_replicate(log, headers[log], seed, folder)
        merged = [about for header in headers.values() for about in _provenances(header)]
        header = replace(first, provenance={**first.provenance, "merged": merged})
        return seal_header(folder, header, list(known), known)

    if not assemble_log(target, write_parts, check=_require_intact):
        raise LearnOrderError(
            f"merge: another log has appeared at {target}; nothing was merged. Choose another path."
        )
    report.seeds = sorted(sources)
    _warn_of_twins(target, first, report)
    return report


def _open_sources(places: Sequence[str | Path]) -> list[Path]:
    logs = [locate(place) for place in places]
    if len(logs) < 2:
        raise LearnOrderError(
            f"merge: {len(logs)} log given. A merge is of two or more. Name another log."
        )
    resolved = [str(log.resolve()) for log in logs]
    for position, place in enumerate(resolved):
        if place in resolved[:position]:
            raise LearnOrderError(f"merge: {logs[position]} is given twice. Name each log once.")
    return logs


def _require_one_spec(headers: Mapping[Path, Header]) -> None:
    (log, header), *others = headers.items()
    for other, theirs in others:
        if theirs.identity != header.identity:
            different = _first_difference(header.spec, theirs.spec)
            raise SpecDiffers(
                f"merge: {log} and {other} are of different specs or data{different}. One log "
                "holds one spec on one dataset. Merge logs of the same spec."
            )


def _require_one_execution(headers: Mapping[Path, Header]) -> None:
    (log, header), *others = headers.items()
    for other, theirs in others:
        if different := _first_difference(_execution(header), _execution(theirs)):
            raise SpecDiffers(
                f"merge: {log} and {other} were not made in the same way{different}. All "
                "replicates of a log are. Merge logs of one execution that record the same."
            )


def _execution(header: Header) -> dict[str, Any]:
    return {"execution": header.execution, "quantities": list(header.quantities)}


def _provenances(header: Header) -> list[Mapping[str, Any]]:
    """Provenance of a log, or of each that it was merged from."""
    return list(header.provenance.get("merged", [header.provenance]))


def _first_difference(a: Mapping[str, object], b: Mapping[str, object], at: str = "") -> str:
    for key in sorted({*a, *b}):
        one, two = a.get(key), b.get(key)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            if found := _first_difference(one, two, f"{at}{key}."):
                return found
        elif one != two:
            return f" ({at}{key} is {one!r} in the first and {two!r} in the second)"
    return ""


def _require_intact(log: Path) -> None:
    problems = verify_log(log).problems
    if problems:
        raise LogDamaged(
            f"merge: {problems[0].file} {problems[0].problem.rstrip('.')}; {len(problems)} "
            f"problems in {log}. Only whole logs are merged. See `learnorder verify`."
        )


def _choose_sources(headers: Mapping[Path, Header], report: MergeReport) -> dict[int, Path]:
    """Log to take each seed from."""
    sources: dict[int, Path] = {}
    for log, header in headers.items():
        for seed in layout.planned_seeds(log):
            if is_claimed(layout.claim_file(log, seed)):
                raise LogBusy(
                    f"merge: replicate {seed} of {log} is being written. A merge is of logs at "
                    "rest. Wait for it, or stop it."
                )
            known = sources.get(seed)
            sources[seed] = log if known is None else _longer(known, log, seed, header, report)
    return sources


def _longer(a: Path, b: Path, seed: int, header: Header, report: MergeReport) -> Path:
    """Of two logs that hold one seed, one where it is finished, or the one with more of it."""
    of_a, of_b = (_checksums(log, seed, header) for log in (a, b))
    for key in sorted(of_a.keys() & of_b.keys()):
        if of_a[key] != of_b[key]:
            lane, epoch = key
            raise LearnOrderError(
                f"merge: {a} and {b} hold different predictions for seed {seed} (first: "
                f"{header.lanes[lane]}, epoch {epoch:g}). One seed is one replicate. "
                "Merge one of them only."
            )
    rank_a, rank_b = (_is_finished(a, seed), len(of_a)), (_is_finished(b, seed), len(of_b))
    taken = b if rank_b > rank_a else a
    if of_a and of_b:
        n_a, n_b = (len({epoch for _, epoch in found}) for found in (of_a, of_b))
        more = "" if n_a == n_b else f" ({n_a} and {n_b} epochs)"
        report.warnings.append(
            f"seed {seed} is in {a} and in {b}, with the same predictions{more}; "
            f"it counts once, as in {taken}"
        )
    return taken


def _checksums(log: Path, seed: int, header: Header) -> dict[tuple[str, float], int]:
    """Checksum of each lane and epoch."""
    attempt = committed_attempt(log, seed)
    if attempt is None:
        return {}
    commits = {lane: attempt.commits(lane, header).values() for lane in header.lanes}
    return {(at, commit.epoch): commit.crc32 for at, found in commits.items() for commit in found}


def _is_finished(log: Path, seed: int) -> bool:
    attempt = committed_attempt(log, seed)
    return attempt is not None and attempt.is_finished


def _warn_of_twins(log: Path, header: Header, report: MergeReport) -> None:
    """Say which seeds hold the same predictions: such replicates agree with themselves."""
    seen: dict[tuple[tuple[tuple[str, float], int], ...], int] = {}
    for seed in report.seeds:
        content = tuple(sorted(_checksums(log, seed, header).items()))
        if content and content in seen:
            report.warnings.append(
                f"seeds {seen[content]} and {seed} hold the same predictions at every epoch; "
                "replicates should differ"
            )
        seen.setdefault(content, seed)


def _copy_shared(log: Path, folder: Path) -> dict[str, int]:
    """Copy what a log has beside its replicates, but for the header; return its checksums."""
    _copy_tree(log / layout.EXAMPLES, folder / layout.EXAMPLES, set())
    make_folder(folder / layout.REPLICATES)
    group = f"{layout.REPLICATES}/{METADATA}"
    write_durably(folder / group, read_bytes(log / group))
    return {k: v for k, v in listed_files(log / layout.MANIFEST).items() if k != METADATA}


def _copy_replicate(log: Path, header: Header, seed: int, folder: Path) -> None:
    left_behind = {layout.claim_file(log, seed), *replicate_garbage(log, header, seed)}
    source = layout.replicate_folder(log, seed)
    _copy_tree(source, layout.replicate_folder(folder, seed), left_behind)
    attempt = committed_attempt(log, seed)
    if attempt is None:
        record_seed(folder, seed, "planned")
    else:
        record_seed(folder, seed, "finished" if attempt.is_finished else "begun")
    state = layout.resume_file(log, seed)
    if is_there(state) and state not in left_behind:
        make_folder(folder / layout.RESUME)
        write_durably(layout.resume_file(folder, seed), read_bytes(state))


def _copy_tree(source: Path, target: Path, left_behind: set[Path]) -> None:
    make_folder(target)
    for path in list_folder(source):
        if path in left_behind:
            continue
        if is_folder(path):
            _copy_tree(path, target / path.name, left_behind)
        else:
            write_durably(target / path.name, read_bytes(path))
