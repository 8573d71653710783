"""Measures by name, as plain values for JSON and as rows for tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

import xarray as xr

from learnorder.errors import LearnOrderError
from learnorder.measures._boundary import UNDEFINED
from learnorder.measures.catalogue import find_measure


def measure_values(log: xr.Dataset, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Values of the measures named, each with ``dims``, ``coords``, ``values`` and ``undefined``.

    A value that is undefined is None; ``undefined`` has the reason, by coordinate.

    Raises
    ------
    LearnOrderError
        A name is not in the catalogue, or the split lacks what a measure needs.
    """
    return {name: _plain(find_measure(name).function(log)) for name in names}


def value_rows(values: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per coordinate, one column per measure.

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
    places = product(*(first["coords"][d] for d in first["dims"]))
    columns = {name: _flat(content["values"]) for name, content in values.items()}
    return [
        {**dict(zip(first["dims"], place, strict=True)), **{n: c[i] for n, c in columns.items()}}
        for i, place in enumerate(places)
    ]


def _plain(found: Any) -> dict[str, Any]:
    if not isinstance(found, xr.DataArray):
        return {"dims": [], "coords": {}, "values": asdict(found), "undefined": found.undefined}
    values = found.astype(object).where(found.notnull(), None).values.tolist()
    return {
        "dims": [str(d) for d in found.dims],
        "coords": {str(d): found[d].values.tolist() for d in found.dims},
        "values": values,
        "undefined": {f"{k:g}": v for k, v in found.attrs.get(UNDEFINED, {}).items()},
    }


def _flat(values: Any) -> list[Any]:
    if not isinstance(values, list):
        return [values]
    return [v for item in values for v in (_flat(item) if isinstance(item, list) else [item])]
