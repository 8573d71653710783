"""What has to be known to read a ranking rightly."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from learnorder.ranking.evidence import Evidence
from learnorder.ranking.keys import Key
from learnorder.ranking.readings import ONE_REPLICATE

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
