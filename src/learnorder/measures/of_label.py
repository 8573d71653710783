"""Numbers about the label, where a log has them: read part by part as trusted half floats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from learnorder.errors import LearnOrderError
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import Split
from learnorder.measures.tiles import chunk_shape, cuts, read_shape
from learnorder.schema import DIMS, EXAMPLE, OF_LABEL, REPLICATE, Halves, Scores

HALF_ENDS = 65504.0
"""Largest half float but infinity."""


@dataclass(frozen=True)
class LabelTile:
    """Numbers of all replicates for some epochs and examples of a split.

    Attributes
    ----------
    epochs, examples
        Where it lies in the split.
    values
        ``(replicate, epoch, example)``, of the given label.
    """

    epochs: slice
    examples: slice
    values: Halves

    @property
    def by_epoch(self) -> Halves:
        """The same as ``(epoch, replicate, example)``."""
        return self.values.swapaxes(0, 1)


def has_quantity(split: Split, quantity: str) -> bool:
    """Whether the log holds a quantity of `OF_LABEL` for this split."""
    return quantity in split.log


def check_quantity(split: Split, quantity: str) -> None:
    """Refuse a split without a quantity, or with others than half floats over all dims."""
    if not has_quantity(split, quantity):
        if not len(split.label):
            raise LearnOrderError(
                f"{split.caller}: the split {split.log.attrs.get('split', '')!r} has no labels, so "
                f"no {OF_LABEL[quantity].plural}. Measure a split with labels, or predictions."
            )
        raise LearnOrderError(
            f"{split.caller}: the split {split.log.attrs.get('split', '')!r} has no "
            f"{OF_LABEL[quantity].plural}. They are in the log where the spec says "
            f"`recording.{quantity} = true`, for splits with labels. Train with it into another "
            "log, or measure predictions."
        )
    found = split.log[quantity]
    if found.dims != DIMS or found.dtype != np.float16:
        raise LearnOrderError(
            f"{split.caller}: `{quantity}` has dims {found.dims} and type {found.dtype}. It must "
            f"be float16 over {DIMS}. Open the log with `open_log`."
        )


def label_tiles(
    split: Split, quantity: str, epochs: slice | None = None, most_examples: int | None = None
) -> Iterator[LabelTile]:
    """All numbers of some epochs of a split, in parts that follow the chunks of the log.

    All epochs of some examples come before other examples, and at most ``most_examples`` are read
    at once.

    Raises
    ------
    LearnOrderError
        A number was not recorded, or is none of this quantity.
    """
    found, about = split.log[quantity], OF_LABEL[quantity]
    shape = (split.n_replicates, split.n_epochs, split.n_examples)
    chunk = chunk_shape(found.encoding, split.n_examples)
    most = most_examples or split.n_examples
    height, width = read_shape(shape, found.dtype.itemsize, chunk, most)
    for examples in cuts(slice(0, split.n_examples), width):
        for part in cuts(epochs or slice(0, split.n_epochs), height):
            # Through the variable: its slice is lazy, and caches apart from the whole.
            read = np.asarray(found.variable[:, part, examples].values)
            tile = LabelTile(part, examples, read)
            if not surely_within(read, about.low, about.high):
                _check_values(split, quantity, tile)
            yield tile
            del read, tile  # or they would be held while the next is read


def surely_within(values: Halves, low: float, high: float) -> bool:
    """Whether half floats are seen at once to be finite and to lie in ``low`` <= 0 <= ``high``.

    By their bits, which grow with the size of a number, and are larger still for negative ones. To
    be compared half floats are converted, which takes far longer. -0.0 is not seen where ``low`` is
    0.
    """
    most, least = np.array([min(high, HALF_ENDS), max(low, -HALF_ENDS)], np.float16).view(np.int16)
    unsigned = values.view(np.uint16).max()
    if low == 0:
        return bool(unsigned <= most)
    return bool(unsigned <= least.view(np.uint16) and values.view(np.int16).max() <= most)


def _check_values(split: Split, quantity: str, tile: LabelTile) -> None:
    """Refuse what cannot be measured, and say where it is."""
    values, about = tile.values, OF_LABEL[quantity]
    # What is not a number is in no range.
    outside = ~((values >= about.low) & (values <= about.high) & np.isfinite(values))
    if not outside.any():
        return
    r, e, x = np.argwhere(outside)[0]
    seed = split.log[REPLICATE].values[r]
    epoch = float(split.epochs[tile.epochs.start + e])
    example = split.log[EXAMPLE].values[tile.examples.start + x]
    where = f"seed {seed}, epoch {epoch:g}, example {example}"
    if np.isnan(values[r, e, x]):
        raise LearnOrderError(
            f"{split.caller}: the {about.singular} was not recorded (for example: {where}). "
            "Measures need all of the epochs they use. Select complete replicates and epochs."
        )
    if about.low <= values[r, e, x] <= about.high:
        raise LearnOrderError(
            f"{split.caller}: the {about.singular} is beyond half precision, which ends at 65504 "
            f"(for example: {where}). How large it was is not known. Select other replicates and "
            "epochs."
        )
    raise LearnOrderError(
        f"{split.caller}: {values[r, e, x]:g} is no {about.singular} (for example: {where}). "
        f"{about.plural.capitalize()} are {about.rule}. See what wrote the log."
    )


def mean_of(
    split: Split,
    quantity: str,
    weight: Scores,
    function: Callable[[Scores], Scores] | None = None,
) -> Scores:
    """Weighted mean over replicates and epochs of a quantity, or a function of it, ``(example,)``.

    Numbers are added up in one order, however the log is cut.
    """
    total = np.zeros(split.n_examples)
    for tile in label_tiles(split, quantity, used(weight)):
        for w, at_epoch in zip(weight[tile.epochs], tile.by_epoch, strict=True):
            if not w:
                continue
            summed = np.zeros(at_epoch.shape[1])
            for of_replicate in at_epoch:
                values = of_replicate.astype(np.float64)
                summed += values if function is None else function(values)
            total[tile.examples] += w * summed
    mean: Scores = total / (split.n_replicates * weight.sum())
    return mean


def scores_of(split: Split, quantity: str, weight: Scores) -> ScoreTable:
    """Weighted mean over epochs of a quantity, for each replicate."""
    kind = np.dtype(np.float64)
    table = ScoreTable(split.n_replicates, split.n_examples, kind, float(weight.sum()))
    for tile in label_tiles(split, quantity, used(weight), table.most_examples):
        rows = table.column(tile.examples)
        for w, at_epoch in zip(weight[tile.epochs], tile.by_epoch, strict=True):
            for row, of_replicate in zip(rows, at_epoch, strict=True):
                row += w * of_replicate.astype(np.float64)
    return table


def used(weight: Scores) -> slice:
    """Epochs from the first to the last that has a weight; others need not be recorded."""
    counted = np.flatnonzero(weight)
    return slice(int(counted[0]), int(counted[-1]) + 1)
