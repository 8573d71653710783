"""Splits of a log as rows of tables, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.exchange.source import (
    Source,
    blocks,
    per_example_bytes,
    replicate_values,
    true_labels_of,
)
from learnorder.exchange.tables import EPOCH as EPOCH_COLUMN
from learnorder.exchange.tables import ID, SPLIT
from learnorder.exchange.tables import SEED as SEED_COLUMN
from learnorder.schema import EXAMPLE, LABEL, OF_LABEL, PREDICTION, TRUE_LABEL
from learnorder.written import INTEGER

ROWS = 1 << 20
"""Rows that are made at once."""

Rows = Mapping[str, NDArray[Any]]
"""Columns by name; labels that a split lacks are None, numbers it lacks NaN."""


def long_columns(source: Source) -> list[str]:
    """Columns of the long table: those that any split has."""
    held = {name for split in source.splits.values() for name in map(str, split.variables)}
    optional = (LABEL, TRUE_LABEL, *OF_LABEL)
    first = [SEED_COLUMN, EPOCH_COLUMN, SPLIT, ID, PREDICTION]
    return [*first, *(name for name in optional if name in held)]


def long_rows(source: Source) -> Iterator[Rows]:
    """A row for each prediction: by split, seed, epoch, and example in the order of the log."""
    columns = long_columns(source)
    texts = has_text_ids(source)
    for name, split in source.splits.items():
        per_example = example_columns(split, columns, texts)
        n = split.sizes[EXAMPLE]
        at_once = max(1, ROWS // max(n, 1))
        for position, seed in enumerate(source.seeds):
            values = {q: replicate_values(split, q, position) for q in source.quantities(split)}
            for start in range(0, len(source.epochs), at_once):
                epochs = source.epochs[start : start + at_once]
                for examples in _cut(n, ROWS):
                    yield _block(columns, name, seed, epochs, start, examples, per_example, values)


def _block(
    columns: list[str],
    split: str,
    seed: int,
    epochs: list[float],
    start: int,
    examples: slice,
    per_example: Rows,
    values: Rows,
) -> Rows:
    width = examples.stop - examples.start
    size = width * len(epochs)
    made: dict[str, NDArray[Any]] = {
        SEED_COLUMN: np.full(size, seed, dtype=np.int64),
        EPOCH_COLUMN: np.repeat(np.array(epochs, dtype=np.float64), width),
        SPLIT: np.full(size, split, dtype=object),
    }
    for name in columns:
        if name in per_example:
            made[name] = np.tile(per_example[name][examples], len(epochs))
        elif name in values:
            part = values[name][start : start + len(epochs), examples].ravel()
            made[name] = part.astype(np.int64 if name == PREDICTION else np.float32)
        elif name not in made:
            made[name] = np.full(size, np.nan, dtype=np.float32)
    return {name: made[name] for name in columns}


def _cut(n: int, width: int) -> Iterator[slice]:
    for start in range(0, n, width):
        yield slice(start, min(n, start + width))


def has_text_ids(source: Source) -> bool:
    """Whether ids are texts in any split; then those of all are written as texts."""
    return any(split[EXAMPLE].dtype.kind == "U" for split in source.splits.values())


def mixed_ids(source: Source) -> bool:
    """Whether ids are numbers in one split and texts in another."""
    kinds = {split[EXAMPLE].dtype.kind == "U" for split in source.splits.values()}
    return len(kinds) > 1


def ids_look_like_numbers(source: Source) -> bool:
    """Whether ids are texts that a table without types would give back as numbers."""
    if not has_text_ids(source):
        return False
    splits = [s for s in source.splits.values()]
    return any(all(INTEGER.fullmatch(str(i)) for i in s[EXAMPLE].values.tolist()) for s in splits)


def example_columns(split: xr.Dataset, columns: list[str], texts: bool) -> dict[str, NDArray[Any]]:
    """What does not depend on replicate and epoch."""
    ids = split[EXAMPLE].values
    found: dict[str, NDArray[Any]] = {
        ID: ids.astype(str).astype(object) if texts else ids.astype(np.int64)
    }
    if LABEL in columns:
        found[LABEL] = _classes(split[LABEL].values if LABEL in split else None, len(ids))
    if TRUE_LABEL in columns:
        found[TRUE_LABEL] = _classes(true_labels_of(split), len(ids))
    return found


def _classes(values: NDArray[Any] | None, n: int) -> NDArray[Any]:
    return np.full(n, None, dtype=object) if values is None else values.astype(np.int64)


def wide_name(quantity: str, seed: int, epoch: float) -> str:
    """Column of one quantity, seed and epoch.

    Examples
    --------
    >>> wide_name("prediction", 3, 1.0), wide_name("margin", 0, 0.25)
    ('prediction_seed3_epoch1', 'margin_seed0_epoch0.25')
    """
    number = f"{int(epoch)}" if epoch.is_integer() else np.format_float_positional(epoch)
    return f"{quantity}_seed{seed}_epoch{number}"


def wide_rows(source: Source) -> Iterator[Rows]:
    """A row for each example of the one split, and a column for each quantity, seed and epoch."""
    split = source.only
    quantities = source.quantities(split)
    columns = [n for n in (ID, LABEL, TRUE_LABEL) if n == ID or n in split]
    per_example = example_columns(split, columns, has_text_ids(source))
    for examples in blocks(split, per_example=8 * per_example_bytes(split, quantities)):
        made = {name: per_example[name][examples] for name in columns}
        for quantity in quantities:
            values = np.asarray(split[quantity].variable[:, :, examples].values)
            for r, seed in enumerate(source.seeds):
                for e, epoch in enumerate(source.epochs):
                    name = wide_name(quantity, seed, epoch)
                    kind = np.int64 if quantity == PREDICTION else np.float32
                    made[name] = values[r, e].astype(kind)
        yield made
