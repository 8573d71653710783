"""What was measured, by split and by collection, in the order of the page."""

from __future__ import annotations

from collections.abc import Iterable

from learnorder.report.measured import Measured


def by_split(found: Iterable[Measured]) -> dict[str, list[Measured]]:
    """Collections of each split."""
    groups: dict[str, list[Measured]] = {}
    for measured in found:
        groups.setdefault(measured.split, []).append(measured)
    return groups


def by_collection(found: Iterable[Measured]) -> dict[str, list[Measured]]:
    """Splits of each collection."""
    groups: dict[str, list[Measured]] = {}
    for measured in found:
        groups.setdefault(measured.collection, []).append(measured)
    return groups
