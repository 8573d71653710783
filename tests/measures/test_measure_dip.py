"""The dip is that of a linear program, near that of others, and gives no alarm for equal scores."""

from __future__ import annotations

import diptest
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linprog

from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import tiles
from learnorder.measures.dip import dip, dip_p_values, dip_test, dips, p_value_of, taut_string
from learnorder.measures.split import UNDEFINED


def dip_of(histogram):
    (found,) = dips(np.asarray(histogram)[np.newaxis])
    return found


def p_of(histogram, n_draws=199, seed=0):
    (found,) = dip_p_values(np.asarray(histogram)[np.newaxis], n_draws, seed)
    return found


def log_of(histogram):
    """A log of one epoch in which so many examples are known to 0..R replicates."""
    counts = np.repeat(np.arange(len(histogram)), histogram)
    right = counts > np.arange(len(histogram) - 1)[:, np.newaxis]
    return from_arrays(right[:, np.newaxis].astype(int), np.ones(len(counts), dtype=int))


def by_linear_program(histogram):
    """Least distance over all places of the peak, share by share as a linear program."""
    n = len(histogram)
    cumulative = np.cumsum(histogram) / sum(histogram)
    sums, ones = np.tril(np.ones((n, n))), np.ones((n, 1))
    best = np.inf
    for peak in range(n):
        step = np.diff(np.eye(n), axis=0)
        step[:peak] *= -1  # rising, as negative differences
        rows = [np.hstack([sums, -ones]), np.hstack([-sums, -ones])]
        rows.append(np.hstack([step, np.zeros((n - 1, 1))]))
        bounds = np.concatenate([cumulative, -cumulative, np.zeros(n - 1)])
        of_one = np.append(np.ones(n), 0)[np.newaxis]
        cost = np.append(np.zeros(n), 1)
        found = linprog(cost, np.vstack(rows), bounds, of_one, [1.0])
        best = min(best, found.fun)
    return best


@st.composite
def histograms(draw, most_replicates=10):
    n_replicates = draw(st.integers(2, most_replicates))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shares = rng.dirichlet(np.full(n_replicates + 1, draw(st.sampled_from([0.2, 1.0, 5.0]))))
    histogram = rng.multinomial(draw(st.integers(4, 80)), shares)
    histogram[[0, -1]] += 1  # not all in one place
    return histogram


@settings(deadline=None, max_examples=60)
@given(histogram=histograms())
def test_the_dip_is_the_least_distance_that_a_linear_program_finds(histogram):
    assert dip_of(histogram) == pytest.approx(by_linear_program(histogram), abs=1e-7)


@settings(deadline=None, max_examples=60)
@given(histogram=histograms(most_replicates=40))
def test_the_dip_for_continuous_scores_is_larger_by_at_most_half_the_largest_tie(histogram):
    scores = np.repeat(np.arange(len(histogram)), histogram).astype(float)
    classical = diptest.dipstat(scores)
    tie = histogram.max() / histogram.sum()
    assert classical <= dip_of(histogram) + tie / 2 + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_where_no_scores_are_equal_and_the_ends_are_far_both_dips_are_one(seed):
    rng = np.random.default_rng(seed)
    n, width = 40, 100
    heaps = np.concatenate([rng.normal(30, 10, n // 2), rng.normal(20 + 15 * seed, 10, n // 2)])
    places = np.unique(np.clip(np.round(heaps), 0, width - 1).astype(int))
    histogram = np.zeros(7 * width, dtype=int)
    histogram[3 * width + places] = 1
    classical = diptest.dipstat(places.astype(float))
    found = dip_of(histogram)
    assert classical - 1 / (2 * len(places)) - 1e-9 <= found <= classical + 1e-9


@settings(deadline=None, max_examples=30)
@given(histogram=histograms(), seed=st.integers(0, 2**32 - 1))
def test_one_peak_has_no_dip_and_turning_or_doubling_changes_nothing(histogram, seed):
    rising, falling = np.split(histogram, [np.random.default_rng(seed).integers(len(histogram))])
    one_peak = np.concatenate([np.sort(rising), np.sort(falling)[::-1]])
    assert dip_of(one_peak) == 0
    assert p_of(one_peak, 39) == 1
    assert dip_of(histogram[::-1]) == pytest.approx(dip_of(histogram), abs=1e-11)
    assert dip_of(3 * histogram) == pytest.approx(dip_of(histogram), abs=1e-11)


@pytest.mark.parametrize("n_replicates", [2, 3, 10, 100])
def test_two_heaps_at_the_ends_dip_furthest(n_replicates):
    histogram = np.zeros(n_replicates + 1, dtype=int)
    histogram[[0, -1]] = 50
    assert dip_of(histogram) == pytest.approx(1 / 2 - 1 / (n_replicates + 1), abs=1e-11)
    if n_replicates > 2:
        assert p_of(histogram) == 1 / 200
    assert float(dip(log_of(histogram))[0]) == dip_of(histogram)
    assert float(dip_test(log_of(histogram))[0]) == p_of(histogram)


@pytest.mark.parametrize("alpha", [(0.3, 0.3), (2, 2), (5, 1), (1, 0.3), (3, 0.2), (8, 2)])
def test_chances_with_one_peak_give_counts_with_one_peak(alpha):
    shares = stats.betabinom.pmf(np.arange(31), 30, *alpha)
    expected = np.round(1e7 * shares).astype(int)
    assert (dip_of(expected) < 1e-6) == (alpha != (0.3, 0.3))


def test_scores_on_a_grid_give_no_false_alarm_where_the_classical_table_does():
    """Chances with one peak, Beta(2, 2), as 100 replicates show them for 10,000 examples."""
    classical, found = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        counts = rng.binomial(100, rng.beta(2, 2, 10_000))
        classical.append(diptest.diptest(counts / 100)[1])
        found.append(p_of(np.bincount(counts, minlength=101), n_draws=99))
    assert max(classical) < 0.01
    assert min(found) > 0.05
    assert np.mean(found) > 0.3


def test_two_peaks_are_seen_through_few_replicates():
    rng = np.random.default_rng(0)
    for n_replicates in (5, 20, 100):
        chance = np.where(rng.random(3000) < 0.3, rng.beta(1, 8, 3000), rng.beta(8, 1, 3000))
        counts = rng.binomial(n_replicates, chance)
        assert p_of(np.bincount(counts, minlength=n_replicates + 1)) == 1 / 200


def flat_and(share, n_replicates=10):
    """Spread evenly, and so much more on what all replicates know."""
    shares = np.full(n_replicates + 1, (1 - share) / (n_replicates + 1))
    shares[-1] += share
    return shares


@pytest.mark.parametrize("share", [0.0, 0.1, 0.8])
def test_one_peak_is_refused_as_seldom_as_said_where_it_dips_most(share):
    """200 collections: 3 standard errors above 5 %. ``benchmarks/dip_size.py`` has more."""
    rng = np.random.default_rng(1)
    rows = rng.multinomial(1000, flat_and(share), 200)
    drawn = enumerate(zip(rows, dips(rows), strict=True))
    found = [p_value_of(row, d, 99, seed) if d else 1.0 for seed, (row, d) in drawn]
    assert np.mean(np.array(found) <= 0.05) <= 0.1
    assert np.mean(np.array(found) <= 0.2) <= 0.3
    assert np.mean(found) < 0.95  # it is no test that never speaks


@pytest.mark.parametrize("radius", [0.5, 3.0, 40.0])
def test_the_taut_string_is_the_shortest_path_through_its_gates(radius):
    rng = np.random.default_rng(2)
    heights = np.cumsum(rng.exponential(1, 15))
    low, high = heights - radius, heights + radius
    low[[0, -1]] = high[[0, -1]] = heights[[0, -1]]
    path = taut_string(low, high)
    assert (path >= low - 1e-12).all()
    assert (path <= high + 1e-12).all()
    slope = np.diff(path)
    for k in np.flatnonzero(np.abs(np.diff(slope)) > 1e-9) + 1:
        # A bend upwards leans on the upper gate, one downwards on the lower: no way is shorter.
        wall = high if slope[k] > slope[k - 1] else low
        assert path[k] == wall[k]


@pytest.mark.parametrize(
    ("histogram", "reason"),
    [
        ([3, 9], "with 1 replicate"),
        ([0, 0, 9, 0], "TP-agreement is 0.6667 for every example"),
        ([0, 0, 9], "TP-agreement is 1 for every example"),
        ([1, 0, 2], "a dip needs 4 examples; there are 3"),
    ],
)
def test_what_cannot_dip_has_a_reason(histogram, reason):
    for measure in (dip, dip_test):
        found = measure(log_of(histogram))
        assert np.isnan(found.values).all()
        assert found.attrs[UNDEFINED][1.0].startswith(reason)


def test_both_depend_on_what_is_in_a_log_and_not_on_how_it_is_cut(lazy, random_log, monkeypatch):
    log = random_log((5, 4, 60), 3)
    cut, _ = lazy(log, (3, 7))
    expected = dip(log), dip_test(log)
    for name in ("READ_BYTES", "MOST_READ_BYTES", "PLANE"):
        monkeypatch.setattr(tiles, name, 50)
    np.testing.assert_array_equal(dip(cut), expected[0])
    np.testing.assert_array_equal(dip_test(cut), expected[1])


def test_draws_depend_on_the_seed_and_not_on_other_epochs():
    rng = np.random.default_rng(3)
    right = rng.random((6, 3, 200)) < rng.beta(0.9, 0.9, 200)
    log = from_arrays(right.astype(int), np.ones(200, dtype=int))
    found = dip_test(log, seed=5)
    np.testing.assert_array_equal(dip_test(log.isel(epoch=[1]), seed=5), found[[1]])
    others = [dip_test(log, seed=seed) for seed in range(4)]
    assert any((other != found).any() for other in others)
    with pytest.raises(LearnOrderError, match=r"^dip_test: 5 draws are too few"):
        dip_test(log, n_draws=5)
