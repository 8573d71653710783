"""Names of classes, as found in tables and folders, become class ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import Labels


def named_labels(
    found: Mapping[str, Sequence[str] | None], place: Callable[[str, int], str]
) -> tuple[dict[str, Labels | None], tuple[str, ...]]:
    """Class ids of every split, and the names, sorted, that the training examples have.

    Parameters
    ----------
    found
        Class name of every example by split; None for a split without labels.
    place
        Split and position to the words that say where an example is.

    Raises
    ------
    LearnOrderError
        A class name is empty, or has no training example.

    Examples
    --------
    >>> named_labels({"train": ["b", "a"], "test": ["b"]}, lambda split, position: split)
    ({'train': array([1, 0]), 'test': array([1])}, ('a', 'b'))
    """
    names = tuple(sorted({name for name in found["train"] or () if str(name).strip()}))
    ids = {name: class_id for class_id, name in enumerate(names)}
    labels: dict[str, Labels | None] = {}
    for split, values in sorted(found.items(), key=lambda item: item[0] != "train"):
        for position, value in enumerate(values or ()):
            if value not in ids:
                raise LearnOrderError(
                    f"load_dataset: the label {value!r} at {place(split, position)} is empty or "
                    "has no "
                    f"training example. {nearest(str(value), names)} Correct it, or add training "
                    "examples."
                )
        labels[split] = (
            None if values is None else np.array([ids[v] for v in values], dtype=np.int64)
        )
    return labels, names
