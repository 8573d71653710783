"""What replicates were trained with, and when; and what they are judged with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from learnorder.log.attempt import Attempt
from learnorder.log.provenance import REVISION, now, own_revision, versions_of
from learnorder.log.reader import Log

GIT_REVISION = "git_revision"
"""Key of the revision of learnorder's own checkout in results."""


def trained_with(logs: Iterable[tuple[Log, Collection[int]]]) -> dict[str, str]:
    """Versions that replicates of logs, by seed, were trained with; several of one are all named.

    ``trained_from`` and ``trained_to`` are when the first and the last of them were begun.
    """
    found: dict[str, set[str]] = {}
    begun: list[str] = []
    for attempt in _finished(logs):
        for name, value in attempt.versions.items():
            found.setdefault(GIT_REVISION if name == REVISION else name, set()).add(str(value))
        begun.append(attempt.created)
    versions = {name: " and ".join(sorted(values)) for name, values in found.items()}
    dates = {"trained_from": min(begun), "trained_to": max(begun)} if begun else {}
    return {**versions, **dates}


def _finished(logs: Iterable[tuple[Log, Collection[int]]]) -> Iterator[Attempt]:
    for log, seeds in logs:
        for replicate in log.replicates:
            finished = replicate.status == "finished" and replicate.seed in seeds
            if finished and replicate.attempt is not None:
                yield replicate.attempt


def judged_with() -> dict[str, Any]:
    """Versions of what measures and judges here and now."""
    versions = versions_of("numpy", "scipy", "xarray")
    return {**versions, GIT_REVISION: own_revision(), "created": now()}
