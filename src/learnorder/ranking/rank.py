"""From a log to its ranking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from learnorder.errors import LearnOrderError, nearest
from learnorder.measures.split import check_split, read_split, trained_epochs
from learnorder.ranking.evidence import gather
from learnorder.ranking.keys import ACCESSIBILITY, check_name, key_of
from learnorder.ranking.ranking import Ranking
from learnorder.ranking.readings import Rule, read_examples
from learnorder.schema import EXAMPLE, TRUE_LABEL

TRAIN = "train"


def rank(
    log: Mapping[str, xr.Dataset] | xr.Dataset,
    split: str | None = None,
    *,
    by: str = ACCESSIBILITY,
    lowest: int | None = None,
    highest: int | None = None,
    low: float = 0.5,
    agreed: float = 2 / 3,
) -> Ranking:
    """Sort the examples of a split, and say which look mislabelled, ambiguous, hard or easy.

    Everything is about the recorded epochs > 0. The predictions are read once, part by part.

    Parameters
    ----------
    log
        A log, or one split of it.
    split
        Which split of a log; ``"train"`` without it. Of one split, its own name or nothing.
    by
        What examples are sorted by: a measure that gives one value for each example, or a number of
        the table itself. Lowest values first; equal ones by their position in the source, those
        without a value last.
    lowest, highest
        Show so many examples from one end only, at least 1: those with the lowest values, or those
        with the highest, highest first.
    low, agreed
        Thresholds of the readings: accessibility below which an example is learned late, above 0
        and at most 1; share of replicates from which on they agree, above 1/2 and at most 1.

    Returns
    -------
    The ranking; ``.rows`` for programs, ``.to_table()`` for data frames.

    Raises
    ------
    LearnOrderError
        There is no such split or number, no epoch > 0, or one where two are needed, no labels
        where they are needed, a prediction that was not recorded, or a threshold or number of rows
        that cannot be.

    References
    ----------
    hacohen2020agree

    Examples
    --------
    Three replicates, two epochs. Nobody says 0 of the first example; the second is learned late;
    on the third they are split:

    >>> import learnorder as lo
    >>> predictions = [
    ...     [[1, 2, 1, 0], [1, 0, 1, 0]],
    ...     [[1, 1, 0, 0], [1, 0, 0, 0]],
    ...     [[1, 1, 2, 0], [1, 0, 2, 0]],
    ... ]
    >>> ranking = rank(lo.from_arrays(predictions, [0, 0, 0, 0]), low=0.6)
    >>> [(row["id"], row["accessibility"], row["reading"]) for row in ranking.rows]
    [(0, 0.0, 'likely mislabelled'), (2, 0.333..., 'ambiguous'),
     (1, 0.5, 'hard but right'), (3, 1.0, 'easy')]
    """
    rule = Rule(low, agreed)
    _check_rows(lowest, highest)
    chosen = split_of(log, split)
    check_name(by, chosen)
    checked = read_split(chosen, "rank", labels=False)
    evidence = gather(checked, trained_epochs(checked, "A ranking is about epochs > 0."))
    key = key_of(by, chosen, evidence)
    readable = len(evidence.label) and evidence.n_replicates > 1
    return Ranking(
        split=str(chosen.attrs.get("split", "")),
        by=key,
        positions=key.descending()[:highest] if highest else key.ascending()[:lowest],
        ids=chosen[EXAMPLE].values,
        evidence=evidence,
        rule=rule,
        readings=read_examples(evidence, rule) if readable else None,
        true_label=np.asarray(chosen[TRUE_LABEL].values) if TRUE_LABEL in chosen else None,
        class_names=_class_names(chosen),
    )


def split_of(log: Any, split: str | None) -> xr.Dataset:
    """The split that is meant, of the arguments of `rank`.

    Raises
    ------
    LearnOrderError
        There is none, or it is no split of a log.
    """
    if isinstance(log, xr.Dataset):
        check_split(log, "rank")
        own = log.attrs.get("split")
        if split is not None and split != own:
            raise LearnOrderError(
                f"rank: this is the split {own!r} of a log, not {split!r}. One split of a log is "
                "ranked as it is. Pass the log, or leave the name out."
            )
        return log
    if not isinstance(log, Mapping):
        raise LearnOrderError(
            f"rank: this is no log ({type(log).__name__}). A log has splits by name. "
            "Pass `open_log(path)`, or one split of it."
        )
    name = TRAIN if split is None else split
    if name not in list(log):
        raise LearnOrderError(
            f"rank: the log has no split {name!r}. {nearest(str(name), map(str, log))} "
            "Choose one with --split (split=... in Python)."
        )
    found: xr.Dataset = log[name]
    check_split(found, "rank")
    return found


def _check_rows(lowest: Any, highest: Any) -> None:
    if lowest is not None and highest is not None:
        raise LearnOrderError(
            f"rank: both lowest ({lowest!r}) and highest ({highest!r}) are given. Examples are "
            "shown from one end. Leave one out."
        )
    for name, value in (("lowest", lowest), ("highest", highest)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and (not whole or value < 1):
            raise LearnOrderError(
                f"rank: {name} is {value!r}. It is a whole number of examples, at least 1. "
                "Use such a number, or leave it out for all."
            )


def _class_names(log: xr.Dataset) -> tuple[str, ...]:
    """A name for each class; the class id where the log has none."""
    names = [str(name) for name in log.attrs.get("class_names") or ()]
    return (*names, *(str(k) for k in range(len(names), int(log.attrs["n_classes"]))))
