"""All methods in one setting, at each cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from benchmarks.labels.evidence import Floats, Networks, Scoring, Setting
from benchmarks.labels.judging import Judged, judge
from benchmarks.labels.others import IN_SAMPLE, confident_learning
from benchmarks.labels.settings import N_FOLDS

import learnorder as lo
from learnorder.ranking.ranking import Ranking

COSTS = (1, 3, 5, 10)
"""Trainings on all examples. Networks trained without a fold cost a fifth less; the same number of
them is compared at the next larger cost."""

ACCESSIBILITY, SUSPICION = "accessibility", "suspicion"
OURS = "the rule"


def ranked(setting: Setting, cost: int) -> Ranking:
    """What `learnorder rank` says of the first networks, on all records."""
    whole = setting.whole.first(cost)
    log = lo.from_arrays(whole.prediction, setting.given, epochs=whole.epoch, split="train")
    return lo.rank(log)


def own_scores(ranking: Ranking) -> dict[str, Floats]:
    """Scores of the product, turned so that they are high where the label is suspected."""
    rows = sorted(ranking.rows, key=lambda row: row["position"])
    return {
        ACCESSIBILITY: -np.array([row["accessibility"] for row in rows]),
        SUSPICION: np.array([row["suspicion"] for row in rows]),
    }


def other_scores(setting: Setting, cost: int) -> dict[str, Floats]:
    """Scores of the other methods."""
    found = {name: of(setting.whole.first(cost)) for name, of in IN_SAMPLE.items()}
    if cost >= N_FOLDS:
        found |= confident_learning(setting.folds.first(cost), setting.given)
    return found


def compared(setting: Setting, rule: Scoring) -> Iterator[dict[str, Any]]:
    """One record for each cost."""
    for cost in COSTS:
        if cost > len(setting.whole.held_out):
            continue
        ranking = ranked(setting, cost)
        own = _judged(
            {**own_scores(ranking), OURS: rule.of(setting, cost)},
            setting,
        )
        others = _judged(other_scores(setting, cost), setting)
        best = max(others, key=lambda name: others[name].auroc[0])
        yield {
            "setup": setting.setup,
            "noise": setting.noise,
            "cost": cost,
            "n": len(setting.given),
            "n_wrong": int(setting.is_wrong.sum()),
            "accuracy": _accuracy(setting.whole.first(cost), setting),
            "methods": {name: _record(found) for name, found in (own | others).items()},
            "best_other": best,
            "difference": own[OURS].parts.less(others[best].parts),
            "readings": readings(ranking, setting, cost),
        }


def _judged(scores: Mapping[str, Floats], setting: Setting) -> dict[str, Judged]:
    return {name: judge(score, setting.is_wrong) for name, score in scores.items()}


def _record(found: Judged) -> dict[str, Any]:
    return {
        "auroc": found.auroc,
        "average_precision": found.average_precision,
        "precision_at_n": found.precision_at_n,
    }


def _accuracy(networks: Networks, setting: Setting) -> dict[str, float]:
    """At the end, on the given labels and on the true ones."""
    last = networks.prediction[:, -1]
    return {
        "given": float(np.mean(last == setting.given)),
        "true": float(np.mean(last == setting.true)),
    }


def readings(ranking: Ranking, setting: Setting, cost: int) -> dict[str, float] | None:
    """Precision and recall of the reading `likely mislabelled`; needs two replicates."""
    if cost < 2:
        return None
    read = np.zeros(len(setting.given), dtype=bool)
    read[np.asarray(list(ranking.mislabelled()), dtype=int)] = True
    both = (read & setting.is_wrong).sum()
    return {
        "n": int(read.sum()),
        "precision": float(both / max(1, read.sum())),
        "recall": float(both / setting.is_wrong.sum()),
    }
