"""Evidence across collections: does similarity go with generalisation?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy import stats

from learnorder.claims.evidence import Finding, Measured
from learnorder.claims.of_collections import Thresholds, kappa_halfway, single_reliability
from learnorder.claims.verdicts import above, all_of
from learnorder.measures.intervals import LEVEL
from learnorder.measures.summary import summarise
from learnorder.schema import Scores

FEWEST = 6
"""Conditions below which a partial correlation of ranks has no useful interval."""


def goes_with_accuracy(
    study: str,
    logs: Mapping[str, Mapping[str, xr.Dataset]],
    thresholds: Thresholds,
) -> Finding:
    """Across conditions, does a more shared order go with a higher test accuracy?

    Partial correlation of ranks between the reliability of the order of single replicates, on the
    test split within class, and test accuracy after the last epoch, train accuracy held fixed. It
    is above ``correlation``. The same for kappa halfway is shown beside it.
    """
    rows, names = [], []
    for name, splits in logs.items():
        train, test = (summarise(splits[split]) for split in ("train", "test"))
        shared, kappa = single_reliability(test).value, kappa_halfway(test).value
        ends = [content["per_epoch"][-1]["accuracy_mean"] for content in (train, test)]
        if shared is not None and kappa is not None:
            rows.append((shared, kappa, ends[1], ends[0]))
            names.append(name)
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    found = {
        "shared order and accuracy": partial_rank_correlation(*table[:, [0, 2, 3]].T),
        "kappa and accuracy": partial_rank_correlation(*table[:, [1, 2, 3]].T),
    }
    because = {
        "correlation": above(found["shared order and accuracy"].ci, thresholds["correlation"])
    }
    curves = dict(zip(("order", "kappa", "test", "train"), table.T.tolist(), strict=True))
    replicates = [log.sizes["replicate"] for splits in logs.values() for log in splits.values()]
    return Finding(
        study,
        f"{len(rows)} collections",
        "test",
        all_of(because.values()),
        because,
        found,
        min(replicates),
        {"collection": names, **curves},
    )


def partial_rank_correlation(a: Scores, b: Scores, fixed: Scores) -> Measured:
    """Partial correlation of the ranks of ``(condition,)`` values, with a third held fixed.

    The interval is by Fisher's z with Fieller, Hartley and Pearson's 1.06 for ranks and one degree
    of freedom less for what is held fixed.

    References
    ----------
    fieller1957tests
    """
    n = len(a)
    if n < FEWEST:
        return Measured(None, undefined=f"there are {n} conditions; it takes {FEWEST}")
    ranks = [stats.rankdata(values) for values in (a, b, fixed)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return Measured(None, undefined="all conditions are alike in one of the quantities")
    ab, ac, bc = (np.corrcoef(ranks[i], ranks[j])[0, 1] for i, j in ((0, 1), (0, 2), (1, 2)))
    rest = (1 - ac**2) * (1 - bc**2)
    if rest <= 1e-12:
        return Measured(None, undefined="what is held fixed orders the conditions by itself")
    value = float(np.clip((ab - ac * bc) / np.sqrt(rest), -1, 1))
    if abs(value) == 1:
        return Measured(value, undefined="the correlation is perfect: no spread to estimate")
    half = stats.norm.ppf(0.5 + LEVEL / 2) * np.sqrt(1.06 / (n - 4))
    low, high = (float(np.tanh(np.arctanh(value) + sign * half)) for sign in (-1, 1))
    return Measured(value, (low, high))
