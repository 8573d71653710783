"""Which format a source has, by what is in it; a name that says another is refused."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from learnorder.errors import DataNotFound, LearnOrderError
from learnorder.exchange.aum import is_aum
from learnorder.exchange.cartography import runs_of
from learnorder.exchange.csv_rows import GZIP, read_header, refuse_unreadable
from learnorder.exchange.formats import find_format
from learnorder.log.layout import METADATA

MAGIC = {b"PK\x03\x04": "npz", b"PK\x05\x06": "npz", b"\x93NUMPY": "npy", b"PAR1": "parquet"}
SUFFIXES = {
    ".npz": {"npz"},
    ".npy": {"npy"},
    ".parquet": {"parquet"},
    ".csv": {"csv", "aum"},
    ".jsonl": {"cartography", "py-irt"},
}
"""What the ending of a name promises."""

START = 1 << 16
"""Bytes that are looked at."""


def recognise(paths: Sequence[Path], named: str | None) -> str:
    """Name of the format of a source.

    Parameters
    ----------
    paths
        Files or folders.
    named
        What the user calls it, which is taken as it is.

    Raises
    ------
    DataNotFound
        Nothing is at a path.
    LearnOrderError
        The format is unknown, another than a name promises, or differs between sources.
    """
    for path in paths:
        if not path.exists():
            raise DataNotFound(f"import: there is nothing at {path}. Check the path.")
        if not path.is_file() and not path.is_dir():
            raise LearnOrderError(
                f"import: {path} is a device. A source is a file or folder. Check the path."
            )
    if named is not None:
        return find_format(named, "import").name
    found = {_of_folder(path) if path.is_dir() else _of_file(path): path for path in paths}
    if len(found) > 1:
        (one, first), (other, second) = list(found.items())[:2]
        raise LearnOrderError(
            f"import: {first} is {one} and {second} is {other}. Sources of one log have one "
            "format. Import them into logs of their own."
        )
    return next(iter(found))


def _of_folder(folder: Path) -> str:
    if (folder / METADATA).exists():
        raise LearnOrderError(
            f"import: {folder} is a log, or other Zarr. A log need not be imported: use it as it "
            "is, or join logs with `learnorder merge`."
        )
    if runs_of([folder]):
        return "cartography"
    if any(folder.glob("*.npy")):
        return "npy"
    raise LearnOrderError(
        f"import: {folder} has neither dynamics_epoch_<N>.jsonl nor .npy files. Folders are those "
        "of cartography or of arrays. Name a file, or give --format."
    )


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(START)
    if not start:
        raise LearnOrderError(f"import: {path} is empty. Check the file.")
    found = next((name for magic, name in MAGIC.items() if start.startswith(magic)), None)
    found = found or _of_text(path, start)
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    promised = SUFFIXES.get(suffix)
    if promised is not None and found not in promised:
        if found is None and "csv" in promised:
            refuse_unreadable(path, START)
        raise LearnOrderError(
            f"import: {path} is named {suffix} and holds "
            f"{found or 'none of the formats that are known'}. A name says what is in a file. "
            f"Rename it{', or give --format ' + found if found else ''}."
        )
    if found is None:
        raise LearnOrderError(
            f"import: the format of {path} is not recognised. It may have been cut off. "
            "`learnorder import --help` lists formats; give one with --format."
        )
    return found


def _of_text(path: Path, start: bytes) -> str | None:
    """Format of a text, or None where it is none."""
    if start.startswith(GZIP):
        try:
            with gzip.open(path, "rb") as file:
                start = file.read(START)
        except (OSError, EOFError, zlib.error):
            return None
    try:
        # a character may go on beyond what is looked at
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if text.lstrip().startswith("{"):
        keys = _keys(text, path)
        if "subject_id" in keys or "responses" in keys:
            return "py-irt"
        if "samples" in keys:
            return "fiftyone"
        return "cartography" if "guid" in keys else None
    with suppress(LearnOrderError):
        header = read_header(path)
        if is_aum(header):
            return "aum"
        return "csv" if len(header) > 1 else None
    return None


def _keys(text: str, path: Path) -> set[str]:
    """Keys at the beginning of the first object of a text, which may go on beyond it."""
    line = text.lstrip().split("\n", 1)[0]
    with suppress(ValueError, RecursionError):
        found = json.loads(line)
        return set(found) if isinstance(found, dict) else set()
    return {key for key in ("subject_id", "responses", "guid", "samples") if f'"{key}"' in line}
