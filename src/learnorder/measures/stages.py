"""Reliability of the order at each stage of training: is it shared early, late, or throughout?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from learnorder.errors import LearnOrderError
from learnorder.measures.order import Reliability, reliability_of, reliability_record
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import Split, read_split, trained_epochs
from learnorder.measures.sweep import RangeScores, sweep

STAGES = 3
"""The first, the middle and the last third of the recorded epochs."""


@dataclass(frozen=True)
class Stage:
    """Reliability of accessibility over some recorded epochs that follow one another.

    Attributes
    ----------
    first, last
        Epochs it begins and ends with.
    n_epochs
        Recorded epochs in it.
    reliability
        Of accessibility over these.
    """

    first: float
    last: float
    n_epochs: int
    reliability: Reliability

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None has its reason in ``undefined``."""
        where = {"epochs": [self.first, self.last], "n_epochs": self.n_epochs}
        return {**where, **reliability_record(self.reliability)}


@dataclass(frozen=True)
class ReliabilityByStage:
    """Reliability of the order at each stage of training.

    Attributes
    ----------
    stages
        From the first to the last; None: undefined.
    undefined
        The reason why ``stages`` is None.
    """

    stages: tuple[Stage, ...] | None
    undefined: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; None has its reason in ``undefined``."""
        stages = None if self.stages is None else [stage.to_dict() for stage in self.stages]
        return {"stages": stages, "undefined": dict(self.undefined)}


def reliability_by_stage(log: xr.Dataset, n_stages: int = STAGES) -> ReliabilityByStage:
    """Reliability of accessibility over the recorded epochs of each stage of training.

    The recorded epochs > 0, in their order, are divided into stages of equally many; where that
    does not come out even, the first ones have one more. Of each, the reliability of the order in
    which its epochs put the examples, overall and within class, with intervals: see `reliability`.
    The log is gone through once.

    1: at that stage all replicates order the examples alike. 0: what they share is nothing; below
    0, with no lower bound, as chance may have it. Where nearly all examples are right, or nearly
    none, there is little left to order and chance counts for much: a low value at an end of
    training can mean that, and not that replicates disagree. Fewer epochs make a noisier
    accessibility, so that stages lie below the reliability of the whole.

    Undefined, None with the reason: all of it where there are fewer recorded epochs > 0 than
    stages; of a stage, what `reliability` says.

    Parameters
    ----------
    log
        One split of a log, with labels.
    n_stages
        How many, at least 1.

    Raises
    ------
    LearnOrderError
        No epoch > 0, not a number of stages, no labels, or a prediction was not recorded.

    References
    ----------
    cronbach1951, shrout1979

    Examples
    --------
    >>> import learnorder as lo
    >>> early, late = [[1, 0, 1, 0], [1, 0, 1, 0]], [[1, 1, 1, 0], [1, 0, 1, 1]]
    >>> log = lo.from_arrays(np.stack([early, late], axis=1), [1, 1, 1, 1])
    >>> [round(stage.reliability.value, 3) for stage in reliability_by_stage(log, 2).stages]
    [1.0, -1.0]
    """
    if isinstance(n_stages, bool) or not isinstance(n_stages, int) or n_stages < 1:
        raise LearnOrderError(
            f"reliability_by_stage: there cannot be {n_stages!r} stages. Training is divided into "
            "a whole number of them, at least 1. Give for example 3."
        )
    split = read_split(log, "reliability_by_stage")
    trained_epochs(split, "Stages are of epochs > 0.")
    ranges = stage_ranges(split, n_stages)
    if isinstance(ranges, str):
        sweep(split)  # a prediction that was not recorded is named all the same
        return no_stages(ranges)
    found = RangeScores(split, ranges)
    sweep(split, found, most_examples=found.most_examples)
    return by_stage(split, ranges, found.tables)


def stage_ranges(split: Split, n_stages: int = STAGES) -> list[slice] | str:
    """Positions of the recorded epochs of each stage, or why there are none."""
    n_epochs = split.n_epochs - split.trained.start
    if n_epochs < n_stages:
        have = f"there {'is' if n_epochs == 1 else 'are'} {n_epochs}"
        return f"{n_stages} stages of training need {n_stages} recorded epochs > 0; {have}"
    parts = np.array_split(np.arange(split.trained.start, split.n_epochs), n_stages)
    return [slice(int(part[0]), int(part[-1]) + 1) for part in parts]


def by_stage(
    split: Split, ranges: Sequence[slice] | str, tables: Sequence[ScoreTable]
) -> ReliabilityByStage:
    """Reliability of the scores of each stage, unless there are none, for the reason given."""
    if isinstance(ranges, str):
        return no_stages(ranges)
    stages = [
        Stage(
            first=float(split.epochs[part.start]),
            last=float(split.epochs[part.stop - 1]),
            n_epochs=part.stop - part.start,
            reliability=reliability_of(table, split.label),
        )
        for part, table in zip(ranges, tables, strict=True)
    ]
    return ReliabilityByStage(tuple(stages))


def no_stages(reason: str) -> ReliabilityByStage:
    """Undefined, for this reason."""
    return ReliabilityByStage(None, {"stages": reason})
