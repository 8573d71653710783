"""How far predictions on running statistics of BatchNorm lie behind the network they are of.

    python -m benchmarks.batch_norm_lag --out FOLDER

The same networks are trained twice, from the same seeds: what is recorded differs, their weights do
not. Logs are kept in the folder. The table is in docs/spec.md; it needs CIFAR-10, found through
``LEARNORDER_DATA``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.results import provenance
from numpy.typing import NDArray

import learnorder as lo

SHOWN = {
    "4 steps": 0.2,
    "8 steps": 0.4,
    "1 epoch": 1.0,
    "2 epochs": 2.0,
    "3 epochs": 3.0,
    "4 epochs": 4.0,
}
"""Points of the table, of epochs of 20 steps."""

LATER = 1.0
"""The later order is the mean over points from this epoch on."""

SPEC: dict[str, dict[str, Any]] = {
    "dataset": {"name": "cifar10-subset", "train_limit": 2500, "test_limit": 500},
    "architecture": {"name": "resnet-8"},
    "optimizer": {"learning_rate": 0.02},
    "training": {"epochs": 4, "batch_size": 128},
    "recording": {"every": "log", "early": "log"},
}

KINDS = ("running", "reestimated")


def right_of(kind: str, given: argparse.Namespace) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Train what is missing; recorded epochs, and where ``(replicate, epoch, image)`` is right."""
    spec = {**SPEC, "recording": {**SPEC["recording"], "batch_norm": kind}}
    out = given.out / f"{kind}.zarr"
    seeds = range(given.replicates)
    lo.train_collection(lo.TrainingSpec.from_tables(spec), seeds, out=out, workers=given.workers)
    log = lo.open_log(out)["test"].sel(replicate=list(seeds))
    return log["epoch"].values, (log["prediction"] == log["label"]).values


def with_later(of: NDArray[np.bool_], point: int, other: NDArray[np.bool_], later: Any) -> float:
    """Correlation with the later order of the other half of the replicates; mean of both ways."""
    halves = np.array_split(np.arange(len(of)), 2)
    ways = ((halves[0], halves[1]), (halves[1], halves[0]))
    return float(
        np.mean(
            [
                correlation(of[mine, point].mean(0), other[theirs][:, later].mean((0, 1)))
                for mine, theirs in ways
            ]
        )
    )


def correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Pearson's."""
    return float(np.corrcoef(a, b)[0, 1])


HEAD = [
    "after",
    "accuracy, running",
    "re-estimated",
    "correlation between the two",
    "with the later order: running",
    "re-estimated",
    "with the later one on re-estimated: running",
    "re-estimated",
]


def rows(epochs: NDArray[Any], right: dict[str, NDArray[np.bool_]]) -> Iterator[list[str]]:
    """Lines about points of the grid."""
    later = epochs >= LATER
    for name, epoch in SHOWN.items():
        point = int(np.flatnonzero(np.isclose(epochs, epoch))[0])
        cells = [name]
        for kind in KINDS:
            accuracy = right[kind][:, point].mean(1)
            cells.append(f"{accuracy.mean():.3f} ({accuracy.std(ddof=1):.3f})")
        both = (right[kind][:, point].mean(0) for kind in KINDS)
        cells.append(f"{correlation(*both):.2f}")
        pairs = ((right[kind], right[target]) for target in KINDS for kind in KINDS)
        cells += [f"{with_later(of, point, other, later):z.2f}" for of, other in pairs]
        yield cells


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="batch-norm-lag", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder the logs are kept in")
    parser.add_argument("--replicates", type=int, default=6)
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    read = {kind: right_of(kind, given) for kind in KINDS}
    epochs = read["running"][0]
    for line in (HEAD, ["---"] * len(HEAD)):
        print(f"| {' | '.join(line)} |")
    for cells in rows(epochs, {kind: right for kind, (_, right) in read.items()}):
        print(f"| {' | '.join(cells)} |")
    print(f"\n{provenance()}")


if __name__ == "__main__":
    main()
