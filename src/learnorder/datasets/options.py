"""Options of a known dataset: typed by their defaults, and refused where they mean nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from learnorder.datasets.known import ENTRIES, DatasetEntry
from learnorder.errors import LearnOrderError, nearest


def with_defaults(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a dataset with the defaults of those left out; none of them checked."""
    defaults = next((entry.options for entry in ENTRIES if entry.name == name), {})
    return {**defaults, **given}


def checked_options(entry: DatasetEntry, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """All options of a dataset, those left out with their defaults.

    Raises
    ------
    LearnOrderError
        An option is unknown, or its value is of another type than the default.
    """
    for option, value in (given or {}).items():
        if option not in entry.options:
            advice = nearest(option, entry.options) if entry.options else "It has no options."
            raise LearnOrderError(
                f"load_dataset: {entry.name!r} has no option {option!r}. {advice} Leave it out."
            )
        default = entry.options[option]
        wanted = _wanted(value, default)
        if wanted is not None:
            raise LearnOrderError(
                f"load_dataset: option {option!r} of {entry.name!r} is {value!r}. It is {wanted}. "
                f"The default is {default!r}."
            )
    return with_defaults(entry.name, given or {})


def _wanted(value: Any, default: Any) -> str | None:
    """What a value like this default would be, or None where this one is."""
    if isinstance(default, str):
        return None if isinstance(value, str) else "a text"
    if isinstance(default, list):
        fits = isinstance(value, list) and all(_is_positive(number) for number in value)
        return None if fits else "a list of numbers above 0"
    if isinstance(default, float):
        return None if _is_positive(value) else "a number above 0"
    fits = isinstance(value, int) and _is_positive(value)
    return None if fits else "a whole number of at least 1"


def _is_positive(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf
