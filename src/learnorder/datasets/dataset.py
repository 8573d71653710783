"""The value the first stage hands on: inputs, labels, ids and class names, split by split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnorder.schema import Examples

Kind = Literal["image", "features", "text"]


@dataclass(frozen=True)
class WordVectors:
    """Pretrained word vectors: ``words[i]`` has the row ``vectors[i]``, float32 ``(word, dimension)``."""

    words: tuple[str, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """The inputs of one split beside its examples.

    Attributes
    ----------
    inputs
        Images: uint8 ``(example, height, width)`` or ``(example, height, width, 3)``.
        Features: float32 ``(example, feature)``. Texts: an object array of str, ``(example,)``.
    examples
        Ids and labels.
    """

    inputs: NDArray[Any]
    examples: Examples

    def __len__(self) -> int:
        return len(self.examples)


@dataclass(frozen=True)
class Dataset:
    """A named dataset: the splits ``train`` and ``test``, and any number of further test splits.

    Attributes
    ----------
    name
        What the user called it.
    kind
        ``image``, ``features`` or ``text``; the same for every split.
    splits
        By name; ``train`` always has labels, further splits may have none.
    class_names
        One name per class id.
    word_vectors
        For texts, when vectors were asked for.
    """

    name: str
    kind: Kind
    splits: Mapping[str, Split]
    class_names: tuple[str, ...]
    word_vectors: WordVectors | None = field(default=None, repr=False)

    @property
    def n_classes(self) -> int:
        """Number of classes that can be predicted."""
        return len(self.class_names)

    @property
    def train(self) -> Split:
        """The split the networks are trained on."""
        return self.splits["train"]

    @property
    def test(self) -> Split:
        """The held-out split."""
        return self.splits["test"]

    def fingerprint(self) -> str:
        """Digest over the ids and labels of every split, by split name."""
        digest = hashlib.blake2b(digest_size=16)
        for name in sorted(self.splits):
            digest.update(f"{name}:{self.splits[name].examples.fingerprint()};".encode())
        return digest.hexdigest()
