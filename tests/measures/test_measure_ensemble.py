"""Diversity and shared failure of the replicates of an epoch, against definitions by hand."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import jaccard_score

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures import _kernels
from learnorder.measures.split import UNDEFINED

OF_CORRECT = (
    "difficulty",
    "kohavi_wolpert",
    "kuncheva_entropy",
    "generalised_diversity",
    "coincident_failure_diversity",
    "trivial_share",
    "impossible_share",
    "jaccard_correct",
)
NEED_TWO = ("kuncheva_entropy", "generalised_diversity", "coincident_failure_diversity")


def of_right(right):
    """A split of one epoch in which replicates are right as told, ``(replicate, example)``."""
    right = np.asarray(right)[:, np.newaxis]
    return lo.from_arrays(right.astype(int), np.ones(right.shape[2], dtype=int))


def value(name, log, e=0):
    return float(getattr(lo, name)(log)[e])


def by_hand(right):
    """Each measure as its authors write it: probabilities of so many failures, pairs, loops."""
    n_replicates = len(right)
    n_wrong = (~right).sum(axis=0)
    p = [(n_wrong == i).mean() for i in range(n_replicates + 1)]
    every, pairs = range(1, n_replicates + 1), list(combinations(~right, 2))
    together = np.mean([(a & b).mean() for a, b in pairs])
    minority = [min(w, n_replicates - w) for w in n_wrong]
    shares = np.arange(n_replicates + 1) / n_replicates
    theta = sum((shares - shares @ p) ** 2 * p)
    gini = [(1 - (w / n_replicates) ** 2 - (1 - w / n_replicates) ** 2) / 2 for w in n_wrong]
    return {
        "difficulty": theta,
        "kohavi_wolpert": np.mean(gini),
        "kuncheva_entropy": np.mean(minority) / (n_replicates - -(-n_replicates // 2)),
        "generalised_diversity": 1 - together / np.mean(~right),
        "coincident_failure_diversity": sum(
            (n_replicates - i) / (n_replicates - 1) * p[i] for i in every
        )
        / (1 - p[0]),
        "trivial_share": p[0],
        "impossible_share": p[-1],
        "jaccard_correct": len(set.intersection(*map(set, map(np.flatnonzero, right))))
        / len(set.union(*map(set, map(np.flatnonzero, right)))),
    }


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(2, 7), st.integers(2, 30)),
    share=st.floats(0.1, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_measure_is_what_its_authors_write(shape, share, seed):
    right = np.random.default_rng(seed).random(shape) < share
    if right.all() or not right.any():
        return
    expected, log = by_hand(right), of_right(right)
    assert set(expected) == set(OF_CORRECT)
    for name, number in expected.items():
        assert value(name, log) == pytest.approx(number, abs=1e-12), name


def test_four_examples_worked_by_hand():
    # p = 1, 2/3, 1/3, 0 over three replicates.
    log = of_right([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0]])
    assert value("difficulty", log) == pytest.approx((1 / 4 + 1 / 36) / 2)
    assert value("kohavi_wolpert", log) == pytest.approx(2 / 9 / 2)
    assert value("kuncheva_entropy", log) == pytest.approx(1 / 2)
    # Failures 0, 1, 2, 3: two fail together 2 + 6 of (3 - 1) * 6 times.
    assert value("generalised_diversity", log) == pytest.approx(1 - 8 / 12)
    assert value("coincident_failure_diversity", log) == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert value("trivial_share", log) == value("impossible_share", log) == 1 / 4
    assert value("jaccard_correct", log) == pytest.approx(1 / 3)
    assert value("ambiguity", log) == 1 / 2


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(2, 6), st.integers(1, 3), st.integers(2, 30)),
    n_classes=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_identities_with_tp_agreement_pairs_and_kappa(random_log, shape, n_classes, seed):
    log = random_log(shape, n_classes, seed)
    share, n = lo.tp_agreement(log).values, shape[0]
    kappa = lo.fleiss_kappa(log)
    right = (log["prediction"] == log["label"]).values
    for e in range(shape[1]):
        theta, within = value("difficulty", log, e), value("kohavi_wolpert", log, e)
        overall = share[e].mean() * (1 - share[e].mean())
        assert within == pytest.approx((share[e] * (1 - share[e])).mean(), abs=1e-14)
        assert theta == pytest.approx(share[e].var(), abs=1e-14)
        assert theta + within == pytest.approx(overall, abs=1e-14)
        differing = np.mean([(a != b).mean() for a, b in combinations(right[:, e], 2)])
        assert 2 * n / (n - 1) * within == pytest.approx(differing, abs=1e-14)
        if not np.isnan(kappa.values[e]):
            expected = 1 - n / (n - 1) * within / overall
            assert float(kappa[e]) == pytest.approx(expected, abs=1e-10)
        trivial, impossible = (share[e] == 1).mean(), (share[e] == 0).mean()
        assert value("trivial_share", log, e) == trivial
        assert value("impossible_share", log, e) == impossible
        if impossible < 1:
            jaccard = trivial / (1 - impossible)
            assert value("jaccard_correct", log, e) == pytest.approx(jaccard, abs=1e-14)
        # A unanimous vote is right for all (trivial), or wrong for all.
        unanimous = 1 - value("ambiguity", log, e)
        assert trivial - 1e-12 <= unanimous <= trivial + impossible + 1e-12
    unanimous = (lo.agreement(log) == 1).mean("example")
    np.testing.assert_allclose(lo.ambiguity(log).values, 1 - unanimous, atol=1e-15)
    np.testing.assert_array_equal(lo.vote_entropy(log) == 0, lo.agreement(log) == 1)


@settings(deadline=None, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 30)),
    n_classes=st.integers(2, 30),
    seed=st.integers(0, 2**32 - 1),
)
def test_vote_entropy_is_that_of_scipy(random_log, shape, n_classes, seed):
    log = random_log(shape, n_classes, seed)
    votes = [(log["prediction"].values == k).sum(axis=0) for k in range(n_classes)]
    expected = stats.entropy(np.array(votes), axis=0)
    np.testing.assert_allclose(lo.vote_entropy(log).values, expected, rtol=1e-12, atol=1e-14)


@settings(deadline=None, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 30)),
    seed=st.integers(0, 2**32 - 1),
)
def test_ambiguity_is_the_same_whichever_replicate_is_the_reference(random_log, shape, seed):
    log = random_log(shape, 4, seed)
    votes = log["prediction"].values
    for reference in votes:
        conflict = (votes != reference).any(axis=0).mean(axis=1)
        np.testing.assert_allclose(lo.ambiguity(log).values, conflict, atol=1e-15)


def test_jaccard_of_two_replicates_is_that_of_scikit_learn(random_log):
    log = random_log((2, 3, 100), 4)
    right = (log["prediction"] == log["label"]).values
    for e in range(3):
        expected = jaccard_score(right[0, e], right[1, e])
        assert value("jaccard_correct", log, e) == pytest.approx(expected, abs=1e-15)
    # It is another quantity than the mean of what is called TP-agreement here.
    assert abs(value("jaccard_correct", log) - float(lo.tp_agreement(log)[0].mean())) > 0.05


@settings(deadline=None, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 30)),
    seed=st.integers(0, 2**32 - 1),
)
def test_shares_do_not_change_when_every_replicate_is_there_twice(random_log, shape, seed):
    log = random_log(shape, 4, seed)
    votes = np.concatenate([log["prediction"].values] * 2)
    twice = lo.from_arrays(votes, log["label"].values, class_names=list("abcd"))
    names = ("difficulty", "kohavi_wolpert", "trivial_share", "impossible_share")
    for name in ("vote_entropy", "ambiguity", "jaccard_correct", *names):
        found, before = getattr(lo, name)(twice), getattr(lo, name)(log)
        np.testing.assert_allclose(found.values, before.values, atol=1e-14)


def test_votes_that_fall_alike_have_one_entropy_to_the_last_bit():
    """Six votes 3, 2, 1 on any three of 17 classes, in any order: no tie is broken by rounding."""
    rng = np.random.default_rng(0)
    columns = [
        rng.permutation(np.repeat(classes, (3, 2, 1))) for classes in permutations((0, 1, 7, 16), 3)
    ]
    votes = np.array(columns).T[:, np.newaxis]
    for names in ([str(k) for k in range(17)], [str(k) for k in range(300)]):
        found = lo.vote_entropy(lo.from_arrays(votes, class_names=names)).values
        assert len(np.unique(found)) == 1
    counted = np.concatenate([votes] * 3) % 16  # 18 votes for up to 16 classes are counted
    entropies = [
        lo.vote_entropy(lo.from_arrays(counted, class_names=[str(k) for k in range(n)])).values
        for n in (_kernels.FEW, _kernels.FEW + 1)
    ]
    np.testing.assert_array_equal(*entropies)


def test_vote_entropy_goes_from_nothing_to_the_logarithm_of_what_is_possible():
    spread = lo.from_arrays(np.arange(6)[:, None, None] % 3, class_names=list("abc"))
    assert float(lo.vote_entropy(spread)[0, 0]) == pytest.approx(np.log(3), abs=1e-15)
    few = lo.from_arrays(np.arange(2)[:, None, None], class_names=list("abc"))
    assert float(lo.vote_entropy(few)[0, 0]) == pytest.approx(np.log(2), abs=1e-15)
    for n_replicates in (1, 3, 7, 49):
        alike = lo.from_arrays(np.ones((n_replicates, 1, 2), dtype=int), class_names=list("abc"))
        assert lo.vote_entropy(alike).values.tolist() == [[0, 0]]


def test_extremes_are_exact():
    rng = np.random.default_rng(1)
    known = rng.random(30) < 0.6
    alike = of_right([known] * 5)
    apart = of_right(np.arange(10) % 5 != np.arange(5)[:, np.newaxis])
    assert value("kohavi_wolpert", alike) == value("kuncheva_entropy", alike) == 0
    assert value("difficulty", alike) == pytest.approx(known.mean() * (1 - known.mean()))
    assert value("generalised_diversity", alike) == 0
    assert value("coincident_failure_diversity", alike) == 0
    assert value("jaccard_correct", alike) == 1
    assert value("difficulty", apart) == 0
    assert (
        value("generalised_diversity", apart) == value("coincident_failure_diversity", apart) == 1
    )
    halves = of_right(np.arange(12) % 2 == np.arange(4)[:, np.newaxis] % 2)
    assert value("kohavi_wolpert", halves) == 1 / 4
    assert value("kuncheva_entropy", halves) == 1
    assert value("jaccard_correct", halves) == 0


def test_one_replicate_has_no_diversity_and_says_so():
    log = of_right([[1, 1, 1, 0]])
    for name in NEED_TWO:
        found = getattr(lo, name)(log)
        assert np.isnan(found.values).all()
        assert found.attrs[UNDEFINED][1.0].endswith("2 replicates; there is 1")
    plain = {"ambiguity": 0, "kohavi_wolpert": 0, "jaccard_correct": 1, "difficulty": 3 / 16}
    plain |= {"trivial_share": 3 / 4, "impossible_share": 1 / 4}
    for name, expected in plain.items():
        assert value(name, log) == expected
        assert not getattr(lo, name)(log).attrs.get(UNDEFINED)


@pytest.mark.parametrize("right", [0, 1], ids=["all wrong", "all right"])
def test_all_right_and_all_wrong(right):
    log = of_right(np.full((3, 4), right))
    assert value("trivial_share", log) == right
    assert value("impossible_share", log) == 1 - right
    for name in ("difficulty", "kohavi_wolpert", "kuncheva_entropy", "ambiguity"):
        assert value(name, log) == 0
    failing = NEED_TWO[1:]
    undefined, defined = (failing, ["jaccard_correct"])[:: 1 if right else -1]
    reason = "there is no failure to share" if right else "no replicate is right on any example"
    for name in undefined:
        assert getattr(lo, name)(log).attrs[UNDEFINED][1.0].endswith(reason)
    assert [value(name, log) for name in defined] == [right] * len(defined)


def test_only_the_epochs_that_lack_a_value_are_undefined():
    prediction = [[[0, 0, 0], [1, 0, 1], [1, 1, 1]], [[0, 0, 0], [1, 1, 0], [1, 1, 1]]]
    log = lo.from_arrays(prediction, [1, 1, 1], epochs=[0, 1.5, 3])
    assert set(lo.generalised_diversity(log).attrs[UNDEFINED]) == {3.0}
    assert set(lo.jaccard_correct(log).attrs[UNDEFINED]) == {0.0}
    assert lo.jaccard_correct(log).values[1:].tolist() == [pytest.approx(1 / 3), 1]


def test_without_labels_there_is_what_needs_none():
    log = lo.from_arrays([[[0, 1]], [[1, 1]], [[0, 1]]])
    assert lo.ambiguity(log).values.tolist() == [0.5]
    assert lo.vote_entropy(log).values[0] == pytest.approx([stats.entropy([2, 1]), 0])
    for name in OF_CORRECT:
        with pytest.raises(LearnOrderError, match=f"^{name}: the split 'test' has no labels"):
            getattr(lo, name)(log)


def test_sums_over_very_many_examples_and_replicates_stay_exact():
    from learnorder.measures import diversity

    histogram = np.zeros(10_001, dtype=np.int64)
    histogram[[0, 10_000]] = 5_000_000_000
    assert diversity.variance(histogram) == 0.25
    assert diversity.mean_variance(histogram) == 0
