"""The simulations behind the tables of nulls run, and say what they are told to."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import dip_size, null_coverage
from benchmarks.null_coverage import Case

from learnorder.measures.dip import dips
from learnorder.measures.permutations import Null


@pytest.mark.parametrize("orders", [False, True], ids=["counts", "orders"])
def test_coverage_has_a_line_for_each_case_and_is_fixed_by_the_seed(orders):
    cases = [Case(5, 60, 0.5), Case(11, 60, None)]
    lines = list(null_coverage.table(6, 0, cases, orders))
    assert lines == list(null_coverage.table(6, 0, cases, orders))
    assert lines != list(null_coverage.table(6, 1, cases, orders))
    head, rule, *rows = [line.split(" | ") for line in lines]
    assert len(rows) == len(cases)
    assert {len(row) for row in rows} == {len(head)} == {len(rule)}
    assert "0.3 to 0.99" in lines[-1]


def test_what_is_counted_is_what_lies_within():
    counted = null_coverage.Counted()
    assert counted.cells() == ["", ""]
    for observed, p in ((0.5, 0.05), (1.5, 0.01), (0.0, 1.0), (1.0, 0.3)):
        counted.add(Null(observed, mean=0.5, low=0.0, high=1.0, p_value=p))
    assert counted.cells() == ["0.750", "0.500"]


def test_accuracies_are_those_of_the_case():
    rng = np.random.default_rng(0)
    assert Case(4, 9000, 0.9).right(rng).mean(axis=1) == pytest.approx([0.9] * 4, abs=0.02)
    unequal = Case(4, 9000, None).right(rng).mean(axis=1)
    assert unequal == pytest.approx([0.3, 0.53, 0.76, 0.99], abs=0.02)


@pytest.mark.parametrize("n_replicates", [5, 10, 30])
def test_populations_of_the_dip_have_the_peaks_they_are_said_to_have(n_replicates):
    for population in dip_size.populations(n_replicates):
        assert population.shares.sum() == pytest.approx(1)
        (found,) = dips(np.round(1e8 * population.shares).astype(int)[np.newaxis])
        assert (found < 1e-6) == (population.peaks == 1), population.name


def test_the_table_of_the_dip_has_a_line_for_each_population():
    head, rule, *rows = [line.split(" | ") for line in dip_size.table(3, 0, [(5, 80)])]
    assert len(rows) == len(list(dip_size.populations(5)))
    assert {len(row) for row in rows} == {len(head)} == {len(rule)}
