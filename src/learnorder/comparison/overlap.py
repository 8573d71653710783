"""Which examples are hardest, and which easiest: are they the same for two collections?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import count_of
from learnorder.measures.found import Found, with_reasons
from learnorder.measures.ranks import Ranks
from learnorder.measures.tiles import cuts
from learnorder.schema import Scores

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Of the examples, at each end of an order; ascending."""

ENDS = ("hardest", "easiest")

PART = 1 << 16
"""Examples that are gone through at once: some numbers for each stay in the caches."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How many of the hardest, and of the easiest, examples of two collections are the same.

    Attributes
    ----------
    share
        Of all examples; within class, of each class.
    n_examples
        k, how many these are: ``share`` of each group, rounded.
    chance
        Overlap to expect of two orders that have nothing to do with each other: k/n, within class
        the mean over those k examples of the k/n of their class.
    hardest, easiest
        Share of the k hardest (easiest) of one that are among the k of the other, in [0, 1]. Where
        examples are tied at the cut it is the mean over all ways of breaking ties at random, by
        each collection for itself: so an order with ties overlaps with itself by less than 1.
    hardest_halves_a, hardest_halves_b, easiest_halves_a, easiest_halves_b
        The same between halves of one collection, mean over splits: what one order seen twice, by
        half as many replicates, would give.
    undefined
        For each attribute that is None, the reason.
    """

    share: float
    n_examples: int
    chance: float | None
    hardest: float | None
    easiest: float | None
    hardest_halves_a: float | None
    hardest_halves_b: float | None
    easiest_halves_a: float | None
    easiest_halves_b: float | None
    undefined: dict[str, str] = field(default_factory=dict)


def overlaps(
    a: Ranks, b: Ranks, halves_a: Scores | str, halves_b: Scores | str
) -> tuple[Overlap, ...]:
    """Overlap of two orders at each share; the halves as `expected_overlap` or why there are none.

    References
    ----------
    webber2010similarity
    """
    taken = _taken(a)
    values = expected_overlap(a, b)
    chance = (taken**2 / np.maximum(a.size, 1)).sum(axis=1)
    found = []
    for i, share in enumerate(SHARES):
        k = int(taken[i].sum())
        none = f"{share:.0%} of {count_of(len(a.centred), 'example')} is none" if k == 0 else None
        parts: dict[str, Found] = {"chance": none or float(chance[i] / k)}
        for e, end in enumerate(ENDS):
            parts[end] = none or float(values[i, e])
            for side, halves in (("a", halves_a), ("b", halves_b)):
                at = halves if isinstance(halves, str) else float(halves[i, e])
                parts[f"{end}_halves_{side}"] = none or at
        found.append(Overlap(share=share, n_examples=k, **with_reasons(parts)))
    return tuple(found)


def expected_overlap(a: Ranks, b: Ranks) -> Scores:
    """Share of each end of one order that is at the same end of the other, ``(share, end)``.

    An example is at an end with the probability that it has if ties at the cut are broken at
    random; by each order for itself, so the probabilities multiply. 0 where an end is empty.
    """
    taken = _taken(a)
    expected = np.zeros((len(SHARES), len(ENDS)))
    for part in cuts(slice(0, len(a.centred)), PART):
        groups = a.groups(part)
        below = [ranks.below(part) for ranks in (a, b)]
        tied = [ranks.tied[part] for ranks in (a, b)]
        above = [a.size[groups] - low - same for low, same in zip(below, tied, strict=True)]
        for end, beyond in enumerate((below, above)):
            expected[:, end] += _expected(beyond, tied, groups, taken)
    expected /= np.maximum(taken.sum(axis=1), 1)[:, np.newaxis]
    return expected


def _expected(
    beyond: Sequence[Scores],
    tied: Sequence[NDArray[np.int32]],
    groups: NDArray[Any] | int,
    taken: NDArray[np.int64],
) -> Scores:
    """Examples to expect at an end of both orders, ``(share,)``.

    Of each order ``beyond`` is how many examples lie nearer to the end, and ``tied`` how many are
    tied with one.
    """
    expected = np.zeros(len(taken))
    # From the largest share down: what may be at a smaller one is among those.
    for i in reversed(range(len(taken))):
        inside = (beyond[0] < taken[i][groups]) & (beyond[1] < taken[i][groups])
        beyond, tied = [n[inside] for n in beyond], [n[inside] for n in tied]
        groups = groups[inside] if isinstance(groups, np.ndarray) else groups
        first, second = (
            np.minimum((taken[i][groups] - n) / same, 1)
            for n, same in zip(beyond, tied, strict=True)
        )
        expected[i] = first @ second
    return expected


def _taken(ranks: Ranks) -> NDArray[np.int64]:
    """How many examples of each group are at an end, ``(share, group)``."""
    return np.floor(np.outer(SHARES, ranks.size) + 0.5).astype(np.int64)
