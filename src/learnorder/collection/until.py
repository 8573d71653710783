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

from learnorder.collection.engines.contract import Engine
from learnorder.collection.settled import kept_execution
from learnorder.collection.train import (
    LARGEST_SEED,
    Report,
    TrainingResult,
    check_seeds,
    failure_line,
    the_engine,
    train_collection,
)
from learnorder.datasets.dataset import Dataset
from learnorder.errors import LearnOrderError, count_of
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

MOST_DIGITS = 6
"""Digits of a reliability that are shown at most."""

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
    seeds: Iterable[int] | None = None,
    *,
    needed: Callable[[xr.Dataset, float], Needed],
    out: str | Path,
    most_replicates: int = MOST_REPLICATES,
    dataset: Dataset | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    take_over: bool = False,
    report: Report | None = None,
) -> UntilResult:
    """Train replicates in rounds until the reliability of their order is surely high enough.

    First the given seeds, at least 5; on a log of the same spec, all that it holds as well. Then,
    in each round, as many as it can be expected to take, at least as many as the workers train at
    once and at most as many as there are; their seeds go on upwards. It ends when the lower end of
    the 95 % interval of the reliability, on the test split, is at ``reliability``, or there are
    ``most_replicates``. Called again on the same log, it goes on from what is there.

    The interval is looked at several times, and training stops when it looks good: see
    docs/planning.md for what that does to it.

    Parameters
    ----------
    spec
        What to train.
    reliability
        Where the lower end of the interval is to be; above 0 and below 1.
    seeds
        Of the first round; without them those of the log, or 0 to 4.
    needed
        How reliability is measured: ``lo.replicates_needed``, or a function like it.
    out
        Folder or URL of the log.
    most_replicates
        Never more than so many are in the log, failed ones and those it holds already included; if
        it holds more, they stay, and none is added.
    dataset, workers, engine, take_over, report
        As in `train_collection`; ``report`` is also told of each round, as a text.

    Raises
    ------
    LearnOrderError
        As `train_collection`; or the seeds given and those in the log are more than
        ``most_replicates``, no replicate was finished, or no split has labels.

    Warns
    -----
    UserWarning
        Reliability was not reached; or some replicates failed.
    """
    place = the_engine(workers, engine)
    path = locate(out)
    wanted = _first_seeds(path, seeds, reliability, most_replicates)
    tell = report or (lambda _: None)
    trained: set[int] = set()
    rounds, before = 0, 0
    while True:
        rounds += 1
        done = train_collection(
            spec, wanted, out=path, dataset=dataset, engine=place, take_over=take_over,
            report=report,
        )  # fmt: skip
        trained |= set(done.trained)
        if not done.finished:
            raise LearnOrderError(failure_line(done))
        log = Log(path)
        split = _split(log)
        found = needed(log[split], reliability)
        at_once = _trained_at_once(path, place)
        add = round_size(found, reliability, at_once, most_replicates - len(wanted))
        grown = len(done.finished) > before
        reason = _why_to_stop(found, reliability, grown, len(wanted), most_replicates)
        tell(_round_line(rounds, split, found, reliability, 0 if reason else add))
        if reason:
            whole = replace(done, trained=tuple(sorted(trained)))
            result = UntilResult(whole, found, _is_reached(found, reliability), rounds, reason)
            if not result.reached:
                warnings.warn(shortfall_line(result, reliability), stacklevel=2)
            return result
        before = len(done.finished)
        wanted = with_more_seeds(wanted, add)


def round_size(found: Needed, reliability: float, at_once: int, room: int) -> int:
    """How many replicates to add: what it takes, no fewer than trained at once, at most doubling.

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
    return max(0, min(max(wish, at_once), max(found.n_replicates, MIN_REPLICATES), room))


def with_more_seeds(seeds: Sequence[int], n_more: int) -> list[int]:
    """Go on upwards from the largest seed.

    Examples
    --------
    >>> with_more_seeds([0, 1, 7], 2)
    [0, 1, 7, 8, 9]
    """
    first = max(seeds, default=-1) + 1
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
        f"train: a reliability of {reliability:g} was not reached: it is "
        f"{_shown(result.needed, reliability)} with {n} in {result.training.path}. {result.reason}"
    )


def problem_line(result: UntilResult, reliability: float) -> str | None:
    """Say in one line all that is not as it was asked for, or None: failures, the reliability."""
    if not result.training.failed:
        return None if result.reached else shortfall_line(result, reliability)
    failed = failure_line(result.training)
    if not result.reached:
        return f"{shortfall_line(result, reliability)} {failed.removeprefix('train: ')}"
    shown = _shown(result.needed, reliability)
    return f"{failed} The reliability of {reliability:g} was reached without: it is {shown}."


def _first_seeds(
    path: Path, seeds: Iterable[int] | None, reliability: float, most_replicates: int
) -> list[int]:
    """Seeds of the first round, with those in the log, and filled up to the least number."""
    number = isinstance(reliability, int | float) and not isinstance(reliability, bool)
    if not number or not 0 < reliability < 1:
        raise LearnOrderError(
            f"train: the reliability to reach is {reliability!r}. The lower end of its interval "
            "can come to lie above 0 and below 1. Give for example 0.95."
        )
    wanted = [] if seeds is None else check_seeds(seeds)
    if most_replicates < max(MIN_REPLICATES, len(wanted)):
        raise LearnOrderError(
            f"train: at most {count_of(most_replicates, 'replicate')} are allowed, and "
            f"{max(MIN_REPLICATES, len(wanted))} are the first round. An interval to stop by needs "
            f"{MIN_REPLICATES}. Allow more, or start with fewer seeds."
        )
    refuse_foreign(path)
    if is_vacant(path):
        return _filled_up(wanted)
    there = planned_seeds(path)
    first = _filled_up(sorted({*wanted, *there}))
    if len(first) > max(most_replicates, len(there)):
        raise LearnOrderError(
            f"train: {path} has {count_of(len(there), 'replicate')}, and with the first round they "
            f"would be {len(first)}; at most {most_replicates} are allowed. All in the log count, "
            "whatever became of them. Allow more, or give seeds that are in it."
        )
    return first


def _filled_up(seeds: list[int]) -> list[int]:
    return with_more_seeds(seeds, max(0, MIN_REPLICATES - len(seeds)))


def _trained_at_once(path: Path, engine: Engine) -> int:
    """How many replicates take no longer than one, as the log is trained."""
    kept = kept_execution(path)
    return engine.n_at_once * (1 if kept is None else kept.width)


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
    found: Needed, reliability: float, grown: bool, n_there: int, most_replicates: int
) -> str | None:
    """Say why no more replicates are added, or None where they are."""
    if _is_reached(found, reliability):
        return f"The lower end of the interval is at {reliability:g}."
    if found.n_replicates >= MIN_REPLICATES and found.reliability_ci is None:
        why = found.undefined.get("reliability_ci", "it is undefined")
        return f"There is no interval to go by: {why}. See `learnorder measure` on the log."
    if not grown:
        return "No replicate of the last round was finished. See why with `learnorder info`."
    if n_there >= most_replicates:
        return (
            f"No more than {most_replicates} replicates are allowed, and the log has {n_there}. "
            "Allow more to go on."
        )
    return None


def _round_line(number: int, split: str, found: Needed, reliability: float, add: int) -> str:
    n = count_of(found.n_replicates, "replicate")
    more = f"; adding {add}" if add else ""
    shown = _shown(found, reliability)
    return f"round {number}: {n}, reliability of the order on {split} {shown}{more}"


def _shown(found: Needed, reliability: float) -> str:
    if found.reliability is None:
        return f"undefined ({found.undefined.get('reliability', 'no reason given')})"
    if found.reliability_ci is None:
        return f"{found.reliability:.3f} (no interval)"
    low, high = found.reliability_ci
    digits = _digits(low, reliability)
    value, low_shown, high_shown = (f"{v:.{digits}f}" for v in (found.reliability, low, high))
    return f"{value} (95 % interval {low_shown} to {high_shown})"


def _digits(low: float, reliability: float) -> int:
    """Digits with which a lower end that is too low does not look high enough."""
    enough = (n for n in range(3, MOST_DIGITS) if low >= reliability or round(low, n) < reliability)
    return next(enough, MOST_DIGITS)
