"""What can be said of each example without any network: baselines an order is held against."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import Dataset, WordVectors
from learnorder.datasets.normalisation import (
    blocks,
    feature_moments,
    normalised_features,
    normalised_images,
    pixel_moments,
)
from learnorder.datasets.sampling import stratified_positions
from learnorder.schema import Labels

N_NEIGHBOURS: Final = 10
"""Neighbours whose labels are looked at, or all there are."""

MOST_WORK: Final = 200_000_000_000
"""Multiplications in float32 for all distances between examples: three seconds of one core."""

CHOICE: Final = 500
"""Multiplications that take as long as finding out whether one distance is among the shortest."""

LEAST_REFERENCE: Final = 500
"""Training examples among which neighbours are always looked for, if there are so many."""

REFERENCE_DRAW: Final = 0xBA5E
"""Keys the draw of these examples; the same for every dataset, so that nothing is left to choose.
"""

ROOM: Final = 16_000_000
"""Distances held at once (64 MB)."""

DOUBLE_BELOW: Final = 128
"""Dimensions below which distances are found in float64: neighbours are close there, and what
matters little for the time is lost in float32."""

ROUNDING: Final = 4
"""Squared distances are tied if they differ by less than this many units of rounding, times the
squared lengths and the root of the dimensions: no product tells them better apart, so chance would
break the tie, and not the position."""

INPUT_ROUNDING: Final = float(np.finfo(np.float32).eps)
"""The same of the inputs themselves, whatever the products are found in."""

LARGEST: Final = 1e15
"""What inputs are cut off at: the square of a larger one would not fit float32."""

WORD: Final = re.compile(r"[^\W_]+|[^\w\s]|_")
"""A word, or one character of punctuation, as networks read texts."""

Vectors = NDArray[np.floating[Any]]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Baselines:
    """Baselines of the examples of a dataset.

    Attributes
    ----------
    splits
        For each split, by the name of the baseline, float32 ``(example,)``.
    about
        ``n_neighbours`` and ``n_reference``, the number of training examples among which they were
        looked for; empty where the inputs are no vectors.
    """

    splits: Mapping[str, Mapping[str, Values]]
    about: Mapping[str, int]


def find_baselines(dataset: Dataset, *, max_tokens: int = 100) -> Baselines:
    r"""Baselines of every example: how easy its input makes it, before anything is learned.

    Inputs are vectors as networks read them. Images: pixels less the mean of their channel over the
    training split, divided by its deviation. Features: each less its mean, divided by its
    deviation. Texts with word vectors: the mean vector of the first ``max_tokens`` words that have
    one, zeros where none has. Labels are the given ones, because the order is theirs.

    ``prototype_margin``
        Distance to the nearest prototype of another class less that to the prototype of the own
        label; a prototype is the mean of the training examples of a class. High is easy; below 0,
        another class is nearer. A training example is left out of its own prototype: that changes
        its distance by the factor :math:`n_c / (n_c - 1)`. Where no other example has its label,
        the mean of all stands in.
    ``input_norm``
        Euclidean norm of the vector.
    ``neighbour_share``
        Share of the 10 nearest training examples, itself left out, that have the same label, in
        [0, 1]. Of those at the same distance, the first count. The nearest are looked for among
        all training examples, or, where that would take more than some seconds, among a stratified
        sample of them, which is the same every time; ``about`` says how many.
    ``text_length``
        Texts: number of words and characters of punctuation, at most ``max_tokens``.

    Without labels there are no margin and no share; texts without word vectors have their length
    only. Distances come from matrix products, in float32 from 128 dimensions on; those that differ
    by no more than rounding are the same.

    Parameters
    ----------
    dataset
        Its labels as they are trained on.
    max_tokens
        Words that are read of each text.

    Examples
    --------
    >>> dataset = Dataset.from_arrays([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1], [[0.5]], [1])
    >>> found = find_baselines(dataset)
    >>> [round(float(share), 2) for share in found.splits["train"]["neighbour_share"]]
    [0.33, 0.33, 0.33, 0.33]
    >>> bool(found.splits["test"]["prototype_margin"][0] < 0)
    True
    """
    splits: dict[str, dict[str, Values]] = {name: {} for name in dataset.splits}
    inputs = {name: split.inputs for name, split in dataset.splits.items()}
    if dataset.kind == "text":
        words = {name: [_words(t, max_tokens) for t in texts] for name, texts in inputs.items()}
        for name, texts in words.items():
            splits[name]["text_length"] = np.array([len(text) for text in texts], np.float32)
        if dataset.word_vectors is None:
            return Baselines(splits, {})
        inputs = {name: _mean_vectors(of, dataset.word_vectors) for name, of in words.items()}
    # extreme inputs, which networks cannot learn from either, must not keep a log from being made
    with np.errstate(over="ignore"):
        space = _Space(dataset, inputs)
        for name, found in splits.items():
            found.update(space.baselines(name))
    return Baselines(splits, {"n_neighbours": N_NEIGHBOURS, "n_reference": len(space.reference)})


class _Space:
    """The inputs as vectors, with the prototypes and the reference examples among them."""

    def __init__(self, dataset: Dataset, inputs: Mapping[str, NDArray[Any]]) -> None:
        self._inputs = inputs
        self._labels = {name: split.examples.labels for name, split in dataset.splits.items()}
        self._vectors = _normaliser(dataset.kind, inputs["train"])
        train = self._labels["train"]
        assert train is not None, "the training split has labels"
        self._train = train
        n_dims = sum(len(block[0]) for block in self._vectors(inputs["train"][:1]))
        self._type = np.dtype(np.float64 if n_dims < DOUBLE_BELOW else np.float32)
        self.size = np.bincount(train, minlength=dataset.n_classes)
        prototypes = self._means(n_dims)
        # distances stay what they are, and products lose the less the shorter vectors are
        self._centre = prototypes[-1]
        self._prototypes = _Points(prototypes - self._centre)
        n_examples = sum(len(y) for y in self._labels.values() if y is not None)
        self.reference = _reference_positions(train, n_examples, n_dims)
        near = [block - self._centre for block in self.vectors(inputs["train"][self.reference])]
        self._near = _Points(np.concatenate(near))

    def vectors(self, inputs: NDArray[Any]) -> Iterator[Vectors]:
        """Blocks of inputs, one after the other, as vectors."""
        for block in self._vectors(inputs):
            yield np.clip(block, -LARGEST, LARGEST).astype(self._type, copy=False)

    def baselines(self, split: str) -> dict[str, Values]:
        """Baselines of a split by name."""
        labels = self._labels[split]
        parts = [self._of(part, labels, split == "train") for part in self._parts(split)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _parts(self, split: str) -> Iterator[tuple[slice, Vectors]]:
        """Vectors of a split in parts of which all distances can be held."""
        step = max(1, ROOM // max(len(self._prototypes), len(self._near)))
        start = 0
        for block in self.vectors(self._inputs[split]):
            for first in range(0, len(block), step):
                part = block[first : first + step]
                yield slice(start + first, start + first + len(part)), part
            start += len(block)

    def _of(
        self, part: tuple[slice, Vectors], labels: Labels | None, is_train: bool
    ) -> dict[str, Values]:
        here, vectors = part
        norm = np.sqrt(_squared_lengths(vectors)).astype(np.float32)
        found: dict[str, Values] = {"input_norm": norm}
        if labels is not None:
            vectors = vectors - self._centre
            squares = _squared_lengths(vectors)
            positions = np.arange(here.start, here.stop) if is_train else None
            distances = self._prototypes.squared_distances(vectors, squares)
            found["prototype_margin"] = self._margin(distances, labels[here], is_train)
            distances = self._near.squared_distances(vectors, squares)
            found["neighbour_share"] = self._share(distances, squares, labels[here], positions)
        return found

    def _means(self, n_dims: int) -> Vectors:
        """Prototype of each class, and, last, the mean of all."""
        total = np.zeros((len(self.size) + 1, n_dims))
        start = 0
        for block in self.vectors(self._inputs["train"]):
            label = self._train[start : start + len(block)]
            order = np.argsort(label, kind="stable")
            present, first = np.unique(label[order], return_index=True)
            total[present] += np.add.reduceat(block[order], first, axis=0, dtype=np.float64)
            start += len(block)
        total[-1] = total[:-1].sum(axis=0)
        count = np.append(self.size, len(self._train))
        total /= np.maximum(count, 1)[:, np.newaxis]
        return total.astype(self._type)

    def _margin(self, squared: Vectors, label: Labels, is_train: bool) -> Values:
        """Distance to the nearest other prototype less that to the own one."""
        distance = np.sqrt(squared)
        rows, n_classes = np.arange(len(label)), len(self.size)
        count = np.append(self.size, len(self._train))
        if is_train:
            own = np.where(self.size[label] > 1, label, n_classes)
            factor = count[own] / np.maximum(count[own] - 1, 1)
            to_all = distance[:, -1] * (count[-1] / max(count[-1] - 1, 1))
        else:
            own = np.where(self.size[label] > 0, label, n_classes)
            factor, to_all = np.ones(len(label)), distance[:, -1]
        to_own = distance[rows, own] * factor
        others = distance[:, :-1]
        others[:, self.size == 0] = np.inf
        others[rows, label] = np.inf
        nearest = others.min(axis=1)
        margin: Values = (np.where(np.isinf(nearest), to_all, nearest) - to_own).astype(np.float32)
        return margin

    def _share(
        self,
        squared: Vectors,
        squares: Vectors,
        label: Labels,
        positions: NDArray[np.int64] | None,
    ) -> Values:
        """Share of the nearest reference examples with the same label."""
        n_near = np.full(len(label), len(self.reference))
        if positions is not None:
            at = np.searchsorted(self.reference, positions)
            rows = np.flatnonzero(np.take(self.reference, at, mode="clip") == positions)
            squared[rows, at[rows]] = np.inf
            n_near[rows] -= 1
        n_near = np.minimum(n_near, N_NEIGHBOURS)
        nearest = _nearest(squared, squares, n_near, self._near.unit)
        same = self._train[self.reference] == label[:, np.newaxis]
        share: Values = (np.count_nonzero(nearest & same, axis=1) / n_near).astype(np.float32)
        return share


class _Points:
    """Points that many vectors are held against."""

    def __init__(self, points: Vectors) -> None:
        self._points = points
        self._squares = _squared_lengths(points)
        self.unit = ROUNDING * float(np.finfo(points.dtype).eps) * math.sqrt(points.shape[1])

    def __len__(self) -> int:
        return len(self._points)

    def squared_distances(self, vectors: Vectors, squares: Vectors) -> Vectors:
        """From each vector to each point."""
        distances: Vectors = vectors @ self._points.T
        distances *= -2
        distances += self._squares
        distances += squares[:, np.newaxis]
        return np.maximum(distances, 0, out=distances)


def _squared_lengths(vectors: Vectors) -> Vectors:
    # added up in pairs, unlike a product: the same value a thousand times is no worse than others
    lengths: Vectors = np.square(vectors).sum(axis=1)
    return lengths


def _nearest(
    squared: Vectors, squares: Vectors, n_near: NDArray[np.int64], unit: float
) -> NDArray[np.bool_]:
    """Which points are the ``n_near`` nearest of each row; of those that are tied, the first.

    Tied are those within the rounding of products, ``unit`` times the squared lengths, ``squares``
    of the row itself, and that of inputs, which are float32.
    """
    rows = np.arange(len(squared))
    most = int(n_near.max())
    # sorted up to there, so that the last one counted is in its place whatever its number
    last = np.sort(np.partition(squared, most - 1, axis=1)[:, :most], axis=1)[rows, n_near - 1]
    slack = (squares + last) * unit + (2 * np.sqrt(squares * last) + last) * (2 * INPUT_ROUNDING)
    nearest = squared < (last - slack)[:, np.newaxis]
    tied = squared <= (last + slack)[:, np.newaxis]
    tied &= ~nearest
    missing = n_near - np.count_nonzero(nearest, axis=1)
    crowded = np.flatnonzero(np.count_nonzero(tied, axis=1) > missing)
    if len(crowded):
        place = np.cumsum(tied[crowded], axis=1)
        tied[crowded] &= place <= missing[crowded, np.newaxis]
    nearest |= tied
    return nearest


def _reference_positions(labels: Labels, n_examples: int, n_dims: int) -> NDArray[np.int64]:
    """Training examples among which neighbours are looked for: all, or as many as can be afforded.

    At least one of each class.
    """
    twice = 2 if n_dims < DOUBLE_BELOW else 1
    affordable = MOST_WORK // (n_examples * (n_dims + CHOICE) * twice)
    limit = max(affordable, LEAST_REFERENCE, len(np.unique(labels)))
    if limit >= len(labels):
        return np.arange(len(labels))
    return stratified_positions(labels, limit, (REFERENCE_DRAW,))


def _normaliser(
    kind: str, train: NDArray[Any]
) -> Callable[[NDArray[Any]], Iterator[NDArray[np.float32]]]:
    """What makes vectors of inputs, in blocks, by the moments of the training split."""
    if kind == "text":
        return lambda vectors: (vectors[block] for block in blocks(vectors))
    if kind == "features":
        moments = feature_moments(train)
        return lambda features: normalised_features(features, moments)
    moments = pixel_moments(_planes(train))
    return lambda images: (
        block.reshape(len(block), -1) for block in normalised_images(_planes(images), moments)
    )


def _planes(images: NDArray[Any]) -> NDArray[Any]:
    """Images with their channels, one of grey ones, after the examples."""
    return np.moveaxis(images, 3, 1) if images.ndim == 4 else images[:, np.newaxis]


def _words(text: str, most: int) -> list[str]:
    """First words and characters of punctuation, in lower case without accents."""
    found = islice(WORD.finditer(unicodedata.normalize("NFC", text)), most)
    return [_without_accents(match.group().lower()) for match in found]


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _mean_vectors(texts: list[list[str]], known: WordVectors) -> Vectors:
    """Mean vector of the words of each text that have one, zeros where none has."""
    row = {word: i for i, word in reversed(list(enumerate(known.words)))}
    means = np.zeros((len(texts), known.vectors.shape[1]), np.float32)
    for mean, words in zip(means, texts, strict=True):
        rows = [row[word] for word in words if word in row]
        if rows:
            mean[:] = known.vectors[rows].mean(axis=0)
    return means
