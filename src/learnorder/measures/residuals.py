"""What is left of scores when terms that are known of each example are held fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from learnorder.measures.moments import Deviations
from learnorder.measures.ranks import Ranks, level_ranks
from learnorder.schema import Labels, Scores

CONSTANT = 1e-12
"""Deviation of a term, beside its size, that is rounding."""

DEPENDENT = 1e-6
"""Length that is left of a term of length 1, when what others say is taken off, that is rounding.
"""


@dataclass(frozen=True)
class Residuals(Deviations):
    """Deviations less what a linear function of terms, fitted to each replicate, says of them.

    Attributes
    ----------
    terms
        ``(kept example, term)``, orthonormal.
    slopes
        ``(replicate, term)``.
    """

    terms: Scores
    slopes: Scores

    @classmethod
    def of(cls, deviation: Deviations, terms: Scores, slopes: Scores) -> Residuals:
        """What is left by terms and slopes; the degrees of freedom fall by the number of terms."""
        return cls(
            table=deviation.table,
            member=deviation.member,
            means=deviation.means,
            kept=deviation.kept,
            degrees=deviation.degrees - terms.shape[1],
            terms=terms,
            slopes=slopes,
        )

    def blocks(self, width: int | None = None) -> Iterator[tuple[slice, Scores]]:
        """Residuals ``(replicate, kept example)``, and where they lie among the kept ones."""
        for here, values in super().blocks(width):
            values -= self.slopes @ self.terms[here].T
            yield here, values


def residuals(deviation: Deviations, terms: Scores) -> Residuals:
    """Least squares of each replicate's deviations on terms ``(example, term)``.

    Terms are centred as the deviations are, so that centring within class beforehand is the same as
    a term for each class. What a term says that others say too counts once.
    """
    basis = orthonormal(centred_terms(deviation, terms))
    (slopes,) = products(deviation, basis)
    return Residuals.of(deviation, basis, slopes)


def products(deviation: Deviations, *terms: Scores) -> list[Scores]:
    """Products of each replicate's deviations with terms of the kept examples, in one pass."""
    found = [np.zeros((deviation.n_replicates, some.shape[1])) for some in terms]
    for here, values in deviation.blocks():
        for total, some in zip(found, terms, strict=True):
            total += values @ some[here]
    return found


def centred_terms(deviation: Deviations, terms: Scores) -> Scores:
    """Terms less their mean over examples, or over a class, of the kept examples; of length 1.

    A term that does not differ, between examples or within any class, is zeros.
    """
    member, n_groups = deviation.member, deviation.means.shape[1]
    size = np.bincount(member, minlength=n_groups)
    centred = np.zeros((deviation.n_examples, terms.shape[1]))
    for column, term in enumerate(terms.T):
        largest = float(np.abs(term).max(initial=0.0))
        scaled = term / largest if largest else term  # so that no square is too large, or too small
        mean = np.bincount(member, weights=scaled, minlength=n_groups) / size
        off = (scaled - mean[member])[deviation.kept]
        length = float(np.sqrt(off @ off))
        if length > CONSTANT * np.sqrt(len(off)):
            centred[:, column] = off / length
    return centred


def orthonormal(terms: Scores) -> Scores:
    """Orthonormal columns that span the same as terms of length 1; as few as are independent."""
    squared, turned = np.linalg.eigh(terms.T @ terms)
    independent = squared > DEPENDENT**2
    spanned: Scores = terms @ (turned[:, independent] / np.sqrt(squared[independent]))
    return spanned


def rank_terms(ranks: Sequence[Ranks]) -> Scores:
    """Two terms for each baseline, ``(example, term)``: its rank and the square of that.

    Ranks, ties averaged, are shares from -1/2 to 1/2: a relation that rises or falls in any shape
    is nearly linear in them, and a single bend is caught by the square, while outliers do not count
    more than others.
    """
    return np.stack([rank.centred**power for rank in ranks for power in (1, 2)], axis=1)


def baseline_ranks(values: Scores, groupings: Sequence[Labels | None]) -> Iterator[Ranks]:
    """Ranks of a baseline by each grouping; tied is what is equal, whatever its unit."""
    levels, level = np.unique(values, return_inverse=True)
    return level_ranks(level, len(levels), groupings)
