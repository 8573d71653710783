"""Fast twins of ``_arrays`` on one tile: ``(replicate, epoch, example)`` that fits the caches.

Predictions are compared in their own narrow type, and right answers are added up in the smallest
type that holds their number: that is what keeps measuring as fast as reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.schema import Correct, Labels, Predictions

Counts = NDArray[np.integer[Any]]
Bits = NDArray[np.uint64]

FEW = 16
"""Up to so many classes (and no more than replicates), a pass over the votes for each class is
faster than sorting them."""

ASKED = 9
"""Replicates that are asked what the majority votes for."""

WORTH = 0.75
"""Share of examples without a majority up to which those are picked out to be sorted."""

BLOCK = 1 << 15
"""Columns sorted at once: long enough to hide the cost of a call, short enough for the caches."""


def smallest_type(largest: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Smallest unsigned type that holds 0..largest.

    Examples
    --------
    >>> [smallest_type(n).name for n in (1, 255, 256, 70_000)]
    ['uint8', 'uint8', 'uint16', 'uint32']
    """
    return np.min_scalar_type(largest)


def each_correct(prediction: Predictions, label: Labels) -> Iterator[Correct]:
    """Yield for each replicate whether it is right, ``(epoch, example)``; the plane is reused."""
    fits = label.max(initial=0) <= np.iinfo(prediction.dtype).max and label.min(initial=0) >= 0
    narrow = label.astype(prediction.dtype) if fits else label
    plane = np.empty(prediction.shape[1:], dtype=np.bool_)
    for predicted in prediction:
        yield np.equal(predicted, narrow, out=plane)


def tp_counts(prediction: Predictions, label: Labels) -> Counts:
    """Count the replicates that are right, ``(epoch, example)``, in the smallest type."""
    counts = np.zeros(prediction.shape[1:], dtype=smallest_type(len(prediction)))
    for right in each_correct(prediction, label):
        add_right(counts, right)
    return counts


def no_counts(epochs: slice, examples: slice, n_replicates: int) -> Counts:
    """Zeros ``(epoch, example)`` in the smallest type that holds the number of replicates."""
    shape = (epochs.stop - epochs.start, examples.stop - examples.start)
    return np.zeros(shape, dtype=smallest_type(n_replicates))


def add_right(counts: Counts, right: Correct) -> None:
    """Add to ``(epoch, example)`` counts a replicate where it is right."""
    np.add(counts, right.view(np.uint8), out=counts)


def summed(counts: Counts) -> Counts:
    """Sum of ``(epoch, example)`` counts over epochs, ``(example,)``, exact."""
    largest = len(counts) * int(np.iinfo(counts.dtype).max)
    total: Counts = np.add.reduce(counts, axis=0, dtype=smallest_type(largest))
    return total


def count_rows(right: Correct) -> Counts:
    """Count the rows (epochs, replicates) with each example right, in the smallest type."""
    smallest = smallest_type(len(right))
    counts: Counts = np.add.reduce(right.view(np.uint8), axis=0, dtype=smallest)
    return counts


def packed(votes: Correct | Counts) -> Bits:
    """Votes along the last axis as bits, one for whatever is not zero, 64 to a word, then zeros."""
    eighths = np.packbits(votes, axis=-1)
    n_words = -(-eighths.shape[-1] // 8)
    words = np.zeros((*eighths.shape[:-1], n_words * 8), dtype=np.uint8)
    words[..., : eighths.shape[-1]] = eighths
    return words.view(np.uint64)


def count_bits(bits: Bits) -> NDArray[np.int64]:
    """Count the ones along the last axis."""
    counts: NDArray[np.int64] = np.bitwise_count(bits).sum(axis=-1, dtype=np.int64)
    return counts


def right_bits(prediction: Predictions, label: Labels) -> Bits:
    """Where each replicate is right, ``(replicate, epoch, word)``."""
    return np.stack([packed(right) for right in each_correct(prediction, label)])


def both_with_earlier(bits: Bits) -> Iterator[NDArray[np.int64]]:
    """Yield for each replicate the ones it has in common with each before it, ``(r, epoch)``."""
    both = np.empty_like(bits)
    for r, own in enumerate(bits):
        yield count_bits(np.bitwise_and(bits[:r], own, out=both[:r]))


def same_as_earlier(prediction: Predictions) -> Iterator[NDArray[np.int64]]:
    """Yield for each replicate where each before it predicts the same class, ``(r, epoch)``.

    Classes are compared digit by digit, 64 examples a word: few digits hold them, so that little is
    read for each pair.
    """
    digits = _digits(prediction)
    differs, other = np.empty_like(digits[0]), np.empty_like(digits[0])
    for r in range(len(prediction)):
        np.bitwise_xor(digits[0][:r], digits[0][r], out=differs[:r])
        for digit in digits[1:]:
            np.bitwise_xor(digit[:r], digit[r], out=other[:r])
            np.bitwise_or(differs[:r], other[:r], out=differs[:r])
        yield prediction.shape[2] - count_bits(differs[:r])


def _digits(prediction: Predictions) -> list[Bits]:
    """Binary digits of predictions, as many as the largest has, ``(replicate, epoch, word)``."""
    n_digits, digits = max(1, int(prediction.max()).bit_length()), []
    for first in range(0, n_digits, 8):
        # Byte by byte: packing wider types takes ten times as long.
        byte = (prediction >> prediction.dtype.type(first)).astype(np.uint8)
        digits += [packed(byte & np.uint8(1 << i)) for i in range(min(8, n_digits - first))]
    return digits


def matches(prediction: Predictions) -> NDArray[np.int64]:
    """Over all examples, how many other replicates predict the same, ``(replicate, epoch)``."""
    found = np.zeros(prediction.shape[:2], dtype=np.int64)
    for r, same in enumerate(same_as_earlier(prediction)):
        found[:r] += same
        found[r] += same.sum(axis=0)
    return found


def add_votes(by_class: NDArray[np.int64], prediction: Predictions) -> None:
    """Add the examples for which each replicate predicts each class, ``(replicate, epoch, k)``."""
    for rows, votes in zip(by_class, prediction, strict=True):
        for row, vote in zip(rows, votes, strict=True):
            np.add.at(row, vote, 1)


@dataclass(frozen=True)
class Company:
    """Who is right, and in what company.

    Attributes
    ----------
    counts
        ``(epoch, example)``, replicates that are right.
    right
        ``(replicate, epoch)``, examples a replicate has right.
    company
        ``(replicate, epoch)``, the sum of ``counts`` over the examples a replicate has right.
    """

    counts: Counts
    right: NDArray[np.int64]
    company: NDArray[np.int64]


def company(prediction: Predictions, label: Labels) -> Company:
    """Sum of the TP counts where a replicate is right: bit by bit of the count, 64 examples a word.

    The bits of a count are taken together with those of correctness, so nothing is multiplied.
    """
    counts = np.zeros(prediction.shape[1:], dtype=smallest_type(len(prediction)))
    bits = []
    for right in each_correct(prediction, label):
        add_right(counts, right)
        bits.append(packed(right))
    each = np.stack(bits)
    total = np.zeros(each.shape[:2], dtype=np.int64)
    for power in range(len(prediction).bit_length()):
        digit = packed(counts & counts.dtype.type(1 << power))
        total += count_bits(each & digit) << power
    return Company(counts, count_bits(each), total)


def right_by_class(prediction: Predictions, label: Labels) -> tuple[Labels, NDArray[np.int64]]:
    """Classes there are, and the right answers of each, ``(replicate, epoch, class)``."""
    # In 8 and 16 bits numpy sorts by radix, many times faster.
    order = np.argsort(label.astype(smallest_type(int(label.max()))), kind="stable")
    ordered = label[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    longest = int(np.diff(starts, append=len(label)).max())
    counts = np.empty((*prediction.shape[:2], len(starts)), dtype=np.int64)
    for row, right in zip(counts, each_correct(prediction, label), strict=True):
        by_class = np.take(right.view(np.uint8), order, axis=1)
        row[:] = np.add.reduceat(by_class, starts, axis=1, dtype=smallest_type(longest))
    return ordered[starts], counts


@dataclass(frozen=True)
class Tally:
    """How the votes of all replicates fall.

    Attributes
    ----------
    largest
        ``(epoch, example)``, votes for the class most voted for.
    squares
        ``(epoch, example)``, sum over classes of squared votes.
    by_class
        ``(epoch, class_id)``, votes over all examples.
    """

    largest: Counts
    squares: Counts
    by_class: NDArray[np.int64]


def largest_vote(prediction: Predictions, n_classes: int) -> Counts:
    """Count the votes for the class most voted for, ``(epoch, example)``."""
    if n_classes <= min(FEW, len(prediction)):
        return _largest(prediction, lambda votes: _votes_for_each(votes, n_classes))
    return _largest_of_many(prediction)


def _largest(prediction: Predictions, count: Callable[[Predictions], Iterator[Counts]]) -> Counts:
    """Largest of what ``count`` yields, which is done block by block, and at least 1."""
    plane = prediction.shape[1:]
    largest = np.ones(plane, dtype=smallest_type(len(prediction)))
    for rows, columns in cut_plane(plane, BLOCK):
        here = largest[rows, columns]
        for votes in count(prediction[:, rows, columns]):
            np.maximum(here, votes, out=here)
    return largest


def _largest_of_many(prediction: Predictions) -> Counts:
    """Count the votes for what may well be the majority's; sort only where that is no majority."""
    n_replicates, *plane = prediction.shape
    largest = np.zeros(plane, dtype=smallest_type(n_replicates))
    same = np.empty(plane, dtype=np.bool_)
    likely = _likely(prediction)
    for votes in prediction:
        add_right(largest, np.equal(votes, likely, out=same))
    rest = np.flatnonzero(largest <= n_replicates // 2)
    if len(rest) > WORTH * largest.size:
        return _largest(prediction, _growing_runs)
    if len(rest):
        left = np.stack([votes.reshape(-1)[rest] for votes in prediction])
        largest.reshape(-1)[rest] = _largest(left[:, np.newaxis], _growing_runs)[0]
    return largest


def _likely(prediction: Predictions) -> Predictions:
    """Median of up to nine votes, by threes, ``(epoch, example)``.

    The median of all votes would be that of the majority, wherever there is one.
    """
    rows = list(prediction[:ASKED])
    while len(rows) >= 3:
        rows = [_median(*rows[i : i + 3]) for i in range(0, len(rows) - 2, 3)]
    likely: Predictions = rows[0]
    return likely


def _median(a: Predictions, b: Predictions, c: Predictions) -> Predictions:
    """Median of three, element by element."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    np.minimum(high, c, out=high)
    median: Predictions = np.maximum(low, high, out=low)
    return median


def vote_sums(prediction: Predictions, n_classes: int, value: NDArray[np.int64]) -> Counts:
    """Sum over classes of ``value[votes]``, ``(epoch, example)``; ``value[0]`` is 0.

    Where votes are sorted, each one adds what makes its run worth more: sums of differences.
    """
    plane = prediction.shape[1:]
    total = np.zeros(plane, dtype=np.int64)
    counted = n_classes <= min(FEW, len(prediction))
    worth = value if counted else np.diff(value, prepend=0)
    for rows, columns in cut_plane(plane, BLOCK):
        part, here = prediction[:, rows, columns], total[rows, columns]
        if not counted:
            here += worth[1]
        for votes in _votes_for_each(part, n_classes) if counted else _growing_runs(part):
            here += np.take(worth, votes, mode="clip")
    return total


def unanimous(prediction: Predictions) -> Correct:
    """Whether all replicates predict one same class, ``(epoch, example)``."""
    first = prediction[0]
    alike = np.ones(first.shape, dtype=np.bool_)
    same = np.empty_like(alike)
    for votes in prediction[1:]:
        np.logical_and(alike, np.equal(votes, first, out=same), out=alike)
    return alike


def cut_plane(shape: tuple[int, ...], most: int) -> Iterator[tuple[slice, slice]]:
    """Yield parts ``(epoch, example)`` of a plane with at most ``most`` elements each."""
    n_epochs, n_examples = shape
    width = min(n_examples, most)
    height = max(1, most // width)
    for start in range(0, n_examples, width):
        for first in range(0, n_epochs, height):
            yield (
                slice(first, min(first + height, n_epochs)),
                slice(start, min(start + width, n_examples)),
            )


def tally(prediction: Predictions, n_classes: int) -> Tally:
    """Votes for the class most voted for, squared votes, and the votes for each class."""
    n_replicates, n_epochs, _ = prediction.shape
    by_class = np.zeros((n_epochs, n_classes), dtype=np.int64)
    if n_classes > min(FEW, n_replicates):
        for e in range(n_epochs):
            by_class[e] = np.bincount(prediction[:, e].ravel(), minlength=n_classes)
        return Tally(*squared_votes(prediction), by_class)
    largest = np.zeros(prediction.shape[1:], dtype=smallest_type(n_replicates))
    squares = np.zeros(prediction.shape[1:], dtype=smallest_type(n_replicates**2))
    for class_id, votes in enumerate(_votes_for_each(prediction, n_classes)):
        np.maximum(largest, votes, out=largest)
        squares += np.square(votes, dtype=squares.dtype)
        by_class[:, class_id] = votes.sum(axis=1, dtype=np.int64)
    return Tally(largest, squares, by_class)


def _votes_for_each(prediction: Predictions, n_classes: int) -> Iterator[Counts]:
    """Yield for each class its votes, ``(epoch, example)``."""
    smallest = smallest_type(len(prediction))
    votes = np.empty(prediction.shape, dtype=np.bool_)
    for class_id in range(n_classes):
        np.equal(prediction, prediction.dtype.type(class_id), out=votes)
        yield np.add.reduce(votes.view(np.uint8), axis=0, dtype=smallest)


def squared_votes(prediction: Predictions) -> tuple[Counts, Counts]:
    """Votes for the class most voted for, and the sum of squared votes, ``(epoch, example)``.

    Position i of a run of equal votes adds 2i - 1, which makes the square of its length.
    """
    n_replicates, *plane = prediction.shape
    largest = np.ones(plane, dtype=smallest_type(n_replicates))
    total = np.ones(plane, dtype=smallest_type(n_replicates * (n_replicates + 1) // 2))
    for run in _growing_runs(prediction):
        np.maximum(largest, run, out=largest)
        np.add(total, run, out=total)
    squares = 2 * total.astype(np.int64) - n_replicates
    return largest, squares


def _growing_runs(prediction: Predictions) -> Iterator[Counts]:
    """Yield for each but the first of an example's sorted votes its position in a run of equals."""
    run = np.ones(prediction.shape[1:], dtype=smallest_type(len(prediction)))
    same = np.empty(run.shape, dtype=np.bool_)
    for before, after in pairwise(sorted_rows(prediction)):
        np.equal(before, after, out=same)
        np.multiply(run, same.view(np.uint8), out=run)
        yield np.add(run, 1, out=run)


def sorted_rows(prediction: Predictions) -> list[Predictions]:
    """Copies of the planes of replicates, each example's predictions in ascending order.

    Whole rows are exchanged, by minima and maxima: long simple loops.
    """
    rows = list(prediction.copy())
    spare = np.empty_like(rows[0])
    for low, high in sorting_network(len(rows)):
        np.minimum(rows[low], rows[high], out=spare)
        np.maximum(rows[low], rows[high], out=rows[high])
        rows[low], spare = spare, rows[low]
    return rows


@lru_cache(maxsize=64)
def sorting_network(n: int) -> tuple[tuple[int, int], ...]:
    """Exchanges that sort ``n`` values: Batcher's odd-even merge sort.

    What belongs to one half comes before the other half, which keeps few rows in the caches.

    Examples
    --------
    >>> sorting_network(4)
    ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2))
    """
    exchanges: list[tuple[tuple[int, int], tuple[int, int]]] = []
    run = 1
    while run < n:
        step = run
        while step:
            for start in range(step % run, n - step, 2 * step):
                for low in range(start, min(start + step, n - step)):
                    group, other = low // (2 * run), (low + step) // (2 * run)
                    if group == other:
                        exchanges += [((group * 2 * run + 2 * run, run), (low, low + step))]
            step //= 2
        run *= 2
    exchanges.sort(key=lambda exchange: exchange[0])
    return tuple(pair for _, pair in exchanges)
