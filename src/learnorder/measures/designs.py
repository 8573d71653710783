"""Which split of a budget between replicates, epochs and recording tells the full order best.

Every smaller design is a part of a log that is there, so nothing is trained to answer this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.measures.of_label import check_quantity, has_quantity
from learnorder.measures.partial_orders import (
    Draws,
    FullOrder,
    covariances,
    full_order,
    negligible,
    of_means,
    steps,
    values_of,
)
from learnorder.measures.split import Split, read_split, trained_epochs
from learnorder.schema import EPOCH, PREDICTION, PROBABILITY, REPLICATE, Scores

MIN_REPLICATES = 4
"""Two for the full order, so that its own reliability is known, and two to draw designs from."""

MOST_REPLICATES = 100
"""Beyond, the pairs of replicates take more memory than more of them are worth."""

GAIN = 0.005
"""Correlation by which a dearer design must be better to be listed."""

TRAIN, PREDICT = 3, 1
"""Work for one example: forward and backward, which is about twice a forward pass; forward."""


@dataclass(frozen=True)
class CostModel:
    """Work in forward passes of one example: 3 to train on it once, 1 to predict it once.

    Not counted: the pass over training examples before each recorded point where the spec says
    ``batch_norm = "reestimated"``, what a process needs to start, and writing.

    Attributes
    ----------
    n_train
        Examples trained on in an epoch.
    n_predicted
        Examples predicted at a recorded point, of all splits together.
    """

    n_train: int
    n_predicted: int

    def work(self, n_replicates: int, epochs: float, n_points: int) -> float:
        """Work of replicates trained for so many epochs and recorded at so many points."""
        return n_replicates * (
            TRAIN * self.n_train * epochs + PREDICT * self.n_predicted * n_points
        )


@dataclass(frozen=True)
class Design:
    """A smaller collection: how much of it there is, what it costs and how well it does.

    Attributes
    ----------
    n_replicates, epochs
        How many are trained, and for how many epochs each.
    every
        Recorded is every so manieth point of the grid of the log.
    n_points
        Recorded points of each replicate.
    quantity
        ``prediction``: the order is accessibility; ``probability``: the mean probability of the
        label.
    cost
        Its work as a share of that of the whole log.
    correlation
        Pearson's, of its order with the full order from other replicates; mean over draws.
    lowest, highest
        Over draws.
    corrected
        Correlation to expect with the full order from very many replicates. None: undefined.
    """

    n_replicates: int
    epochs: float
    every: int
    n_points: int
    quantity: str
    cost: float
    correlation: float
    lowest: float
    highest: float
    corrected: float | None


@dataclass(frozen=True)
class Designs:
    """The designs worth their cost, cheapest first.

    Attributes
    ----------
    front
        Each has a higher mean correlation than all that cost less; ``cheapest`` is among them.
    cheapest
        The one that costs least among those whose ``lowest`` is at ``goal``. None: none is.
    goal
        Correlation aimed at.
    n_reference
        Replicates behind the full order in each draw.
    reliability
        Reliability of that order. None: undefined.
    n_designs
        How many were tried.
    cost_model
        What costs are made of.
    undefined
        For each attribute that is None, and for ``front`` where it is empty, the reason.
    """

    front: tuple[Design, ...]
    cheapest: Design | None
    goal: float
    n_reference: int
    reliability: float | None
    n_designs: int
    cost_model: CostModel
    undefined: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        front = [vars(design) for design in self.front]
        cheapest = vars(self.cheapest) if self.cheapest else None
        model = vars(self.cost_model)
        return {**vars(self), "front": front, "cheapest": cheapest, "cost_model": model}


def sub_designs(log: xr.Dataset, cost: CostModel | None = None, goal: float = 0.9) -> Designs:
    """Find the smaller designs that tell the full order best for their cost.

    A design is the first recorded points of some replicates, or every second, third, ... of these.
    Its order is held against the full order: accessibility at all recorded epochs > 0, from other
    replicates. Replicates are halved at random 20 times (with a fixed seed); designs come from one
    half, the full order from the other, so that all are held against orders of one reliability.
    That of few replicates is noisy itself: ``correlation`` is lowered by it, ``corrected`` is
    ``correlation / sqrt(reliability)``, not clipped.

    Designs whose order does not differ between examples are left out. Undefined, with the reason:
    everything for fewer than 4 replicates, and where the full order does not differ between
    examples. At most 20,000 examples and 100 replicates are used, drawn with a fixed seed.

    Parameters
    ----------
    log
        One split of a log, with labels.
    cost
        Without it, as if the examples of this split were all that is trained on and predicted.
    goal
        Correlation that the cheapest design is to reach in every draw. By the mean over draws it
        would be too cheap: of many designs, the one that chance favours is then picked.

    Raises
    ------
    LearnOrderError
        A goal outside (0, 1], no epoch > 0, no labels, or a prediction (a probability) was not
        recorded.

    References
    ----------
    spearman1904, spearman1910, brown1910
    """
    if not 0 < goal <= 1:
        raise LearnOrderError(
            f"sub_designs: the goal is {goal!r}. A correlation to reach lies above 0 and is at "
            "most 1. Give for example 0.9."
        )
    split = _some_replicates(_after_start(read_split(log, "sub_designs")))
    model = cost or CostModel(split.n_examples, split.n_examples)
    n_reference = split.n_replicates - split.n_replicates // 2
    if split.n_replicates < MIN_REPLICATES:
        n = split.n_replicates
        has = f"there {'is' if n == 1 else 'are'} {n}"
        reason = f"designs are drawn from one half of {MIN_REPLICATES} or more replicates; {has}"
        return _none(reason, goal, n_reference, model)
    budget = Budget(model, log.sizes[REPLICATE], split.epochs)
    right = values_of(split, PREDICTION)
    full = full_order(right)
    draws = Draws.halves(split.n_replicates)
    if not full.differs(draws):
        reason = "the full order does not differ between examples"
        return _none(reason, goal, n_reference, model)
    found = designs_of(right, PREDICTION, full, draws, budget)
    del right
    if has_quantity(split, PROBABILITY):
        check_quantity(split, PROBABILITY)
        found += designs_of(values_of(split, PROBABILITY), PROBABILITY, full, draws, budget)
    return _best(found, goal, n_reference, full.reliability(n_reference), model)


@dataclass(frozen=True)
class Budget:
    """What a design costs as a share of the whole log, whose epochs > 0 are ``epochs``."""

    model: CostModel
    n_replicates: int
    epochs: Scores

    def share(self, n_replicates: int, stop: int, every: int) -> float:
        """Cost of replicates that stop after so many points and record every so manieth."""
        work = self.model.work(n_replicates, float(self.epochs[stop - 1]), stop // every)
        whole = self.model.work(self.n_replicates, float(self.epochs[-1]), len(self.epochs))
        return work / whole


def designs_of(
    values: NDArray[Any], quantity: str, full: FullOrder, draws: Draws, budget: Budget
) -> list[Design]:
    """All designs of one quantity, whose values are ``(replicate, epoch, example)``."""
    n_reference = draws.reference.shape[1]
    reliability, of_full = full.reliability(n_reference), full.variance(draws)
    found = []
    for (stop, every), (own, cross) in covariances(values, full.deviation).items():
        for n in steps(draws.pool.shape[1]):
            members = draws.pool[:, :n]
            variance = of_means(own, members, members)
            if variance.min() <= negligible(own):
                continue
            correlation = of_means(cross, members, draws.reference) / np.sqrt(variance * of_full)
            mean = float(correlation.mean())
            found.append(
                Design(
                    n_replicates=n,
                    epochs=float(budget.epochs[stop - 1]),
                    every=every,
                    n_points=stop // every,
                    quantity=quantity,
                    cost=budget.share(n, stop, every),
                    correlation=mean,
                    lowest=float(correlation.min()),
                    highest=float(correlation.max()),
                    corrected=None if reliability is None else mean / math.sqrt(reliability),
                )
            )
    return found


def cheapest_of(designs: Sequence[Design], goal: float) -> Design | None:
    """Return the design of least work that reaches the goal in every draw, or None.

    The better one where two cost the same.
    """
    reaching = [design for design in designs if design.lowest >= goal]
    return min(reaching, key=lambda d: (d.cost, -d.correlation), default=None)


def _best(
    found: Sequence[Design],
    goal: float,
    n_reference: int,
    reliability: float | None,
    model: CostModel,
) -> Designs:
    """Those worth their cost."""
    undefined = {}
    front: list[Design] = []
    cheapest, best = cheapest_of(found, goal), -math.inf
    for design in sorted(found, key=lambda d: (d.cost, -d.correlation)):
        if design.correlation >= best + GAIN or design is cheapest:
            front.append(design)
            best = max(best, design.correlation)
    if cheapest is None:
        undefined["cheapest"] = (
            f"no design that was tried correlates {goal:g} with the full order in every draw"
        )
    if reliability is None:
        undefined["reliability"] = "replicates share no order: what they share is not above 0"
    if not front:
        undefined["front"] = "no smaller design has an order that differs between examples"
    n = len(found)
    return Designs(tuple(front), cheapest, goal, n_reference, reliability, n, model, undefined)


def _none(reason: str, goal: float, n_reference: int, model: CostModel) -> Designs:
    undefined = dict.fromkeys(("front", "cheapest", "reliability"), reason)
    return Designs((), None, goal, n_reference, None, 0, model, undefined)


def _after_start(split: Split) -> Split:
    """The split without epoch 0."""
    epochs = trained_epochs(split, "An order is a mean over epochs > 0.")
    return replace(split, log=split.log.isel({EPOCH: epochs}), epochs=split.epochs[epochs])


def _some_replicates(split: Split) -> Split:
    """The split with as many replicates as can be paired, drawn always alike."""
    if split.n_replicates <= MOST_REPLICATES:
        return split
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.choice(split.n_replicates, MOST_REPLICATES, replace=False))
    return replace(split, log=split.log.isel({REPLICATE: drawn}))
