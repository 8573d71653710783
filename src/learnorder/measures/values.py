"""Measures by name, as plain values for JSON and as rows for tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from learnorder.errors import LearnOrderError
from learnorder.measures.baselines import Explained
from learnorder.measures.catalogue import find_measure
from learnorder.measures.order import Reliability, reliability_record
from learnorder.measures.split import LEFT_OUT, NEVER, UNDEFINED
from learnorder.measures.stages import ReliabilityByStage
from learnorder.schema import EPOCH

NEVER_LEARNED = "never learned"
"""Key of ``undefined`` under which infinite values have their reason."""


def measure_values(log: xr.Dataset, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Values of the measures named, each with ``dims``, ``coords``, ``values`` and ``undefined``.

    A value that is undefined is None; ``undefined`` has the reason under its epoch, or under the
    name of a measure that is undefined everywhere, or that of a value for a measure without dims,
    whose ``values`` are an object. What is infinite is None too,
    since JSON has no such number, with the reason under "never learned". A mean over pairs of which
    some are undefined says so in ``left_out``.

    Raises
    ------
    LearnOrderError
        A name is not in the catalogue, or the split lacks what a measure needs.
    """
    return {name: _plain(find_measure(name).function(log)) for name in names}


def value_rows(values: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One flat row for each coordinate, with one column for each measure; see `flat_rows`.

    Raises
    ------
    LearnOrderError
        The measures have different dimensions, so no one table holds them.
    """
    shapes = {name: tuple(content["dims"]) for name, content in values.items()}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{name} ({', '.join(dims)})" for name, dims in shapes.items())
        raise LearnOrderError(
            f"measure: one table cannot hold measures of different dimensions: {listed}. "
            "Write them one by one, or use --json."
        )
    first = next(iter(values.values()))
    if not first["dims"]:
        return flat_rows(
            [{**c["values"], UNDEFINED: c[UNDEFINED]} for c in values.values()],
        )
    columns = {name: np.ravel(np.array(c["values"], object)) for name, c in values.items()}
    rows = []
    for i, place in enumerate(product(*(first["coords"][dim] for dim in first["dims"]))):
        where = dict(zip(first["dims"], place, strict=True))
        row = {name: column[i] for name, column in columns.items()}
        missing = [name for name, value in row.items() if value is None]
        reasons = {name: _reason(name, values[name], where.get(EPOCH)) for name in missing}
        reasons |= _left_out(values, where.get(EPOCH, 0.0))
        rows.append({**where, **row, UNDEFINED: reasons})
    return flat_rows(rows)


def flat_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of JSON as rows of a table, in which every cell is a number or a text.

    An interval under ``<name>_ci`` becomes ``<name>_low`` and ``<name>_high``. The reasons in
    ``undefined`` become one text in the last column; where no row has any, there is no such column.

    Examples
    --------
    >>> flat_rows([{"x": 1, "x_ci": [0, 2], "undefined": {}}])
    [{'x': 1, 'x_low': 0, 'x_high': 2}]
    >>> flat_rows([{"x": None, "undefined": {"x": "no data"}}])
    [{'x': None, 'undefined': 'x: no data'}]
    """
    explained = any(row[UNDEFINED] for row in rows)
    return [flat_row(row, explained) for row in rows]


def flat_row(row: Mapping[str, Any], explained: bool) -> dict[str, Any]:
    """One row of `flat_rows`; ``explained``: with a column of reasons."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("_ci"):
            flat[f"{name[:-3]}_low"], flat[f"{name[:-3]}_high"] = value or (None, None)
        elif name != UNDEFINED:
            flat[name] = value
    if explained:
        flat[UNDEFINED] = "; ".join(f"{name}: {why}" for name, why in row[UNDEFINED].items())
    return flat


def _plain(
    found: xr.DataArray | Reliability | ReliabilityByStage | Explained,
) -> dict[str, Any]:
    if isinstance(found, Reliability):
        return _one_row(reliability_record(found))
    if isinstance(found, ReliabilityByStage):
        return _one_row(_stage_columns(found))
    if isinstance(found, Explained):
        return _one_row(found.shares())
    reasons = _by_key(found.attrs.get(UNDEFINED, {}))
    if NEVER in found.attrs:
        reasons[NEVER_LEARNED] = found.attrs[NEVER]
    plain = {
        "dims": [str(dim) for dim in found.dims],
        "coords": {str(dim): found[dim].values.tolist() for dim in found.dims},
        "values": found.astype(object).where(np.isfinite(found), None).values.tolist(),
        UNDEFINED: reasons,
    }
    if LEFT_OUT in found.attrs:
        plain[LEFT_OUT] = _by_key(found.attrs[LEFT_OUT])
    return plain


def _left_out(values: Mapping[str, Mapping[str, Any]], epoch: float) -> dict[str, str]:
    """What is left out of means at an epoch: undefined too, though the means are not."""
    of_each = {name: content.get(LEFT_OUT, {}) for name, content in values.items()}
    return {name: why[_key(epoch)] for name, why in of_each.items() if _key(epoch) in why}


def _by_key(reasons: Mapping[float | str, str]) -> dict[str, str]:
    return {at if isinstance(at, str) else _key(at): why for at, why in reasons.items()}


def _reason(name: str, content: Mapping[str, Any], epoch: float | None) -> str:
    """Why there is no value, at this epoch if the measure has epochs."""
    reasons: Mapping[str, str] = content[UNDEFINED]
    if name in reasons:
        return reasons[name]
    key = NEVER_LEARNED if epoch is None else _key(epoch)
    return reasons[key]


def _one_row(record: dict[str, Any]) -> dict[str, Any]:
    """A result without dims: its record as an object of values."""
    reasons = record.pop(UNDEFINED)
    return {"dims": [], "coords": {}, "values": record, UNDEFINED: reasons}


def _stage_columns(found: ReliabilityByStage) -> dict[str, Any]:
    """All stages in one row: the columns of each begin with its number."""
    if found.stages is None:
        return {"stages": None, UNDEFINED: dict(found.undefined)}
    columns: dict[str, Any] = {}
    undefined: dict[str, str] = {}
    for number, stage in enumerate(found.stages, start=1):
        record = stage.to_dict()
        first, last = record.pop("epochs")
        reasons = record.pop(UNDEFINED)
        record = {"first_epoch": first, "last_epoch": last, **record}
        columns |= {f"stage_{number}_{name}": value for name, value in record.items()}
        undefined |= {f"stage_{number}_{name}": why for name, why in reasons.items()}
    return {**columns, UNDEFINED: undefined}


def _key(epoch: float) -> str:
    """Epoch as a key of JSON; epochs that differ have keys that differ."""
    return f"{epoch:.15g}"
