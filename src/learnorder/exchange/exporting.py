"""Write a log in the format of another tool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from learnorder.errors import LearnOrderError, nearest
from learnorder.exchange.formats import (
    BASELINES,
    CLASS_NAMES,
    TRUE_LABELS,
    Format,
    find_format,
    load,
)
from learnorder.exchange.new_output import check_output, new_output
from learnorder.exchange.source import Source, baselines_of
from learnorder.log.examples import has_previews
from learnorder.log.reader import Log, open_log
from learnorder.schema import EXAMPLE, OF_LABEL, TRUE_LABEL

Exported = str | os.PathLike[str] | Log | xr.Dataset | Mapping[str, xr.Dataset]


@dataclass(frozen=True)
class ExportReport:
    """What `export_log` did.

    Attributes
    ----------
    path
        Of the file or folder.
    splits
        For each that was written, how many examples.
    lost
        What the log has and the file has not, because the format cannot hold it; splits too, unless
        one was asked for.
    """

    path: Path
    splits: Mapping[str, int]
    lost: list[str] = field(default_factory=list)


def export_log(
    log: Exported,
    format: str,
    out: str | Path,
    *,
    split: str | None = None,
    epoch: float | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Write the finished replicates of a log, on the epochs that all have, for another tool.

    The file or folder appears whole or not at all.

    Parameters
    ----------
    log
        Path or URL of a log, what `open_log` returns, or a dataset of `from_arrays`.
    format
        A name of ``learnorder export --help``.
    out
        The file or folder.
    split
        Which is written. Without it all are, by formats that hold several, else ``test``.
    epoch
        Which recorded epoch, for formats that hold one; the last without it.
    overwrite
        Replace a file that is there. Folders are never replaced.

    Returns
    -------
    What was written, and what was lost.

    Raises
    ------
    ExtraMissing
        The format needs a package that is not installed.
    LogNotFound, LogDamaged
        There is no log, or a part of it is damaged.
    LearnOrderError
        The format or split is unknown, the log lacks what the format needs, or something is at
        ``out``.

    Examples
    --------
    >>> import learnorder as lo, tempfile
    >>> log = lo.from_arrays([[[0, 1], [1, 1]]], labels=[1, 1], class_names=["cat", "dog"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lo.export_log(log, "csv", f"{folder}/mine.csv").lost
    ['class names']
    """
    about = find_format(format, "export")
    if about.writer is None:
        raise LearnOrderError(f"export: {format} is read only. Choose another format.")
    target = Path(out).expanduser()
    check_output(target, folder=about.out == "folder", overwrite=overwrite)
    whole: Any = open_log(os.fspath(log)) if isinstance(log, str | os.PathLike) else log
    source = Source(_chosen(whole, split, several=about.of == "all"), epoch)
    for name, of_split in source.splits.items():
        if not of_split.sizes[EXAMPLE]:
            raise LearnOrderError(
                f"export: the split {name!r} has no examples. There is nothing to write. Choose "
                "another with --split."
            )
    with new_output(target, folder=about.out == "folder", overwrite=overwrite) as staging:
        lost: list[str] = load(about.writer)(source, staging)
    counts = {name: of_split.sizes[EXAMPLE] for name, of_split in source.splits.items()}
    others = [] if split is not None or isinstance(whole, xr.Dataset) else _others(whole, source)
    return ExportReport(
        target,
        counts,
        [*others, *_not_held(about, source), *_of_log(whole, source), *about.loses, *lost],
    )


def _others(log: Mapping[str, xr.Dataset], source: Source) -> list[str]:
    """Splits that are left out although nobody chose one."""
    return [
        f"split {name!r}: this format holds one; --split {name} writes it"
        for name in log
        if name not in source.splits
    ]


def _not_held(about: Format, source: Source) -> list[str]:
    """What the splits have and the format has no place for."""
    splits = source.splits.values()
    has = {
        TRUE_LABELS: any(TRUE_LABEL in split for split in splits),
        **{quantity: any(quantity in split for split in splits) for quantity in OF_LABEL},
        CLASS_NAMES: not source.names_are_ids,
        BASELINES: any(map(baselines_of, splits)),
    }
    return [what for what, there in has.items() if there and what not in about.holds]


def _of_log(log: Any, source: Source) -> list[str]:
    """What only a log has, if this one has it; no format has a place for it."""
    if not isinstance(log, Log):
        return []
    shown = ["previews"] if any(has_previews(log.header, name) for name in source.splits) else []
    trained = bool(log.spec or log.execution)
    return [
        *shown,
        *(["how the networks were trained (spec, versions, execution)"] if trained else []),
    ]


def _chosen(log: Any, split: str | None, *, several: bool) -> dict[str, xr.Dataset]:
    """Splits that are written, by name."""
    if isinstance(log, xr.Dataset):
        name = str(log.attrs.get("split", "test"))
        if split not in (None, name):
            raise LearnOrderError(
                f"export: the dataset is of split {name!r}, not {split!r}. Leave the split out."
            )
        return {name: log}
    if split is None and several:
        return {name: log[name] for name in log}
    wanted = split if split is not None else "test"
    if split is None and len(log) == 1:
        wanted = next(iter(log))
    if wanted not in list(log):
        raise LearnOrderError(
            f"export: the log has no split {wanted!r}. {nearest(wanted, list(log))} Choose one "
            "with --split."
        )
    return {wanted: log[wanted]}
