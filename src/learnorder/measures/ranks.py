"""Ranks of tied scores, overall or within classes, and how alike two rankings are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.schema import Labels, Scores

DECIMALS = 12
"""Mean scores that agree this far are tied: they differ by the rounding of sums, far below the
steps of a mean over replicates and epochs."""

DENSE = 2
"""Keys for each example up to which counting all of them is faster than sorting the examples."""


@dataclass(frozen=True)
class Ranks:
    """Ranks of examples, each within its group, from the lowest score up.

    Attributes
    ----------
    centred
        ``(example,)``, ranks as shares of the group, less their mean; ties averaged. Dividing by
        the size keeps a large class from counting more per example than a small one.
    tied
        ``(example,)``, how many examples of the group have this rank, itself included.
    group
        ``(example,)``, or None where all examples are one group.
    size
        ``(group,)``, number of examples.
    """

    centred: Scores
    tied: NDArray[np.int32]
    group: Labels | None
    size: NDArray[np.int64]

    @property
    def constant(self) -> bool:
        """Whether no example differs from another of its group."""
        return not self.centred.any()

    def below(self, part: slice) -> Scores:
        """How many examples of the same group have a lower rank, for some examples."""
        size = self.size[self.groups(part)]
        middle = self.centred[part] * size + (size + 1) / 2
        below: Scores = np.rint(middle - (self.tied[part] + 1) / 2)
        return below

    def groups(self, part: slice) -> NDArray[Any] | int:
        """Group of some examples."""
        return 0 if self.group is None else self.group[part]


def centred_ranks(values: Scores, groupings: Sequence[Labels | None]) -> Iterator[Ranks]:
    """Yield the ranks within the groups of each grouping; a grouping that is None is one group."""
    rounded = np.round(values, DECIMALS)
    levels = np.unique(rounded)
    level = np.searchsorted(levels, rounded)
    del rounded
    yield from level_ranks(level, len(levels), groupings)


def level_ranks(
    level: Labels, n_levels: int, groupings: Sequence[Labels | None]
) -> Iterator[Ranks]:
    """The same by the place of each example's value among the levels there are."""
    for groups in groupings:
        if groups is None:
            yield _group_ranks(level, None, np.array([len(level)]), n_levels)
        else:
            # One ranking of (group, level) ranks every group at once, each after those before it.
            keys = groups * n_levels
            keys += level
            yield _group_ranks(keys, groups, np.bincount(groups), n_levels)


def _group_ranks(
    keys: Labels, groups: Labels | None, size: NDArray[np.int64], n_levels: int
) -> Ranks:
    """Ranks by ``group * n_levels + level``; ``size`` is that of each group."""
    run, group, length = _runs(keys)
    tied = length.astype(np.int32)[run]
    # In place: there may be twice as many keys as examples.
    group //= n_levels
    ranks: Scores = np.multiply(length, -0.5, dtype=np.float64)
    ranks += 0.5
    np.cumsum(length, out=length)
    ranks += length
    del length
    before = np.cumsum(size) - size
    ranks -= before[group]
    ranks -= (size[group] + 1) / 2
    ranks /= np.maximum(size, 1)[group]
    return Ranks(ranks[run], tied, groups, size)


def _runs(keys: Labels) -> tuple[Labels, Labels, Labels]:
    """Position of each key among the runs of equal keys, the key of each run, and its length."""
    if keys.max() < DENSE * len(keys):
        length = np.bincount(keys)
        return keys, np.arange(len(length)), length
    key, run, length = np.unique(keys, return_inverse=True, return_counts=True)
    return run, key, length


def rank_correlation(a: Ranks, b: Ranks) -> float | None:
    """Correlation of centred ranks (Spearman's for one group); None where one is constant."""
    of_a, of_b = a.centred, b.centred
    scale = float(np.sqrt((of_a @ of_a) * (of_b @ of_b)))
    return float(of_a @ of_b) / scale if scale > 0 else None


def kendall_tau(a: Ranks, b: Ranks) -> float | None:
    r"""Kendall's tau-b over pairs of examples of one group; None where one has only ties.

    .. math:: \tau = \frac{C - D}{\sqrt{U_a U_b}}

    with C pairs that both order alike, D that they order oppositely, and U those that one of them
    does not tie: sums over groups. 1: alike on every pair that is not tied; -1: opposite.

    References
    ----------
    kendall1945, knight1966
    """
    from scipy.stats import kendalltau

    n = len(a.centred)
    within = int((a.size * (a.size - 1) // 2).sum())
    # An example is in as many tied pairs as others have its rank; each pair has two examples.
    untied = [within - (int(r.tied.sum(dtype=np.int64)) - n) // 2 for r in (a, b)]
    if min(untied) == 0:
        return None
    # With the groups one after another in both, pairs across groups are ordered alike throughout:
    # one count of all pairs gives that within groups, however many groups there are.
    across = n * (n - 1) // 2 - within
    keys = [r.centred if r.group is None else 2.0 * r.group + r.centred for r in (a, b)]
    scale = math.sqrt(untied[0] + across) * math.sqrt(untied[1] + across)
    excess = round(float(kendalltau(*keys).statistic) * scale) - across
    return excess / (math.sqrt(untied[0]) * math.sqrt(untied[1]))
