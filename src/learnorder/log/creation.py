"""Create a log: it appears whole or not at all.

A local log is made under another name and renamed. Elsewhere nothing can be renamed: it is made
where it stays, and appears with its header.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from learnorder.errors import LearnOrderError, LogNotFound, SpecDiffers
from learnorder.log import layout
from learnorder.log.arrays import create_group, group_metadata
from learnorder.log.attempt import committed_attempt
from learnorder.log.baselines import Baselines, checked_baselines
from learnorder.log.claim import Claim, claim_object, is_claimed
from learnorder.log.examples import write_examples
from learnorder.log.files import (
    PARTIAL,
    all_files,
    is_local,
    is_there,
    list_folder,
    make_folder,
    remove,
    remove_tree,
    sync_folder,
    write_durably,
)
from learnorder.log.lanes import check_quantities
from learnorder.log.layout import METADATA, Header
from learnorder.log.location import locate
from learnorder.log.manifest import write_manifest
from learnorder.log.seeds import SeedState, enter_seed, read_seed
from learnorder.schema import PREDICTION, Examples, Previews

PARTS = (layout.EXAMPLES, layout.REPLICATES, layout.SEEDS, layout.RESUME)
"""Folders of a log."""

STATIC = (f"{layout.EXAMPLES}/", f"{layout.REPLICATES}/")
"""Where files lie that are written when the log is created, and never change."""

UNFINISHED = {"claim.json", layout.EXAMPLES, layout.REPLICATES, layout.MANIFEST}
"""What can be there of a log that is being created in place."""


@dataclass(frozen=True)
class NewLog:
    """What a log is created from; see `layout.Header` for the fields.

    ``baselines`` are those of each split that has some, by name: what is known of each example
    without any network.
    """

    spec: Mapping[str, Any]
    identity: str
    dataset: Mapping[str, Any]
    provenance: Mapping[str, Any]
    splits: Mapping[str, tuple[Examples, Previews | None]]
    execution: Mapping[str, Any] = field(default_factory=dict)
    quantities: tuple[str, ...] = (PREDICTION,)
    baselines: Mapping[str, Baselines] = field(default_factory=dict)


def create_log(place: str | Path, new: NewLog, *, take_over: bool = False) -> Header:
    """Create an empty log; it appears whole or not at all.

    If another process has just created it from the same spec and data, the header of that log is
    returned; its execution may be another one.

    Parameters
    ----------
    place
        Path or URL of a folder that is empty or not there.
    new
        What the log says of itself.
    take_over
        Where a file system has no locks: go on where a process that is known to have ended left
        the log half created.

    Raises
    ------
    LearnOrderError
        Something that is no log is at the path, or the path lies in a log, a split has a name no
        folder can have, a quantity cannot be recorded, or a baseline is none of the examples.
    LogBusy
        Another process is creating the log, on a file system without locks.
    SpecDiffers
        A log of another identity is at the path.
    """
    path = locate(place)
    for split, (examples, _) in new.splits.items():
        layout.check_split_name(split)
        checked_baselines(new.baselines.get(split, {}), len(examples), "log")
    check_quantities(new.quantities)
    refuse_foreign(path)
    assemble_log(path, lambda folder: write_new_parts(folder, new), take_over=take_over)
    header = layout.read_header(path)
    refuse_other_identity(path, header, new.identity)
    return header


def assemble_log(
    path: Path,
    write_parts: Callable[[Path], bytes],
    *,
    check: Callable[[Path], None] | None = None,
    take_over: bool = False,
) -> bool:
    """Make a log that appears whole or not at all; one that appears in the meantime stays.

    Returns whether the log at the path is the one that was made.

    Parameters
    ----------
    path
        Where it is to be.
    write_parts
        Writes everything but the header into a folder, and returns the header's file.
    check
        Raises if what was made is not as it should be; then there is no log.
    take_over
        As in `create_log`.
    """
    if is_local(path):
        return _assemble_aside(path, write_parts, check)
    return _assemble_in_place(path, write_parts, check, take_over)


def _assemble_aside(
    path: Path, write_parts: Callable[[Path], bytes], check: Callable[[Path], None] | None
) -> bool:
    """Make the log under another name and rename it."""
    target = Path(os.path.realpath(path))
    make_folder(target.parent)
    staging = target.with_name(f"{layout.new_name(f'.{target.name[:100]}.')}{PARTIAL}")
    try:
        # claimed before the folder is there and until it is not, so that a dead one can be told
        with _refused_as(path, staging), Claim(_staging_claim(staging), "the new log"):
            write_durably(staging / METADATA, write_parts(staging))
            if check is not None:
                check(staging)
            moved = _move_into_place(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        _staging_claim(staging).unlink(missing_ok=True)
    sync_folder(target.parent)
    return moved


@contextmanager
def _refused_as(path: Path, staging: Path) -> Iterator[None]:
    """What the system refuses of a log in the making it refuses of the path somebody gave."""
    try:
        yield
    except OSError as error:
        if not str(error.filename).startswith((str(staging), str(_staging_claim(staging)))):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _assemble_in_place(
    path: Path,
    write_parts: Callable[[Path], bytes],
    check: Callable[[Path], None] | None,
    take_over: bool,
) -> bool:
    """Make the log where it stays, its header last: without one there is no log."""
    with Claim(_creation_claim(path), f"the new log {path}", take_over=take_over) as claim:
        with suppress(LogNotFound):
            layout.read_header(path)
            return False
        # of a process that died creating the log; everything else is written over
        remove_tree(path / layout.EXAMPLES)
        header = write_parts(path)
        claim.require_held()
        write_durably(path / METADATA, header)
        if check is not None:
            try:
                check(path)
            except BaseException:
                remove(path / METADATA)
                for part in (*PARTS, layout.MANIFEST):
                    remove_tree(path / part)
                raise
    return True


def _move_into_place(staging: Path, path: Path) -> bool:
    """Give the log its name, unless a log has got it in the meantime."""
    try:
        os.replace(staging, path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        refuse_foreign(path)
        return False
    return True


def dead_stagings(log: Path) -> list[Path]:
    """What processes that died while creating this log left behind; to be removed in this order."""
    if not is_local(log):
        # the log is there, so nobody is creating it
        claim = claim_object(_creation_claim(log))
        return [claim] if is_there(claim) else []
    path = Path(os.path.realpath(log))
    beside = {p.name for p in list_folder(path.parent)}
    pattern = re.compile(rf"(\.{re.escape(path.name[:100])}\.[0-9a-f]{{32}})(?:{PARTIAL}|\.claim)")
    found = sorted({m.group(1) for m in map(pattern.fullmatch, beside) if m})
    staging = [path.with_name(f"{name}{PARTIAL}") for name in found]
    dead = [p for p in staging if not is_claimed(_staging_claim(p))]
    return [p for folder in dead for p in (folder, _staging_claim(folder)) if p.name in beside]


def _staging_claim(staging: Path) -> Path:
    return staging.with_suffix(".claim")


def _creation_claim(log: Path) -> Path:
    return log / "claim"


def is_vacant(path: Path) -> bool:
    """Whether a log can be created here: there is nothing, or an empty folder.

    Where there are no locks, also what is left of a log that is being created.
    """
    if is_local(path):
        return not path.exists() or (path.is_dir() and not any(path.iterdir()))
    # not by `exists`, which takes a store that does not answer for one that has nothing
    found = {p.name for p in list_folder(path)}
    if not found:
        return not path.is_file()
    begun = claim_object(_creation_claim(path)).name in found and found <= UNFINISHED
    return begun and {p.name for p in list_folder(path / layout.REPLICATES)} <= {METADATA}


def refuse_foreign(path: Path) -> None:
    """Refuse a path at which something other than a log, or nothing, is.

    Raises
    ------
    LearnOrderError
        There is a file, or a folder with something else in it; or nothing can be created there, or
        it is a place inside a log.
    """
    if _has_header(path):
        return
    refuse_inside_log(path)
    if is_vacant(path):
        if is_local(path):
            require_writable(path)
    elif not _has_header(path):  # which may have appeared since it was first looked for
        raise LearnOrderError(
            f"log: {path} exists and is no log of learnorder. Nothing is overwritten. "
            "Choose another path, or move it away."
        )


def refuse_inside_log(path: Path) -> None:
    """Refuse a place in the folder of a log, where every file is one of that log.

    Raises
    ------
    LearnOrderError
        A folder above the path is a log.
    """
    whole = Path(os.path.realpath(path)) if is_local(path) else path
    for folder in whole.parents:
        # above what the keys to another file system open, nothing can be looked at
        with suppress(OSError):
            if is_there(folder / METADATA) and _has_header(folder):
                raise LearnOrderError(
                    f"log: {path} lies inside the log {folder}. A log holds nothing but its own "
                    "files. Choose a path outside it."
                )


def _has_header(path: Path) -> bool:
    try:
        layout.read_header(path)
    except LogNotFound:
        return False
    return True


def require_writable(path: Path) -> None:
    """Refuse a place where nothing can be created, before any time is spent.

    Raises
    ------
    LearnOrderError
        The folder it is to be in may not be written to, or is none.
    """
    place = next(p for p in (path, *path.absolute().parents) if p.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        what = "may not be written to" if place.is_dir() else "is no folder"
        raise LearnOrderError(
            f"log: {path} cannot be created, because {place} {what}. A log is a new folder. "
            "Choose another path."
        )


def refuse_other_identity(path: Path, header: Header, identity: str) -> None:
    """Refuse a log made from another spec or other data.

    Raises
    ------
    SpecDiffers
        Its identity is another one.
    """
    if header.identity != identity:
        raise SpecDiffers(
            f"log: {path} has become a log of another spec or other data (identity "
            f"{header.identity}, not {identity}). One log holds one spec. Use another log."
        )


def write_new_parts(folder: Path, new: NewLog) -> bytes:
    """Write everything but the header, which is returned; the manifest lists it already."""
    for name in (layout.EXAMPLES, layout.REPLICATES):
        create_group(folder / name)
    for name in (layout.RESUME, layout.SEEDS):
        make_folder(folder / name)
    splits = {
        name: write_examples(folder, name, examples, previews, new.baselines.get(name, {}))
        for name, (examples, previews) in new.splits.items()
    }
    header = Header(
        new.spec,
        new.identity,
        new.dataset,
        splits,
        new.provenance,
        execution=new.execution,
        quantities=new.quantities,
    )
    names = [p.relative_to(folder).as_posix() for p in all_files(folder)]
    return seal_header(folder, header, [name for name in names if name.startswith(STATIC)], {})


def seal_header(
    folder: Path, header: Header, names: Sequence[str], known: Mapping[str, int]
) -> bytes:
    """Write the manifest of a new log, which lists its header; return the file of the header.

    Parameters
    ----------
    folder
        Of the new log.
    header
        What it will say.
    names
        Files that never change, besides the header.
    known
        Checksums of those of which one is known.
    """
    content = {**header.to_json(), "check": layout.header_check(header)}
    root = group_metadata({layout.HEADER: content})
    checks = {**known, METADATA: zlib.crc32(root)}
    write_manifest(folder, folder / layout.MANIFEST, {METADATA, *names}, checks)
    return root


def plan_replicates(log: Path, seeds: Sequence[int]) -> None:
    """Enter seeds into the log, so that every number can say "n of N" from the start.

    Each is entered twice, as a record and as a folder, so that the loss of one is noticed. A record
    that was lost is written again, from what the folder holds.

    Raises
    ------
    LogDamaged
        A record is damaged, or lost where the folder is damaged.
    """
    for seed in seeds:
        if is_there(layout.seed_file(log, seed)):
            read_seed(log, seed)
        else:
            enter_seed(log, seed, _state_of(log, seed))
        folder = layout.replicate_folder(log, seed)
        if not is_there(folder / METADATA):
            create_group(folder)


def _state_of(log: Path, seed: int) -> SeedState:
    """How far a seed has come, by what its folder holds."""
    attempt = committed_attempt(log, seed)
    if attempt is None:
        return "planned"
    return "finished" if attempt.is_finished else "begun"
