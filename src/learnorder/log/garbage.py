"""Find and remove what nothing in a log refers to: the remains of killed processes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from learnorder.errors import LogBusy
from learnorder.log import layout
from learnorder.log.attempt import OUTCOME, Attempt, attempts, committed_attempt
from learnorder.log.claim import Claim, is_claimed
from learnorder.log.compaction import Compaction
from learnorder.log.creation import dead_stagings
from learnorder.log.files import PARTIAL, is_there, list_folder, remove_tree, sync_folder
from learnorder.log.layout import Header
from learnorder.log.location import locate


@dataclass
class GarbageReport:
    """What `collect_garbage` found.

    Attributes
    ----------
    paths
        Files and folders that nothing refers to.
    n_bytes
        Their size.
    busy
        Seeds that a live process writes, which were not looked at.
    """

    paths: list[Path] = field(default_factory=list)
    n_bytes: int = 0
    busy: list[int] = field(default_factory=list)


def collect_garbage(path: str | Path, *, dry_run: bool = False) -> GarbageReport:
    """Remove what nothing in a log refers to; what a live process writes is not touched.

    That is: files half written, chunks and attempts without a commit record, what a compaction
    replaced, resume states of finished replicates, and logs that were never completed beside it.

    Parameters
    ----------
    path
        Folder or URL of the log.
    dry_run
        Find, but remove nothing.

    Raises
    ------
    LogNotFound
        There is no log at the path.
    LogDamaged
        A replicate is damaged, so that nobody can say what belongs to it; it is not touched.
    """
    log = locate(path)
    header = layout.read_header(log)
    report = GarbageReport()
    for seed in layout.planned_seeds(log):
        if not layout.replicate_folder(log, seed).is_dir():
            continue
        try:
            with _untouched(layout.claim_file(log, seed), seed, dry_run):
                _collect(replicate_garbage(log, header, seed), report, dry_run)
        except LogBusy:
            report.busy.append(seed)
    _collect(dead_stagings(log), report, dry_run)
    return report


def _untouched(claim: Path, seed: int, dry_run: bool) -> AbstractContextManager[object]:
    """Keep writers away; to look alone, a log that may only be read will do."""
    if not dry_run:
        return Claim(claim, f"replicate {seed}")
    if is_claimed(claim):
        raise LogBusy(f"log: replicate {seed} is being written.")
    return nullcontext()


def _collect(paths: Iterable[Path], report: GarbageReport, dry_run: bool) -> None:
    found = list(paths)
    report.paths += found
    report.n_bytes += sum(map(_size, found))
    if not dry_run:
        remove_garbage(found)


def remove_garbage(paths: Iterable[Path]) -> None:
    """Remove files and folders, durably."""
    found = list(paths)
    for path in found:
        if path.is_dir():
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)
    for folder in dict.fromkeys(path.parent for path in found):
        if folder.exists():
            sync_folder(folder)


def replicate_garbage(log: Path, header: Header, seed: int) -> list[Path]:
    """Everything of one seed that nothing refers to, if no process is writing it.

    Raises
    ------
    LogDamaged
        Its records are damaged.
    """
    counted = committed_attempt(log, seed)
    found = [a.folder for a in attempts(log, seed) if a != counted]
    if counted is not None:
        found += attempt_garbage(counted, header)
    folder = layout.replicate_folder(log, seed)
    found += [path for path in list_folder(folder) if path.name.endswith(PARTIAL)]
    state = layout.resume_file(log, seed)
    remains = [p for p in list_folder(state.parent) if p.name.startswith(f"{state.name}.")]
    if is_there(state) and counted is not None and _needs_no_state(counted, header):
        found.append(state)
    return found + remains


def _needs_no_state(attempt: Attempt, header: Header) -> bool:
    """Whether the attempt is finished, and nobody has begun to continue it."""
    outcome = attempt.outcome() or {}
    committed = [attempt.count_committed(split) for split in header.splits]
    return outcome.get("status") == "finished" and set(committed) <= {outcome.get("epochs")}


def attempt_garbage(attempt: Attempt, header: Header) -> list[Path]:
    """Everything in the folder of an attempt that its records do not refer to, by path."""
    kept = attempt.files(header) | {OUTCOME, (attempt.outcome() or {}).get("manifest", OUTCOME)}
    compaction = attempt.compaction()
    if compaction is not None:
        listed = Compaction.open(attempt.folder / compaction).files
        kept |= {f"{compaction}/{name}" for name in listed}
    folders = {name.rpartition("/")[0] for name in kept}
    folders |= {folder.rpartition("/")[0] for folder in folders}
    folders |= {"commits", *(f"commits/{split}" for split in header.splits)}
    return list(_unknown(attempt.folder, "", kept, folders))


def _unknown(folder: Path, prefix: str, files: set[str], folders: set[str]) -> Iterable[Path]:
    """Files and folders under a folder that are in neither set, the folders as a whole."""
    for path in list_folder(folder):
        name = f"{prefix}{path.name}"
        if name in folders:
            yield from _unknown(path, f"{name}/", files, folders)
        elif name not in files:
            yield path


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(map(_size, list_folder(path)))
    return path.stat().st_size
