"""Where everything lies in a log, and what its header says.

::

    LOG/
      zarr.json                              root group; its attributes hold the header
      manifest.json                          checksums of the files written at creation
      examples/<split>/                      ids, labels, previews
      seeds/r0007.json                       this seed is planned, or was finished (since format 2)
      replicates/r0007/claim                 lock file of the live writer, if any; claim.json where
                                             there are no locks
      replicates/r0007/attempt-<id>/         one attempt at training this seed
        segment-<first>-<id>/<split>/        predictions (epoch, example), fixed shape
        commits/<split>/<index>.json         written last: this epoch counts
        compact-<id>/                        what compact makes of segments and commits
        outcome.json                         finished, or failed with the reason; which compaction
        manifest-<id>.json                   checksums of the files of a finished attempt
      resume/r0007.npz                       where an unfinished replicate goes on
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.errors import LearnOrderError, LogDamaged, LogNotFound
from learnorder.log.files import is_local, is_there, list_folder, read_bytes, reason
from learnorder.schema import FORMAT_VERSION

SPLIT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
REPLICATE_NAME = re.compile(r"r(\d{4,19})")
HEADER = "learnorder"
"""Key of the header among the attributes of the root group."""

MANIFEST = "manifest.json"
"""Checksums of the files that are written when a log is created."""


@dataclass(frozen=True)
class SplitHeader:
    """What the header says of one split: how many examples, their digest, what lies beside them."""

    n_examples: int
    fingerprint: str
    arrays: Mapping[str, int]
    """Checksum of the raw bytes of each array under ``examples/<split>``."""


@dataclass(frozen=True)
class Header:
    """The attributes of a log, written once when it is created.

    Attributes
    ----------
    spec
        The resolved spec; empty for logs that did not come from ``train``.
    identity
        Digest of what fixes the predictions; replicates of another identity are refused.
    dataset
        ``name``, ``kind``, ``fingerprint``, ``class_names``.
    splits
        By name.
    provenance
        Versions, platform, time of creation, git revision.
    format_version
        Layout of the log on disk.
    """

    spec: Mapping[str, Any]
    identity: str
    dataset: Mapping[str, Any]
    splits: Mapping[str, SplitHeader]
    provenance: Mapping[str, Any]
    format_version: int = FORMAT_VERSION

    @property
    def class_names(self) -> list[str]:
        """One name per class id."""
        return list(self.dataset["class_names"])

    @property
    def n_classes(self) -> int:
        """Number of classes that can be predicted."""
        return len(self.class_names)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        splits = {name: dict(vars(s), arrays=dict(s.arrays)) for name, s in self.splits.items()}
        return dict(vars(self), splits=splits)


def read_header(log: Path) -> Header:
    """Read the header of a log.

    Raises
    ------
    LogNotFound
        There is nothing at the path, or no log.
    LogDamaged
        The header differs from its checksum.
    LearnOrderError
        The log was written by a newer version, or the system does not let it be read.
    """
    try:
        root = json.loads(read_bytes(log / "zarr.json"))
        content = root["attributes"][HEADER]
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        # elsewhere a log that is being created looks the same
        if is_local(log) and is_there(log / MANIFEST) and is_there(log / "examples"):
            raise LogDamaged(
                f"log: {log / 'zarr.json'} is missing, though {log} is a log. Without its header "
                "nothing in it can be read. Restore the file from a copy."
            ) from error
        what = "is no log of learnorder" if log.exists() else "does not exist"
        raise LogNotFound(
            f"log: {log} {what}. A log is a folder made by `learnorder train`. Check the path."
        ) from error
    except OSError as error:
        raise LearnOrderError(
            f"log: {log} cannot be read ({reason(error)}). Whether there is a log cannot be known. "
            "Check the path, its permissions and the connection."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise LogNotFound(
            f"log: {log} is no log of learnorder (its zarr.json has no header). "
            "A log is a folder made by `learnorder train`. Check the path."
        ) from error
    return _parse(log, content)


def _parse(log: Path, content: Mapping[str, Any]) -> Header:
    version = content.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise LearnOrderError(
            f"log: {log} has format {version}, written by learnorder {_written_by(content)}; this "
            f"version reads formats 1 to {FORMAT_VERSION}. Install that version or a newer one."
        )
    try:
        splits = {name: SplitHeader(**fields) for name, fields in content["splits"].items()}
        header = Header(
            content["spec"],
            content["identity"],
            content["dataset"],
            splits,
            content["provenance"],
            version,
        )
        intact = content["check"] == header_check(header)
    except (KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise LogDamaged(
            f"log: the header in {log / 'zarr.json'} differs from its own checksum. "
            "A header never changes once written. Restore the file from a copy."
        )
    return header


def _written_by(content: Mapping[str, Any]) -> str:
    provenance = content.get("provenance")
    found = provenance.get("learnorder") if isinstance(provenance, dict) else None
    return str(found or "of an unknown version")


def header_check(header: Header) -> str:
    """Digest of the header that is stored beside it."""
    import hashlib

    content = json.dumps(header.to_json(), sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def check_split_name(name: str) -> None:
    """Refuse names that could not be a folder everywhere, or could lead out of the log."""
    if not SPLIT_NAME.fullmatch(name):
        raise LearnOrderError(
            f"log: {name!r} cannot name a split. Names have 1 to 64 letters, digits, '.', '_' or "
            "'-', and do not begin with a dot or dash. Rename the split."
        )


def examples_folder(log: Path, split: str) -> Path:
    """Folder of the ids, labels and previews of a split."""
    return log / "examples" / split


def replicate_folder(log: Path, seed: int) -> Path:
    """Folder of everything about one seed."""
    return log / "replicates" / f"r{seed:04d}"


def claim_file(log: Path, seed: int) -> Path:
    """Lock file of the live writer of a seed."""
    return replicate_folder(log, seed) / "claim"


def resume_file(log: Path, seed: int) -> Path:
    """Where the state of an unfinished replicate is kept."""
    return log / "resume" / f"r{seed:04d}.npz"


def seed_file(log: Path, seed: int) -> Path:
    """Record that a seed is planned, kept apart from its folder."""
    return log / "seeds" / f"r{seed:04d}.json"


def planned_seeds(log: Path) -> list[int]:
    """Seeds that have a folder or a record in the log, ascending, whatever became of them."""
    names = [p.name for p in list_folder(log / "replicates")]
    names += [p.stem for p in list_folder(log / "seeds") if p.suffix == ".json"]
    matches = (REPLICATE_NAME.fullmatch(name) for name in names)
    return sorted({int(match.group(1)) for match in matches if match})
