"""Tables with Hugging Face features: pictures as bytes, texts, class names in the metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.images import decode_images
from learnorder.datasets.named_labels import named_labels
from learnorder.datasets.source import Options, Source
from learnorder.errors import DataNotFound, LearnOrderError

Features = Mapping[str, Mapping[str, Any]]

IDS = "index"
"""Column with the ids, where there is one."""


def source_of_tables(tables: Mapping[str, Any], options: Options, where: str) -> Source:
    """Read splits of Arrow tables.

    A split other than train and test has no labels if its label column is missing or -1 throughout,
    which is how the hub marks them.

    Parameters
    ----------
    tables
        ``pyarrow.Table`` by split, the features in the schema's metadata.
    options
        Columns and image size.
    where
        What the tables are, for messages.

    Raises
    ------
    LearnOrderError
        A column is missing or ambiguous, a value is missing, or class names differ between splits.
    """
    for split in ("train", "test"):
        if split not in tables:
            raise DataNotFound(
                f"load_dataset: {where} has no split {split}; it has: "
                f"{', '.join(tables) or 'none'}. "
                "The splits train and test are needed. Add it, or rename another to it."
            )
    features = {split: _features(table, where) for split, table in tables.items()}
    label_column = _label_column(tables["train"], features["train"], options, where)
    names = _class_names(features, label_column, where)
    labels: dict[str, Any] = {
        split: _labels(table, label_column, split, where) for split, table in tables.items()
    }
    if names is None and labels["train"] and isinstance(labels["train"][0], str):
        labels, names = named_labels(labels, lambda split, row: f"row {row} of {split} in {where}")
    inputs = _inputs(tables, features["train"], label_column, options, where)
    return Source(
        {
            split: RawSplit(inputs[split], labels[split], _ids(table, split, where))
            for split, table in tables.items()
        },
        class_names=names,
    )


def _features(table: Any, where: str) -> Features:
    """Features by column, empty where the file was not written by Hugging Face `datasets`."""
    text = (table.schema.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(text)["info"]["features"] if text else {}
        return {name: value for name, value in features.items() if isinstance(value, dict)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LearnOrderError(
            f"load_dataset: the metadata 'huggingface' of {where} is damaged ({error!r}). "
            "It is JSON with info.features. Write the file again."
        ) from error


def _label_column(table: Any, features: Features, options: Options, where: str) -> str:
    """Find the column asked for, or `label`, or the usual one, or the only one with class names."""
    classed = [name for name, value in features.items() if value.get("_type") == "ClassLabel"]
    if options.label_column is not None:
        candidates = [options.label_column]
    else:
        candidates = ["label", options.usual_label_column or "label"]
        candidates += classed if len(classed) == 1 else []
    for name in candidates:
        if name in table.column_names:
            return name
    raise LearnOrderError(
        f"load_dataset: {where} has no label column {candidates[0]!r}; its columns are: "
        f"{', '.join(table.column_names)} (with class names: {', '.join(classed) or 'none'}). "
        "The labels need one. Choose it with label_column."
    )


def _class_names(
    features: Mapping[str, Features], column: str, where: str
) -> tuple[str, ...] | None:
    names = features["train"].get(column, {}).get("names")
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise LearnOrderError(
            f"load_dataset: the class names of {column!r} in {where} are no list of str "
            f"({names!r:.80}). "
            "A ClassLabel has such a list. Write the file again."
        )
    for split, others in features.items():
        other = others.get(column, {}).get("names", names)
        if other != names:
            raise LearnOrderError(
                f"load_dataset: the class names of {column!r} in {where} differ between train and "
                f"{split} ({names!r:.80} and {other!r:.80}). One list holds for all splits. "
                "Write the files again with one list."
            )
    return tuple(names)


def _values(table: Any, column: str, split: str, where: str) -> list[Any]:
    """Values of a column, refusing missing ones."""
    values: list[Any] = table.column(column).to_pylist()
    if None in values:
        raise LearnOrderError(
            f"load_dataset: {column!r} is missing in row {values.index(None)} of {split} in "
            f"{where}. "
            "Each example has a value there. Fill it or drop the row."
        )
    return values


def _labels(table: Any, column: str, split: str, where: str) -> Any:
    """Label values, or None for a split without labels."""
    further = split not in ("train", "test")
    if column not in table.column_names:
        if further:
            return None
        raise LearnOrderError(
            f"load_dataset: {split} of {where} has no label column {column!r}, which train has. "
            "Both have it. Add the column."
        )
    values = _values(table, column, split, where)
    if further and all(value == -1 for value in values):
        return None
    return values


def _ids(table: Any, split: str, where: str) -> Any:
    return _values(table, IDS, split, where) if IDS in table.column_names else None


def _inputs(
    tables: Mapping[str, Any], features: Features, label_column: str, options: Options, where: str
) -> dict[str, Any]:
    column, is_image = _input_column(tables["train"], features, label_column, options, where)
    for split, table in tables.items():
        if column not in table.column_names:
            raise LearnOrderError(
                f"load_dataset: {split} of {where} has no column {column!r}, which train has; its "
                f"columns are: {', '.join(table.column_names)}. All splits have it. Add the column."
            )
    if is_image:
        pictures = {
            split: _pictures(_values(table, column, split, where), split, where)
            for split, table in tables.items()
        }
        return decode_images(pictures, options.image_size)
    if options.image_size is not None:
        raise LearnOrderError(
            f"load_dataset: image_size={options.image_size} for {where}, whose inputs are texts. "
            "It is for images. Leave image_size out."
        )
    return {
        split: np.array(_values(table, column, split, where), dtype=object)
        for split, table in tables.items()
    }


def _input_column(
    table: Any, features: Features, label_column: str, options: Options, where: str
) -> tuple[str, bool]:
    """Column of the inputs, and whether it holds pictures."""
    images = [name for name in table.column_names if _is_image(table, features, name)]
    wanted = options.text_column
    if wanted is None and len(images) == 1:
        return images[0], True
    if wanted is None and len(images) > 1:
        raise LearnOrderError(
            f"load_dataset: {where} has several columns of pictures: {', '.join(images)}. "
            "One is possible. Drop the others."
        )
    wanted = wanted or "text"
    if wanted not in table.column_names or wanted in (*images, label_column):
        raise LearnOrderError(
            f"load_dataset: {where} has no text column {wanted!r} and no pictures; its columns "
            "are: "
            f"{', '.join(table.column_names)}. The inputs need one column. "
            "Choose it with text_column."
        )
    return wanted, False


def _is_image(table: Any, features: Features, name: str) -> bool:
    if features.get(name, {}).get("_type") == "Image":
        return True
    kind = table.schema.field(name).type
    return hasattr(kind, "num_fields") and {field.name for field in _fields(kind)} == {
        "bytes",
        "path",
    }


def _fields(kind: Any) -> Sequence[Any]:
    return [kind.field(i) for i in range(kind.num_fields)] if str(kind).startswith("struct") else []


def _pictures(cells: Sequence[Any], split: str, where: str) -> Iterator[tuple[str, bytes]]:
    for row, cell in enumerate(cells):
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(data, bytes):
            raise LearnOrderError(
                f"load_dataset: row {row} of {split} in {where} has no picture in it (only a "
                "path, or "
                "another type). Pictures are stored as bytes in the file. Write it again with them."
            )
        yield f"the picture in row {row} of {split} in {where}", data
