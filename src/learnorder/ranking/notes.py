"""What has to be known to read a ranking rightly."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import count_of
from learnorder.ranking.evidence import Evidence
from learnorder.ranking.keys import Key
from learnorder.ranking.readings import ONE_REPLICATE
from learnorder.schema import Labels

MOSTLY_WRONG: Final = 0.5
"""Accuracy below which networks are more often wrong than right: what they agree on is then more
often their error than that of a label."""

FEW_REPLICATES: Final = 3
"""Below this, agreeing says little: two networks do so, or do not."""


def notes_of(evidence: Evidence) -> list[str]:
    """Notes on a ranking, each a sentence without its full stop."""
    if not len(evidence.label):
        return ["the split has no labels: nothing is right or wrong, and there are no readings"]
    notes = []
    if evidence.n_replicates == 1:
        notes.append(f"no readings: {ONE_REPLICATE}")
    elif evidence.n_replicates < FEW_REPLICATES:
        notes.append("readings are from 2 replicates, which agree on a class or do not")
    if evidence.n_epochs == 1:
        notes.append("one epoch > 0 was recorded: nothing learned late or forgotten can be seen")
    accuracy = float(evidence.final_right.mean())
    if accuracy < MOSTLY_WRONG:
        notes.append(
            f"after the last epoch a replicate is right on {100 * accuracy:.3g} % of the examples: "
            "where networks are mostly wrong, what they agree on is more often their error than "
            "that of a label"
        )
    return notes


def cut_tie(key: Key, positions: NDArray[np.int64]) -> list[str]:
    """Note on examples that are not shown, although they are equal to the last that is."""
    last = key.values[positions[-1]]
    n_equal = int((key.values == last).sum())
    n_shown = int((key.values[positions] == last).sum())
    if n_shown == n_equal:
        return []
    shared = f"share the {key.name} {last:z.3g}" if np.isfinite(last) else f"have no {key.name}"
    return [
        f"{n_equal:,} examples {shared}; those shown, {n_shown:,} of them, "
        "are the first in the source, which may be of one class"
    ]


def ties_of_pruning(key: Key, label: Labels, keep: NDArray[np.bool_]) -> list[str]:
    """Note on examples that are dropped although others of their class are equal and kept."""
    # classes and values as places, so that NaN is equal to itself
    value = np.unique(key.values, return_inverse=True)[1]
    pairs = np.unique(label * len(value) + value, return_inverse=True)[1]
    n_kept, n_all = np.bincount(pairs, weights=keep).astype(int), np.bincount(pairs)
    cut = (n_kept > 0) & (n_kept < n_all)
    if not cut.any():
        return []
    kept, dropped = int(n_kept[cut].sum()), int((n_all - n_kept)[cut].sum())
    return [
        f"{count_of(dropped, 'example')} dropped and {kept:,} kept of the same class share their "
        f"{key.name}: which of them go says nothing but their place in the source"
    ]


def ties_of_order(key: Key) -> list[str]:
    """Note on examples whose place in an order of all is that in the source, being equal."""
    _, counts = np.unique(key.values, return_counts=True)
    tied = int(counts[counts > 1].sum())
    if not tied:
        return []
    return [
        f"{tied:,} of {count_of(len(key.values), 'example')} share their {key.name} with others: "
        "equal ones are in the order of the source, which may be by class"
    ]
