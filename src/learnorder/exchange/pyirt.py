"""Responses as py-irt reads them: in each line a subject, and whether it was right on each item."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learnorder.errors import LearnOrderError
from learnorder.exchange.column import Column
from learnorder.exchange.content import Content
from learnorder.exchange.gather import Gathering
from learnorder.exchange.json_lines import read_lines
from learnorder.exchange.tables import Choices
from learnorder.schema import LABEL, PREDICTION

WRONG_OR_RIGHT = ("wrong", "right")
"""Classes of a log that knows no others: the label of each example is the second."""

SUBJECT = re.compile(r"seed_([0-9]{1,18})(?:_epoch_([0-9]{1,13}(?:\.[0-9]{1,17})?))?")
"""Names of subjects that say which replicate and epoch they are, as export writes them."""

CAVEAT = (
    "responses say right or wrong, not which class was predicted: the classes of this log are "
    "'wrong' and 'right', and all wrong answers count as one and the same"
)


def content_of_pyirt(paths: Sequence[Path], choices: Choices) -> Content:
    """Content of responses: subjects are replicates, items are examples.

    Raises
    ------
    LearnOrderError
        A line is no record, a response is neither 0 nor 1, or a subject lacks an item.
    """
    if choices.class_names is not None:
        raise LearnOrderError(
            "import: responses of py-irt know no classes but wrong and right. Leave the class "
            "names out."
        )
    gathering = Gathering(WRONG_OR_RIGHT, typed=False)
    subjects: list[str] = []
    for path in paths:
        for line, record in read_lines(path):
            where = f"line {line:,} of {path}"
            subject = _subject(record, where)
            if subject in subjects:
                raise LearnOrderError(
                    f"import: the subject {subject!r} occurs again in {where}. A subject has one "
                    "line. Drop one of them."
                )
            subjects.append(subject)
            seed, epoch = _place(subject, len(subjects) - 1, choices)
            _take(record["responses"], where, gathering, seed, epoch, choices.split)
    notes = [CAVEAT]
    if choices.seeds is None and any(SUBJECT.fullmatch(subject) is None for subject in subjects):
        notes.append(f"subjects are numbered in their order: {subjects[0]!r} is seed 0")
    return gathering.finish(str(paths[0]), notes)


def _subject(record: Mapping[str, Any], where: str) -> str:
    subject, responses = record.get("subject_id"), record.get("responses")
    if type(subject) not in (int, str) or not isinstance(responses, dict) or not responses:
        raise LearnOrderError(
            f"import: {where} is no record of py-irt; it has: {', '.join(list(record)[:10])}. It "
            'has "subject_id", and "responses" of at least one item. Check the file.'
        )
    return str(subject)


def _place(subject: str, position: int, choices: Choices) -> tuple[int, float]:
    """Seed and epoch of a subject."""
    if choices.seeds is not None:
        if position >= len(choices.seeds):
            raise LearnOrderError(
                f"import: there are more subjects than the {len(choices.seeds)} seeds given. Each "
                "subject is a replicate and has one seed. Give as many."
            )
        return choices.seeds[position], 1.0
    match = SUBJECT.fullmatch(subject)
    if match is not None:
        return int(match[1]), float(match[2] or 1)
    return position, 1.0


def _take(
    responses: Mapping[str, Any],
    where: str,
    gathering: Gathering,
    seed: int,
    epoch: float,
    split: str,
) -> None:
    for item, response in responses.items():
        if type(response) not in (int, float) or response not in (0, 1):
            raise LearnOrderError(
                f"import: the response to {item!r} is {str(response)[:40]} in {where}. It is 0, "
                "wrong, or 1, right. Correct it."
            )
    votes = np.array(list(responses.values())).astype(np.int64)
    columns = {
        "id": Column("item", where, 1, np.array([*responses, None], dtype=object)[:-1]),
        PREDICTION: Column("response", where, 1, votes),
        LABEL: Column("label", where, 1, np.ones(len(votes), dtype=np.int64)),
    }
    gathering.take(columns, seed, epoch, split)
