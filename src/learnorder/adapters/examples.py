"""What an adapter is given to predict: datasets by split, with their labels and ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.errors import LearnOrderError, count_of, nearest

LABEL_NAMES = ("labels", "label")
"""What the label of an item is called that is a mapping."""


def check_datasets(adapter: str, data: Any) -> Mapping[str, Any]:
    """Return datasets by split, or refuse what could not be predicted in the order of the source.

    Raises
    ------
    LearnOrderError
        They are no mapping, or one is a loader, or has no length or no items by position.
    """
    if not isinstance(data, Mapping) or not data:
        what = "empty" if isinstance(data, Mapping) else f"a {type(data).__name__}"
        raise LearnOrderError(
            f"{adapter}: data is {what}. It maps the name of each split to the dataset that is "
            "predicted after each epoch. Pass for example data={'train': train_set, 'test': "
            "test_set}."
        )
    for split, dataset in data.items():
        if hasattr(dataset, "dataset") and hasattr(dataset, "batch_size"):
            raise LearnOrderError(
                f"{adapter}: split {split!r} is a loader ({type(dataset).__name__}). Loaders "
                "shuffle, pad and drop; predictions are made in the order of the dataset. Pass "
                "its dataset, without augmentation."
            )
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise LearnOrderError(
                f"{adapter}: split {split!r} is a {type(dataset).__name__}, which has no length or "
                "no items by position. Each example has a stable place. Pass a dataset that has "
                "__len__ and __getitem__."
            )
    return dict(data)


def check_pairs(adapter: str, data: Any) -> Mapping[str, tuple[Any, Any]]:
    """Return inputs and labels by split, or refuse what is no pair of arrays.

    Raises
    ------
    LearnOrderError
        They are no mapping of pairs, or inputs cannot be counted.
    """
    if not isinstance(data, Mapping) or not data:
        what = "empty" if isinstance(data, Mapping) else f"a {type(data).__name__}"
        raise LearnOrderError(
            f"{adapter}: data is {what}. It maps the name of each split to a pair of inputs and "
            "labels, which are predicted in their order. Pass for example data={'test': (x_test, "
            "y_test)}."
        )
    for split, pair in data.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not hasattr(pair[1], "__len__"):
            raise LearnOrderError(
                f"{adapter}: split {split!r} is a {type(pair).__name__}. It is a pair of inputs "
                "and labels, arrays in one order. Pass (x, y)."
            )
    return {split: (pair[0], pair[1]) for split, pair in data.items()}


def places(where: str, split: str, values: Any, classes: NDArray[Any]) -> NDArray[np.int64]:
    """Where classes stand among those of an estimator, which are ascending.

    Raises
    ------
    LearnOrderError
        One is not among them.
    """
    given = np.asarray(values)
    found = np.clip(np.searchsorted(classes, given), 0, len(classes) - 1)
    unknown = np.flatnonzero(classes[found] != given)
    if unknown.size:
        raise LearnOrderError(
            f"{where}: split {split!r} has the class {given[unknown[0]]!r} at position "
            f"{unknown[0]}, which classes_ does not have. Labels are those that were given to "
            "fit. Give them as there, and all of them to the first fit."
        )
    return found.astype(np.int64)


def declared(
    adapter: str, data: Mapping[str, Any], labels: Any, ids: Any
) -> dict[str, dict[str, Any]]:
    """``labels`` and ``ids`` of a recorder: those given, or those that the datasets have.

    Ids of a subset are positions in the dataset it was made from.

    Raises
    ------
    LearnOrderError
        An item shows no label, or labels or ids are of other splits, or not one for each example.
    """
    given, named = dict(labels or {}), dict(ids or {})
    for what, of_splits in (("labels", given), ("ids", named)):
        for split, values in of_splits.items():
            _check_values(f"{adapter}: {what}", split, values, data)
    for split, dataset in data.items():
        if split not in given:
            given[split] = _labels(f"{adapter}: split {split!r}", dataset)
        if split not in named and (found := source_positions(dataset)) is not None:
            named[split] = found
    return {"labels": given, "ids": named}


def _check_values(where: str, split: str, values: Any, data: Mapping[str, Any]) -> None:
    if split not in data:
        raise LearnOrderError(
            f"{where} are given for split {split!r}, which data does not have. "
            f"{nearest(str(split), data)}"
        )
    if values is not None and len(values) != len(data[split]):
        raise LearnOrderError(
            f"{where} of split {split!r} are {len(values):,}; its dataset has "
            f"{count_of(len(data[split]), 'example')}. There is one for each. Give them in the "
            "order of the dataset."
        )


def source_positions(dataset: Any) -> Any:
    """``(example,)`` positions in the source of a subset, or of a subset of one; else None."""
    if not (hasattr(dataset, "indices") and hasattr(dataset, "dataset")):
        return None
    positions = np.asarray(dataset.indices, dtype=np.int64)
    source = source_positions(dataset.dataset)
    return positions if source is None else source[positions]


def _labels(where: str, dataset: Any) -> Any:
    tensors = getattr(dataset, "tensors", None)
    if isinstance(tensors, tuple) and len(tensors) > 1:
        return tensors[1]
    columns = getattr(dataset, "column_names", None)
    if isinstance(columns, list) and (found := [n for n in LABEL_NAMES if n in columns]):
        return list(dataset.with_format(None)[found[0]])
    return [_label(where, dataset[i]) for i in range(len(dataset))]


def _label(where: str, item: Any) -> int:
    """Label of one item: of a pair the second, of a mapping ``labels`` or ``label``."""
    found = None
    if isinstance(item, Mapping):
        found = next((item[name] for name in LABEL_NAMES if name in item), None)
    elif isinstance(item, tuple | list) and len(item) > 1:
        found = item[1]
    label = None if found is None else np.asarray(found)
    if label is None or label.ndim or label.dtype.kind not in "iu":
        raise LearnOrderError(
            f"{where}: items show no label ({type(item).__name__}). The label is the second of a "
            f"pair, or 'labels' or 'label' of a mapping, one integer. Pass labels={{...}}."
        )
    return int(label)
