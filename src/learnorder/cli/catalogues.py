"""The commands that list what exists: ``datasets``, ``measures``, ``architectures``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from learnorder.cli.arguments import JSON


@click.command()
@JSON
def datasets(as_json: bool) -> None:
    """List the datasets and the kinds of files that can be loaded.

    \b
    learnorder datasets
    """
    from learnorder.datasets.registry import known_datasets

    columns = ("name", "kind", "description", "looked_for")
    _list([_fields(entry) for entry in known_datasets()], columns, as_json)


@click.command()
@JSON
def measures(as_json: bool) -> None:
    """List the measures, with range, direction and source.

    \b
    learnorder measures
    """
    from learnorder.measures.catalogue import CATALOGUE

    columns = ("name", "summary", "range", "direction", "degenerate", "needs", "source")
    _list([_fields(entry) for entry in CATALOGUE], columns, as_json)


@click.command()
@JSON
def architectures(as_json: bool) -> None:
    """List the built-in architectures, networks and other learners, and their options.

    \b
    learnorder architectures
    """
    from learnorder.training.architectures.table import known_architectures

    columns = ("name", "family", "kinds", "summary", "options")
    _list([_fields(entry) for entry in known_architectures()], columns, as_json)


def _fields(entry: Any) -> dict[str, Any]:
    """Plain fields of an entry; what cannot be printed, such as its function, is left out."""
    plain = {k: v for k, v in vars(entry).items() if not callable(v)}
    return {k: dict(v) if isinstance(v, Mapping) else v for k, v in plain.items()}


def _list(rows: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """All fields as JSON, or the columns a person reads."""
    from learnorder.cli.output import echo_json, echo_table

    if as_json:
        echo_json(rows)
        return
    echo_table(columns, [[_text(row[c]) for c in columns] for row in rows])


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
