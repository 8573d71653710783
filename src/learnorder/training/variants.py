"""Several specs in one file: a base, variants of it by name, a grid of values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

from learnorder.errors import LearnOrderError
from learnorder.training.spec import SEVERAL, OptimizerSpec, ScheduleSpec, TrainingSpec
from learnorder.training.tables import flatten, laid_over, put, read_toml

BASE: Final = "base"
"""Name of what variants are laid over, and of the one spec in a file without any."""

LONGEST_NAME: Final = 200
"""Bytes of a name; file systems allow 255, and a log has an ending and temporary neighbours."""

_IN_NAMES: Final = re.compile(r"[A-Za-z0-9_=,.+-]")


def read_variants(
    path: str | Path, overrides: Mapping[str, Any] | None = None
) -> dict[str, TrainingSpec]:
    """Read all specs of a file, by name and in the order in which they are trained.

    Each table ``[variants.NAME]`` is a part of a spec, laid over the base: what the file says
    outside ``[variants]`` and ``[grid]``. Where there are any, the base comes first, named
    ``base``. ``[grid]`` holds lists of values by key; every combination is laid over the base and
    named by its values, such as ``learning_rate=0.1,batch_size=64``. A part that gives another
    ``name`` for architecture, optimizer, schedule or dataset takes nothing of the base's table.

    Parameters
    ----------
    path
        A TOML file.
    overrides
        Values by dotted key, laid over the file and thereby over all of its specs.

    Returns
    -------
    At least one spec; ``{"base": spec}`` for a file of a single one.

    Raises
    ------
    LearnOrderError
        The file is missing or no TOML, a spec is wrong (the message names it), two are the same,
        a name cannot be that of a file, or an override is of what is varied.
    """
    path, overrides = Path(path), overrides or {}
    tables = read_toml(path)
    for key, value in overrides.items():
        put(tables, key, value)
    base = _with_names({key: value for key, value in tables.items() if key not in SEVERAL})
    kept = {k: v for k, v in overrides.items() if k.partition(".")[0] not in SEVERAL}
    specs: dict[str, TrainingSpec] = {}
    for name, partial in _parts(tables):
        _refuse_overridden(name, partial, kept)
        if name in specs:
            raise _problem(f"two variants are named {name!r}", "Names are of files", "Rename one")
        merged = laid_over(base, partial)
        for key, value in kept.items():
            put(merged, key, value)
        source = str(path) if len(tables) == len(base) else f"{path}, variant {name!r}"
        spec = TrainingSpec.from_tables(merged, source).with_paths_from(path.parent)
        _refuse_same(name, spec, specs)
        specs[name] = spec
    return specs


def _with_names(base: dict[str, Any]) -> dict[str, Any]:
    """Write out the names that have a default, so that a part is seen to give another."""
    for key, model in (("optimizer", OptimizerSpec), ("schedule", ScheduleSpec)):
        if isinstance(base.get(key), Mapping):
            base[key] = {"name": model.model_fields["name"].default, **base[key]}
    return base


def _parts(tables: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Names, and what is laid over the base; nothing for the base itself."""
    if "variants" in tables or "grid" not in tables:
        yield BASE, {}
    if "variants" in tables:
        yield from _named(tables["variants"])
    if "grid" in tables:
        yield from _points(tables["grid"])


def _named(variants: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(variants, Mapping) or not variants:
        raise _problem("[variants] holds none", "Each is a table", "Write [variants.NAME]")
    for name, partial in variants.items():
        if name == BASE:
            raise _problem(
                f"a variant is named {BASE!r}", "That is what the others are laid over", "Rename it"
            )
        if not isinstance(partial, Mapping):
            raise _problem(
                f"variants.{name} is {partial!r}",
                "A variant is a table of tables and keys",
                f"Write for example [variants.{name}.optimizer]",
            )
        _check_name(name)
        yield name, partial


def _points(grid: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every combination of the values of a grid; the last key changes fastest."""
    if not isinstance(grid, Mapping) or not grid:
        raise _problem("[grid] is empty", "It holds lists of values by key", _GRID_ADVICE)
    axes = dict(flatten(grid))
    for key, values in axes.items():
        if not isinstance(values, list) or not values:
            raise _problem(f"grid.{key} is {values!r}", "It is a list of values", _GRID_ADVICE)
    labels = _labels(list(axes))
    for values in product(*axes.values()):
        partial: dict[str, Any] = {}
        for key, value in zip(axes, values, strict=True):
            put(partial, key, value)
        shown = zip(axes, values, strict=True)
        name = ",".join(f"{labels[key]}={_written(value)}" for key, value in shown)
        _check_name(name)
        yield name, partial


_GRID_ADVICE: Final = "Write for example optimizer.learning_rate = [0.01, 0.1]"


def _labels(keys: list[str]) -> dict[str, str]:
    """Return the end of each key that tells it from the others.

    Examples
    --------
    >>> _labels(["optimizer.name", "architecture.name", "training.epochs"])
    {'optimizer.name': 'optimizer.name', 'architecture.name': 'architecture.name', \
'training.epochs': 'epochs'}
    """
    ends = {key: [key.split(".")[-n:] for n in range(1, key.count(".") + 2)] for key in keys}
    taken = Counter(".".join(end) for of_key in ends.values() for end in of_key)
    return {
        key: next((".".join(e) for e in of_key if taken[".".join(e)] == 1), key)
        for key, of_key in ends.items()
    }


def _written(value: Any) -> str:
    """Value as part of the name of a file: ``true``, ``0.1``, ``my_nets-wide`` for ``:``, lists."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "+".join(map(_written, value)) or "none"
    return "".join(c if _IN_NAMES.fullmatch(c) else "-" for c in str(value))


def _check_name(name: str) -> None:
    wrong = sorted({character for character in name if not _IN_NAMES.fullmatch(character)})
    if wrong or not name or name.startswith((".", "-")):
        raise _problem(
            f"{name!r} cannot be the name of a variant",
            "Its log is a file of this name, of letters, digits and _ - + = , . and not with . or "
            "- in front",
            "Rename it",
        )
    if len(name) > LONGEST_NAME:
        raise _problem(
            f"the name {name[:40]!r}... has {len(name)} characters",
            f"A log is a file of this name, and {LONGEST_NAME} are the most",
            "Vary fewer keys, or write variants by name",
        )


def _refuse_overridden(name: str, partial: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    for key, _ in flatten(partial):
        for override in kept:
            if f"{key}.".startswith(f"{override}.") or f"{override}.".startswith(f"{key}."):
                raise _problem(
                    f"{override!r} is overridden, and variant {name!r} says what it is",
                    "An override is for all variants alike",
                    "Leave it out, or change the file",
                )


def _refuse_same(name: str, spec: TrainingSpec, specs: Mapping[str, TrainingSpec]) -> None:
    for other, there in specs.items():
        if there == spec:
            raise _problem(
                f"{other!r} and {name!r} are the same spec",
                "Its replicates would be trained twice, to the same predictions",
                "Leave one out",
            )


def _problem(what: str, holds: str, advice: str) -> LearnOrderError:
    return LearnOrderError(f"spec: {what}. {holds}. {advice}.")
