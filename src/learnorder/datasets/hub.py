"""Datasets of the Hugging Face hub, through the `datasets` library."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from learnorder.datasets.hf_tables import source_of_tables
from learnorder.datasets.source import Options, Source
from learnorder.errors import DataNotFound, ExtraMissing, LearnOrderError

TIMEOUT = 10.0
"""Seconds to wait for the hub before saying that it cannot be reached."""


def read_hub(repository: str, options: Options, *, folder: str | None = None) -> Source:
    """Read a dataset of the hub, downloaded once and then kept by `datasets`.

    Parameters
    ----------
    repository
        ``owner/name``.
    options
        Columns and image size.
    folder
        Folder under ``$LEARNORDER_DATA`` where its files are looked for before the hub is asked.

    Raises
    ------
    ExtraMissing
        `datasets` is not installed.
    DataNotFound
        The hub cannot be reached, or has no such dataset.
    LearnOrderError
        The name is no ``owner/name``, or the columns do not fit.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", repository):
        raise LearnOrderError(
            f"load_dataset: {repository!r} is no name of a dataset on the hub. "
            "It has the form owner/name. Write for instance hub:ylecun/mnist."
        )
    if os.path.isdir(repository):
        raise LearnOrderError(
            f"load_dataset: a folder {repository} is in the working directory and hides the "
            "dataset of "
            "that name on the hub. Only one can be meant. "
            "Give the folder as one of the kinds, or start from elsewhere."
        )
    tables = _download(repository, _advice(repository, folder))
    return source_of_tables(tables, options, f"{repository} on the hub")


def tables_of(splits: Any) -> dict[str, Any]:
    """Arrow tables of a ``datasets.DatasetDict``, the features in the metadata, by split."""
    tables = {}
    for split, dataset in splits.items():
        table = dataset.with_format("arrow")[:]
        tables[str(split)] = table.replace_schema_metadata(dataset.features.arrow_schema.metadata)
    return tables


def _advice(repository: str, folder: str | None) -> str:
    """Sentence that says how to get the dataset without a network."""
    command = f"`hf download {repository} --repo-type dataset --local-dir FOLDER`"
    if folder is None:
        return f"Where there is a network, run {command}, then load FOLDER as the kind parquet."
    return (
        f"Where there is a network, run {command}, "
        f"and put FOLDER at $LEARNORDER_DATA/{folder}, where it is looked for first."
    )


def _download(repository: str, advice: str) -> dict[str, Any]:
    try:
        from huggingface_hub import HfApi

        import datasets
    except ImportError as error:
        raise ExtraMissing(
            f"load_dataset: {repository!r} on the hub needs the library datasets, which is not "
            'installed. It is an extra. Run `pip install "learnorder[hub]"`. ' + advice
        ) from error
    try:
        if not _is_kept(repository, Path(datasets.config.HF_DATASETS_CACHE)):
            # The library itself retries for half a minute where there is no network.
            HfApi(endpoint=datasets.config.HF_ENDPOINT).dataset_info(repository, timeout=TIMEOUT)
        return tables_of(datasets.load_dataset(repository))
    except Exception as error:  # the hub fails in many ways, each of its own class
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataNotFound(
            f"load_dataset: {repository!r} could not be loaded from the hub "
            f"({type(error).__name__}: "
            f"{reason}). The hub must be reachable and have it. {advice}"
        ) from error


def _is_kept(repository: str, cache: Path) -> bool:
    """Whether an earlier download is on this machine, so that no network is needed."""
    wanted = _spelling(repository)
    return cache.is_dir() and any(_spelling(place.name) == wanted for place in cache.iterdir())


def _spelling(name: str) -> str:
    """Reduce a name to what the cache's own way of spelling it leaves unchanged."""
    return name.replace("/", "").replace("_", "").lower()
