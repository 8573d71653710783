"""Whether every seed has every example after every epoch, and which epochs these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, count_of
from learnorder.exchange.content import Cell
from learnorder.log.labelled import LARGEST_EPOCH
from learnorder.schema import PREDICTION, not_recorded

Gathered = Mapping[str, tuple[Sequence[Any], Mapping[str, Mapping[Cell, NDArray[Any]]]]]
"""By split, the ids and for each quantity the cells, which may be shorter than the ids."""


def require_whole(splits: Gathered, where: str) -> dict[int, list[float]]:
    """Return the epochs of each seed, ascending.

    A seed may end before others, but its epochs begin as theirs do.

    Raises
    ------
    LearnOrderError
        Something is missing; the message says how much, and the first of it.
    """
    cells = {cell for _, quantities in splits.values() for of in quantities.values() for cell in of}
    grids: dict[int, list[float]] = {}
    for seed, epoch in sorted(cells):
        grids.setdefault(seed, []).append(epoch)
    _check_epochs(grids, where)
    longest = max(grids.values(), key=len)
    missing = [
        (seed, epoch)
        for seed, grid in grids.items()
        if grid != longest[: len(grid)]
        for epoch in sorted(set(longest) ^ set(grid))
    ]
    if missing:
        seed, epoch = missing[0]
        other = next(s for s, grid in grids.items() if (epoch in grid) != (epoch in grids[seed]))
        has, lacks = (seed, other) if epoch in grids[seed] else (other, seed)
        raise LearnOrderError(
            f"import: {where} has epoch {epoch:g} of seed {has} and not of seed {lacks}. A seed "
            "may end before others, but up to there all have the same epochs. Add its rows, or "
            "leave that epoch or seed out."
        )
    _require_cells(splits, grids, where)
    return grids


def _check_epochs(grids: Mapping[int, Sequence[float]], where: str) -> None:
    for seed, grid in grids.items():
        if not (grid[0] >= 0 and grid[-1] <= LARGEST_EPOCH):
            bad = grid[0] if grid[0] < 0 else grid[-1]
            raise LearnOrderError(
                f"import: epoch {bad:g} of seed {seed} in {where}. Epochs are numbers from 0 to "
                f"{LARGEST_EPOCH:g}, the passes completed. Correct it."
            )


def _require_cells(splits: Gathered, grids: Mapping[int, Sequence[float]], where: str) -> None:
    n_missing, first = 0, ""
    for name, (ids, quantities) in splits.items():
        for quantity, cells in quantities.items():
            for seed, grid in grids.items():
                for epoch in grid:
                    lacking = _lacking(cells.get((seed, epoch)), len(ids))
                    if quantity != PREDICTION:
                        # where the whole row is missing it has been counted
                        votes = quantities[PREDICTION].get((seed, epoch))
                        lacking = np.setdiff1d(lacking, _lacking(votes, len(ids)))
                    if lacking.size and not first:
                        what = "" if quantity == PREDICTION else f" ({quantity})"
                        first = (
                            f"seed {seed}, epoch {epoch:g}, split {name!r}, "
                            f"id {ids[int(lacking[0])]!r}{what}"
                        )
                    n_missing += lacking.size
    if n_missing:
        raise LearnOrderError(
            f"import: {where} lacks {count_of(n_missing, 'row')}; the first: {first}. Every seed "
            "has every example after every epoch. Add them, or leave that example, epoch or seed "
            "out."
        )


def _lacking(values: NDArray[Any] | None, n: int) -> NDArray[np.intp]:
    if values is None:
        return np.arange(n)
    there = np.zeros(n, dtype=bool)
    known = values[:n]
    there[: len(known)] = (
        ~np.isnan(known) if known.dtype.kind == "f" else known != not_recorded(known.dtype)
    )
    return np.flatnonzero(~there)
