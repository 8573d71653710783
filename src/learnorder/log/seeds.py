"""What became of each seed, kept beside its folder, so that the loss of the folder is noticed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal, cast

from learnorder.errors import LogDamaged
from learnorder.log import layout
from learnorder.log.files import is_there, make_folder, read_record, write_new_record, write_record

SeedState = Literal["planned", "begun", "finished"]
"""``planned``: its folder may not be there yet. ``begun``: it is, with an attempt. ``finished``:
the outcome was written."""

STATES: tuple[SeedState, ...] = ("planned", "begun", "finished")


def record_seed(log: Path, seed: int, state: SeedState) -> None:
    """Say how far a seed has come; what was said before is never taken back.

    For whoever holds the claim.

    Raises
    ------
    LogDamaged
        What was said before cannot be read.
    """
    path = layout.seed_file(log, seed)
    if is_there(path) and STATES.index(read_seed(log, seed)) >= STATES.index(state):
        return
    make_folder(path.parent)
    write_record(path, {"seed": seed, "state": state})


def enter_seed(log: Path, seed: int, state: SeedState) -> None:
    """Say how far a seed has come that has no record; nothing is replaced, so that anybody may."""
    path = layout.seed_file(log, seed)
    make_folder(path.parent)
    with suppress(FileExistsError):
        write_new_record(path, {"seed": seed, "state": state})


def read_seed(log: Path, seed: int) -> SeedState:
    """How far a seed has come.

    Raises
    ------
    LogDamaged
        The record is missing, damaged or of another seed.
    """
    path = layout.seed_file(log, seed)
    record = read_record(path)
    if record.get("seed") != seed or record.get("state") not in STATES:
        raise LogDamaged(
            f"log: {path} is the record of seed {record.get('seed')}, {record.get('state')}. "
            "Records stay where they were written. Restore the file from a copy."
        )
    return cast(SeedState, record["state"])
