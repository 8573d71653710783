"""One table of the measures: the command line lists it, the report explains by it, tests use it.

To add a measure: write its function, and a row about it in `learnorder.measures.rows`.
"""

from __future__ import annotations

from learnorder.errors import LearnOrderError, nearest
from learnorder.measures.rows import epochs, examples, orders, pairs, probabilities
from learnorder.measures.rows.row import Measure

CATALOGUE: tuple[Measure, ...] = (
    *examples.ROWS,
    *probabilities.ROWS,
    *epochs.ROWS,
    *pairs.ROWS,
    *orders.ROWS,
)
"""Every measure, in the order in which it is best read."""


def find_measure(name: str) -> Measure:
    """Row of the catalogue with this name.

    Raises
    ------
    LearnOrderError
        There is none; the message names the nearest.

    Examples
    --------
    >>> find_measure("accessibility").direction
    'higher is easier'
    """
    for measure in CATALOGUE:
        if measure.name == name:
            return measure
    known = nearest(name, [measure.name for measure in CATALOGUE])
    raise LearnOrderError(f"find_measure: unknown measure {name!r}. {known}")
