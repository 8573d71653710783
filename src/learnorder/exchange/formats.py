"""The formats that logs are made from and written to: one table, which the commands show too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import MARGIN, OF_LABEL, PROBABILITY


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes
    ----------
    name
        What ``--format`` and ``--to`` call it.
    what
        In a few words.
    reader, writer
        Functions ``module:name`` of this package; None where there is none.
    of
        Whether a file holds all splits or one.
    out
        Whether what is written is a file or a folder.
    holds
        For which of the things that only some logs have it has a place.
    loses
        What every log has and this format cannot hold.
    no_reader
        Why nothing can be read from it, where nothing can.
    """

    name: str
    what: str
    reader: str | None
    writer: str | None
    of: Literal["all", "one"] = "one"
    out: Literal["file", "folder"] = "file"
    holds: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    no_reader: str = ""


TRUE_LABELS, CLASS_NAMES, BASELINES = "true labels", "class names", "baselines"
"""What only some logs have, beside what is recorded of the label, `OF_LABEL`."""

OF_EXAMPLES = (TRUE_LABELS, *OF_LABEL)
PER_EXAMPLE = "the predictions of each replicate and epoch"

FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format(
            "npz",
            "arrays of predictions, logits or probabilities in one file",
            "arrays_in:content_of_npz",
            "arrays_out:write_npz",
            of="all",
            holds=(*OF_EXAMPLES, CLASS_NAMES, BASELINES),
        ),
        Format(
            "npy",
            "the same arrays as a folder of .npy files, or one file of predictions",
            "arrays_in:content_of_npy",
            "arrays_out:write_npy",
            of="all",
            out="folder",
            holds=(*OF_EXAMPLES, CLASS_NAMES, BASELINES),
        ),
        Format(
            "csv",
            "a table with a row for each prediction, or a column for each seed and epoch",
            "table_files:content_of_csv",
            "tables_out:write_csv",
            of="all",
            holds=OF_EXAMPLES,
        ),
        Format(
            "parquet",
            "the same table, typed and compressed",
            "table_files:content_of_parquet",
            "tables_out:write_parquet",
            of="all",
            holds=(*OF_EXAMPLES, CLASS_NAMES),
        ),
        Format(
            "huggingface",
            "Parquet for `datasets`: a row for each example, a column for each seed and epoch",
            "table_files:content_of_parquet",
            "tables_out:write_huggingface",
            holds=(*OF_EXAMPLES, CLASS_NAMES),
        ),
        Format(
            "cartography",
            "training dynamics of Dataset Cartography: dynamics_epoch_<N>.jsonl",
            "cartography:content_of_cartography",
            "dynamics_out:write_cartography",
            out="folder",
            holds=(PROBABILITY,),
            loses=(
                "logits: those written give the recorded probability of the label and the "
                "predicted class, the rest of them is made up",
            ),
        ),
        Format(
            "aum",
            "the package aum: reads full_aum_records.csv, writes aum_values.csv",
            "aum:content_of_aum",
            "scores_out:write_aum",
            holds=(MARGIN,),
            loses=(f"labels and {PER_EXAMPLE}: what is written is the mean margin",),
        ),
        Format(
            "py-irt",
            "JSONL of subjects and their responses, right or wrong",
            "pyirt:content_of_pyirt",
            "scores_out:write_pyirt",
            loses=("labels, and which class was predicted",),
        ),
        Format(
            "cleanlab",
            "npz with labels and pred_probs",
            "arrays_in:content_of_npz",
            "arrays_out:write_cleanlab",
            holds=(CLASS_NAMES,),
            loses=(f"{PER_EXAMPLE}: pred_probs are shares of votes at one epoch",),
        ),
        Format(
            "cscore",
            "npz with labels and scores, here accessibility, as C-score files",
            "arrays_in:content_of_npz",
            "scores_out:write_cscore",
            loses=("ids, which become positions", PER_EXAMPLE),
        ),
        Format(
            "fiftyone",
            "JSON of fields for each id, with labels of FiftyOne",
            None,
            "scores_out:write_fiftyone",
            holds=(CLASS_NAMES,),
            loses=(f"{PER_EXAMPLE}: the class most voted for at one epoch is written",),
            no_reader="Fields hold the class most voted for, from which no replicate can be had",
        ),
    )
}


def find_format(name: str, caller: str) -> Format:
    """Return the format of a name.

    Raises
    ------
    LearnOrderError
        There is none.
    """
    if name not in FORMATS:
        raise LearnOrderError(f"{caller}: {name!r} is no format. {nearest(name, FORMATS)}")
    return FORMATS[name]


def load(function: str) -> Any:
    """Return a function that the table names; only now is its module imported."""
    module, name = function.split(":")
    return getattr(import_module(f"learnorder.exchange.{module}"), name)
