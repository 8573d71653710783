"""The value the first stage hands on: inputs, labels, ids and class names, split by split."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from learnorder.datasets.checks import Kind as Kind
from learnorder.datasets.checks import RawSplit, checked_inputs, checked_labels
from learnorder.errors import LearnOrderError
from learnorder.ids import checked_ids, is_storable
from learnorder.schema import Examples, Labels


@dataclass(frozen=True)
class WordVectors:
    """Pretrained word vectors: ``words[i]`` has row i of float32 ``(word, dimension)``."""

    words: tuple[str, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """The inputs of one split beside its examples.

    Attributes
    ----------
    inputs
        Images: uint8 ``(example, height, width)`` or ``(example, height, width, 3)``; float32 of
        the same shape after a transform, see `transforms`. Features: float32
        ``(example, feature)``. Texts: an object array of str, ``(example,)``.
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
        By name; ``train`` and ``test`` always have labels, further splits may have none.
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

    @classmethod
    def from_arrays(
        cls,
        x_train: ArrayLike | Sequence[str],
        y_train: ArrayLike,
        x_test: ArrayLike | Sequence[str],
        y_test: ArrayLike,
        *,
        name: str = "arrays",
        class_names: Sequence[str] | None = None,
        ids_train: ArrayLike | None = None,
        ids_test: ArrayLike | None = None,
        extra: Mapping[str, Sequence[Any]] | None = None,
    ) -> Dataset:
        """Dataset of arrays in memory.

        Parameters
        ----------
        x_train, x_test
            Texts: a list or array of str. Features: numbers ``(example, feature)``, kept as
            float32. Images: ``(example, height, width)``, or with a last axis of 1 or 3 channels:
            integers in 0..255, or floats in [0, 1], which become ``round(255 * value)``, half to
            even.
        y_train, y_test
            Integers 0..C-1; each class has at least one training example.
        name
            How reports call it.
        class_names
            One name per class; the class ids where it is left out.
        ids_train, ids_test
            Unique integers or str; the positions where they are left out.
        extra
            Further test splits by name, each ``(x, y)`` or ``(x, y, ids)``; y is None for a split
            without labels.

        Raises
        ------
        LearnOrderError
            Something does not fit; the message names the first value and its position.

        Examples
        --------
        >>> dataset = Dataset.from_arrays([[0.0], [1.0]], [0, 1], [[0.5]], [1])
        >>> dataset.kind, dataset.n_classes, len(dataset.train), len(dataset.test)
        ('features', 2, 2, 1)
        """
        caller = "Dataset.from_arrays"
        splits = {
            "train": RawSplit(x_train, y_train, ids_train),
            "test": RawSplit(x_test, y_test, ids_test),
        }
        if extra is not None and not isinstance(extra, Mapping):
            raise LearnOrderError(
                f"{caller}: extra is a {type(extra).__name__}. It maps the name of each further "
                "split to (x, y). Pass for example extra={'noise': (x, None)}."
            )
        for split, parts in (extra or {}).items():
            splits[split] = _extra_split(split, parts, caller)
        dataset = checked_dataset(name, splits, class_names=class_names, caller=caller)
        refuse_empty_classes(dataset, caller)
        return dataset

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

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} ({len(split)})" for name, split in self.splits.items())
        return f"<Dataset {self.name!r}: {self.kind}; {self.n_classes} classes; {sizes}>"

    def fingerprint(self) -> str:
        """Digest over the ids and labels of every split, by split name."""
        digest = hashlib.blake2b(digest_size=16)
        for name in sorted(self.splits):
            digest.update(f"{name}:{self.splits[name].examples.fingerprint()};".encode())
        return digest.hexdigest()

    def inputs_digest(self) -> str:
        """Digest over the inputs of every split and the word vectors, without ids and labels."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(self.kind.encode())
        for name in sorted(self.splits):
            digest.update(f";{name}:".encode())
            _digest_inputs(digest, self.splits[name].inputs)
        if self.word_vectors is not None:
            digest.update(b";vectors:")
            _digest_inputs(digest, np.array(self.word_vectors.words, dtype=object))
            _digest_inputs(digest, self.word_vectors.vectors)
        return digest.hexdigest()


def checked_dataset(
    name: str,
    splits: Mapping[str, RawSplit],
    *,
    class_names: Sequence[str] | None = None,
    caller: str = "load_dataset",
    least_classes: int = 2,
) -> Dataset:
    """Dataset of what a reader found, checked; every dataset passes through here.

    Classes without a training example are left to `refuse_empty_classes`, so that a reader's user
    can first choose the classes that are there.

    Raises
    ------
    LearnOrderError
        Inputs, labels, ids or class names do not fit; the message starts with ``caller``.
    """
    kinds: dict[str, Kind] = {}
    checked: dict[str, Split] = {}
    for split in sorted(splits, key=lambda split: (split != "train", split != "test")):
        raw = splits[split]
        where = f"{caller}: {split} of {name!r}"
        refuse_split_name(split, f"{caller}: {name!r}")
        kinds[split], inputs = checked_inputs(raw.inputs, where)
        if raw.labels is None and split in ("train", "test"):
            raise LearnOrderError(
                f"{where}: no labels. The splits train and test have labels. "
                "Pass them, or name the split otherwise."
            )
        labels = None if raw.labels is None else checked_labels(raw.labels, len(inputs), where)
        checked[split] = Split(inputs, Examples(checked_ids(raw.ids, len(inputs), where), labels))
    _refuse_other_shapes(kinds, checked, f"{caller}: {name!r}")
    where = f"{caller}: {name!r}"
    names = _class_names(class_names, checked["train"].examples.labels, where)
    _refuse_few_classes(names, least_classes, where)
    for split, value in checked.items():
        _refuse_outside_classes(value.examples.labels, names, f"{caller}: {split} of {name!r}")
    return Dataset(name, kinds["train"], checked, names)


def refuse_empty_classes(dataset: Dataset, caller: str) -> None:
    """Raise where a class has no training example, naming it.

    Raises
    ------
    LearnOrderError
        A class cannot be learned.
    """
    present = np.bincount(_labels(dataset.train), minlength=dataset.n_classes) > 0
    if not present.all():
        class_id = int(np.flatnonzero(~present)[0])
        raise LearnOrderError(
            f"{caller}: class {class_id} ({dataset.class_names[class_id]!r}) of {dataset.name!r} "
            "has no "
            f"training example. Each of the {dataset.n_classes} classes has at least one. "
            "Leave the class out, and number the others 0..C-1 or choose them with `classes`."
        )


def _labels(split: Split) -> Labels:
    """Labels of a split that always has them."""
    if split.examples.labels is None:
        raise LearnOrderError("Dataset: this split has no labels. Use a split that has some.")
    return split.examples.labels


def _extra_split(name: str, parts: Sequence[Any], caller: str) -> RawSplit:
    if name in ("train", "test"):
        raise LearnOrderError(
            f"{caller}: a further test split is called {name!r}. "
            "That name has its own arguments. Rename the further split."
        )
    if not isinstance(parts, tuple | list) or len(parts) not in (2, 3):
        raise LearnOrderError(
            f"{caller}: the further split {name!r} is no (x, y) or (x, y, ids). "
            "y is None for a split without labels. Pass such a tuple."
        )
    return RawSplit(*parts)


def refuse_split_name(name: str, where: str) -> None:
    """Raise where a log could not name a group after the split.

    Raises
    ------
    LearnOrderError
        The name is empty, or has other characters than letters, digits, '_', '-' and '.'.
    """
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name)):
        raise LearnOrderError(
            f"{where}: {name!r} cannot name a split. "
            "Letters, digits, '_', '-' and '.' are possible, the first a letter or digit. Rename "
            "it."
        )


def _refuse_other_shapes(
    kinds: Mapping[str, Kind], splits: Mapping[str, Split], where: str
) -> None:
    """Networks take one input shape, so all splits have that of train."""
    expected = splits["train"].inputs.shape[1:]
    for split, value in splits.items():
        if kinds[split] != kinds["train"] or value.inputs.shape[1:] != expected:
            raise LearnOrderError(
                f"{where}: one input of {split} is {kinds[split]} of the shape "
                f"{value.inputs.shape[1:]}, one of train is {kinds['train']} of the shape "
                f"{expected}. "
                "All splits have inputs of one kind and shape. Convert the one or the other."
            )


def _class_names(
    given: Sequence[str] | None, train_labels: Labels | None, where: str
) -> tuple[str, ...]:
    n_found = 0 if train_labels is None else int(train_labels.max()) + 1
    if given is None:
        if train_labels is not None and n_found > len(train_labels):
            missing = int(np.setdiff1d(np.arange(len(train_labels) + 1), train_labels)[0])
            raise LearnOrderError(
                f"{where}: class {missing} has no training example, while the largest label is "
                f"{n_found - 1}. Labels are 0..C-1 and each class has examples. Renumber the "
                "labels."
            )
        given = [str(class_id) for class_id in range(n_found)]
    if isinstance(given, str):
        raise LearnOrderError(
            f"{where}: class_names is the text {given!r}. It is a list with one name per class. "
            f"Write class_names=[{given!r}, ...]."
        )
    names = tuple(given)
    for class_id, name in enumerate(names):
        if not is_storable(name) or names.index(name) != class_id:
            raise LearnOrderError(
                f"{where}: class name {name!r} of class {class_id} is doubled or no Unicode str. "
                "Each class has its own name. Rename it."
            )
    return names


def _refuse_few_classes(names: tuple[str, ...], least: int, where: str) -> None:
    if len(names) < least:
        raise LearnOrderError(
            f"{where}: {len(names)} class ({', '.join(map(str, names))}). "
            "A classifier needs at least two. Add examples of another class."
        )


def _refuse_outside_classes(labels: Labels | None, names: tuple[str, ...], where: str) -> None:
    if labels is None:
        return
    outside = np.flatnonzero(labels >= len(names))
    if len(outside):
        position = int(outside[0])
        raise LearnOrderError(
            f"{where}: label {labels[position]} at position {position} is outside the {len(names)} "
            f"classes. Labels are 0..{len(names) - 1}. "
            "Leave the example out, or add its class to the training examples."
        )


def _digest_inputs(digest: Any, inputs: NDArray[Any]) -> None:
    """Feed shapes, types and bytes, so that equal digests mean equal arrays."""
    if inputs.dtype.kind != "O":
        little = inputs.dtype.newbyteorder("<")
        digest.update(f"{little.str}{inputs.shape}".encode())
        digest.update(np.ascontiguousarray(inputs, dtype=little).tobytes())
        return
    digest.update(f"str{inputs.shape}".encode())
    for text in inputs:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)}:".encode())
        digest.update(encoded)
