"""The same operations by plain xarray on Zarr, as its documentation shows them.

One group for each replicate: ``Dataset.to_zarr(..., append_dim="epoch")`` after each epoch, then
``open_zarr``, ``concat`` and arithmetic on whole arrays; default chunks and codecs. It has no
fsync, no commit records and no checksums.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from benchmarks.operations import stopwatch
from benchmarks.sizes import Size
from benchmarks.synthetic import World, predictions


def write_epochs(path: str, size: dict[str, int]) -> dict[str, list[float]]:
    """Append the epochs of one replicate, which are in memory; the seconds of each."""
    asked = Size(**size)
    world = World.draw(asked)
    votes = list(predictions(world, asked, 0))
    seconds = []
    for index, vote in enumerate(votes):
        with stopwatch() as gone:
            part = _dataset(world, vote[np.newaxis], index)
            _append(path, part, 0, first=index == 0)
            seconds.append(gone())
    return {"epoch_seconds": seconds}


def generate(path: str, size: dict[str, int]) -> dict[str, float]:
    """Write a whole log; the files are those of appending, which fixes the chunks at first."""
    asked = Size(**size)
    world = World.draw(asked)
    for replicate in range(asked.replicates):
        votes = np.stack(list(predictions(world, asked, replicate)))
        _append(path, _dataset(world, votes[:1], 0), replicate, first=True)
        if asked.epochs > 1:
            _append(path, _dataset(world, votes[1:], 1), replicate, first=False)
    return {}


def read(path: str, replicates: int) -> dict[str, float]:
    """Read every prediction once, a replicate at a time."""
    with stopwatch() as gone:
        n = sum(part.prediction.values.size for part in _opened(path, replicates))
        return {"seconds": gone(), "n": n}


def measure(path: str, replicates: int) -> dict[str, float]:
    """Compute accuracy and TP-agreement after each epoch, and accessibility: nothing else."""
    with stopwatch() as gone:
        seeds = xr.Variable("replicate", np.arange(replicates))
        log = xr.concat(list(_opened(path, replicates)), seeds, data_vars=["prediction"])
        correct = log.prediction == log.label
        agreed = correct.mean("replicate")
        accuracy = correct.mean("example")
        accessibility = correct.mean(("replicate", "epoch"))
        found = float(agreed.mean()), float(accuracy.mean()), float(accessibility.mean())
        return {"seconds": gone(), "n": log.prediction.size, "mean": found[2]}


def _opened(path: str, replicates: int) -> Iterator[xr.Dataset]:
    return (xr.open_zarr(path, group=f"r{r:04d}") for r in range(replicates))


def _append(path: str, part: xr.Dataset, replicate: int, *, first: bool) -> None:
    group = f"r{replicate:04d}"
    if first:
        part.to_zarr(path, group=group, mode="w")
    else:
        # what has no epochs is written once
        part.drop_vars(["label", "example"]).to_zarr(path, group=group, append_dim="epoch")


def _dataset(world: World, votes: np.ndarray, first: int) -> xr.Dataset:
    return xr.Dataset(
        {"prediction": (("epoch", "example"), votes), "label": ("example", world.label)},
        coords={
            "epoch": np.arange(len(votes)) + first + 1.0,
            "example": np.arange(votes.shape[1]),
        },
    )
