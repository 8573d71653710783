"""Kappa halfway: within class, of each replicate where it is halfway; beside it that of Fleiss."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from tests.claims.simulated import N_CLASSES, PROGRESS, simulated_log

import learnorder as lo
from learnorder.claims.evidence import measured
from learnorder.claims.matched import halfway
from learnorder.claims.of_collections import fleiss_halfway, kappa_halfway
from learnorder.measures.summary import kappa_rows, summarise


@pytest.fixture(scope="module")
def digits_log(tmp_path_factory):
    """Four replicates of a linear network on real digits."""
    tables = {
        "dataset": {"name": "digits", "train_limit": 200},
        "architecture": {"name": "linear"},
        "optimizer": {"learning_rate": 0.002},
        "training": {"epochs": 6, "batch_size": 32},
    }
    path = tmp_path_factory.mktemp("halfway") / "digits.zarr"
    lo.train_collection(lo.TrainingSpec.from_tables(tables), seeds=range(4), out=path, workers=1)
    return lo.open_log(path)["test"]


def right_halfway(log):
    """``(replicate, example)``, and the label."""
    there = halfway(log)
    label = there["label"].values
    return there["prediction"].transpose("epoch", "replicate", "example").values[0] == label, label


def by_pairs(log) -> float:
    """The definition: differing pairs, against those expected of their accuracies by class."""
    right, label = right_halfway(log)
    seen, chance = [], []
    for one, other in combinations(right, 2):
        seen.append((one != other).mean())
        expected = 0.0
        for k in np.unique(label):
            a, b = one[label == k].mean(), other[label == k].mean()
            expected += (label == k).mean() * (a * (1 - b) + b * (1 - a))
        chance.append(expected)
    return 1 - np.mean(seen) / np.mean(chance)


def test_it_is_that_of_the_definition(digits_log):
    for log in (digits_log, simulated_log(0.3, n_replicates=5)):
        found = kappa_halfway(halfway(log))
        assert found.value == pytest.approx(by_pairs(log))
        assert found.ci[0] < found.value < found.ci[1]


def test_what_accuracies_by_class_share_is_nothing():
    """Classes that some replicates know and others do not, and chance within them."""
    rng = np.random.default_rng(8)
    label = np.arange(400) % N_CLASSES
    chance = np.array([rng.permutation([0.15, 0.45, 0.65, 0.9]) for _ in range(6)])
    above = 0
    for _ in range(40):
        right = rng.random((6, 1, 400)) < chance[:, np.newaxis, label]
        prediction = np.where(right, label, (label + 1) % N_CLASSES)
        start = np.broadcast_to((label + 1) % N_CLASSES, prediction.shape)
        grid = np.concatenate([start, prediction, np.broadcast_to(label, prediction.shape)], axis=1)
        above += kappa_halfway(halfway(lo.from_arrays(grid, label))).ci[0] > 0
    assert above <= 2


def test_its_interval_is_not_widened_by_replicates_of_other_paces():
    """Fleiss' kappa and its null move together with accuracy; this one does not."""
    widths = []
    for pace in (0.0, 0.6):
        shifts = np.random.default_rng(9).normal(size=6) * pace
        logs = [
            simulated_log(0.4, 1, seed=seed, progress=PROGRESS + shift)
            for seed, shift in enumerate(shifts)
        ]
        stacked = np.concatenate([log["prediction"].values for log in logs])
        log = lo.from_arrays(stacked, logs[0]["label"].values)
        low, high = kappa_halfway(halfway(log)).ci
        widths.append(high - low)
    assert widths[1] < 1.5 * widths[0] < 0.4


def test_a_replicate_that_was_never_near_halfway_leaves_it_undefined():
    """As networks that learn at a stroke, or fall back to chance."""
    at_a_stroke = np.where(PROGRESS < 0, -4.0, 3.0)
    logs = [simulated_log(0.4, 5), simulated_log(0.4, 1, seed=1, progress=at_a_stroke)]
    stacked = np.concatenate([log["prediction"].values for log in logs])
    found = kappa_halfway(halfway(lo.from_arrays(stacked, logs[0]["label"].values)))
    assert found.value is None
    assert "halfway is an accuracy of 0.599, and 1 is the nearest at which" in found.undefined


def expected(log):
    row = summarise(halfway(log))["per_epoch"][0]
    return measured(row, "fleiss_kappa", "fleiss_kappa_null_class_ci")


@pytest.mark.parametrize("n_replicates", [1, 2, 5])
def test_beside_it_stands_the_fleiss_kappa_of_a_summary(n_replicates):
    log = simulated_log(1.0, n_replicates=n_replicates)
    assert fleiss_halfway(halfway(log)) == {"fleiss kappa halfway": expected(log)}


def test_fleiss_kappa_takes_no_other_sums(digits_log, monkeypatch):
    def never(*_):
        raise AssertionError("a sum that kappa does not need")

    for name in ("VoteTotals", "CheckTotals", "RangeScores"):
        monkeypatch.setattr(f"learnorder.measures.summary.{name}", never)
    (found,) = fleiss_halfway(halfway(digits_log)).values()
    assert found.value is not None


def test_rows_of_kappa_are_those_of_a_summary_at_every_epoch(random_labelled):
    names = ("epoch", "fleiss_kappa", "fleiss_kappa_ci", "fleiss_kappa_null_class_ci")
    whole = summarise(random_labelled)["per_epoch"]
    for found, row in zip(kappa_rows(random_labelled), whole, strict=True):
        assert [found[name] for name in names] == [row[name] for name in names]
        assert found["undefined"] == {k: v for k, v in row["undefined"].items() if k in names}


@pytest.fixture
def random_labelled():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 3, 60)
    right = rng.random((4, 5, 60)) < np.linspace(0, 1, 5)[:, np.newaxis]
    return lo.from_arrays(np.where(right, label, (label + 1) % 3), label, epochs=range(5))
