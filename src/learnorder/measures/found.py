"""What is found of a quantity: its value, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Found = float | str
"""A value, or the reason why there is none."""


def with_reasons(found: Mapping[str, object]) -> dict[str, Any]:
    """Values, None for what is undefined, with the reasons under ``undefined``.

    Examples
    --------
    >>> with_reasons({"value": 0.5, "ci": "an interval needs 3 replicates; there are 2"})
    {'value': 0.5, 'ci': None, 'undefined': {'ci': 'an interval needs 3 replicates; there are 2'}}
    """
    undefined = {name: value for name, value in found.items() if isinstance(value, str)}
    values = {name: None if name in undefined else value for name, value in found.items()}
    return {**values, "undefined": undefined}


def plain(value: Any) -> Any:
    """Tuples as lists, at any depth: what JSON would make of them."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value
