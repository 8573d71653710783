"""Kappa halfway is the one that a whole summary has, without the rest of it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.claims.simulated import simulated_log

import learnorder as lo
from learnorder.claims.evidence import measured
from learnorder.claims.matched import halfway
from learnorder.claims.of_collections import kappa_halfway
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


def expected(log):
    row = summarise(halfway(log))["per_epoch"][0]
    return measured(row, "fleiss_kappa", "fleiss_kappa_null_class_ci")


def test_it_equals_the_kappa_of_a_summary_on_real_digits(digits_log):
    found = kappa_halfway(digits_log)
    assert found == expected(digits_log)
    assert found.ci is not None
    assert found.null is not None


@pytest.mark.parametrize("own", [0.1, 1.0])
@pytest.mark.parametrize("n_replicates", [1, 2, 5])
def test_it_equals_the_kappa_of_a_summary_with_few_replicates(own, n_replicates):
    log = simulated_log(own, n_replicates=n_replicates)
    assert kappa_halfway(log) == expected(log)


def test_it_takes_no_other_sums(digits_log, monkeypatch):
    def never(*_):
        raise AssertionError("a sum that kappa does not need")

    for name in ("VoteTotals", "CheckTotals", "RangeScores"):
        monkeypatch.setattr(f"learnorder.measures.summary.{name}", never)
    assert kappa_halfway(digits_log).value is not None


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
