"""Lanes: what a log holds of one quantity of one split, an array ``(epoch, example)``.

A prediction is the least; numbers about the label may be recorded beside it (`schema.OF_LABEL`).
Only here is it known what tells quantities apart; everywhere else a lane is bits of some width
under some name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import (
    OF_LABEL,
    PREDICTION,
    EpochPredictions,
    OfLabel,
    Predictions,
    prediction_dtype,
)

BYTES_PER_COMMIT = 2 * 4096
"""On usual file systems, beside the values: the rest of the chunk's last block, and the block of
its record."""


@dataclass(frozen=True)
class Lane:
    """One quantity of the examples of one split.

    Attributes
    ----------
    split, quantity
        Of what.
    n_examples
        How many values it has at each epoch.
    n_classes
        Number of classes that can be predicted.
    """

    split: str
    quantity: str
    n_examples: int
    n_classes: int

    @property
    def name(self) -> str:
        """Name on disk, which no split can have but the one whose predictions these are.

        Examples
        --------
        >>> [Lane("test", quantity, 5, 3).name for quantity in ("prediction", "probability")]
        ['test', 'test~probability']
        """
        return self.split if self.quantity == PREDICTION else f"{self.split}~{self.quantity}"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return _QUANTITIES[self.quantity].dtype(self.n_classes)

    @property
    def bits(self) -> np.dtype[np.unsignedinteger[Any]]:
        """Unsigned type of the same width, in which values are stored, compared and read.

        All ones is "not recorded": the highest class id, or a number that is none.
        """
        return np.dtype(f"u{self.dtype.itemsize}")

    def __str__(self) -> str:
        return f"{self.quantity} of split {self.split!r}"

    def problem(self, values: NDArray[Any]) -> tuple[str, str] | None:
        """What is wrong with values, and what holds instead; None where nothing is."""
        return _QUANTITIES[self.quantity].problem(values, self.n_classes)

    def to_bits(self, values: NDArray[Any]) -> Predictions:
        """Return values without a problem as they are stored."""
        with np.errstate(over="ignore"):  # a margin beyond half precision is stored as infinity
            return values.astype(self.dtype, copy=False).view(self.bits)


def lanes_of(
    split: str, n_examples: int, has_labels: bool, n_classes: int, quantities: Sequence[str]
) -> list[Lane]:
    """Lanes of one split, its predictions first."""
    return [
        Lane(split, quantity, n_examples, n_classes)
        for quantity in quantities
        if has_labels or not _QUANTITIES[quantity].needs_labels
    ]


def given_values(record: EpochPredictions) -> dict[str, Mapping[str, NDArray[Any]]]:
    """Values of an epoch by quantity and split; of what is not given, those of no split."""
    nothing: Mapping[str, NDArray[Any]] = {}
    return {PREDICTION: record.predictions, **dict.fromkeys(OF_LABEL, nothing), **record.of_label}


def unknown_quantities(quantities: Sequence[str]) -> list[str]:
    """Those that this version cannot record or read."""
    return [quantity for quantity in quantities if quantity not in _QUANTITIES]


def check_quantities(quantities: Sequence[str]) -> None:
    """Refuse what a log cannot record.

    Raises
    ------
    LearnOrderError
        A quantity is unknown or named twice, or predictions are not the first.
    """
    if unknown := unknown_quantities(quantities):
        raise LearnOrderError(
            f"log: no quantity {unknown[0]!r} can be recorded. {nearest(unknown[0], _QUANTITIES)}"
        )
    if quantities[:1] != (PREDICTION,) or len(set(quantities)) < len(quantities):
        raise LearnOrderError(
            f"log: the quantities {', '.join(quantities) or 'none'} are no list for a log. Each is "
            f"named once, {PREDICTION} first. Correct the list."
        )


def problem_of_classes(values: NDArray[Any], n_classes: int) -> tuple[str, str] | None:
    """What is wrong with predicted classes, and what holds instead; None where nothing is."""
    outside = values[(values < 0) | (values >= n_classes)]
    if values.dtype.kind in "iu" and not outside.size:
        return None
    what = f"class {outside[0]}" if outside.size else f"type {values.dtype}"
    return f"predicts {what}", f"there are {n_classes} classes, integers counted from 0"


@dataclass(frozen=True)
class _Quantity:
    """How the values of a quantity are stored, which there can be, and whether labels matter."""

    dtype: Callable[[int], np.dtype[Any]]
    problem: Callable[[NDArray[Any], int], tuple[str, str] | None]
    needs_labels: bool


def _of_label(about: OfLabel) -> _Quantity:
    """Half floats within a range."""
    rule = f"{about.plural} are {about.rule}"

    def problem(values: NDArray[Any], _: int) -> tuple[str, str] | None:
        if values.dtype.kind != "f":
            return f"gives {about.plural} of type {values.dtype}", rule
        outside = values[~((values >= about.low) & (values <= about.high))]  # so that NaN is
        return (f"gives the {about.singular} {outside[0]}", rule) if outside.size else None

    return _Quantity(lambda _: np.dtype(np.float16), problem, needs_labels=True)


_QUANTITIES: Mapping[str, _Quantity] = {
    PREDICTION: _Quantity(prediction_dtype, problem_of_classes, needs_labels=False),
    **{name: _of_label(about) for name, about in OF_LABEL.items()},
}
