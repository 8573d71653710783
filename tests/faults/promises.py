"""What must hold of a log whatever happened to the processes that write it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from learnorder.log.claim import is_claimed
from learnorder.log.description import describe
from learnorder.log.lanes import Lane
from learnorder.log.reader import Log, open_log
from learnorder.log.verify import verify_log
from learnorder.schema import not_recorded

Truth = Callable[[int, int], Mapping[str, Any]]
"""What belongs to a seed and a position of the grid, by lane."""

FINISHED = -1
"""Acknowledged in place of a position: the replicate was declared finished."""

Acknowledged = Iterable[tuple[int, int]]
"""Seed and position of the grid of every write that has returned."""


@dataclass
class Findings:
    """Broken promises, each in a line."""

    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.wrong or self.extra)


def examine(
    path: Path,
    truth: Truth,
    epochs: list[float],
    acknowledged: Acknowledged,
    *,
    at_rest: bool = True,
    ahead: int | None = 1,
) -> Findings:
    """Hold a log against what was acknowledged and against the truth.

    Parameters
    ----------
    at_rest
        Nobody writes at the moment, so that `verify` finds it intact and no claim is held.
    ahead
        How many epochs of a replicate may be there beyond what was acknowledged: those that were
        being written. None: any number, because the one who acknowledges looks only now and then.
    """
    found, acknowledged = Findings(), set(acknowledged)
    if not path.exists():
        found.lost += [f"{path} is not there"] if acknowledged else []
        return found
    try:
        log = open_log(path, unfinished=True)
        states = {r["seed"]: r for r in describe(log)["replicates"]}
        lanes = log.header.lanes.values()
        stored = {lane.name: _stored(log, lane, states, truth, epochs, found) for lane in lanes}
        if at_rest:
            _check_whole(path, acknowledged, found)
    except Exception as error:  # whatever it is, the promise is that it opens
        found.wrong.append(f"{path} cannot be read: {type(error).__name__}: {error}")
        return found
    for lane, positions in stored.items():
        _compare(lane, positions, acknowledged, ahead, found)
    for seed, position in acknowledged:
        if position == FINISHED and states.get(seed, {}).get("status") != "finished":
            found.lost.append(f"seed {seed} is no longer finished")
    return found


def _stored(
    log: Log,
    lane: Lane,
    states: Mapping[int, Any],
    truth: Truth,
    epochs: list[float],
    found: Findings,
) -> dict[int, list[int]]:
    """Positions of the grid that a reader sees, by seed; what they hold is compared."""
    if not any(state["epochs"][lane.split] for state in states.values()):
        return {}
    data, stored = log[lane.split], {}
    values, empty = data[lane.quantity].values.view(lane.bits), not_recorded(lane.bits)
    for row, seed in zip(values, data.seed.values.tolist(), strict=True):
        stored[seed] = []
        for cell, epoch in zip(row, data.epoch.values.tolist(), strict=True):
            if (cell == empty).all():
                continue
            position = epochs.index(epoch)
            stored[seed].append(position)
            if not np.array_equal(cell, truth(seed, position)[lane.name].view(lane.bits)):
                found.wrong.append(f"seed {seed}, {lane.name}, epoch {epoch}")
    return stored


def _compare(
    lane: str,
    stored: Mapping[int, list[int]],
    acknowledged: set[tuple[int, int]],
    ahead: int | None,
    found: Findings,
) -> None:
    for seed, position in acknowledged:
        if position != FINISHED and position not in stored.get(seed, []):
            found.lost.append(f"seed {seed}, {lane}, position {position}")
    for seed, positions in stored.items():
        n_acknowledged = len({p for s, p in acknowledged if s == seed and p != FINISHED})
        too_many = ahead is not None and len(positions) > n_acknowledged + ahead
        if positions != list(range(len(positions))) or too_many:
            found.extra.append(f"seed {seed}, {lane}, positions {positions}")


def _check_whole(path: Path, acknowledged: set[tuple[int, int]], found: Findings) -> None:
    for problem in verify_log(path).problems:
        what = f"verify: {problem.file}: {problem.problem}"
        found.wrong.append(what.replace(f"{path}/", ""))
    found.wrong += [f"{claim} is still held" for claim in claims_held(path)]


def seen(path: Path) -> set[tuple[int, int]]:
    """What a reader sees committed in every split, as it would have been acknowledged."""
    pairs: set[tuple[int, int]] = set()
    for state in describe(open_log(path))["replicates"]:
        pairs |= {(state["seed"], p) for p in range(min(state["epochs"].values()))}
        if state["status"] == "finished":
            pairs.add((state["seed"], FINISHED))
    return pairs


def claims_held(path: Path) -> list[Path]:
    """Lock files in a log that a live process holds."""
    return [p for p in path.rglob("*claim*") if p.is_file() and is_claimed(p)]


def read_everything(path: Path) -> list[Any]:
    """Everything a user can read of the finished replicates of a log, as comparable values."""
    log = open_log(path)
    content: list[Any] = [sorted(log), dict(log.spec)]
    for split in log:
        data = log[split]
        content += [data[name].values.tobytes() for name in sorted(data.variables)]
        content += [str(data.attrs), repr(log.previews(split))]
    return content
