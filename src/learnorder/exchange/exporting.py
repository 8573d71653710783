"""Write a log in the format of another tool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from learnorder.errors import LearnOrderError, nearest
from learnorder.exchange.formats import find_format, load
from learnorder.exchange.new_output import check_output, new_output
from learnorder.exchange.source import Source, baselines_of
from learnorder.log.reader import Log, open_log
from learnorder.schema import EXAMPLE

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
        What the log has and the format cannot hold.
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
    ...     lo.export_log(log, "csv", f"{folder}/mine.csv").lost[-1]
    'class names: classes are written as ids'
    """
    about = find_format(format, "export")
    if about.writer is None:
        raise LearnOrderError(f"export: {format} is read only. Choose another format.")
    target = Path(out).expanduser()
    check_output(target, folder=about.out == "folder", overwrite=overwrite)
    source = Source(_chosen(log, split, several=about.of == "all"), epoch)
    for name, of_split in source.splits.items():
        if not of_split.sizes[EXAMPLE]:
            raise LearnOrderError(
                f"export: the split {name!r} has no examples. There is nothing to write. Choose "
                "another with --split."
            )
    with new_output(target, folder=about.out == "folder", overwrite=overwrite) as staging:
        lost: list[str] = load(about.writer)(source, staging)
    counts = {name: of_split.sizes[EXAMPLE] for name, of_split in source.splits.items()}
    if not about.holds_baselines and any(map(baselines_of, source.splits.values())):
        lost = ["baselines", *lost]
    return ExportReport(target, counts, [*about.loses, *lost])


def _chosen(log: Exported, split: str | None, *, several: bool) -> dict[str, xr.Dataset]:
    """Splits that are written, by name."""
    if isinstance(log, xr.Dataset):
        name = str(log.attrs.get("split", "test"))
        if split not in (None, name):
            raise LearnOrderError(
                f"export: the dataset is of split {name!r}, not {split!r}. Leave the split out."
            )
        return {name: log}
    opened: Any = open_log(os.fspath(log)) if isinstance(log, str | os.PathLike) else log
    if split is None and several:
        return {name: opened[name] for name in opened}
    wanted = split if split is not None else "test"
    if split is None and len(opened) == 1:
        wanted = next(iter(opened))
    if wanted not in list(opened):
        raise LearnOrderError(
            f"export: the log has no split {wanted!r}. {nearest(wanted, list(opened))} Choose one "
            "with --split."
        )
    return {wanted: opened[wanted]}
