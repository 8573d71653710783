"""Nested tables of TOML: read from a file, laid over each other, keys joined by dots."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from learnorder.errors import DataNotFound, LearnOrderError


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a spec.

    Raises
    ------
    LearnOrderError
        The file is missing, or no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataNotFound(
            f"spec: cannot read {path} ({error.strerror or error}). "
            "A spec is a TOML file. Check the path."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LearnOrderError(
            f"spec: {path} is not valid TOML ({error}). Correct that line."
        ) from error


def flatten(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values."""
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def put(tables: dict[str, Any], dotted: str, value: Any) -> None:
    """Put a value where a dotted key leads, in place; tables on the way are made."""
    *parents, last = dotted.split(".")
    for parent in parents:
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise LearnOrderError(
                f"spec: {dotted!r} goes through {parent!r}, which is a value. "
                "An override names table and key, such as training.epochs=3."
            )
    tables[last] = value


def laid_over(base: Mapping[str, Any], partial: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with what ``partial`` says; nothing in either is changed.

    A table in ``partial`` that gives another ``name`` than the one in ``base`` replaces it whole:
    keys such as the options of an architecture belong to what is named.

    Examples
    --------
    >>> base = {"optimizer": {"name": "sgd", "momentum": 0.5}, "training": {"epochs": 3}}
    >>> laid_over(base, {"optimizer": {"momentum": 0.9}})["optimizer"]
    {'name': 'sgd', 'momentum': 0.9}
    >>> laid_over(base, {"optimizer": {"name": "adam"}})["optimizer"]
    {'name': 'adam'}
    """
    merged = dict(base)
    for key, value in partial.items():
        before = merged.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            other = "name" in value and value["name"] != before.get("name", value["name"])
            merged[key] = laid_over({} if other else before, value)
        else:
            merged[key] = laid_over({}, value) if isinstance(value, Mapping) else value
    return merged
