"""Result files written by hand, for tests of what is made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NO_NULL = {"null": "no null is drawn for it"}


def measure(value: float | None, low: float, high: float, **more: Any) -> dict[str, Any]:
    """A measure with its interval; without a value it is undefined."""
    reason = "no range of accuracy that all replicates pass"
    none = {"value": reason, "ci": reason} if value is None else {}
    ci = None if value is None else [low, high]
    found = {"value": value, "ci": ci, "null": None, "threshold": None, "undefined": none}
    return found | more


def shared(
    subject: str = "small-mammals/st-vgg",
    split: str = "test",
    kappa: str = "holds",
    study: str = "small mammals",
) -> dict[str, Any]:
    """A finding of two parts, of which the second may be left open or fail."""
    low = {"holds": 0.3, "inconclusive": 0.1, "does not hold": 0.0}[kappa]
    high = 0.15 if kappa == "does not hold" else 0.5
    return {
        "study": study,
        "subject": subject,
        "split": split,
        "verdict": kappa,
        "because": {"order": "holds", "kappa": kappa},
        "n_replicates": 6,
        "measures": {
            "order": measure(0.8, 0.7, 0.9, threshold=0.5, undefined=NO_NULL),
            "kappa": measure((low + high) / 2, low, high, null=[0.1, 0.2], threshold=0.2),
            "beside": measure(None, 0, 0),
        },
        "curves": {
            "epoch": [0.5, 1, 2],
            "accuracy_mean": [0.2, 0.4, 0.5],
            "fleiss_kappa": [None, 0.2, 0.4],
            "fleiss_kappa_ci": [None, [-0.4, 0.4], [0.3, 0.5]],
            "fleiss_kappa_null_class_ci": [None, [0.1, 0.2], [0.1, 0.2]],
        },
        "undefined": {},
    }


def unfinished(subject: str = "small-mammals/st-vgg", split: str = "test") -> dict[str, Any]:
    """A finding of a subject of which no replicate finished."""
    empty: dict[str, Any] = {"because": {}, "measures": {}, "curves": {}, "n_replicates": 0}
    reason = {"measures": "no replicate finished"}
    return shared(subject, split) | empty | {"verdict": "inconclusive", "undefined": reason}


def result(*findings: dict[str, Any], verdict: str = "holds", **more: Any) -> dict[str, Any]:
    """The result of a claim."""
    about = {
        "name": "small-mammals/st-vgg",
        "about": "the small VGG of the paper",
        "n_replicates": 6,
        "seeds": [0, 1, 2, 3, 4, 5],
        "failed": {
            "6": "train: replicate 6 diverged in epoch 5 (loss not finite). A replicate needs "
            "finite numbers to go on. Lower optimizer.learning_rate.",
            "7": "train: replicate 7 diverged in epoch 5 (loss not finite). Lower it.",
        },
        "epochs": 10,
        "spec": {"dataset": {"train_limit": None, "test_limit": 500}},
    }
    return {
        "claim": "same-architecture",
        "statement": "Networks of one architecture learn in one order.",
        "scale": "quick",
        "status": "done",
        "rule": "On every collection, both parts.",
        "together": "all",
        "thresholds": {"single_reliability": 0.5},
        "verdict": verdict,
        "n_replicates": 6,
        "measures": list(findings),
        "collections": {"small-mammals/st-vgg": about},
        "seeds": {"small-mammals/st-vgg": [0, 1, 2, 3, 4, 5]},
        "not_run": {},
        "versions": {"learnorder": ["0.1.0", "0.2.0"], "git_revision": None},
        "judged_with": {"learnorder": "0.3.0"},
        "undefined": {},
    } | more


def put(folder: Path, content: Any, name: str = "same-architecture.json") -> Path:
    """Write a result where pages look for it."""
    path = folder / "results" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
