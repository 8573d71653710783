"""Logs that are exported, and what tests ask of one that came back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import learnorder as lo

NAMES = ["dog", "cat", "bird", "x, y", 'say "no"']


def make_split(split: str, ids, *, labelled: bool = True, seed: int = 0):
    """Return predictions with everything that may be recorded beside them."""
    rng = np.random.default_rng(seed)
    n, n_classes = len(ids), len(NAMES)
    logits = rng.normal(size=(3, 4, n, n_classes))
    labels = rng.integers(0, n_classes, n)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=3, keepdims=True)
    own = logits[:, :, np.arange(n), labels]
    others = logits.copy()
    others[:, :, np.arange(n), labels] = -np.inf
    of_label = {
        "probabilities": softmax[:, :, np.arange(n), labels],
        "margins": own - others.max(axis=3),
        "error_norms": np.linalg.norm(softmax - np.eye(n_classes)[labels], axis=3),
        "baselines": {"input_norm": rng.random(n)},
    }
    return lo.from_arrays(
        logits.argmax(axis=3),
        labels if labelled else None,
        epochs=[0, 0.5, 1, 2],
        seeds=[7, 2, 30],
        ids=ids,
        class_names=NAMES,
        split=split,
        **(of_label if labelled else {}),
    )


@pytest.fixture(scope="session")
def rich_log(tmp_path_factory) -> Path:
    """Write a log with three splits, one without labels, odd ids, and all quantities."""
    path = tmp_path_factory.mktemp("exchange") / "rich.zarr"
    odd = [f"img,{k}" for k in range(16)] + [
        '"q"',
        "NA",
        "null",
        "007",
        "a\nb",
        "ü 日",
        " x ",
        "-1",
    ]
    splits = {
        "train": make_split("train", odd),
        "test": make_split("test", [f"t{k}" for k in range(20)], seed=1),
        "ood": make_split("ood", [f"o{k}" for k in range(10)], labelled=False, seed=2),
    }
    lo.import_log(splits, path)
    return path


def assert_same(one, other, *, but: tuple[str, ...] = ()) -> None:
    """Hold two logs, or mappings of splits, against each other."""
    assert sorted(one) == sorted(other)
    for split in one:
        a, b = one[split], other[split]
        for name in ("example", "seed", "epoch"):
            assert a[name].values.tolist() == b[name].values.tolist(), (split, name)
        held = {str(n) for n in {*a.data_vars, *b.data_vars} if n not in but}
        for name in held:
            assert name in a, (split, name)
            assert name in b, (split, name)
            assert np.array_equal(a[name].values, b[name].values), (split, name)
        assert a.attrs["class_names"] == b.attrs["class_names"], split
        assert a.attrs["fingerprint"] == b.attrs["fingerprint"], split
