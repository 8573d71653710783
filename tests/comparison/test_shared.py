"""Replicates in two collections, and copies in one, are told from networks that look alike."""

from __future__ import annotations

import numpy as np
import pytest
from tests.collection.here import train_here

from learnorder.comparison.compare import compare
from learnorder.log.labelled import from_arrays
from learnorder.log.reader import open_log
from learnorder.training.spec import TrainingSpec

N_CLASSES = 4
LABEL = np.arange(200) % N_CLASSES
NAMES = [str(k) for k in range(N_CLASSES)]


def predictions(seed):
    rng = np.random.default_rng(seed)
    hard = np.random.default_rng(0).random(200)
    right = rng.random((6, 3, 200)) < np.array([0.4, 0.6, 0.8])[:, np.newaxis] * (1.3 - hard)
    return np.where(right, LABEL, rng.integers(0, N_CLASSES, right.shape))


def compared(a, b):
    found = compare({n: from_arrays(p, LABEL, class_names=NAMES) for n, p in (("a", a), ("b", b))})
    return found, found.pairs[0]


def test_a_shared_replicate_leaves_nothing_that_it_would_inflate():
    a, b = predictions(1), predictions(2)
    b[2] = a[2]
    found, pair = compared(a, b)
    assert any("for seeds 2)" in note for note in found.notes)
    assert pair.corrected is pair.containment.containment is pair.late_gains.learned_gain is None
    for part in (pair, pair.containment, pair.late_gains):
        assert any("share replicates" in reason for reason in part.undefined.values())


@pytest.mark.parametrize("alike", [np.zeros(200, dtype=int), LABEL], ids=["one class", "all right"])
def test_networks_that_look_alike_without_being_copies_do_not_stop_a_comparison(alike):
    a, b = predictions(1), predictions(2)
    a[3] = b[3] = alike
    found, pair = compared(a, b)
    assert pair.corrected is not None
    assert not any("share replicates" in note for note in found.notes)


def test_copies_in_a_collection_are_named():
    a, b = predictions(1), predictions(2)
    a[1] = a[2] = a[0]
    found, _ = compared(a, b)
    assert any(note.startswith("'a': seeds 0, 1, 2 have the same") for note in found.notes)
    assert not any(note.startswith("'b'") for note in found.notes)


def test_networks_from_equal_seeds_are_named(tmp_path):
    """They are not independent, as the correction for noise takes them."""
    tables = {
        "dataset": {"name": "digits", "train_limit": 60, "test_limit": 40},
        "architecture": {"name": "linear"},
        "training": {"epochs": 2, "batch_size": 30},
    }
    logs = {}
    for name, rate, seeds in (("a", 0.01, (3, 4)), ("b", 0.02, (4, 5)), ("c", 0.02, (6, 7))):
        spec = TrainingSpec.from_tables(tables | {"optimizer": {"learning_rate": rate}})
        train_here(tmp_path / name, spec, None, seeds)
        logs[name] = open_log(tmp_path / name)["test"]
    (note,) = (note for note in compare(logs).notes if "equal seeds" in note)
    assert note.startswith("'a' and 'b' were trained from equal seeds (4): ")
    assert "one order and may begin with equal weights, so 'corrected' comes out high" in note
    logs["b"].attrs["network"] = "mlp"
    (note,) = (note for note in compare(logs).notes if "equal seeds" in note)
    assert "equal weights" not in note
    plain, _ = compared(predictions(1), predictions(2))
    assert not any("equal seeds" in note for note in plain.notes), "seeds of others say nothing"
