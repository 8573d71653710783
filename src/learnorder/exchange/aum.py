"""Files of the package aum: margins of one network at each measurement, and their mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learnorder.errors import LearnOrderError
from learnorder.exchange.column import Column
from learnorder.exchange.content import Content
from learnorder.exchange.csv_rows import csv_table
from learnorder.exchange.gather import Gathering
from learnorder.exchange.tables import Choices
from learnorder.schema import LABEL, MARGIN, PREDICTION

RECORDS = ("sample_id", "num_measurements", "target_logit", "other_logit", "margin")
"""Columns of ``full_aum_records.csv`` that are read; it has a row for each update of an example."""

VALUES = ("sample_id", "aum")
"""Columns of ``aum_values.csv``."""


def is_aum(header: Sequence[str]) -> bool:
    """Whether the columns of a CSV file are those of a file of aum."""
    return set(RECORDS) <= set(header) or tuple(header) == VALUES


def content_of_aum(paths: Sequence[Path], choices: Choices) -> Content:
    """Content of ``full_aum_records.csv``, one for each network.

    The n-th measurement of an example is that of epoch n. Where the margin is above 0 the label was
    predicted, below 0 the other class that is named; at 0 the one with the lower id, as by argmax.

    Raises
    ------
    LearnOrderError
        It is another file, among them ``aum_values.csv``, or rows do not fit together.
    """
    seeds = range(len(paths)) if choices.seeds is None else choices.seeds
    if len(seeds) != len(paths):
        raise LearnOrderError(
            f"import: {len(seeds)} seeds are given for {len(paths)} files. Each file is of one "
            "network, which has one seed. Give as many."
        )
    gathering = Gathering(choices.class_names, typed=False)
    for seed, path in zip(seeds, paths, strict=True):
        for columns, epoch in _columns(path):
            gathering.take(columns, seed, epoch, choices.split)
    return gathering.finish(str(paths[0]))


def _columns(path: Path) -> Iterator[tuple[dict[str, Column], Column]]:
    table = csv_table(path)
    if tuple(table.columns) == VALUES:
        raise LearnOrderError(
            f"import: {path} holds AUM values, one number for each example. A log holds "
            "predictions, which no mean can give back. Use AUMCalculator(..., compressed=False) "
            "and import its full_aum_records.csv."
        )
    for name in RECORDS:
        if name not in table.columns:
            raise LearnOrderError(
                f"import: {path} has no column {name!r}; it has: {', '.join(table.columns)}. "
                "full_aum_records.csv of the package aum has it. Check the file."
            )
    first = 1
    for batch in table.batches(RECORDS):
        yield _of_batch(batch, str(path), first)
        first += len(batch["sample_id"])


def _of_batch(batch: Mapping[str, Any], where: str, first: int) -> tuple[dict[str, Column], Column]:
    column = {name: Column(name, where, first, batch[name]) for name in RECORDS}
    margins, labels, others = (
        values[codes]
        for codes, values in (
            column["margin"].numbers(),
            column["target_logit"].whole(),
            column["other_logit"].whole(),
        )
    )
    predicted = np.where(margins > 0, labels, others)
    predicted = np.where(margins == 0, np.minimum(labels, others), predicted)
    given = {"id": batch["sample_id"], LABEL: labels, PREDICTION: predicted, MARGIN: margins}
    columns = {name: Column(name, where, first, values) for name, values in given.items()}
    return columns, column["num_measurements"]
