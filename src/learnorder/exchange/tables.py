"""Tables of predictions: which column means what, and how their rows become a `Content`.

A *long* table has a row for each prediction, with columns ``seed``, ``epoch``, ``split``, ``id``,
``prediction``, ``label``. A *wide* one has a row for each example, and a column
``prediction_seed<S>_epoch<E>`` for each seed and epoch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import Any

from learnorder.errors import LearnOrderError, nearest
from learnorder.exchange.column import Column
from learnorder.exchange.content import Content
from learnorder.exchange.gather import Gathering
from learnorder.schema import LABEL, OF_LABEL, PREDICTION, TRUE_LABEL

ID, SEED, EPOCH, SPLIT = "id", "seed", "epoch", "split"
ROLES = (SEED, EPOCH, SPLIT, ID, PREDICTION, LABEL, TRUE_LABEL, *OF_LABEL)
"""What a column can mean; it has that name, unless the user names another."""

WIDE = re.compile(
    rf"(?P<quantity>{'|'.join((PREDICTION, *OF_LABEL))})"
    r"(?:_seed(?P<seed>[0-9]{1,18}))?(?:_epoch(?P<epoch>[0-9]{1,13}(?:\.[0-9]{1,17})?))?"
)


@dataclass(frozen=True)
class Table:
    """Rows of one source, read in batches, as often as asked for.

    Attributes
    ----------
    where
        What it is, for messages.
    columns
        Names of all columns.
    batches
        Yields batches of the columns named, each a value for each row.
    typed
        Whether numbers are told from texts.
    class_names
        Of columns that say which names their class ids have.
    """

    where: str
    columns: Sequence[str]
    batches: Callable[[Sequence[str]], Iterator[Mapping[str, Any]]]
    typed: bool
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Choices:
    """How a user reads a source.

    Attributes
    ----------
    split
        Name of the split where the source has none.
    columns
        By meaning, names of columns that are called otherwise.
    class_names
        By class id, where the source does not say them.
    seeds
        Of sources that have none, one for each replicate.
    """

    split: str = "test"
    columns: Mapping[str, str] = field(default_factory=dict)
    class_names: Sequence[str] | None = None
    seeds: Sequence[int] | None = None


def content_of_tables(tables: Mapping[str | None, Sequence[Table]], choices: Choices) -> Content:
    """Read tables to the end.

    Parameters
    ----------
    tables
        By split; None for tables that say it in a column, or are of the split that was chosen.
    choices
        How.

    Raises
    ------
    LearnOrderError
        A column is missing or ambiguous, or rows do not fit together.
    """
    flat = [table for of_split in tables.values() for table in of_split]
    where = flat[0].where if len(flat) == 1 else f"{flat[0].where} and {len(flat) - 1} more"
    given = (
        choices.class_names if choices.class_names is not None else _names_of_tables(flat, choices)
    )
    gathering = Gathering(given, typed=all(table.typed for table in flat))
    notes: dict[str, None] = {}
    for split, of_split in tables.items():
        for table in of_split:
            _read(table, split, choices, gathering, notes)
    return gathering.finish(where, list(notes))


def _read(
    table: Table,
    split: str | None,
    choices: Choices,
    gathering: Gathering,
    notes: dict[str, None],
) -> None:
    roles = _roles(table, choices)
    wide = _wide_columns(table, roles)
    _require_columns(table, roles, wide, choices)
    parts = _parts_of_wide(wide, table, choices) if wide else [_long_part(roles, split, choices)]
    known = {role for role in (SEED, EPOCH) if all(role in part.fixed for part in parts)}
    known |= set() if split is None else {SPLIT}
    known |= {PREDICTION, *OF_LABEL} if wide else set()
    _refuse_almost(table, roles, known)
    seeds = _seeds(table, roles, parts, choices)
    defaults: dict[str, Any] = {SEED: seeds[0], EPOCH: 1.0, SPLIT: split or choices.split}
    for role in (SEED, EPOCH) if split is not None else (SEED, EPOCH, SPLIT):
        if role not in roles and any(role not in part.fixed for part in parts):
            notes[f"no column {role!r}: all rows are of {role} {_shown(defaults[role])}"] = None
    shared = [role for role in (ID, LABEL, TRUE_LABEL, SEED, EPOCH, SPLIT) if role in roles]
    if split is not None and SPLIT in shared:
        shared.remove(SPLIT)
    names = [*(roles[r] for r in shared), *(n for part in parts for n in part.columns.values())]
    notes |= dict.fromkeys(_not_read(table, roles, set(names), choices))
    first_row = 1
    for batch in table.batches(list(dict.fromkeys(names))):
        for part in parts:
            given = {role: roles[role] for role in shared} | dict(part.columns)
            columns = {
                role: Column(f"{role} (column {name!r})", table.where, first_row, batch[name])
                for role, name in given.items()
            }
            place = [
                part.fixed.get(role, columns.pop(role, defaults[role]))
                for role in (SEED, EPOCH, SPLIT)
            ]
            gathering.take(columns, *place)
        first_row += len(batch[roles[ID]])


def _require_columns(
    table: Table, roles: Mapping[str, str], wide: Mapping[str, Any], choices: Choices
) -> None:
    """Refuse a table without predictions or ids."""
    needs = {
        PREDICTION: "A table has a prediction in each row, or columns prediction_seed<S>_epoch<E>. "
        "Choose it with --column prediction=NAME.",
        ID: "Ids tell examples apart, whatever their order. Choose it with --column id=NAME, or "
        "add one.",
    }
    for role, why in needs.items():
        if role in roles or (role == PREDICTION and wide):
            continue
        if role in table.columns:
            other = next(r for r, name in choices.columns.items() if name == role)
            raise LearnOrderError(
                f"import: the column {role!r} is chosen as the {other}, so {table.where} has none "
                f"for the {role}. A column has one meaning. Choose another for one of them, with "
                f"--column {other}=NAME or --column {role}=NAME."
            )
        raise LearnOrderError(
            f"import: {table.where} has no column {role!r}; its columns are: "
            f"{_listed(table.columns)}. {why}"
        )


def _refuse_almost(table: Table, roles: Mapping[str, str], known: set[str]) -> None:
    """Refuse a column that is named as one that is read but for case, spaces and a plural.

    Otherwise a log would lack, say, its labels for one letter. What is ``known`` needs no column.
    """
    absent = {role for role in ROLES if role not in roles} - known
    for name in table.columns:
        plain = str(name).strip().casefold()
        role = next((r for r in (plain, plain.removesuffix("s")) if r in absent), None)
        if role is not None and name not in roles.values():
            raise LearnOrderError(
                f"import: {table.where} has the column {name!r} and none named {role!r}. Names "
                f"are read as they are written. Give --column {quote(f'{role}={name}')}, or "
                "rename it."
            )


def _not_read(
    table: Table, roles: Mapping[str, str], read: set[str], choices: Choices
) -> Iterator[str]:
    """Notes on columns that are not read, or not as what they are called."""
    for role, name in choices.columns.items():
        if name in ROLES and name not in roles:
            yield f"the column {name!r} is read as the {role}, so none is the {name}"
    if left := [repr(name) for name in table.columns if name not in read]:
        yield f"columns that are not read: {_listed(left)}"


def _seeds(
    table: Table, roles: Mapping[str, str], parts: Sequence[_Part], choices: Choices
) -> Sequence[int]:
    """Seed of a table that says none."""
    if choices.seeds is None:
        return [0]
    if SEED in roles or all(SEED in part.fixed for part in parts):
        raise LearnOrderError(
            f"import: seeds are given, and {table.where} says them itself. Leave them out."
        )
    if len(choices.seeds) > 1:
        raise LearnOrderError(
            f"import: {len(choices.seeds)} seeds are given for {table.where}, which has no column "
            f"{SEED!r} and so is of one replicate. Add the column, or give one seed."
        )
    return choices.seeds


@dataclass(frozen=True)
class _Part:
    """Columns that hold the values of one seed and epoch, or of those that other columns say."""

    columns: Mapping[str, str]
    fixed: Mapping[str, Any] = field(default_factory=dict)


def _long_part(roles: Mapping[str, str], split: str | None, choices: Choices) -> _Part:
    values = {r: roles[r] for r in (PREDICTION, *OF_LABEL) if r in roles}
    return _Part(values, {} if split is None else {SPLIT: split})


def _parts_of_wide(
    wide: Mapping[str, re.Match[str]], table: Table, choices: Choices
) -> list[_Part]:
    parts: dict[tuple[str | None, str | None], dict[str, str]] = {}
    for name, match in wide.items():
        parts.setdefault((match["seed"], match["epoch"]), {})[match["quantity"]] = name
    for (seed, epoch), columns in parts.items():
        if PREDICTION not in columns:
            raise LearnOrderError(
                f"import: {table.where} has the column {next(iter(columns.values()))!r} and no "
                f"prediction of that seed and epoch ({seed}, {epoch}). Beside each number about "
                "the label stands a prediction. Add the column, or leave this one out."
            )
    found = []
    for (seed, epoch), columns in parts.items():
        fixed: dict[str, Any] = {} if seed is None else {SEED: int(seed)}
        found.append(_Part(columns, fixed | ({} if epoch is None else {EPOCH: float(epoch)})))
    return found


def _roles(table: Table, choices: Choices) -> dict[str, str]:
    """Column of each meaning."""
    # counted once: a wide table has a column for every seed and epoch
    repeated = [name for name, n in Counter(table.columns).items() if n > 1]
    if repeated or any(not str(name).strip() for name in table.columns):
        raise LearnOrderError(
            f"import: a column of {table.where} has the name {min(repeated, default='')!r}, empty "
            "or doubled. Each column has its own name. Rename it."
        )
    for role, name in choices.columns.items():
        if role not in ROLES:
            raise LearnOrderError(f"import: no column can mean {role!r}. {nearest(role, ROLES)}")
        if name not in table.columns:
            raise LearnOrderError(
                f"import: {table.where} has no column {name!r}, which was to be the {role}. "
                f"{nearest(name, list(table.columns)[:50])}"
            )
        also = next((r for r, n in choices.columns.items() if n == name and r != role), None)
        if also is not None:
            raise LearnOrderError(
                f"import: the column {name!r} of {table.where} is chosen as the {role} and as the "
                f"{also}. A column has one meaning. Choose another for one of them."
            )
    roles = {role: role for role in ROLES if role in table.columns}
    roles = {r: n for r, n in roles.items() if n not in choices.columns.values()}
    return roles | dict(choices.columns)


def _wide_columns(table: Table, roles: Mapping[str, str]) -> dict[str, re.Match[str]]:
    found = {name: WIDE.fullmatch(str(name)) for name in table.columns}
    wide = {n: m for n, m in found.items() if m is not None and (m["seed"] or m["epoch"])}
    if wide and PREDICTION in roles:
        raise LearnOrderError(
            f"import: {table.where} has a column {roles[PREDICTION]!r} and a column "
            f"{next(iter(wide))!r}. A table is long, with one column of predictions, or wide, with "
            "one for each seed and epoch. Leave one out."
        )
    return wide


def _names_of_tables(tables: Sequence[Table], choices: Choices) -> Sequence[str] | None:
    """Class names that the columns of labels and predictions bring."""
    found: dict[tuple[str, ...], str] = {}
    for table in tables:
        roles = {PREDICTION, LABEL, TRUE_LABEL}
        columns = {choices.columns.get(role, role) for role in roles}
        for name, names in table.class_names.items():
            match = WIDE.fullmatch(name)
            if name in columns or (match is not None and match["quantity"] == PREDICTION):
                found.setdefault(tuple(names), f"column {name!r} of {table.where}")
    if len(found) > 1:
        one, other = list(found.values())[:2]
        raise LearnOrderError(
            f"import: {one} and {other} have different class names. Labels and predictions are of "
            "the same classes. Give the class names."
        )
    return next(iter(found), None)


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(str(c) for c in columns[:20])
    return f"{shown}, and {len(columns) - 20} more" if len(columns) > 20 else shown or "none"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)
