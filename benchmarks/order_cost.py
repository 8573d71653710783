"""What an order costs that correlates 0.9 with the full one of 100 replicates and all epochs.

Trains real collections with ``recording.probability``, once, into the folder given; run again, it
goes on from what is there. From the top folder::

    python -m benchmarks.order_cost --scratch FOLDER

Cheap orders come from other seeds than the full one. On one half of these seeds the cheapest
design is chosen that reaches 0.9 in every draw of seeds, as ``learnorder plan`` chooses; on the
other half it is shown. That rule stays as it is, whatever these halves show: see docs/findings.md.
The cost is that of docs/planning.md: for each example, 3 to train on it once and 1 to predict it
once, so it is in replicate-epochs that are recorded in full. Seeds are counted from 1000 on: on
those from 0 to 119 the rule was found. The table is printed, and kept in ``order_cost.md`` there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from benchmarks.results import provenance

from learnorder.collection.train import train_collection
from learnorder.log.reader import Log, open_log
from learnorder.measures.designs import Budget, CostModel, Design, cheapest_of, designs_of
from learnorder.measures.order import accessibility
from learnorder.measures.partial_orders import Draws, FullOrder, full_order, values_of
from learnorder.measures.split import read_split
from learnorder.schema import PREDICTION, PROBABILITY, REPLICATE
from learnorder.training.spec import TrainingSpec

FIRST_SEED = 1000
"""The rule was found on seeds from 0 on, so it is shown on others."""

GOAL = 0.9
AIM = 1 / 20
"""Share of the full cost that an order reaching the goal is to cost at most."""

TRIAL = ((1, 1), (1, 6), (3, 6))
"""Designs, replicates and epochs, that are always shown."""


@dataclass(frozen=True)
class Size:
    """Replicates of the full order, and others that cheap orders are drawn from, in two halves."""

    reference: int
    cheap: int
    draws: int


FULL, QUICK = Size(100, 20, 20), Size(6, 8, 4)

SPECS: dict[str, dict[str, Any]] = {
    "fashion-mnist": {
        "dataset": {"name": "fashion-mnist", "train_limit": 10_000, "test_limit": 2_000},
        "architecture": {"name": "mlp"},
        "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
        "training": {"epochs": 15, "batch_size": 128},
    },
    "digits": {
        "dataset": {"name": "digits"},
        "architecture": {"name": "mlp"},
        "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
        "training": {"epochs": 15, "batch_size": 64},
    },
    "newsgroups": {
        "dataset": {"name": "20newsgroups", "train_limit": 10_000, "test_limit": 2_000},
        "architecture": {"name": "bag-of-embeddings"},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"epochs": 15, "batch_size": 64},
    },
}

SMALLER: dict[str, Any] = {
    "dataset.train_limit": 200,
    "dataset.test_limit": 100,
    "training.epochs": 5,
}


def spec_of(name: str, quick: bool) -> TrainingSpec:
    """Spec of a collection; probabilities are recorded."""
    tables = {key: dict(table) for key, table in SPECS[name].items()}
    tables["recording"] = {"probability": True}
    for dotted, value in (SMALLER if quick else {}).items():
        table, key = dotted.split(".")
        tables[table][key] = value
    return TrainingSpec.from_tables(tables)


def halves(size: Size) -> tuple[Draws, Draws]:
    """Draws to choose a design by, and draws of other seeds to show it on; one full order."""
    rng = np.random.default_rng(0)
    reference = np.tile(np.arange(size.reference), (size.draws, 1))
    half = size.cheap // 2
    drawn = []
    for first in (size.reference, size.reference + half):
        pool = np.array([first + rng.permutation(half) for _ in range(size.draws)])
        drawn.append(Draws(pool, reference))
    return drawn[0], drawn[1]


def weighed(log: xr.Dataset, quantity: str, full: FullOrder, model: CostModel, size: Size) -> Any:
    """All designs of a quantity: chosen by, and on the seeds to show them on."""
    split = read_split(log, "order_cost")
    budget = Budget(model, size.reference, split.epochs)
    values = values_of(split, quantity)
    by, on = (designs_of(values, quantity, full, draws, budget) for draws in halves(size))
    place = {(d.n_replicates, d.epochs, d.every): d for d in on}
    return by, place


def chosen(by: Sequence[Design], on: dict[Any, Design]) -> Design | None:
    """Cheapest design that reaches the goal in every draw, as it does on other seeds; or None."""
    best = cheapest_of(by, GOAL)
    return None if best is None else on[best.n_replicates, best.epochs, best.every]


def rows(log: xr.Dataset, name: str, model: CostModel, size: Size) -> Iterator[list[str]]:
    """Lines about one split of a collection."""
    split = read_split(log, "order_cost")
    full = full_order(values_of(split, PREDICTION))
    n_epochs = float(split.epochs[-1])
    whole = size.reference * n_epochs
    for quantity in (PREDICTION, PROBABILITY):
        by, on = weighed(log, quantity, full, model, size)
        trial = [on.get((n, float(e), 1)) for n, e in TRIAL]
        best = chosen(by, on)
        cells = [name, str(log.attrs.get("split")), quantity]
        cells += ["" if d is None else f"{d.correlation:.3f}" for d in trial]
        most = f"{of_full_orders(log, quantity, size):.3f}"
        if best is None:
            yield [*cells, "none", "", "", "", most]
            continue
        grid = "" if best.every == 1 else f", every {best.every}"
        cells += [
            f"{best.n_replicates} x {best.epochs:g}{grid}",
            f"{best.correlation:.3f} ({best.lowest:.3f} to {best.highest:.3f})",
            f"{best.cost * whole:.2f} of {whole:g}",
            f"1/{1 / best.cost:.0f}{'' if best.cost <= AIM else ' (missed)'}",
            most,
        ]
        yield cells


def of_full_orders(log: xr.Dataset, quantity: str, size: Size) -> float:
    """Correlation of the full order with that of all epochs and replicates, of this quantity."""
    whole = log.isel({REPLICATE: slice(0, size.reference)})
    other = accessibility(whole, of="probability" if quantity == PROBABILITY else "correct")
    return float(np.corrcoef(accessibility(whole), other)[0, 1])


HEAD = [
    "collection",
    "split",
    "order from",
    *(f"{n} x {e}" for n, e in TRIAL),
    f"cheapest for {GOAL:g}",
    "correlation on other seeds",
    "replicate-epochs",
    "cost",
    "with no noise",
]


def trained(name: str, seeds: range, given: argparse.Namespace) -> Log:
    """Train what is not there yet."""
    out = given.scratch / f"{name}{'-quick' if given.quick else ''}.zarr"
    spec = spec_of(name, given.quick)
    result = train_collection(spec, seeds, out=out, workers=given.workers)
    print(f"{name}: {len(result.trained)} of {len(seeds)} trained now", file=sys.stderr, flush=True)
    if result.failed:
        sys.exit(f"{name}: {len(result.failed)} replicates failed")
    return open_log(out)


def table(given: argparse.Namespace) -> Iterator[str]:
    """Train the collections; lines about them in Markdown, and what they rest on."""
    size = QUICK if given.quick else FULL
    seeds = range(given.first_seed, given.first_seed + size.reference + size.cheap)
    for line in (HEAD, ["---"] * len(HEAD)):
        yield f"| {' | '.join(line)} |"
    for name in given.collections:
        log = trained(name, seeds, given)
        sizes = {split: about.n_examples for split, about in log.header.splits.items()}
        model = CostModel(sizes["train"], sum(sizes.values()))
        for split in ("train", "test"):
            # other seeds may be in the log as well
            for cells in rows(log[split].sel({REPLICATE: list(seeds)}), name, model, size):
                yield f"| {' | '.join(cells)} |"
    yield ""
    yield (
        f"{size.reference} replicates behind the full order, seeds {seeds[0]} to {seeds[-1]}. "
        f"{provenance()}"
    )


def main() -> None:
    """Train the collections, print what an order costs, and keep it."""
    given = _arguments()
    given.scratch.mkdir(parents=True, exist_ok=True)
    lines = []
    for line in table(given):
        print(line, flush=True)
        lines.append(line)
    (given.scratch / "order_cost.md").write_text("\n".join(lines) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="order-cost", description=__doc__.splitlines()[0])
    parser.add_argument("collections", nargs="*", metavar="COLLECTION", default=list(SPECS))
    parser.add_argument("--scratch", type=Path, required=True, help="folder the logs are kept in")
    parser.add_argument("--quick", action="store_true", help="small and few: does it run?")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="seeds go up from here")
    given = parser.parse_args()
    if unknown := set(given.collections) - set(SPECS):
        parser.error(f"{', '.join(sorted(unknown))}: the collections are {', '.join(SPECS)}")
    return given


if __name__ == "__main__":
    main()
