"""Where an unfinished replicate goes on: its state, as plain arrays, until it is finished."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.log.files import make_folder, read_bytes, write_durably
from learnorder.log.layout import resume_file

MARK = b"learnorder resume state 1\n"


def save_state(
    log: Path, seed: int, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]
) -> None:
    """Keep the state of a replicate, in place of an older one."""
    content = io.BytesIO()
    header = np.frombuffer(json.dumps(dict(about)).encode(), dtype=np.uint8)
    named: dict[str, Any] = {f"array:{k}": v for k, v in arrays.items()}
    np.savez(content, about=header, **named)
    body = content.getvalue()
    path = resume_file(log, seed)
    make_folder(path.parent)
    write_durably(path, MARK + zlib.crc32(body).to_bytes(4, "little") + body)


def load_state(log: Path, seed: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
    """Return the state and what was said about it; None where there is none that is whole.

    A missing or damaged state costs time, not data: the replicate starts again and every epoch
    it commits is held against the log.
    """
    try:
        content = read_bytes(resume_file(log, seed))
    except OSError:
        return None
    start = len(MARK) + 4
    body = content[start:]
    if content[: len(MARK)] != MARK or content[len(MARK) : start] != zlib.crc32(body).to_bytes(
        4, "little"
    ):
        return None
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            prefix = "array:"
            arrays = {k[len(prefix) :]: stored[k] for k in stored.files if k.startswith(prefix)}
    except (ValueError, KeyError, zipfile.BadZipFile):
        return None
    return arrays, about


def drop_state(log: Path, seed: int) -> None:
    """Forget the state of a finished replicate."""
    resume_file(log, seed).unlink(missing_ok=True)
