"""Conger's kappa: the definition, and an interval that covers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from learnorder.measures import conger
from learnorder.measures.conger import conger_kappa


def by_pairs(votes: np.ndarray) -> float:
    """The definition: agreement of pairs beyond that of their own shares, each mean over pairs."""
    seen, chance = [], []
    shares = [[(row == k).mean() for k in np.unique(votes)] for row in votes]
    for i, j in combinations(range(len(votes)), 2):
        seen.append((votes[i] == votes[j]).mean())
        chance.append(np.dot(shares[i], shares[j]))
    return (np.mean(seen) - np.mean(chance)) / (1 - np.mean(chance))


def votes_of(rng, n_replicates, n_examples, shared, favourite):
    """Replicates that follow a common answer, their own favourite class, or chance."""
    common = rng.integers(0, 5, n_examples)
    own = rng.integers(0, 5, n_replicates)[:, np.newaxis]
    drawn = rng.integers(0, 5, (n_replicates, n_examples))
    drawn = np.where(rng.random(drawn.shape) < favourite, own, drawn)
    return np.where(rng.random(drawn.shape) < shared, common, drawn)


def test_it_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    for n_replicates in (2, 3, 7):
        votes = votes_of(rng, n_replicates, 60, 0.3, 0.4)
        assert conger_kappa(votes).value == pytest.approx(by_pairs(votes))
    assert conger_kappa(np.tile(np.arange(4), (3, 5))).value == 1


def test_in_groups_it_is_that_of_the_definition_in_each():
    """Without disagreement beyond groups it is 0: all that pairs share is the answer of a group."""
    rng = np.random.default_rng(4)
    group = rng.integers(0, 3, 900)
    votes = (group + (rng.random((5, 900)) < 0.3)) % 3
    assert conger_kappa(votes).ci[0] > 0.3
    assert conger_kappa(votes, group).ci[0] < 0 < conger_kappa(votes, group).ci[1]
    one_of_each = conger_kappa(votes[:, :200], np.zeros(200, dtype=int))
    assert one_of_each == conger_kappa(votes[:, :200])


def test_its_influence_is_the_derivative_in_the_weight_of_an_example():
    """Of groups that differ in size and in what is chance in them."""
    rng = np.random.default_rng(5)
    group = np.repeat([0, 1, 2], (50, 150, 200))
    right = np.array([0.05, 0.5, 0.9])[group] + 0.1 * rng.normal(size=400)
    votes = (rng.random((5, 400)) < right).astype(np.int8)
    chosen = votes[..., np.newaxis] == np.unique(votes)
    influence = conger._influence(conger._pairs_of(chosen, group), chosen, group)

    def value(examples):
        return np.log(1 - conger_kappa(votes[:, examples], group[examples]).value)

    everything = np.arange(400)
    for example in (0, 20, 49, 50, 100, 199, 200, 300, 399):
        twice = value(np.append(everything, example))
        assert 401 * (twice - value(everything)) == pytest.approx(influence[example], abs=0.006)


def test_own_favourites_are_no_disagreement():
    """Chance apart, half of the answers are shared: above 0, which pooled shares would hide."""
    rng = np.random.default_rng(1)
    votes = votes_of(rng, 6, 400, 0.3, 0.9)
    assert conger_kappa(votes).ci[0] > 0


@pytest.mark.parametrize(("favourite", "n_replicates"), [(0.0, 5), (0.7, 5), (0.7, 10)])
def test_where_nothing_is_shared_few_intervals_lie_above_zero(favourite, n_replicates):
    rng = np.random.default_rng(2)
    above = below = 0
    for _ in range(200):
        low, high = conger_kappa(votes_of(rng, n_replicates, 200, 0.0, favourite)).ci
        above, below = above + (low > 0), below + (high < 0)
    assert above <= 10
    assert below <= 10


def test_what_is_undefined_says_why():
    assert "1 replicate" in conger_kappa(np.zeros((1, 20), dtype=int)).undefined
    assert "one category" in conger_kappa(np.zeros((4, 20), dtype=int)).undefined
    alike = conger_kappa(np.tile(np.arange(20) % 3, (4, 1)))
    assert alike.ci is None
    assert "vote alike" in alike.undefined
    assert "3 replicates" in conger_kappa(np.arange(40).reshape(2, 20) % 3).undefined
