"""What two collections share before any order: replicates, or the chance of equal seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import xarray as xr

from learnorder.comparison.clocks import Positions
from learnorder.comparison.gather import Gathered
from learnorder.measures.split import Split
from learnorder.schema import EPOCH, REPLICATE


def shared_replicates(a: tuple[str, Gathered], b: tuple[str, Gathered]) -> str | None:
    """Say which replicates two collections share, on the epochs that both use, or None."""
    (name_a, of_a), (name_b, of_b) = a, b
    seeds_a, seeds_b = (found.split.log[REPLICATE].values.tolist() for found in (of_a, of_b))
    epochs, *at = np.intersect1d(of_a.split.epochs, of_b.split.epochs, return_indices=True)
    if not len(epochs):
        return None
    split_a, split_b = _on(of_a.split, at[0]), _on(of_b.split, at[1])
    # Counts are at hand and small; predictions are read again only where all counts agree.
    counts_a, counts_b = of_a.right[:, at[0]], of_b.right[:, at[1]]
    seeds = []
    for seed in (seed for seed in seeds_a if seed in set(seeds_b)):
        pair = (seeds_a.index(seed), seeds_b.index(seed))
        maybe = np.array_equal(counts_a[pair[0]], counts_b[pair[1]])
        # Where all is right nothing needs to be copied to be alike.
        all_right = (counts_a[pair[0]] == split_a.n_examples).all()
        if maybe and not all_right and _same_predictions(split_a, split_b, pair):
            seeds.append(seed)
    if not seeds:
        return None
    return (
        f"{name_a!r} and {name_b!r} share replicates (the same predictions "
        f"for seeds {_listed(seeds)}), which agree with themselves"
    )


def equal_seeds(logs: Mapping[str, xr.Dataset]) -> list[str]:
    """Say which networks that were trained here have seeds in common, and what that does.

    The same predictions or not, they are not independent, as the correction for noise takes them.
    """
    notes = []
    for (name_a, a), (name_b, b) in combinations(logs.items(), 2):
        if "network" not in a.attrs or "network" not in b.attrs:
            continue
        common = sorted(set(a[REPLICATE].values.tolist()) & set(b[REPLICATE].values.tolist()))
        if not common:
            continue
        alike = a.attrs["network"] == b.attrs["network"]
        begin = " and may begin with equal weights" if alike else ""
        notes.append(
            f"{name_a!r} and {name_b!r} were trained from equal seeds ({_listed(common)}): as a "
            f"rule replicates of one seed see the examples in one order{begin}, so 'corrected' "
            "comes out high. Train one of the two from other seeds, for example --seeds 100:110"
        )
    return notes


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds[:5])) + (", ..." if len(seeds) > 5 else "")


def _on(split: Split, epochs: Positions) -> Split:
    """The split on some of its epochs."""
    if len(epochs) == split.n_epochs:
        return split
    return replace(split, log=split.log.isel({EPOCH: epochs}), epochs=split.epochs[epochs])


def _same_predictions(a: Split, b: Split, pair: Sequence[int]) -> bool:
    """Whether a replicate of each predicts the same throughout, and not always one class.

    Networks that do not learn, or diverged, predict one class without being copies.
    """
    one, other = (split.replicate(position) for split, position in zip((a, b), pair, strict=True))
    first, varies = None, False
    for tile in one.reads():
        if not np.array_equal(tile.prediction, other.read(tile.epochs, tile.examples)):
            return False
        first = tile.prediction.flat[0] if first is None else first
        varies = varies or bool((tile.prediction != first).any())
    return varies
