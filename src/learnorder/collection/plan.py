"""Which replicates have to be trained, given what the log holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnorder.collection.prepare import Prepared
from learnorder.errors import SpecDiffers
from learnorder.log import layout
from learnorder.log.attempt import committed_attempt
from learnorder.log.creation import is_vacant
from learnorder.log.layout import Header
from learnorder.training.spec import ADDED_KEYS, identifying_choices


@dataclass(frozen=True)
class Plan:
    """Seeds asked for, those still to train, and how many points of the grid these lack."""

    wanted: list[int]
    pending: list[int]
    missing_points: Mapping[int, int]
    n_points: int

    def groups(self, width: int) -> list[list[int]]:
        """Return the pending seeds in as few groups as ``width`` allows, equal in size.

        Those that lack as much as each other come together, so that they go on side by side.
        """
        alike = sorted(self.pending, key=lambda seed: self.missing_points[seed], reverse=True)
        n_groups = -(-len(alike) // width)
        size, larger = divmod(len(alike), max(n_groups, 1))
        groups, start = [], 0
        for i in range(n_groups):
            stop = start + size + (i < larger)
            groups.append(alike[start:stop])
            start = stop
        return groups


def make_plan(path: Path, prepared: Prepared, wanted: Sequence[int]) -> Plan:
    """Compare what is asked for with what the log holds.

    Raises
    ------
    SpecDiffers
        The log at ``path`` is of another spec or other data; the message says what differs.
    """
    n_points = len(prepared.grid)
    if is_vacant(path):
        return Plan(list(wanted), list(wanted), dict.fromkeys(wanted, n_points), n_points)
    header = layout.read_header(path)
    if header.identity != prepared.identity:
        raise SpecDiffers(_difference(path, header, prepared))
    missing = {seed: _missing_points(path, header, seed, n_points) for seed in wanted}
    return Plan(list(wanted), [s for s in wanted if missing[s] > 0], missing, n_points)


def _missing_points(path: Path, header: Header, seed: int, n_points: int) -> int:
    attempt = committed_attempt(path, seed)
    if attempt is None:
        return n_points
    if attempt.has_diverged:
        return 0  # training is deterministic
    committed = min(attempt.count_committed(lane) for lane in header.lanes)
    if committed >= n_points and attempt.is_finished:
        return 0
    return max(1, n_points - committed)


def _difference(path: Path, header: Header, prepared: Prepared) -> str:
    theirs = _choices(header.spec)
    if theirs is None:
        return (
            f"train: {path} keeps no whole spec, so `learnorder train` did not write it. One log "
            "holds one spec on one dataset. Use another --out."
        )
    ours = dict(identifying_choices(prepared.spec.resolved()))
    changed = [
        f"{key} is {_shown(theirs, key)} in the log and {_shown(ours, key)} now"
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]
    if not changed:
        theirs_is, ours_is = header.dataset.get("fingerprint"), prepared.dataset.fingerprint()
        changed = [
            "the data differ: other inputs for the same ids and labels"
            if theirs_is == ours_is
            else f"the data differ: dataset fingerprint {theirs_is} in the log, {ours_is} now"
        ]
    return (
        f"train: {path} is a log of another spec: {'; '.join(changed)}. "
        "One log holds one spec on one dataset. Use another --out, or the log's own spec."
    )


def _shown(choices: Mapping[str, Any], key: str) -> str:
    value = choices.get(key, ADDED_KEYS.get(key))
    return "not given" if value is None else repr(value)


def _choices(spec: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what identifies the spec of a log, or None of one that `train` did not write."""
    try:
        return dict(identifying_choices(spec))
    except (AttributeError, KeyError, TypeError):
        return None
