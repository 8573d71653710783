"""How well readings and scores find labels that are known to be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learnorder.ranking.readings import MISLABELLED, READINGS
from learnorder.schema import Labels

NONE_READ = f"no example reads {MISLABELLED!r}"
NONE_WRONG = "no label is wrong"


def evaluate(
    label: Labels,
    true_label: Labels,
    readings: NDArray[np.int8] | None,
    suggested: Labels,
    orders: Mapping[str, NDArray[np.int64]],
) -> dict[str, Any]:
    """Hold readings and orders against the true labels, which no other part of a ranking sees.

    Parameters
    ----------
    label, true_label, suggested
        ``(example,)``.
    readings
        ``(example,)``, places in `READINGS`; None where there are none.
    orders
        By name, positions with the most suspicious first.

    Returns
    -------
    ``n_wrong``; ``readings``, for each ``n`` and ``n_wrong``, those with a wrong label;
    ``precision``, the share of those read as likely mislabelled whose label is wrong; ``recall``,
    the share of wrong labels read so; ``suggestion_right``, the share of these wrong labels for
    which the suggested label is the true one; ``precision_at_n_wrong``, by order, the share of
    wrong labels among as many from its beginning as there are wrong labels. What is undefined is
    None, with the reason in ``undefined``.
    """
    wrong = label != true_label
    n_wrong = int(wrong.sum())
    found: dict[str, Any] = {"n_wrong": n_wrong}
    undefined: dict[str, str] = {}
    if readings is not None:
        found |= _of_readings(wrong, readings, suggested == true_label, undefined)
    found["precision_at_n_wrong"] = (
        {name: float(wrong[order[:n_wrong]].mean()) for name, order in orders.items()}
        if n_wrong
        else None
    )
    if not n_wrong:
        undefined["precision_at_n_wrong"] = NONE_WRONG
    return {**found, "undefined": undefined}


def wrong_shares(wrong: NDArray[np.bool_], readings: NDArray[np.int8]) -> list[float | None]:
    """Share of wrong labels among the examples of each reading; None where it has none."""
    shares = []
    for place in range(len(READINGS)):
        of_reading = wrong[readings == place]
        shares.append(float(of_reading.mean()) if of_reading.size else None)
    return shares


def _of_readings(
    wrong: NDArray[np.bool_],
    readings: NDArray[np.int8],
    suggestion_right: NDArray[np.bool_],
    undefined: dict[str, str],
) -> dict[str, Any]:
    read = readings == READINGS.index(MISLABELLED)
    both = read & wrong
    counts = {
        name: {"n": int((readings == i).sum()), "n_wrong": int(wrong[readings == i].sum())}
        for i, name in enumerate(READINGS)
    }
    shares = {
        "precision": (wrong[read], NONE_READ),
        "recall": (read[wrong], NONE_WRONG),
        "suggestion_right": (suggestion_right[both], "no wrong label reads so"),
    }
    found: dict[str, Any] = {"readings": counts}
    for name, (hits, reason) in shares.items():
        found[name] = float(hits.mean()) if hits.size else None
        if not hits.size:
            undefined[name] = reason
    return found
