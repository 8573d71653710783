"""Whether a design that ``learnorder plan`` marks keeps its promise on networks it has not seen.

Takes the logs that ``benchmarks.order_cost`` keeps. From the top folder::

    python -m benchmarks.planned_designs --scratch FOLDER

Some of the networks of a log are drawn, and the cheapest design for 0.9 is chosen by what they say:
by its mean over draws, or by the lowest of them, which is the rule of ``sub_designs``. It is then
held against full orders of as many networks, 40 times, all from the rest of the log.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.order_cost import GOAL, SPECS
from benchmarks.results import provenance
from numpy.typing import NDArray

from learnorder.log.reader import open_log
from learnorder.measures.designs import Budget, CostModel, Design, cheapest_of, designs_of
from learnorder.measures.partial_orders import Draws, full_order, values_of
from learnorder.measures.split import read_split
from learnorder.schema import PREDICTION, PROBABILITY

FRESH = 40
"""Draws of other networks that a design is held against."""

RULES = ("mean", "lowest")
SPLIT = "test"


@dataclass(frozen=True)
class Networks:
    """All networks of a log: values by quantity, ``(replicate, epoch, example)``."""

    values: dict[str, NDArray[Any]]
    epochs: NDArray[Any]
    model: CostModel

    @classmethod
    def of(cls, path: Path) -> Networks:
        """Read the split of a log."""
        log = open_log(path)
        split = read_split(log[SPLIT], "planned_designs")
        sizes = {name: about.n_examples for name, about in log.header.splits.items()}
        values = {quantity: values_of(split, quantity) for quantity in (PREDICTION, PROBABILITY)}
        return cls(values, split.epochs, CostModel(sizes["train"], sum(sizes.values())))


@dataclass(frozen=True)
class Promise:
    """A marked design: what the plan says of it, and what it does on other networks."""

    shown: float
    fresh: NDArray[np.float64]


def designs_from(networks: Networks, mine: NDArray[Any], quantities: Sequence[str]) -> list[Design]:
    """All designs that a plan on these networks weighs."""
    full = full_order(networks.values[PREDICTION][mine])
    draws = Draws.halves(len(mine))
    budget = Budget(networks.model, len(mine), networks.epochs)
    found = []
    for quantity in quantities:
        found += designs_of(networks.values[quantity][mine], quantity, full, draws, budget)
    return found


def marked(designs: Sequence[Design], rule: str) -> Design | None:
    """Cheapest design for the goal by a rule."""
    if rule == "lowest":
        return cheapest_of(designs, GOAL)
    reaching = [design for design in designs if design.correlation >= GOAL]
    return min(reaching, key=lambda d: (d.cost, -d.correlation), default=None)


def on_others(
    networks: Networks, design: Design, rest: NDArray[Any], n_reference: int, rng: Any
) -> NDArray[np.float64]:
    """Correlations of the design with full orders, all from these networks."""
    points = slice(design.every - 1, design.n_points * design.every, design.every)
    right, values = networks.values[PREDICTION], networks.values[design.quantity]
    found = []
    for _ in range(FRESH):
        drawn = rng.permutation(rest)
        few, other = drawn[: design.n_replicates], drawn[design.n_replicates :][:n_reference]
        order = values[few][:, points].mean((0, 1), dtype=np.float64)
        found.append(np.corrcoef(order, right[other].mean((0, 1)))[0, 1])
    return np.array(found)


def promises(
    networks: Networks, n_replicates: int, quantities: Sequence[str], n_plans: int
) -> dict[str, list[Promise]]:
    """Plan on some networks, again and again, and look at the rest."""
    rng = np.random.default_rng(1)
    kept: dict[str, list[Promise]] = {rule: [] for rule in RULES}
    for _ in range(n_plans):
        drawn = rng.permutation(len(networks.values[PREDICTION]))
        mine, rest = drawn[:n_replicates], drawn[n_replicates:]
        designs = designs_from(networks, mine, quantities)
        n_reference = n_replicates - n_replicates // 2
        for rule in RULES:
            if (design := marked(designs, rule)) is not None:
                fresh = on_others(networks, design, rest, n_reference, rng)
                kept[rule].append(Promise(design.correlation, fresh))
    return kept


HEAD = [
    "collection",
    "orders from",
    "networks",
    f"marked where {GOAL:g} is reached by the",
    "plans that mark one",
    "shown",
    "on other networks",
    f"below {GOAL:g} on them, on average",
    f"a single draw below {GOAL:g}",
]


def rows(name: str, networks: Networks, n_plans: int) -> Iterator[list[str]]:
    """Lines about one collection."""
    for quantities in ((PREDICTION,), (PREDICTION, PROBABILITY)):
        for n_replicates in (5, 10):
            kept = promises(networks, n_replicates, quantities, n_plans)
            for rule, made in kept.items():
                orders = " and ".join(
                    f"{quantity}s".replace("ys", "ies") for quantity in quantities
                )
                marks = f"{len(made)} of {n_plans}"
                yield [name, orders, str(n_replicates), rule, marks, *figures(made)]


def figures(made: Sequence[Promise]) -> list[str]:
    """What is shown, and what becomes of it."""
    if not made:
        return [""] * 4
    fresh = np.array([promise.fresh for promise in made])
    return [
        f"{np.mean([promise.shown for promise in made]):.3f}",
        f"{fresh.mean():.3f}",
        f"{100 * np.mean(fresh.mean(axis=1) < GOAL):.0f} %",
        f"{100 * np.mean(fresh < GOAL):.0f} %",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="planned-designs", description=__doc__.splitlines()[0])
    parser.add_argument("collections", nargs="*", metavar="COLLECTION", default=list(SPECS))
    parser.add_argument("--scratch", type=Path, required=True, help="folder the logs are kept in")
    parser.add_argument("--plans", type=int, default=100, help="in each row")
    given = parser.parse_args()
    for line in (HEAD, ["---"] * len(HEAD)):
        print(f"| {' | '.join(line)} |", flush=True)
    for name in given.collections:
        for cells in rows(name, Networks.of(given.scratch / f"{name}.zarr"), given.plans):
            print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{provenance()}")


if __name__ == "__main__":
    main()
