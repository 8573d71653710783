"""What the page knows of every example, as whole numbers: shares of votes on their lattice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.measures._kernels import smallest_type
from learnorder.report.lattice import merge_width
from learnorder.report.measured import Measured
from learnorder.schema import Scores

ACCESSIBILITY: Final = "accessibility"
RIGHT_LAST: Final = "right at the end"
AGREEMENT_LAST: Final = "agreement at the end"
WRONG_LAST: Final = "one same wrong class at the end"
FORGOTTEN: Final = "times forgotten"
MEAN_AGREEMENT: Final = "mean agreement"
CONFIDENCE: Final = "confidence"
VARIABILITY: Final = "variability"

HUNDREDTHS: Final = 100
"""Steps of a value that is no share of votes."""


@dataclass(frozen=True)
class Column:
    """One number of each example.

    Attributes
    ----------
    name
        Unique in a split.
    votes
        ``(example,)`` whole numbers from 0.
    per
        What they are divided by for a reader.
    step
        How many of these numbers share a cell of a figure.
    """

    name: str
    votes: NDArray[np.unsignedinteger[Any]]
    per: float
    step: int = 1

    def coarse(self) -> Column | None:
        """The same in the steps that a figure shows, which take less room; None if it is so."""
        if self.step == 1:
            return None
        return Column(self.name, self.votes // self.step * self.step, self.per, self.step)


def hundredths(values: Scores, most: float = 1.0) -> NDArray[np.int64]:
    """Values in [0, ``most``] as hundredths of ``most``.

    Examples
    --------
    >>> hundredths(np.array([0.0, 0.504, 1.0])).tolist(), hundredths(np.array([0.25]), 0.5).tolist()
    ([0, 50, 100], [50])
    """
    return np.rint(np.asarray(values) * (HUNDREDTHS / most)).astype(np.int64)


def columns_of(m: Measured) -> Iterator[Column]:
    """Yield them, those that a reader asks for first in front."""
    n = m.n_replicates
    if m.order is not None:
        yield _column(ACCESSIBILITY, m, m.order.right, n * m.n_trained)
    if m.agreed is not None:
        yield _column(MEAN_AGREEMENT, m, m.agreed, n * m.n_trained)
    if m.tp_counts is not None:
        yield _column(RIGHT_LAST, m, m.tp_counts[-1], n)
        yield _column(WRONG_LAST, m, m.last.wrong_votes, n)
    yield _column(AGREEMENT_LAST, m, m.last.top_votes, n)
    if m.data_map is not None:
        yield _column(CONFIDENCE, m, hundredths(m.data_map.confidence), HUNDREDTHS, step=1)
        variability = hundredths(m.data_map.variability, most=0.5)
        yield _column(VARIABILITY, m, variability, 2 * HUNDREDTHS, step=1)
    if m.order is not None and m.n_trained > 1:
        yield _column(FORGOTTEN, m, m.order.forgotten, n)


def _column(
    what: str, m: Measured, votes: NDArray[Any], per: int, step: int | None = None
) -> Column:
    """A column of votes out of ``per``; the cells of the data map alone are not merged ones."""
    most = int(votes.max()) if len(votes) else 0
    return Column(
        m.value_name(what), votes.astype(smallest_type(most)), per, step or merge_width(per)
    )
