"""Folders of Parquet files in the Hugging Face layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from learnorder.datasets.hf_tables import source_of_tables
from learnorder.datasets.source import Options, Source, require_folder
from learnorder.errors import DataNotFound, ExtraMissing, LearnOrderError

SHARD = re.compile(
    r"(?P<split>[A-Za-z0-9][A-Za-z0-9_.]*)"
    r"(-(?P<shard>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]+)?)?\.parquet"
)


def read_parquet(folder: Path, options: Options) -> Source:
    """Read ``<split>.parquet`` or ``<split>-00000-of-00001.parquet`` files.

    Pictures are ``{bytes, path}`` columns, class names come from the metadata, ids from the column
    ``index``. The files lie in the folder or in one folder below it.

    Raises
    ------
    DataNotFound
        No such files, or one of several shards is missing.
    ExtraMissing
        pyarrow is not installed.
    LearnOrderError
        A file is damaged, or its columns do not fit.
    """
    require_folder(folder)
    return source_of_tables(
        {split: _read_shards(files) for split, files in _shards(folder).items()},
        options,
        str(folder),
    )


def has_parquet(folder: Path) -> bool:
    """Whether a folder, or one below it, has Parquet files of a split."""
    return folder.is_dir() and bool(_folders(folder))


def _folders(folder: Path) -> list[Path]:
    """Return the folder itself if it has Parquet files, else those below it that have."""
    if _matches(folder):
        return [folder]
    return [below for below in sorted(folder.iterdir()) if below.is_dir() and _matches(below)]


def _matches(folder: Path) -> dict[Path, re.Match[str]]:
    found = {path: SHARD.fullmatch(path.name) for path in sorted(folder.iterdir())}
    return {path: match for path, match in found.items() if match is not None}


def _shards(folder: Path) -> dict[str, list[Path]]:
    """Files by split, complete and in order."""
    folders = _folders(folder)
    if len(folders) != 1:
        found = ", ".join(path.name for path in folders) or "none"
        raise DataNotFound(
            "load_dataset: one folder with train-*.parquet and test-*.parquet is needed at "
            f"{folder}; "
            f"folders below it with such files: {found}. Give the path of one that has them."
        )
    shards: dict[str, list[Path]] = {}
    announced: dict[str, int] = {}
    for path, match in _matches(folders[0]).items():
        shards.setdefault(match["split"], []).append(path)
        announced[match["split"]] = int(match["count"] or 1)
    for split, paths in shards.items():
        if len(paths) != announced[split]:
            raise DataNotFound(
                f"load_dataset: {folders[0]} has {len(paths)} files of the split {split}, whose "
                "names "
                f"announce {announced[split]}. All shards of one version are needed, and no more. "
                "Download the missing ones or delete the others."
            )
    return shards


def _read_shards(paths: list[Path]) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ExtraMissing(
            f"load_dataset: {paths[0]} needs pyarrow, which is not installed. "
            'It is part of an extra. Run `pip install "learnorder[parquet]"`.'
        ) from error
    tables = []
    for path in paths:
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                table = file.read()
            table.validate(full=True)
            tables.append(table)
        except (
            Exception
        ) as error:  # damaged bytes also fail outside Arrow, as names that are no text
            raise LearnOrderError(
                f"load_dataset: {path} cannot be read ({' '.join(str(error).split())}). "
                "It must be a complete Parquet file. Copy or download it again."
            ) from error
    try:
        return pa.concat_tables(tables)
    except pa.ArrowException as error:
        raise LearnOrderError(
            f"load_dataset: the shards of {paths[0]} have different columns "
            f"({' '.join(str(error).split())}). All shards of a split have the same. "
            "Download them again."
        ) from error
