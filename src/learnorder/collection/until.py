"""Add replicates in rounds until the order is reliable enough, or there are as many as allowed.

What reliability is, and how many more it takes, is asked of a function that is given: collections
come before measures, and need to know none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import xarray as xr

from learnorder.collection.train import (
    LARGEST_SEED,
    Report,
    TrainingResult,
    check_seeds,
    failure_line,
    train_collection,
)
from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError, count_of
from learnorder.log.cores import available_cores
from learnorder.log.creation import is_vacant, refuse_foreign
from learnorder.log.layout import planned_seeds
from learnorder.log.location import locate
from learnorder.log.reader import Log
from learnorder.schema import LABEL
from learnorder.training.spec import TrainingSpec

MIN_REPLICATES = 5
"""An interval from fewer is too wide, and too often wrong, to stop by."""

MOST_REPLICATES = 100
"""Where the rounds end if the reliability asked for is not reached."""

SPLITS = ("test", "train")
"""Whose order is to be reliable: the first of these that has labels."""


class Needed(Protocol):
    """How reliable an order is, and what more it takes, as `replicates_needed` says it."""

    @property
    def n_replicates(self) -> int:
        """Replicates it was measured on."""

    @property
    def reliability(self) -> float | None:
        """Reliability; None where it is undefined."""

    @property
    def reliability_ci(self) -> tuple[float, float] | None:
        """Interval of it; None where it is undefined."""

    @property
    def more_for_low(self) -> int | None:
        """Replicates after which the lower end of the interval can be expected high enough."""

    @property
    def undefined(self) -> dict[str, str]:
        """Reasons for what is None."""


@dataclass(frozen=True)
class UntilResult:
    """What the rounds came to.

    Attributes
    ----------
    training
        What became of all replicates that were asked for.
    needed
        Reliability at the end, and what more it would take.
    reached
        Whether the lower end of the interval is where it was wanted.
    rounds
        How often replicates were trained, or found to be there, and measured.
    reason
        In one sentence, why no more were added.
    """

    training: TrainingResult
    needed: Needed
    reached: bool
    rounds: int
    reason: str


def train_until(
    spec: TrainingSpec,
    reliability: float,
    seeds: Iterable[int] = range(MIN_REPLICATES),
    *,
    needed: Callable[[xr.Dataset, float], Needed],
    out: str | Path,
    most_replicates: int = MOST_REPLICATES,
    dataset: Dataset | None = None,
    workers: int | None = None,
    take_over: bool = False,
    report: Report | None = None,
) -> UntilResult:
    """Train replicates in rounds until the reliability of their order is surely high enough.

    First the given seeds, at least 5; on a log of the same spec, all that it holds as well. Then,
    in each round, as many as it can be expected to take, at least one for each worker and at most
    as many as there are; their seeds go on upwards. It ends when the lower end of the 95 % interval
    of the reliability, on the test split, is at ``reliability``, or there are ``most_replicates``.
    Called again on the same log, it goes on from what is there.

    The interval is looked at several times, and training stops when it looks good: see
    docs/planning.md for what that does to it.

    Parameters
    ----------
    spec
        What to train.
    reliability
        Where the lower end of the interval is to be; above 0 and below 1.
    seeds
        Of the first round.
    needed
        How reliability is measured: ``lo.replicates_needed``, or a function like it.
    out
        Folder or URL of the log.
    most_replicates
        Never more than so many are in the log, failed ones included; what it holds already stays.
    dataset, workers, take_over, report
        As in `train_collection`; ``report`` is also told of each round, as a text.

    Raises
    ------
    LearnOrderError
        As `train_collection`; or no replicate was finished, or no split has labels.

    Warns
    -----
    UserWarning
        Reliability was not reached; or some replicates failed.
    """
    path = locate(out)
    wanted = _first_seeds(path, seeds, reliability, most_replicates)
    tell = report or (lambda _: None)
    at_least = workers or available_cores()
    trained: set[int] = set()
    rounds, before = 0, 0
    while True:
        rounds += 1
        done = train_collection(
            spec, wanted, out=path, dataset=dataset, workers=workers, take_over=take_over,
            report=report,
        )  # fmt: skip
        trained |= set(done.trained)
        if not done.finished:
            raise LearnOrderError(failure_line(done))
        log = Log(path)
        split = _split(log)
        found = needed(log[split], reliability)
        add = round_size(found, reliability, at_least, most_replicates - len(wanted))
        reason = _why_to_stop(found, reliability, add, len(done.finished) > before, most_replicates)
        tell(_round_line(rounds, split, found, 0 if reason else add))
        if reason:
            whole = replace(done, trained=tuple(sorted(trained)))
            result = UntilResult(whole, found, _is_reached(found, reliability), rounds, reason)
            if not result.reached:
                warnings.warn(shortfall_line(result, reliability), stacklevel=2)
            return result
        before = len(done.finished)
        wanted = with_more_seeds(wanted, add)


def round_size(found: Needed, reliability: float, at_least: int, room: int) -> int:
    """How many replicates to add: what it takes, no fewer than workers, at most doubling.

    0: the reliability is reached, there is no room for more, or more cannot be judged.
    """
    if _is_reached(found, reliability):
        return 0
    if found.n_replicates < MIN_REPLICATES:
        wish = MIN_REPLICATES - found.n_replicates
    elif found.reliability_ci is None:
        return 0
    else:
        wish = found.more_for_low or found.n_replicates
    return max(0, min(max(wish, at_least), max(found.n_replicates, MIN_REPLICATES), room))


def with_more_seeds(seeds: Sequence[int], n_more: int) -> list[int]:
    """Go on upwards from the largest seed.

    Examples
    --------
    >>> with_more_seeds([0, 1, 7], 2)
    [0, 1, 7, 8, 9]
    """
    first = max(seeds) + 1
    if first + n_more - 1 > LARGEST_SEED:
        raise LearnOrderError(
            f"train: there are no {count_of(n_more, 'seed')} above {max(seeds)}; the largest is "
            f"{LARGEST_SEED}. Seeds of added replicates go on upwards. Start with smaller ones."
        )
    return [*seeds, *range(first, first + n_more)]


def shortfall_line(result: UntilResult, reliability: float) -> str:
    """Say in one line that the reliability was not reached, and why."""
    n = count_of(len(result.training.finished), "finished replicate")
    return (
        f"train: a reliability of {reliability:g} was not reached: it is {_shown(result.needed)} "
        f"with {n} in {result.training.path}. {result.reason}"
    )


def _first_seeds(
    path: Path, seeds: Iterable[int], reliability: float, most_replicates: int
) -> list[int]:
    """Seeds of the first round, with those in the log, and filled up to the least number."""
    number = isinstance(reliability, int | float) and not isinstance(reliability, bool)
    if not number or not 0 < reliability < 1:
        raise LearnOrderError(
            f"train: the reliability to reach is {reliability!r}. The lower end of its interval "
            "can come to lie above 0 and below 1. Give for example 0.95."
        )
    wanted = check_seeds(seeds)
    if most_replicates < max(MIN_REPLICATES, len(wanted)):
        raise LearnOrderError(
            f"train: at most {count_of(most_replicates, 'replicate')} are allowed, and "
            f"{max(MIN_REPLICATES, len(wanted))} are the first round. An interval to stop by needs "
            f"{MIN_REPLICATES}. Allow more, or start with fewer seeds."
        )
    refuse_foreign(path)
    if not is_vacant(path):
        wanted = sorted({*wanted, *planned_seeds(path)})
    return with_more_seeds(wanted, max(0, MIN_REPLICATES - len(wanted)))


def _split(log: Log) -> str:
    """Name of the split whose order is to be reliable."""
    for name in SPLITS:
        if name in log.header.splits and LABEL in log[name]:
            return name
    raise LearnOrderError(
        f"train: {log.path} has no split test or train with labels. An order is that in which "
        "labels are learned. Train without a reliability to reach."
    )


def _is_reached(found: Needed, reliability: float) -> bool:
    enough = found.n_replicates >= MIN_REPLICATES
    return enough and found.reliability_ci is not None and found.reliability_ci[0] >= reliability


def _why_to_stop(
    found: Needed, reliability: float, add: int, grown: bool, most_replicates: int
) -> str | None:
    """Say why no more replicates are added, or None where they are."""
    if _is_reached(found, reliability):
        return f"The lower end of the interval is at {reliability:g}."
    if found.n_replicates >= MIN_REPLICATES and found.reliability_ci is None:
        why = found.undefined.get("reliability_ci", "it is undefined")
        return f"There is no interval to go by: {why}. See `learnorder measure` on the log."
    if not grown:
        return "No replicate of the last round was finished. See why with `learnorder info`."
    if add == 0:
        return f"No more than {most_replicates} replicates are allowed. Allow more to go on."
    return None


def _round_line(number: int, split: str, found: Needed, add: int) -> str:
    n = count_of(found.n_replicates, "replicate")
    more = f"; adding {add}" if add else ""
    return f"round {number}: {n}, reliability of the order on {split} {_shown(found)}{more}"


def _shown(found: Needed) -> str:
    if found.reliability is None:
        return f"undefined ({found.undefined.get('reliability', 'no reason given')})"
    if found.reliability_ci is None:
        return f"{found.reliability:.3f} (no interval)"
    low, high = found.reliability_ci
    return f"{found.reliability:.3f} (95 % interval {low:.3f} to {high:.3f})"
