"""Kendall's tau and the overlap of the ends of two orders, against oracles and brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from learnorder.comparison import overlap
from learnorder.comparison.compare import compare
from learnorder.comparison.overlap import SHARES, expected_overlap, overlaps
from learnorder.log.labelled import from_arrays
from learnorder.measures.ranks import centred_ranks, kendall_tau, rank_correlation


def ranks_of(values, groups=None):
    (ranks,) = centred_ranks(np.asarray(values, dtype=float), (groups,))
    return ranks


@st.composite
def tied_orders(draw):
    """Two orders with many ties, and groups of which some may be empty or hold one example."""
    n = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([2, 4, 100]))
    values = rng.integers(0, levels, (2, n)) / levels
    groups = draw(st.sampled_from([None, 1, 3, 9]))
    return *values, None if groups is None else rng.integers(0, groups, n)


def brute_tau(a, b, groups):
    """Tau-b from all pairs of examples of one group."""
    excess, untied = 0, [0, 0]
    for i, j in combinations(range(len(a)), 2):
        if groups is None or groups[i] == groups[j]:
            signs = np.sign(a[i] - a[j]), np.sign(b[i] - b[j])
            excess += signs[0] * signs[1]
            untied = [u + abs(sign) for u, sign in zip(untied, signs, strict=True)]
    return excess / np.sqrt(untied[0] * untied[1]) if min(untied) else None


@settings(deadline=None)
@given(case=tied_orders())
def test_kendall_is_that_of_all_pairs(case):
    a, b, groups = case
    found, expected = kendall_tau(ranks_of(a, groups), ranks_of(b, groups)), brute_tau(a, b, groups)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_rank_correlations_are_those_of_scipy():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 30, 3000) / 30
    b = np.round(a + rng.normal(size=3000) / 3, 1)
    ranks = ranks_of(a), ranks_of(b)
    assert kendall_tau(*ranks) == pytest.approx(stats.kendalltau(a, b).statistic, rel=1e-12)
    assert rank_correlation(*ranks) == pytest.approx(stats.spearmanr(a, b).statistic, rel=1e-12)


def test_kendall_counts_every_pair_of_many():
    rng = np.random.default_rng(2)
    values = rng.permutation(60_000)
    swapped = values.copy()
    i, j = np.flatnonzero(values == 4)[0], np.flatnonzero(values == 5)[0]
    swapped[[i, j]] = swapped[[j, i]]
    n_pairs = 60_000 * 59_999 // 2
    tau = kendall_tau(ranks_of(values), ranks_of(swapped))
    assert round((1 - tau) * n_pairs / 2) == 1
    groups = np.arange(60_000) % 2
    assert kendall_tau(ranks_of(values, groups), ranks_of(values, groups)) == pytest.approx(1)
    assert kendall_tau(ranks_of(values, groups), ranks_of(-values, groups)) == pytest.approx(-1)


def brute_overlap(a, b, groups, share, sign, rng, draws=800):
    """Mean over random ways to break ties of the overlap of the ends."""
    groups = np.zeros(len(a), dtype=int) if groups is None else groups
    total = taken = 0
    for _ in range(draws):
        ends = [set(), set()]
        taken = 0
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            k = int(np.floor(share * len(members) + 0.5))
            taken += k
            for end, values in zip(ends, (a, b), strict=True):
                broken = np.lexsort((rng.random(len(members)), sign * values[members]))
                end.update(members[broken[:k]].tolist())
        total += len(ends[0] & ends[1])
    return total / draws / taken


@pytest.mark.parametrize("n_groups", [None, 3])
def test_overlap_is_the_mean_over_ways_to_break_ties(n_groups):
    rng = np.random.default_rng(3)
    groups = None if n_groups is None else rng.integers(0, n_groups, 60)
    a = rng.integers(0, 5, 60)
    b = np.clip(a + rng.integers(-1, 2, 60), 0, 4)
    found = expected_overlap(ranks_of(a, groups), ranks_of(b, groups))
    for i, share in enumerate(SHARES):
        for e, sign in enumerate((1, -1)):
            if int(np.floor(share * 60 + 0.5)) and found[i].any():
                brute = brute_overlap(a, b, groups, share, sign, rng)
                assert found[i, e] == pytest.approx(brute, abs=0.06)


@settings(deadline=None)
@given(case=tied_orders(), part=st.integers(1, 50))
def test_overlap_lies_in_its_range_and_does_not_depend_on_the_parts(case, part):
    a, b, groups = case
    ranks = ranks_of(a, groups), ranks_of(b, groups)
    found = expected_overlap(*ranks)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    np.testing.assert_allclose(expected_overlap(*ranks[::-1]), found, rtol=1e-12)
    opposite = expected_overlap(ranks_of(1 - a, groups), ranks_of(1 - b, groups))
    np.testing.assert_allclose(opposite[:, ::-1], found, rtol=1e-12)
    whole, overlap.PART = overlap.PART, part
    try:
        np.testing.assert_allclose(expected_overlap(*ranks), found, rtol=1e-12)
    finally:
        overlap.PART = whole


def test_overlap_without_ties_counts_common_members():
    rng = np.random.default_rng(4)
    a, b = rng.permutation(1000), rng.permutation(1000)
    found = expected_overlap(ranks_of(a), ranks_of(b))
    for i, share in enumerate(SHARES):
        k = round(share * 1000)
        assert found[i, 0] == pytest.approx(((a < k) & (b < k)).sum() / k)
        assert found[i, 1] == pytest.approx(((a >= 1000 - k) & (b >= 1000 - k)).sum() / k)
    np.testing.assert_array_equal(expected_overlap(ranks_of(a), ranks_of(a)), 1)


def test_chance_is_what_unrelated_orders_have():
    rng = np.random.default_rng(5)
    groups = np.repeat([0, 1, 2], [400, 150, 33])
    ranks = [ranks_of(rng.integers(0, 40, 583), groups) for _ in range(60)]
    rows = overlaps(ranks[0], ranks[1], "none", "none")
    found = np.mean([expected_overlap(ranks[i], ranks[i + 1]) for i in range(0, 60, 2)], axis=0)
    for row, values in zip(rows, found, strict=True):
        k = np.floor(row.share * np.array([400, 150, 33]) + 0.5)
        assert row.n_examples == k.sum()
        assert row.chance == pytest.approx((k / [400, 150, 33] * k).sum() / k.sum())
        assert values == pytest.approx([row.chance] * 2, abs=0.03)


def test_an_end_without_examples_is_undefined_with_the_reason():
    rows = overlaps(ranks_of(np.arange(30)), ranks_of(np.arange(30)), np.ones((6, 2)), "why")
    assert (rows[0].hardest, rows[0].chance, rows[0].n_examples) == (None, None, 0)
    assert rows[0].undefined["easiest"] == "1% of 30 examples is none"
    assert (rows[2].hardest, rows[2].hardest_halves_a, rows[2].n_examples) == (1, 1, 2)
    assert rows[2].undefined == dict.fromkeys(("hardest_halves_b", "easiest_halves_b"), "why")


def test_overlap_between_halves_is_that_of_split_collections():
    rng = np.random.default_rng(6)
    label = np.zeros(80, dtype=int)
    easy = rng.normal(size=80)
    logs = {
        name: from_arrays((rng.normal(size=(4, 5, 80)) < easy).astype(int), label)
        for name in ("one", "other")
    }
    row = compare(logs).pairs[0].overlap[4]
    right = (logs["other"]["prediction"].values == 0).sum(axis=1)
    expected = [
        expected_overlap(ranks_of(right[list(a)].sum(0)), ranks_of(right[list(b)].sum(0)))[4]
        for a, b in (((0, 1), (2, 3)), ((0, 2), (1, 3)), ((1, 2), (3, 0)))
    ]
    assert (row.share, row.n_examples) == (0.2, 16)
    found = (row.hardest_halves_b, row.easiest_halves_b)
    assert found == pytest.approx(np.mean(expected, axis=0), rel=1e-12)
