"""May these collections be compared? The same examples, in the same order, with the same labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from learnorder.comparison.clocks import Clock
from learnorder.errors import ExamplesDiffer, LearnOrderError
from learnorder.ids import first_difference
from learnorder.measures.split import read_split, trained_epochs
from learnorder.schema import EPOCH, EXAMPLE, LABEL, Scores

ADVICE = "A comparison needs the same examples in the same order. Log both from one dataset."


def same_examples(logs: Mapping[str, xr.Dataset]) -> None:
    """Refuse collections that do not hold the same examples, naming the first difference.

    Parameters
    ----------
    logs
        One split of each log, by the name of the collection.

    Raises
    ------
    LearnOrderError
        There are fewer than two.
    ExamplesDiffer
        Splits, numbers of examples, ids, labels or numbers of classes differ.
    """
    if len(logs) < 2:
        raise LearnOrderError(
            f"compare: {len(logs)} log{'s'[: len(logs) != 1]} given. A comparison needs at least "
            "two, each under its own name. Add another log."
        )
    (first, log), *others = logs.items()
    for name, other in others:
        _check_pair(first, log, name, other)


def _check_pair(a: str, log_a: xr.Dataset, b: str, log_b: xr.Dataset) -> None:
    for attribute, what in (("split", "splits"), ("n_classes", "numbers of classes")):
        of_a, of_b = log_a.attrs.get(attribute), log_b.attrs.get(attribute)
        if of_a != of_b:
            raise ExamplesDiffer(
                f"compare: logs {a!r} and {b!r} hold different {what} ({of_a} and {of_b}). {ADVICE}"
            )
    _check_ids(a, log_a[EXAMPLE].values, b, log_b[EXAMPLE].values)
    for name, log in ((a, log_a), (b, log_b)):
        if LABEL not in log:
            raise LearnOrderError(
                f"compare: log {name!r} has no labels. Orders of learning are compared by what is "
                "right. Log a split with labels."
            )
    labels_a, labels_b = log_a[LABEL].values, log_b[LABEL].values
    differing = np.flatnonzero(labels_a != labels_b)
    if differing.size:
        x = differing[0]
        raise ExamplesDiffer(
            f"compare: logs {a!r} and {b!r} hold different labels ({differing.size} of "
            f"{len(labels_a)} examples; the first is at position {x}, id {log_a[EXAMPLE].values[x]}"
            f": label {labels_a[x]} and {labels_b[x]}). {ADVICE}"
        )


def _check_ids(a: str, ids_a: NDArray[Any], b: str, ids_b: NDArray[Any]) -> None:
    difference = first_difference(ids_a, ids_b)
    if difference is None:
        return
    x, one, other = difference
    what = "examples"
    if len(ids_a) == len(ids_b) and np.array_equal(np.sort(ids_a), np.sort(ids_b)):
        what = "orders of examples"
    raise ExamplesDiffer(
        f"compare: logs {a!r} and {b!r} hold different {what} ({len(ids_a)} and {len(ids_b)}; the "
        f"first difference is at position {x}: id {one} and {other}). {ADVICE}"
    )


def epochs_used(logs: Mapping[str, xr.Dataset], clock: Clock) -> dict[str, xr.Dataset]:
    """Logs on the epochs that a comparison uses: the common ones, or on other clocks all > 0.

    Raises
    ------
    LearnOrderError
        There is none.
    """
    if clock == "epoch":
        common = common_epochs(logs)
        return {
            name: log if len(common) == log.sizes[EPOCH] else log.sel({EPOCH: common})
            for name, log in logs.items()
        }
    why = "Replicates are matched by what they have learned."
    splits = {name: read_split(log, f"compare: log {name!r}") for name, log in logs.items()}
    return {
        name: split.log.isel({EPOCH: trained_epochs(split, why)}) for name, split in splits.items()
    }


def common_epochs(logs: Mapping[str, xr.Dataset]) -> Scores:
    """Intersect the recorded epochs > 0 of all logs, ascending.

    Raises
    ------
    LearnOrderError
        There is none.
    """
    grids = {name: np.asarray(log[EPOCH].values, dtype=np.float64) for name, log in logs.items()}
    common: Scores = np.array(sorted(set.intersection(*(set(g[g > 0]) for g in grids.values()))))
    if not common.size:
        listed = "; ".join(f"{name!r}: {_listed(grid)}" for name, grid in grids.items())
        raise LearnOrderError(
            f"compare: the logs share no epoch after training began ({listed}). Orders are "
            "compared on common epochs. Record the same epochs in each."
        )
    return common


def _listed(values: Scores) -> str:
    shown = [f"{v:g}" for v in values[:5]]
    return ", ".join(shown) + (", ..." if len(values) > 5 else "")
