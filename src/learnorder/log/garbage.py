"""Find and remove what nothing in a log refers to: the remains of killed processes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from learnorder.errors import LogBusy, LogDamaged
from learnorder.log import layout
from learnorder.log.attempt import OUTCOME, Attempt, attempts, committed_attempt
from learnorder.log.claim import Claim, is_claimed
from learnorder.log.compaction import Compaction
from learnorder.log.creation import dead_stagings
from learnorder.log.files import (
    PARTIAL,
    all_files,
    is_folder,
    is_local,
    is_there,
    list_folder,
    remove,
    remove_tree,
    sync_folder,
)
from learnorder.log.layout import Header
from learnorder.log.location import locate
from learnorder.log.seeds import read_seed


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
    damaged
        Seeds that were not touched because a record of them is damaged, each with the reason.
    """

    paths: list[Path] = field(default_factory=list)
    n_bytes: int = 0
    busy: list[int] = field(default_factory=list)
    damaged: dict[int, str] = field(default_factory=dict)


def collect_garbage(
    path: str | Path, *, dry_run: bool = False, take_over: bool = False
) -> GarbageReport:
    """Remove what nothing in a log refers to; what a live process writes is not touched.

    That is: files half written, chunks and attempts without a commit record, what a compaction
    replaced, resume states of finished replicates, and logs that were never completed beside it.

    Parameters
    ----------
    path
        Folder or URL of the log.
    dry_run
        Find, but remove nothing.
    take_over
        Where a file system has no locks: replace the claims of processes known to have ended.

    Raises
    ------
    LogNotFound
        There is no log at the path.
    LogDamaged
        The header is damaged.
    """
    log = locate(path)
    header = layout.read_header(log)
    report = GarbageReport()
    for seed in layout.planned_seeds(log):
        if not is_folder(layout.replicate_folder(log, seed)):
            continue
        try:
            if dry_run:
                _refuse_claimed(layout.claim_file(log, seed), seed)
                _note(replicate_garbage(log, header, seed), report)
            else:
                _collect(log, header, seed, report, take_over)
        except LogBusy:
            report.busy.append(seed)
        except LogDamaged as error:
            report.damaged[seed] = str(error)
    stagings = dead_stagings(log)
    _note(stagings, report)
    if not dry_run:
        remove_garbage(stagings)
    return report


def _refuse_claimed(claim: Path, seed: int) -> None:
    """To look alone takes no claim: a log that may only be read will do."""
    if is_claimed(claim):
        raise LogBusy(f"log: replicate {seed} is being written.")


def _collect(log: Path, header: Header, seed: int, report: GarbageReport, take_over: bool) -> None:
    claim_file = layout.claim_file(log, seed)
    with Claim(claim_file, f"replicate {seed}", take_over=take_over) as claim:
        found = replicate_garbage(log, header, seed)
        _note(found, report)
        claim.require_held()
        remove_garbage(found)


def _note(found: Sequence[Path], report: GarbageReport) -> None:
    report.paths += found
    report.n_bytes += sum(map(_size, found))


def remove_garbage(paths: Iterable[Path]) -> None:
    """Remove files and folders, durably."""
    found = list(paths)
    for path in found:
        if is_folder(path):
            remove_tree(path)
        elif is_local(path):
            path.unlink(missing_ok=True)
        else:
            remove(path)
    for folder in dict.fromkeys(path.parent for path in found):
        with suppress(FileNotFoundError):
            sync_folder(folder)


def refuse_lost_outcome(log: Path, header: Header, seed: int, attempt: Attempt | None) -> None:
    """Refuse a replicate that was finished and has no outcome: nobody can say what belongs to it.

    Raises
    ------
    LogDamaged
        Its outcome is lost, with its folder or alone.
    """
    lost = attempt is None or "status" not in (attempt.outcome() or {})
    if lost and header.format_version > 1 and read_seed(log, seed) == "finished":
        folder = attempt.folder if attempt else layout.replicate_folder(log, seed)
        raise LogDamaged(
            f"log: {folder} has lost its {OUTCOME}, though the replicate was finished. "
            "Restore the file from a copy, or train again with the same spec."
        )


def replicate_garbage(log: Path, header: Header, seed: int) -> list[Path]:
    """Everything of one seed that nothing refers to, if no process is writing it.

    Raises
    ------
    LogDamaged
        Its records are damaged.
    """
    counted = committed_attempt(log, seed)
    refuse_lost_outcome(log, header, seed, counted)
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
    committed = [attempt.count_committed(lane) for lane in header.lanes]
    return outcome.get("status") == "finished" and set(committed) <= {outcome.get("epochs")}


def attempt_garbage(attempt: Attempt, header: Header) -> list[Path]:
    """Everything in the folder of an attempt that its records do not refer to, by path."""
    outcome = attempt.outcome()
    kept = attempt.files(header) | {OUTCOME, (outcome or {}).get("manifest", OUTCOME)}
    if outcome is None:  # which alone says that the attempt goes on, or that it was lost
        names = (path.name for path in list_folder(attempt.folder))
        kept |= {name for name in names if name.startswith(layout.FILES)}
    compaction = attempt.compaction()
    if compaction is not None:
        listed = Compaction.open(attempt.folder / compaction).files
        kept |= {f"{compaction}/{name}" for name in listed}
    folders = {name.rpartition("/")[0] for name in kept}
    folders |= {folder.rpartition("/")[0] for folder in folders}
    folders |= {layout.COMMITS, *(f"{layout.COMMITS}/{lane}" for lane in header.lanes)}
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
    files = all_files(path) if is_folder(path) else [path]
    return sum(file.stat().st_size for file in files)
