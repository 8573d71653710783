"""The probability of the label, where a log has it: read part by part as trusted half floats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from learnorder.errors import LearnOrderError
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import Split
from learnorder.measures.tiles import chunk_shape, cuts, read_shape
from learnorder.schema import DIMS, EXAMPLE, PROBABILITY, REPLICATE, Probabilities, Scores


@dataclass(frozen=True)
class ProbabilityTile:
    """Probabilities of all replicates for some epochs and examples of a split.

    Attributes
    ----------
    epochs, examples
        Where it lies in the split.
    probability
        ``(replicate, epoch, example)``, of the given label.
    """

    epochs: slice
    examples: slice
    probability: Probabilities


def has_probability(split: Split) -> bool:
    """Whether the log holds the probability of the label for this split."""
    return PROBABILITY in split.log


def check_probability(split: Split) -> None:
    """Refuse a split without probabilities, or with others than half floats over all dims."""
    if not has_probability(split):
        raise LearnOrderError(
            f"{split.caller}: the split {split.log.attrs.get('split', '')!r} has no probabilities. "
            "They are in the log where the spec says `recording.probability = true`, for splits "
            "with labels. Leave `of` out to measure predictions."
        )
    found = split.log[PROBABILITY]
    if found.dims != DIMS or found.dtype != np.float16:
        raise LearnOrderError(
            f"{split.caller}: `probability` has dims {found.dims} and type {found.dtype}. It must "
            f"be float16 over {DIMS}. Open the log with `open_log`."
        )


def probability_tiles(split: Split, most_examples: int | None = None) -> Iterator[ProbabilityTile]:
    """All probabilities of a split, in parts that follow the chunks of the log.

    All epochs of some examples come before other examples, and at most ``most_examples`` are read
    at once.

    Raises
    ------
    LearnOrderError
        A probability was not recorded, or lies outside [0, 1].
    """
    found = split.log[PROBABILITY]
    shape = (split.n_replicates, split.n_epochs, split.n_examples)
    chunk = chunk_shape(found.encoding, split.n_examples)
    most = most_examples or split.n_examples
    height, width = read_shape(shape, found.dtype.itemsize, chunk, most)
    for examples in cuts(slice(0, split.n_examples), width):
        for epochs in cuts(slice(0, split.n_epochs), height):
            # Through the variable: its slice is lazy, and caches apart from the whole.
            read = np.asarray(found.variable[:, epochs, examples].values)
            tile = ProbabilityTile(epochs, examples, read)
            # What is not a number is neither.
            if not (read.min() >= 0 and read.max() <= 1):
                _refuse(split, tile)
            yield tile
            del read, tile  # or they would be held while the next is read


def _refuse(split: Split, tile: ProbabilityTile) -> NoReturn:
    """Say which probability is none."""
    values = tile.probability
    r, e, x = np.argwhere(~((values >= 0) & (values <= 1)))[0]
    seed = split.log[REPLICATE].values[r]
    epoch = float(split.epochs[tile.epochs.start + e])
    example = split.log[EXAMPLE].values[tile.examples.start + x]
    where = f"seed {seed}, epoch {epoch:g}, example {example}"
    if np.isnan(values[r, e, x]):
        raise LearnOrderError(
            f"{split.caller}: a probability was not recorded (for example: {where}). Measures need "
            "all of the epochs they use. Select complete replicates and epochs."
        )
    raise LearnOrderError(
        f"{split.caller}: {values[r, e, x]:g} is no probability (for example: {where}). They lie "
        "in [0, 1]. See what wrote the log."
    )


def mean_probability(split: Split, weight: Scores) -> Scores:
    """Weighted mean over replicates and epochs of the probability of the label, ``(example,)``."""
    total = np.zeros(split.n_examples)
    for tile in probability_tiles(split):
        for w, at_epoch in zip(weight[tile.epochs], _by_epoch(tile), strict=True):
            if w:
                # Half floats add up exactly in double precision, however the log is cut.
                total[tile.examples] += w * at_epoch.sum(axis=0, dtype=np.float64)
    mean: Scores = total / (split.n_replicates * weight.sum())
    return mean


def probability_scores(split: Split, weight: Scores) -> ScoreTable:
    """Weighted mean over epochs of the probability of the label, for each replicate."""
    kind = np.dtype(np.float64)
    table = ScoreTable(split.n_replicates, split.n_examples, kind, float(weight.sum()))
    for tile in probability_tiles(split, table.most_examples):
        rows = table.column(tile.examples)
        for w, at_epoch in zip(weight[tile.epochs], _by_epoch(tile), strict=True):
            for row, of_replicate in zip(rows, at_epoch, strict=True):
                row += w * of_replicate.astype(np.float64)
    return table


def _by_epoch(tile: ProbabilityTile) -> Probabilities:
    """Probabilities ``(epoch, replicate, example)``."""
    return tile.probability.swapaxes(0, 1)
