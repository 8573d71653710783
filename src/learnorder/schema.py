"""The vocabulary every stage shares: dimensions, array types, the records that cross stages.

Dimensions are always in the order ``(replicate, epoch, example[, class_id])``.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError

REPLICATE: Final = "replicate"
EPOCH: Final = "epoch"
EXAMPLE: Final = "example"
CLASS_ID: Final = "class_id"
DIMS: Final = (REPLICATE, EPOCH, EXAMPLE)

PREDICTION: Final = "prediction"
PROBABILITY: Final = "probability"
MARGIN: Final = "margin"
ERROR_NORM: Final = "error_norm"
LABEL: Final = "label"
TRUE_LABEL: Final = "true_label"
SEED: Final = "seed"

ROLE: Final = "role"
BASELINE: Final = "baseline"
"""Attribute of a variable ``(example,)``, and its value where the variable is a baseline: something
known of each example without any network."""

FORMAT_VERSION: Final = 3
"""Version of the log's layout on disk; older ones are read, a newer one is refused."""

MAX_PREVIEWS: Final = 20_000
"""Previews (thumbnails, excerpts) kept per split, so that a log of a huge dataset stays small."""

Predictions = NDArray[np.unsignedinteger[Any]]
Halves = NDArray[np.float16]
Labels = NDArray[np.int64]
Ids = NDArray[Any]
Scores = NDArray[np.float64]
Correct = NDArray[np.bool_]


def prediction_dtype(n_classes: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Smallest unsigned type that holds the classes 0..n_classes-1 and "not recorded", all ones.

    Examples
    --------
    >>> [prediction_dtype(n).name for n in (2, 255, 256, 65_535, 65_536)]
    ['uint8', 'uint8', 'uint16', 'uint16', 'uint32']
    """
    for candidate in (np.uint8, np.uint16, np.uint32):
        if n_classes <= np.iinfo(candidate).max:
            return np.dtype(candidate)
    raise LearnOrderError(
        f"prediction_dtype: {n_classes} classes do not fit 32 bits. "
        f"At most {np.iinfo(np.uint32).max} are possible. Merge classes."
    )


def not_recorded(dtype: np.dtype[Any]) -> int:
    """Value that marks "no prediction was recorded here": all bits one."""
    return int(np.iinfo(dtype).max)


@dataclass(frozen=True)
class OfLabel:
    """A number that a network gives to the label of an example, kept in half precision.

    Attributes
    ----------
    singular, plural
        What it is called.
    low, high
        The least and the largest there can be. NaN is none: it is "not recorded".
    rule
        The same in words.
    """

    singular: str
    plural: str
    low: float
    high: float
    rule: str


OF_LABEL: Final[Mapping[str, OfLabel]] = {
    PROBABILITY: OfLabel("probability", "probabilities", 0.0, 1.0, "numbers from 0 to 1"),
    MARGIN: OfLabel("margin", "margins", -math.inf, math.inf, "numbers of any size"),
    ERROR_NORM: OfLabel(
        "error norm",
        "error norms",
        0.0,
        math.sqrt(2) * (1 + 1e-6),  # in single precision it may end just above the root
        "numbers from 0 to the square root of 2",
    ),
}
"""What may be recorded beside predictions, where the spec asks for it: for splits with labels.

``probability``: softmax probability of the given label. ``margin``: logit of the label less the
largest other logit. ``error_norm``: Euclidean norm of the probabilities less the label, one-hot.
"""


@dataclass(frozen=True)
class Examples:
    """The examples of one split: stable ids from the source, and labels where there are any.

    Attributes
    ----------
    ids
        ``(example,)`` int64 or str; unique; the identity of an example everywhere.
    labels
        ``(example,)`` int64 in ``0..n_classes-1``, the given label; None without labels.
    true_labels
        ``(example,)`` int64, only where labels were changed on purpose.
    """

    ids: Ids
    labels: Labels | None
    true_labels: Labels | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def fingerprint(self) -> str:
        """Digest of ids and given labels, in order; equal where the examples are the same."""
        digest = hashlib.blake2b(digest_size=16)
        if self.ids.dtype.kind in "iu":
            digest.update(b"int")
            digest.update(np.ascontiguousarray(self.ids, dtype="<i8").tobytes())
        else:
            digest.update(b"str")
            digest.update("\x00".join(str(i) for i in self.ids).encode())
        digest.update(b"|")
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels, dtype="<i8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Previews:
    """What a person sees of some examples of a split.

    Attributes
    ----------
    positions
        ``(preview,)`` int64, positions in the split, ascending.
    images
        ``(preview, height, width[, 3])`` uint8, or None.
    texts
        one excerpt for each position, or None.
    """

    positions: NDArray[np.int64]
    images: NDArray[np.uint8] | None = None
    texts: tuple[str, ...] | None = None


@dataclass(frozen=True)
class EpochPredictions:
    """Predictions of one replicate after one epoch, for every example of every split.

    Attributes
    ----------
    seed
        The integer that determines the replicate.
    index
        Position of this epoch in the recording grid.
    epoch
        Passes over the training set completed; 0 is before training; may be fractional.
    predictions
        For each split ``(example,)``, the predicted class, in the smallest unsigned type.
    of_label
        For each quantity of `OF_LABEL` that is recorded, and each split with labels,
        ``(example,)`` float16.
    """

    seed: int
    index: int
    epoch: float
    predictions: Mapping[str, Predictions]
    of_label: Mapping[str, Mapping[str, Halves]] = field(default_factory=dict)
