"""Where the numbers come from: specs, seeds, versions; nothing of the machine they were made on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from learnorder.report.measured import LogLike
from learnorder.report.visible import without_folders

PLACES: Final = frozenset({"path", "paths", "root", "folder", "host", "hostname", "cwd", "user"})
"""Keys of a spec or of provenance that say where something lay or who ran it: never shown."""


@dataclass(frozen=True)
class Provenance:
    """Of one collection.

    Attributes
    ----------
    collection
        Its name.
    facts
        Versions, platform, date, revision, fingerprint, seeds, as text.
    spec
        The resolved spec, as text.
    """

    collection: str
    facts: Mapping[str, str]
    spec: str


def provenance_of(collection: str, log: LogLike) -> Provenance:
    """Everything that says how the log was made, without places of a machine."""
    facts = _without_places(log.provenance)
    texts = {key.replace("_", " "): _as_text(value) for key, value in facts.items()}
    spec = json.dumps(_without_places(log.spec), indent=2, ensure_ascii=False, default=str)
    return Provenance(collection, texts, spec)


def _without_places(value: Any) -> Any:
    """The same without what names a place, at any depth."""
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, Mapping):
        kept = {k: v for k, v in value.items() if str(k).lower() not in PLACES}
        return {k: _without_places(v) for k, v in kept.items()}
    if isinstance(value, list | tuple):
        return [_without_places(item) for item in value]
    return value


def _as_text(value: Any) -> str:
    """A value for reading: texts as they are, collections on one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_as_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_as_text(item) for item in value)
    return "not recorded" if value is None else str(value)
