"""How numbers are written: cells with their interval, or "undefined" with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NO_REASON = "no reason was recorded"


@dataclass(frozen=True)
class Cell:
    """One entry of a table: what is read, and what stands small beneath it."""

    text: str
    note: str = ""
    undefined: bool = False


def number(value: float, digits: int = 3) -> str:
    """A coefficient with a true minus sign; never rounded up to a perfect 1.

    Examples
    --------
    >>> number(0.97049), number(-0.2), number(0.99996), number(1.0)
    ('0.970', '−0.200', '>0.999', '1.000')
    """
    text = f"{value:.{digits}f}"
    if value < 1 and float(text) == 1.0:
        return f">0.{'9' * digits}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def percent(value: float) -> str:
    r"""A share in per cent with one decimal; never rounded to none or to all.

    Examples
    --------
    >>> percent(0.9534), percent(0.9998), percent(0.0002), percent(0.0)
    ('95.3\xa0%', '>99.9\xa0%', '<0.1\xa0%', '0.0\xa0%')
    """
    text = f"{100 * value:.1f}"
    if text in ("0.0", "-0.0"):
        text = "<0.1" if value > 0 else "0.0"
    elif text == "100.0" and value < 1:
        text = ">99.9"
    return f"{text.replace('-', '−')}\N{NO-BREAK SPACE}%"


def interval(ci: Sequence[float]) -> str:
    """A 95 % interval in words.

    Examples
    --------
    >>> interval((0.95, 0.98))
    '0.950 to 0.980'
    """
    return f"{number(ci[0])} to {number(ci[1])}"


def percent_with(value: float, ci: Sequence[float] | None, why: str) -> str:
    r"""A share in per cent with its interval in brackets, or why there is none.

    Examples
    --------
    >>> percent_with(0.5, (0.4, 0.6), "")
    '50.0\xa0% (95\xa0% interval 40.0\xa0% to 60.0\xa0%)'
    >>> percent_with(0.5, None, "there is 1 replicate")
    '50.0\xa0% (no interval: there is 1 replicate)'
    """
    if ci is None:
        return f"{percent(value)} (no interval: {why})"
    ends = " to ".join(map(percent, ci))
    return f"{percent(value)} (95\N{NO-BREAK SPACE}% interval {ends})"


def epoch_name(epoch: float) -> str:
    """An epoch as people write it.

    Examples
    --------
    >>> epoch_name(3.0), epoch_name(0.25)
    ('3', '0.25')
    """
    return f"{epoch:g}"


def reason(row: Mapping[str, Any], key: str) -> str:
    """Why ``key`` is undefined in this row, from its sibling object."""
    return str((row.get("undefined") or {}).get(key, NO_REASON))


def cell(row: Mapping[str, Any], key: str) -> Cell:
    """The entry for ``key``, with the interval under ``<key>_ci`` where the row has one."""
    value = row.get(key)
    if value is None:
        return Cell("undefined", reason(row, key), undefined=True)
    if f"{key}_ci" not in row:
        return Cell(number(value))
    ci = row[f"{key}_ci"]
    note = f"no interval: {reason(row, f'{key}_ci')}" if ci is None else interval(ci)
    return Cell(number(value), note)


def accuracy_cell(row: Mapping[str, Any]) -> Cell:
    """Mean accuracy with its standard deviation over replicates."""
    mean, spread = row.get("accuracy_mean"), row.get("accuracy_std")
    if mean is None:
        return Cell("undefined", reason(row, "accuracy_mean"), undefined=True)
    return Cell(percent(mean), "" if spread is None else f"± {percent(spread)}")
