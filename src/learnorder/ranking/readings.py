"""What to make of an example, by a rule that follows from definitions and was fitted to no data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError
from learnorder.ranking.evidence import Evidence

MISLABELLED: Final = "likely mislabelled"
AMBIGUOUS: Final = "ambiguous"
HARD: Final = "hard but right"
EASY: Final = "easy"
READINGS: Final = (MISLABELLED, AMBIGUOUS, HARD, EASY)

ONE_REPLICATE: Final = "a reading rests on the agreement of replicates; there is 1"


@dataclass(frozen=True)
class Rule:
    """The thresholds of `read_examples`.

    Attributes
    ----------
    low
        Accessibility below which an example is learned late, if at all: 1/2, wrong in more than
        half of what was recorded.
    agreed
        Share of the replicates from which on they agree on one class: 2/3, twice as many as all
        others together. Above 1/2, so that no two classes can be agreed on.
    """

    low: float = 0.5
    agreed: float = 2 / 3

    def __post_init__(self) -> None:
        bounds: tuple[tuple[str, Any, float], ...] = (
            ("low", self.low, 0.0),
            ("agreed", self.agreed, 0.5),
        )
        for name, value, least in bounds:
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not number or not least < value <= 1:
                raise LearnOrderError(
                    f"rank: {name} is {value!r}. It is a share above {least:g} and at most 1. "
                    "Use such a number, or leave it out."
                )


def read_examples(evidence: Evidence, rule: Rule) -> NDArray[np.int8]:
    """Reading of each example, as its place in `READINGS`; the first that applies counts.

    1. likely mislabelled: accessibility is low, and replicates agree on one wrong class.
    2. easy: accessibility is not low, and replicates agree on the label.
    3. hard but right: at the end, replicates agree on the label.
    4. ambiguous: everything else: they are split between classes.

    Replicates agree on a class over training if so many of them vote for it, each for the class
    that it predicts at most epochs; at the end, if so many predict it.

    That a label is predicted at the end does not clear it where the replicates agreed on another
    class before: whatever is trained on is learned in the end, a wrong label too, but later.

    Parameters
    ----------
    evidence
        Of at least two replicates, and a split with labels.
    rule
        The thresholds.

    Returns
    -------
    ``(example,)``.

    References
    ----------
    arpit2017memorization, zhang2017understanding
    """
    low = evidence.accessibility < rule.low
    for_label = evidence.suggested_share >= rule.agreed
    for_label &= evidence.counted.suggested == evidence.label
    conditions = [
        low & (evidence.wrong_agreement >= rule.agreed),
        ~low & for_label,
        evidence.final_right >= rule.agreed,
    ]
    places = [READINGS.index(reading) for reading in (MISLABELLED, EASY, HARD)]
    read = np.select(conditions, places, default=READINGS.index(AMBIGUOUS))
    return read.astype(np.int8)
