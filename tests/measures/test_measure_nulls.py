"""Nulls are exactly what shuffling gives, by enumeration; and they cover as they say."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import agreement, null_moments, nulls, order, shuffles, tiles
from learnorder.measures.permutations import (
    N_DRAWS,
    OF_COUNTS,
    Groups,
    counts_null,
    drawn_histograms,
    null_of,
)
from learnorder.measures.scores import ScoreTable
from learnorder.measures.summary import summarise

OF = ("fleiss_kappa", "difficulty", "bimodality", "agreement", "reliability")


def right_log(right, label=None, **options):
    """A log of ``(replicate, epoch, example)`` correctness."""
    right = np.asarray(right, dtype=bool)
    label = np.ones(right.shape[2], dtype=int) if label is None else np.asarray(label)
    return from_arrays(np.where(right, label, (label + 1) % (label.max() + 2)), label, **options)


def independent(rng, accuracy, n_examples, n_epochs=1):
    """Replicates that share nothing."""
    shape = (len(accuracy), n_epochs, n_examples)
    return rng.random(shape) < np.reshape(accuracy, (-1, 1, 1))


def histogram_of(right):
    """Examples that 0..R of ``(replicate, example)`` are right on."""
    return np.bincount(right.sum(axis=0), minlength=len(right) + 1)


# ---- the distribution of TP-agreement


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n_replicates=st.integers(1, 7))
def test_shares_are_those_of_all_ways_to_be_right(seed, n_replicates):
    rng = np.random.default_rng(seed)
    right = independent(rng, rng.random(n_replicates), 12)
    found = nulls.tp_agreement_null(right_log(right)).values[0]
    chance, expected = right.mean(axis=(1, 2)), np.zeros(n_replicates + 1)
    for ways in product((0, 1), repeat=n_replicates):
        expected[sum(ways)] += np.prod([p if w else 1 - p for p, w in zip(chance, ways)])  # noqa: B905
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_shares_of_a_thousand_replicates_are_those_of_scipy_to_the_last_digits():
    rng = np.random.default_rng(0)
    accuracy = rng.uniform(0.3, 0.99, 1000)
    right = independent(rng, accuracy, 40)
    found = nulls.tp_agreement_null(right_log(right)).values[0]
    expected = stats.poisson_binom.pmf(np.arange(1001), right.mean(axis=(1, 2)))
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    even = np.tile(np.arange(40) < 36, (1000, 1, 1))
    binomial = stats.binom.pmf(np.arange(1001), 1000, 0.9)
    alike = nulls.tp_agreement_null(right_log(even)).values[0]
    # Relative: far in the tails, where a transform would leave nothing but rounding.
    np.testing.assert_allclose(alike[binomial > 1e-290], binomial[binomial > 1e-290], rtol=1e-9)


def test_shares_are_the_mean_over_all_shufflings():
    right = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]], dtype=bool)
    mean = np.zeros(4)
    for places in product(*(combinations(range(4), int(row.sum())) for row in right)):
        drawn = np.array([np.isin(np.arange(4), chosen) for chosen in places])
        mean += histogram_of(drawn) / 4
    mean /= np.prod([len(list(combinations(range(4), int(row.sum())))) for row in right])
    np.testing.assert_allclose(nulls.tp_agreement_null(right_log(right[:, None])).values[0], mean)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n_replicates=st.integers(2, 9))
def test_bimodality_of_the_shares_is_the_null_of_bimodality(seed, n_replicates):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, 60)
    right = (
        rng.random((n_replicates, 2, 60)) < rng.uniform(0.2, 0.9, (n_replicates, 1, 3))[..., label]
    )
    log = right_log(right, label)
    for kind, of_shares in (
        ("unequal-accuracy", "equal-difficulty"),
        ("class-conditional", "class-conditional"),
    ):
        shares = nulls.tp_agreement_null(log, kind=of_shares)
        assert shares.dims == ("epoch", "count")
        assert shares["count"].values.tolist() == list(range(n_replicates + 1))
        for e, row in enumerate(shares.values):
            values = (np.arange(n_replicates + 1), row)
            mean = np.average(values[0], weights=row)
            second, third, fourth = (
                np.average((values[0] - mean) ** k, weights=row) for k in (2, 3, 4)
            )
            expected = fourth / second**2 - third**2 / second**3 - 1
            null = float(agreement.bimodality_null(log, kind=kind)[e])
            assert null == pytest.approx(expected, abs=1e-8)


def test_equal_accuracies_leave_nothing_between_the_two_nulls_of_bimodality():
    even = np.tile(np.arange(30) < 21, (6, 1, 1))
    unequal = agreement.bimodality_null(right_log(even), kind="unequal-accuracy")
    assert float(unequal[0]) == pytest.approx(2 - 2 / 6)
    apart = np.arange(40) < np.repeat([4, 36], 3)[:, None]
    # Half at 0.1 and half at 0.9: as rarely unsure as possible, so above 2 - 2/R.
    unequal = agreement.bimodality_null(right_log(apart[:, None]), kind="unequal-accuracy")
    assert float(unequal[0]) == pytest.approx(2 + (1 - 6 * 0.09) / (6 * 0.09))


def test_replicates_that_know_all_or_nothing_have_no_null_of_bimodality():
    right = np.array([[True] * 5, [False] * 5])[:, None]
    null = agreement.bimodality_null(right_log(right), kind="unequal-accuracy")
    assert "all or on none of the examples" in null.attrs["undefined"][1.0]
    assert nulls.tp_agreement_null(right_log(right)).values.tolist() == [[0, 1, 0]]


# ---- draws


def test_drawn_histograms_are_distributed_as_those_of_all_shufflings():
    right, n_examples = np.array([2, 3, 1, 4]), 5
    every = [
        tuple(histogram_of(np.array([np.isin(np.arange(n_examples), c) for c in chosen])))
        for chosen in product(*(combinations(range(n_examples), int(a)) for a in right))
    ]
    kinds, ways = np.unique(every, axis=0, return_counts=True)
    groups = Groups.all_in_one(right, n_examples)
    drawn = drawn_histograms(groups, 30_000, np.random.default_rng(0))
    assert set(map(tuple, drawn)) <= set(map(tuple, kinds))
    counted = np.array([(drawn == kind).all(axis=1).sum() for kind in kinds])
    assert stats.chisquare(counted, ways / ways.sum() * len(drawn)).pvalue > 1e-3


def test_drawn_histograms_keep_what_shuffling_keeps_and_are_those_of_shuffling():
    """Against shuffling itself, where counts are so large that numpy draws them another way."""
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1, 2], [300, 30, 1])
    right = rng.random((12, 331)) < rng.uniform(0.3, 0.95, (12, 3))[:, label]
    by_class = np.array([[row[label == k].sum() for k in range(3)] for row in right])
    drawn = drawn_histograms(Groups(by_class, np.bincount(label)), 2000, np.random.default_rng(2))
    assert (drawn.sum(axis=1) == 331).all()
    assert (drawn @ np.arange(13) == right.sum()).all()
    shuffled = np.empty_like(drawn)
    for row in shuffled:
        for k in range(3):
            right[:, label == k] = rng.permuted(right[:, label == k], axis=1)
        row[:] = histogram_of(right)
    for statistic in OF_COUNTS.values():
        both = statistic.values(drawn), statistic.values(shuffled)
        assert stats.ks_2samp(*both).pvalue > 1e-3
    np.testing.assert_allclose(drawn.mean(axis=0), shuffled.mean(axis=0), atol=1.0)


def test_a_value_like_its_draws_lies_within_in_95_percent_and_ranks_evenly():
    rng = np.random.default_rng(3)
    found = [null_of(values) for values in rng.normal(size=(4000, 200))]
    inside = np.mean([n.low <= n.observed <= n.high for n in found])
    assert inside == pytest.approx(0.95, abs=0.014)
    assert stats.kstest([n.p_value for n in found], "uniform").pvalue > 1e-3
    opposite = null_of(np.array([-5.0, *range(39)]), lower=True)
    assert (opposite.low, opposite.high, opposite.p_value) == (0, 38, 1 / 40)
    assert N_DRAWS == 199


# ---- moments


def every_shared(values, groups):
    """Sum over pairs of replicates of products of deviations, in all shufflings within groups."""
    centred = values - values.mean(axis=1, keepdims=True)
    rows = []
    for row in centred:
        ways = [list(permutations(row[groups == g])) for g in np.unique(groups)]
        rows.append([np.concatenate(chosen) for chosen in product(*ways)])
    # Nothing changes if all are shuffled alike, so that the first may stay.
    return np.array(
        [
            (np.sum(d, 0) ** 2 - np.square(d).sum(0)).sum() / 2
            for d in product(rows[0][:1], *rows[1:])
        ]
    )


@pytest.mark.parametrize("groups", [[0] * 5, [0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1, 2]])
@pytest.mark.parametrize("binary", [False, True])
def test_moments_are_those_of_all_shufflings(groups, binary):
    rng = np.random.default_rng(4)
    groups = np.array(groups)
    values = (
        rng.integers(0, 2, (3, len(groups))) if binary else rng.exponential(size=(3, len(groups)))
    )
    every = every_shared(values.astype(float), groups)
    size = np.bincount(groups)
    means = np.array([[row[groups == g].mean() for g in np.unique(groups)] for row in values])
    deviation = values - means[:, groups]
    squares, cubes = (
        np.array([[np.sum(row[groups == g] ** k) for g in np.unique(groups)] for row in deviation])
        for k in (2, 3)
    )
    variance, third = null_moments.shared_moments(squares, cubes, size)
    between = null_moments._between(means - values.mean(axis=1, keepdims=True), size)
    assert between == pytest.approx(every.mean(), abs=1e-12)
    assert variance == pytest.approx(every.var(), abs=1e-12)
    assert third == pytest.approx(((every - every.mean()) ** 3).mean(), abs=1e-12)


@pytest.mark.parametrize("skewness", [-2.5, -0.4, 0.0, 1e-3, 0.7, 3.0])
def test_pearson_type_three_is_that_of_scipy(skewness):
    shares = [0.025, 0.3, 0.5, 0.975]
    values = [null_moments._quantile(share, skewness) for share in shares]
    np.testing.assert_allclose(values, stats.pearson3.ppf(shares, skewness), rtol=1e-5, atol=1e-6)
    beyond = [null_moments._beyond(value, skewness) for value in (-0.3, 0.2, 1.5)]
    np.testing.assert_allclose(beyond, stats.pearson3.sf([-0.3, 0.2, 1.5], skewness), atol=1e-6)


@pytest.mark.parametrize("within", ["all", "class"])
@pytest.mark.parametrize("of", ["fleiss_kappa", "difficulty", "reliability"])
def test_moments_and_draws_say_the_same(of, within):
    rng = np.random.default_rng(5)
    label = rng.integers(0, 4, 300)
    right = rng.random((6, 3, 300)) < np.array([0.4, 0.7, 0.9, 0.95])[label]
    log = right_log(right, label)
    drawn = nulls.permutation_null(log, of, within, n_draws=1999)
    exact = nulls.permutation_null(log, of, within, n_draws=None)
    assert (exact.n_draws, drawn.n_draws) == (None, 1999)
    width = np.diff(exact.interval.values)[..., 0]
    np.testing.assert_allclose(drawn.observed, exact.observed, rtol=1e-12)
    assert (np.abs(drawn.mean - exact.mean) < 0.03 * width).all()
    assert (np.abs(drawn.interval - exact.interval) < 0.08 * width.max()).all()
    assert (np.abs(drawn.p_value - exact.p_value) < 0.05).all()


def test_the_observed_value_is_that_of_the_measure():
    rng = np.random.default_rng(6)
    label = rng.integers(0, 3, 50)
    log = right_log(rng.random((5, 3, 50)) < rng.beta(1, 0.5, 50), label, epochs=[0, 1, 2])
    measured = {
        "fleiss_kappa": agreement.fleiss_kappa(log),
        "difficulty": agreement.tp_agreement(log).var("example"),
        "bimodality": agreement.bimodality(log),
        "agreement": agreement.agreement(log).mean("example"),
        "reliability": order.reliability(log).value,
    }
    for of, within in product(OF, ("all", "class")):
        found = nulls.permutation_null(log, of, within, n_draws=39)
        np.testing.assert_allclose(found.observed, measured[of], rtol=1e-10)
        assert found.interval.dims == (*found.observed.dims, "bound")
        low, high = found.interval.sel(bound="low"), found.interval.sel(bound="high")
        assert ((low <= found.mean) & (found.mean <= high)).all()
        assert ((found.p_value >= 1 / 40) & (found.p_value <= 1)).all()
        assert found.undefined == {}


# ---- what the nulls say


@pytest.mark.parametrize("of", OF)
def test_a_shared_order_is_seen_and_one_of_classes_only_is_none_within_class(of):
    rng = np.random.default_rng(7)
    label = np.arange(400) % 4
    shared = right_log(rng.random((6, 1, 400)) < rng.beta(0.5, 0.3, 400), label)
    for within in ("all", "class"):
        assert (nulls.permutation_null(shared, of, within).p_value == 1 / 200).all()
    classes = right_log(rng.random((6, 1, 400)) < np.array([0.2, 0.5, 0.8, 0.98])[label], label)
    overall = nulls.permutation_null(classes, of, "all")
    inside = nulls.permutation_null(classes, of, "class")
    if of != "agreement":  # its classes are no harder, but they are voted for by class
        assert (overall.p_value == 1 / 200).all()
    assert 0.02 < float(inside.p_value.squeeze()) < 0.98
    assert (np.abs(inside.mean - inside.observed) < np.abs(overall.mean - overall.observed)).all()


CASES = [(5, 0.3, 500), (5, 0.9, 500), (10, None, 500)]


@pytest.mark.parametrize(("n_replicates", "accuracy", "n_examples"), CASES)
def test_nulls_of_kappa_hold_independent_replicates_in_95_percent(
    n_replicates, accuracy, n_examples
):
    """Within 3.5 standard errors of 250 collections; ``benchmarks/null_coverage.py`` has more."""
    rng = np.random.default_rng(8)
    chances = (
        np.linspace(0.3, 0.99, n_replicates) if accuracy is None else [accuracy] * n_replicates
    )
    inside = np.zeros(3)
    for seed in range(250):
        right = independent(rng, chances, n_examples)[:, 0]
        groups, histogram = Groups.all_in_one(right.sum(axis=1), n_examples), histogram_of(right)
        found = [
            counts_null(OF_COUNTS["fleiss_kappa"], histogram, groups, 39, seed),
            counts_null(OF_COUNTS["bimodality"], histogram, groups, 39, seed),
            null_moments.kappa_null(histogram, groups),
        ]
        inside += [null.low <= null.observed <= null.high for null in found]
    assert (np.abs(inside / 250 - 0.95) < 0.048).all()


def test_the_null_of_reliability_holds_independent_replicates_in_95_percent():
    rng = np.random.default_rng(9)
    inside = np.zeros(2)
    for seed in range(300):
        learned = rng.exponential(3, (5, 60)).astype(int)
        scores = ScoreTable.of(np.minimum(learned, 9).astype(np.uint8))
        found = (
            shuffles.drawn_alpha_null(scores, None, 39, seed),
            null_moments.alpha_null(scores, None),
        )
        inside += [null.low <= null.observed <= null.high for null in found]
    assert (np.abs(inside / 300 - 0.95) < 0.044).all()


# ---- what draws depend on, and what not


def test_draws_depend_on_the_seed_and_not_on_names_orders_or_other_epochs():
    rng = np.random.default_rng(10)
    label = rng.integers(0, 3, 80)
    right = rng.random((5, 3, 80)) < rng.beta(1, 0.5, 80)
    log = right_log(right, label)
    replicates, examples, names = rng.permutation(5), rng.permutation(80), np.array([2, 0, 1])
    other = right_log(right[replicates][:, :, examples], names[label[examples]])
    for of, within in product(OF_COUNTS, ("all", "class")):
        found = nulls.permutation_null(log, of, within, seed=3)
        again = nulls.permutation_null(other, of, within, seed=3)
        alone = nulls.permutation_null(log.isel(epoch=[1]), of, within, seed=3)
        for name in ("mean", "interval", "p_value"):
            np.testing.assert_array_equal(getattr(found, name), getattr(again, name))
            np.testing.assert_array_equal(getattr(found, name)[[1]], getattr(alone, name))
        assert (found.mean != nulls.permutation_null(log, of, within, seed=4).mean).any()


@pytest.mark.parametrize("chunk", [(1, 60), (3, 7)])
def test_draws_do_not_depend_on_how_a_log_is_cut(lazy, random_log, monkeypatch, chunk):
    log = random_log((6, 4, 60), 5, first_epoch=0.5)
    whole = {(of, w): nulls.permutation_null(log, of, w, 39) for of in OF for w in ("all", "class")}
    cut, _ = lazy(log, chunk)
    for name in ("READ_BYTES", "MOST_READ_BYTES", "GROUP_BYTES", "PLANE"):
        monkeypatch.setattr(tiles, name, 50)
    monkeypatch.setattr("learnorder.measures.sweep.CLASS_BYTES", 1)
    for (of, within), expected in whole.items():
        found = nulls.permutation_null(cut, of, within, 39)
        for name in ("observed", "mean", "interval", "p_value"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


# ---- degenerate input


@pytest.mark.parametrize("n_draws", [39, None])
@pytest.mark.parametrize(
    ("prediction", "reasons"),
    [
        (np.zeros((1, 1, 12), dtype=int), ["1 replicate"]),
        (
            np.ones((3, 1, 12), dtype=int),
            ["in one category", "for every example", "differ between"],
        ),
        (
            np.zeros((3, 1, 12), dtype=int),
            ["in one category", "for every example", "differ between"],
        ),
    ],
    ids=["one replicate", "all right", "all wrong"],
)
def test_what_has_no_null_has_a_reason(prediction, reasons, n_draws):
    log = from_arrays(prediction, np.ones(12, dtype=int))
    for of in ("fleiss_kappa", "bimodality", "reliability"):
        if n_draws is None and of == "bimodality":
            continue
        found = nulls.permutation_null(log, of, n_draws=n_draws)
        assert np.isnan(found.p_value)
        assert np.isnan(found.interval).all()
        (key,) = found.undefined
        assert key == (of if of == "reliability" else 1.0)
        assert any(reason in found.undefined[key] for reason in reasons)


def test_one_replicate_agrees_with_nobody():
    log = from_arrays([[[0, 1, 1, 0]]])
    assert nulls.permutation_null(log, "agreement").undefined == {
        1.0: "replicates are compared; there is 1 replicate"
    }
    log = from_arrays([[[0, 1] * 10]], [1] * 20)
    for n_draws in (39, None):
        assert (
            "1 replicate"
            in nulls.permutation_null(log, "difficulty", n_draws=n_draws).undefined[1.0]
        )


@pytest.mark.parametrize("n_draws", [39, None])
def test_where_shuffling_changes_nothing_nothing_is_beyond_chance(n_draws):
    right = np.array([[True] * 12, [False] * 12, [True] * 12])[:, None]
    found = nulls.permutation_null(right_log(right), "fleiss_kappa", n_draws=n_draws)
    assert float(found.observed[0]) == float(agreement.fleiss_kappa(right_log(right))[0])
    assert found.interval.values == pytest.approx(np.full((1, 2), float(found.observed[0])))
    assert float(found.p_value[0]) == 1
    label = np.arange(12) % 3
    by_class = right_log(np.tile(label < 2, (4, 1, 1)), label)
    for of in ("fleiss_kappa", "difficulty", "reliability"):
        found = nulls.permutation_null(by_class, of, "class", n_draws=n_draws)
        assert float(found.p_value.squeeze()) == 1
        assert found.observed.values == pytest.approx(found.mean.values)


def test_few_examples_have_draws_and_no_moments():
    log = from_arrays([[[0, 1, 1, 0]], [[0, 1, 0, 0]], [[1, 1, 1, 0]]], [1, 1, 1, 1])
    assert np.isfinite(nulls.permutation_null(log).p_value).all()
    for of in ("fleiss_kappa", "difficulty", "reliability"):
        reason = "moments say too little of fewer than 10 examples; take draws"
        assert list(nulls.permutation_null(log, of, n_draws=None).undefined.values()) == [reason]
    opposite = from_arrays([[[0, 1, 1, 0]], [[0, 1, 0, 1]]], [1, 1, 1, 1])
    found = nulls.permutation_null(opposite, "reliability")
    assert found.undefined["reliability"].startswith("in some draws mean accessibility does not")


def test_two_examples_have_a_null_of_kappa():
    log = from_arrays([[[0, 1]], [[0, 1]]], [1, 1])
    found = nulls.permutation_null(log)
    assert float(found.observed[0]) == pytest.approx(1)
    assert 0.4 < float(found.p_value[0]) < 0.6


def test_what_cannot_be_asked_is_refused_with_what_can():
    log = from_arrays([[[0, 1]], [[0, 1]]], [1, 1])
    with pytest.raises(LearnOrderError, match=r"unknown of 'kappa'.*fleiss_kappa"):
        nulls.permutation_null(log, "kappa")
    with pytest.raises(LearnOrderError, match=r"unknown within 'classes'.*'class'"):
        nulls.permutation_null(log, within="classes")
    with pytest.raises(LearnOrderError, match=r"38 draws are too few.*39 or more"):
        nulls.permutation_null(log, n_draws=38)
    with pytest.raises(LearnOrderError, match=r"moments of bimodality are not known"):
        nulls.permutation_null(log, "bimodality", n_draws=None)
    with pytest.raises(
        LearnOrderError, match=r"unknown kind 'equal-dificulty'.*'equal-difficulty'"
    ):
        nulls.tp_agreement_null(log, "equal-dificulty")
    unlabelled = from_arrays([[[0, 1, 0]], [[0, 1, 1]]])
    assert np.isfinite(nulls.permutation_null(unlabelled, "agreement").mean).all()
    for of, within in (("agreement", "class"), ("fleiss_kappa", "all")):
        with pytest.raises(
            LearnOrderError, match=r"^permutation_null: the split 'test' has no lab"
        ):
            nulls.permutation_null(unlabelled, of, within)
    with pytest.raises(LearnOrderError, match=r"^permutation_null: no epoch after training began"):
        nulls.permutation_null(from_arrays([[[0, 1]]], [0, 1], epochs=[0]), "reliability")


@pytest.mark.parametrize(("within", "suffix"), [("all", ""), ("class", "_class")])
def test_the_summary_has_the_nulls_from_moments(random_log, within, suffix):
    log = random_log((5, 3, 80), 3, first_epoch=1.0)
    found = summarise(log)
    shuffled = nulls.permutation_null(log, of="fleiss_kappa", within=within, n_draws=None)
    rows = [row[f"fleiss_kappa_null{suffix}_ci"] for row in found["per_epoch"]]
    np.testing.assert_allclose(rows, shuffled.interval)
    whole = nulls.permutation_null(log, of="reliability", within=within, n_draws=None)
    np.testing.assert_allclose(found["order"][f"reliability_null{suffix}_ci"], whole.interval)


def test_few_shared_answers_have_draws_and_no_moments():
    """Two replicates with one error each, elsewhere: kappa takes two values under the null."""
    right = np.ones((2, 1, 30), dtype=bool)
    right[0, 0, 3] = right[1, 0, 9] = False
    log = right_log(right)
    found = nulls.permutation_null(log, "fleiss_kappa", n_draws=None)
    assert list(found.undefined.values()) == [null_moments.FEW_VALUES]
    low, high = summarise(log)["per_epoch"][0]["fleiss_kappa_null_ci"]
    drawn = nulls.permutation_null(log, "fleiss_kappa").interval.values[0]
    assert (low, high) == pytest.approx(tuple(drawn))
    assert -1 <= low <= high <= 1


@pytest.mark.parametrize("of", ["fleiss_kappa", "difficulty", "reliability"])
def test_no_p_value_from_moments_is_smaller_than_they_can_say(of):
    rng = np.random.default_rng(12)
    hard = rng.random(3000)
    right = rng.random((12, 1, 3000)) > hard
    found = nulls.permutation_null(right_log(right), of, n_draws=None)
    assert float(found.p_value.squeeze()) == null_moments.LEAST_P


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_draws": 199.0}, "n_draws is 199.0. It is a number of draws"),
        ({"n_draws": "199"}, "n_draws is '199'"),
        ({"seed": -1}, "the seed is -1"),
    ],
)
def test_what_is_no_number_of_draws_or_no_seed_is_refused(arguments, message):
    log = from_arrays([[[0, 1]], [[0, 1]]], [1, 1])
    with pytest.raises(LearnOrderError, match=message):
        nulls.permutation_null(log, **arguments)
