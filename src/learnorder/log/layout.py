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
        segment-<first>-<id>/<lane>/         values (epoch, example), fixed shape
        commits/<lane>/<index>.json          written last: this epoch counts
        compact-<id>/                        what compact makes of segments and commits
        outcome.json                         finished, or failed with the reason; which compaction
        manifest-<id>.json                   checksums of the files of a finished attempt
      resume/r0007.npz                       where an unfinished replicate goes on

A lane is a quantity of a split: ``test`` its predictions, ``test~probability`` the probabilities of
its labels (since format 3), and so on for what else may be recorded, `schema.OF_LABEL`.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from learnorder.errors import LearnOrderError, LogDamaged, LogNotFound
from learnorder.log.files import is_local, is_there, list_folder, read_bytes, reason
from learnorder.log.lanes import Lane, lanes_of, unknown_quantities
from learnorder.schema import FORMAT_VERSION, LABEL, PREDICTION

SPLIT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
REPLICATE_NAME = re.compile(r"r(\d{4,19})")
HEADER = "learnorder"
"""Key of the header among the attributes of the root group."""

METADATA = "zarr.json"
"""Metadata of every Zarr group and array."""

MANIFEST = "manifest.json"
"""Checksums of the files that are written when a log is created, or with a compaction."""

EXAMPLES, REPLICATES, SEEDS, RESUME = "examples", "replicates", "seeds", "resume"
"""Folders of a log."""

COMMITS = "commits"
"""Folder of the commit records of an attempt."""

ATTEMPT, SEGMENT, COMPACTION, FILES = "attempt-", "segment-", "compact-", "manifest-"
"""How names begin that end with a random id: of attempts, and of what lies in one; ``FILES`` are
manifests of finished attempts."""

RECORDER, AS_SEEN, ABOUT = "recorder", "as_seen", "about"
"""Keys of the spec of a log that a `Recorder` wrote: how it recorded, with the splits whose
predictions were collected while training; and what the user said of the training."""

ADDED_IN_3 = ("execution", "quantities")
"""Fields of the header that older formats do not have."""


@dataclass(frozen=True)
class SplitHeader:
    """What the header says of one split: how many examples, their digest, what lies beside them."""

    n_examples: int
    fingerprint: str
    arrays: Mapping[str, int]
    """Checksum of the raw bytes of each array under ``examples/<split>``."""

    @property
    def has_labels(self) -> bool:
        """Whether the examples have given labels."""
        return LABEL in self.arrays


@dataclass(frozen=True)
class Header:
    """The attributes of a log, written once when it is created.

    Attributes
    ----------
    spec
        The resolved spec of ``train``; of a recorder, ``recorder`` and ``about``.
    identity
        Digest of what fixes the predictions; replicates of another identity are refused.
    dataset
        ``name``, ``kind``, ``fingerprint``, ``class_names``.
    splits
        By name.
    provenance
        Versions, platform, time of creation, git revision; ``merged``, that of each log merged.
    format_version
        Layout of the log on disk.
    execution
        How every replicate is trained, settled before the first: ``executor``, ``width``,
        ``precision``, ``device``; empty where nothing says.
    quantities
        What is recorded of the examples: ``prediction``, and what was asked for beside it.
    """

    spec: Mapping[str, Any]
    identity: str
    dataset: Mapping[str, Any]
    splits: Mapping[str, SplitHeader]
    provenance: Mapping[str, Any]
    format_version: int = FORMAT_VERSION
    execution: Mapping[str, Any] = field(default_factory=dict)
    quantities: tuple[str, ...] = (PREDICTION,)

    @property
    def class_names(self) -> list[str]:
        """One name per class id."""
        return list(self.dataset["class_names"])

    @property
    def n_classes(self) -> int:
        """Number of classes that can be predicted."""
        return len(self.class_names)

    @property
    def is_recorded(self) -> bool:
        """Whether a recorder in a training loop wrote it, and not ``train``."""
        return RECORDER in self.spec

    @property
    def network(self) -> str | None:
        """Architecture of the networks that ``train`` trained; None for all else."""
        return str(self.spec["architecture"]["name"]) if self.spec.get("optimizer") else None

    @property
    def as_seen(self) -> list[str]:
        """Splits whose predictions were collected while training, not after each epoch."""
        return list(self.spec.get(RECORDER, {}).get(AS_SEEN, ()))

    @cached_property
    def lanes(self) -> Mapping[str, Lane]:
        """Everything that is recorded at an epoch, by name on disk."""
        found = [lane for split in self.splits for lane in self.lanes_of(split)]
        return {lane.name: lane for lane in found}

    def lanes_of(self, split: str) -> list[Lane]:
        """Lanes of one split, its predictions first."""
        about = self.splits[split]
        return lanes_of(split, about.n_examples, about.has_labels, self.n_classes, self.quantities)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types, as the format of the log has them."""
        splits = {name: dict(vars(s), arrays=dict(s.arrays)) for name, s in self.splits.items()}
        left_out = ADDED_IN_3 if self.format_version < 3 else ()
        content = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        if "quantities" in content:
            content["quantities"] = list(self.quantities)
        return {**content, "splits": splits}


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
        root = json.loads(read_bytes(log / METADATA))
        content = root["attributes"][HEADER]
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        # elsewhere a log that is being created looks the same
        if is_local(log) and is_there(log / MANIFEST) and is_there(log / EXAMPLES):
            if is_there(log / METADATA):  # the log has appeared since it was looked for
                return read_header(log)
            raise LogDamaged(
                f"log: {log / METADATA} is missing, though {log} is a log. Without its header "
                "nothing in it can be read. Restore the file from a copy."
            ) from error
        what = "is no log of learnorder" if log.exists() else "does not exist"
        raise LogNotFound(
            f"log: {log} {what}. A log is a folder made by `learnorder train` or a recorder. "
            "Check the path."
        ) from error
    except OSError as error:
        raise LearnOrderError(
            f"log: {log} cannot be read ({reason(error)}). Whether there is a log cannot be known. "
            "Check the path, its permissions and the connection."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise LogNotFound(
            f"log: {log} is no log of learnorder (its {METADATA} has no header). "
            "A log is a folder made by `learnorder train` or a recorder. Check the path."
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
            # which formats before 3 do not have
            content.get("execution", {}),
            tuple(content.get("quantities", (PREDICTION,))),
        )
        intact = content["check"] == header_check(header)
    except (KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise LogDamaged(
            f"log: the header in {log / METADATA} differs from its own checksum. "
            "A header never changes once written. Restore the file from a copy."
        )
    if unknown := unknown_quantities(header.quantities):
        raise LearnOrderError(
            f"log: {log} records {unknown[0]!r}, which this version does not know; it was written "
            f"by learnorder {_written_by(content)}. Install that version or a newer one."
        )
    return header


def _written_by(content: Mapping[str, Any]) -> str:
    provenance = content.get("provenance")
    found = provenance.get("learnorder") if isinstance(provenance, dict) else None
    return str(found or "of an unknown version")


def header_check(header: Header) -> str:
    """Digest of the header that is stored beside it."""
    content = json.dumps(header.to_json(), sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def check_split_name(name: str) -> None:
    """Refuse names that could not be a folder everywhere, or could lead out of the log."""
    if not SPLIT_NAME.fullmatch(name) or name == METADATA:
        raise LearnOrderError(
            f"log: {name!r} cannot name a split. Names have 1 to 64 letters, digits, '.', '_' or "
            "'-', and do not begin with a dot or dash. Rename the split."
        )


def examples_folder(log: Path, split: str) -> Path:
    """Folder of the ids, labels and previews of a split."""
    return log / EXAMPLES / split


def replicate_folder(log: Path, seed: int) -> Path:
    """Folder of everything about one seed."""
    return log / REPLICATES / f"r{seed:04d}"


def claim_file(log: Path, seed: int) -> Path:
    """Lock file of the live writer of a seed."""
    return replicate_folder(log, seed) / "claim"


def resume_file(log: Path, seed: int) -> Path:
    """Where the state of an unfinished replicate is kept."""
    return log / RESUME / f"r{seed:04d}.npz"


def seed_file(log: Path, seed: int) -> Path:
    """Record that a seed is planned, kept apart from its folder."""
    return log / SEEDS / f"r{seed:04d}.json"


def planned_seeds(log: Path) -> list[int]:
    """Seeds that have a folder or a record in the log, ascending, whatever became of them."""
    names = [p.name for p in list_folder(log / REPLICATES)]
    names += [p.stem for p in list_folder(log / SEEDS) if p.suffix == ".json"]
    matches = (REPLICATE_NAME.fullmatch(name) for name in names)
    return sorted({int(match.group(1)) for match in matches if match})


def new_name(prefix: str) -> str:
    """Name of something new, with a random id that nothing else has."""
    return f"{prefix}{uuid.uuid4().hex}"
