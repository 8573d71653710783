"""One number for each example, by which examples are sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, nearest
from learnorder.measures.agreement import mean_agreement
from learnorder.measures.catalogue import CATALOGUE, find_measure
from learnorder.measures.learning import ONE_EPOCH
from learnorder.measures.rows.row import Direction
from learnorder.ranking.evidence import Evidence
from learnorder.ranking.score import suspicion
from learnorder.schema import EPOCH, EXAMPLE, LABEL, Scores

ACCESSIBILITY: Final = "accessibility"


@dataclass(frozen=True)
class Column:
    """A number of the table itself that examples can be sorted by.

    Attributes
    ----------
    direction
        As in the catalogue.
    of
        Takes the evidence.
    needs_labels
        Whether there is none without labels.
    stands_for
        Measure of the catalogue, of another shape, that it is a mean of.
    """

    direction: Direction
    of: Callable[[Evidence], Scores]
    needs_labels: bool = True
    stands_for: str = ""


COLUMNS: Final[dict[str, Column]] = {
    ACCESSIBILITY: Column("higher is easier", lambda e: e.accessibility),
    "suspicion": Column("lower is easier", suspicion),
    "wrong_agreement": Column("lower is easier", lambda e: e.wrong_agreement),
    "final_right": Column("higher is easier", lambda e: e.final_right),
    "forgetting": Column("lower is easier", lambda e: e.forgetting, stands_for="forgetting_events"),
    "never_learned": Column("lower is easier", lambda e: e.never_learned),
    "suggested_share": Column("higher is more alike", lambda e: e.suggested_share, False),
}

MEAN_AGREEMENT: Final = "mean_agreement"
"""Mean of agreement over the recorded epochs > 0: the order where there are no labels."""

FROM_CATALOGUE: Final = tuple(
    m.name for m in CATALOGUE if m.dims == (EXAMPLE,) and m.name not in COLUMNS
)

NAMES: Final = (*COLUMNS, MEAN_AGREEMENT, *FROM_CATALOGUE)
"""Everything examples can be sorted by."""


@dataclass(frozen=True)
class Key:
    """The number examples are sorted by.

    Attributes
    ----------
    name, direction
        What it is, and what a higher value means.
    values
        ``(example,)``; NaN where undefined.
    """

    name: str
    direction: Direction
    values: Scores

    def ascending(self) -> NDArray[np.int64]:
        """Positions by ascending value; equal ones by position, undefined ones last."""
        return np.argsort(self.values, kind="stable").astype(np.int64)

    def descending(self) -> NDArray[np.int64]:
        """Positions by descending value; equal ones by position, undefined ones last."""
        return np.argsort(-self.values, kind="stable").astype(np.int64)

    def hardest_first(self) -> NDArray[np.int64]:
        """Positions from hard to easy, where there is such a thing; equal ones by position."""
        lowest_is_hardest = self.direction == "higher is easier"
        return self.ascending() if lowest_is_hardest else self.descending()

    def easiest_first(self, purpose: str) -> NDArray[np.int64]:
        """Positions from easy to hard; equal ones by position.

        Raises
        ------
        LearnOrderError
            The number does not say what is easy.
        """
        if self.direction == "higher is easier":
            return self.descending()
        if self.direction == "lower is easier":
            return self.ascending()
        easy = [n for n in NAMES if direction_of(n).endswith("easier")]
        raise LearnOrderError(
            f"rank: {self.name} does not say which examples are easy ({_meaning(self.direction)}). "
            f"{purpose} goes from easy to hard. Use one of: {', '.join(easy)}."
        )


def check_name(name: str, log: xr.Dataset) -> None:
    """Refuse what examples of this split cannot be sorted by, before anything is counted.

    Raises
    ------
    LearnOrderError
        The name is not known, is of something of another shape, or needs labels.
    """
    if name not in NAMES:
        _refuse(name)
    labels_free = name == MEAN_AGREEMENT or (name in COLUMNS and not COLUMNS[name].needs_labels)
    if LABEL not in log and not labels_free:
        raise LearnOrderError(
            f"rank: the split {log.attrs.get('split', '')!r} has no labels, so no {name}. Without "
            f"labels examples are sorted by how far replicates agree. Use {MEAN_AGREEMENT!r} or "
            "'suggested_share'."
        )


def key_of(name: str, log: xr.Dataset, evidence: Evidence) -> Key:
    """Compute the number of this name for every example.

    Raises
    ------
    LearnOrderError
        The split lacks what the measure needs.
    """
    if name in COLUMNS:
        values = COLUMNS[name].of(evidence)
        if np.isnan(values).all():
            raise LearnOrderError(
                f"rank: no example has a value of {name} ({ONE_EPOCH}). Examples are sorted by a "
                "number that they have. Use another, or record more epochs."
            )
        return Key(name, COLUMNS[name].direction, values)
    if name == MEAN_AGREEMENT:
        before = int((np.asarray(log[EPOCH].values) <= 0).sum())
        trained = log.isel({EPOCH: slice(before, None)})
        return Key(name, direction_of(name), mean_agreement(trained).values)
    return Key(name, direction_of(name), find_measure(name).function(log).values)


def direction_of(name: str) -> Direction:
    """What a higher value of a known name means."""
    if name in COLUMNS:
        return COLUMNS[name].direction
    return "higher is more alike" if name == MEAN_AGREEMENT else find_measure(name).direction


def _meaning(direction: Direction) -> str:
    return "it has no direction" if direction == "none" else direction


def _refuse(name: str) -> None:
    """Say why nothing can be sorted by this."""
    measure = next((m for m in CATALOGUE if m.name == name), None)
    if measure is None:
        raise LearnOrderError(f"rank: unknown measure {name!r}. {nearest(str(name), NAMES)}")
    shape = ", ".join(measure.dims)
    found = f"is one for each ({shape})" if shape else "is one value of the whole split"
    means = [n for n, column in COLUMNS.items() if column.stands_for == name]
    instead = f"{means[0]!r}, its mean over replicates" if means else f"one of: {', '.join(NAMES)}"
    raise LearnOrderError(
        f"rank: {name} {found}. Examples are sorted by one number for each. Use {instead}."
    )
