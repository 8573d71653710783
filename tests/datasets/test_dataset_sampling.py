from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnorder.datasets.dataset import Dataset
from learnorder.datasets.sampling import limit_examples, select_classes


@st.composite
def labelled_with_limit(draw):
    counts = draw(st.lists(st.integers(1, 30), min_size=2, max_size=6))
    labels = draw(st.permutations(np.repeat(np.arange(len(counts)), counts).tolist()))
    limit = draw(st.integers(len(counts), len(labels) + 3))
    return np.array(labels), limit


def _dataset(labels):
    x = np.arange(len(labels))[:, None] / 7
    ids = np.arange(len(labels)) * 3 + 100
    return Dataset.from_arrays(x, labels, x, labels, ids_train=ids)


@given(case=labelled_with_limit(), seed=st.integers(0, 2**70))
def test_limit_keeps_number_proportion_order_and_ids(case, seed):
    labels, limit = case
    dataset = _dataset(labels)
    limited = limit_examples(dataset, train_limit=limit, seed=seed)
    kept = limited.train.examples
    n = min(limit, len(labels))
    assert len(limited.train) == n
    assert (np.diff(kept.ids) > 0).all()
    positions = (kept.ids - 100) // 3
    np.testing.assert_array_equal(kept.labels, labels[positions])
    np.testing.assert_array_equal(limited.train.inputs, dataset.train.inputs[positions])
    share = n * np.bincount(labels) / len(labels)
    quotas = np.bincount(kept.labels, minlength=dataset.n_classes)
    assert (quotas >= 1).all()
    if (share >= 1).all():
        assert (np.abs(quotas - share) < 1).all()
    assert limited.test is dataset.test


@given(case=labelled_with_limit(), seed=st.integers(0, 100))
def test_limiting_twice_is_limiting_once(case, seed):
    labels, limit = case
    once = limit_examples(_dataset(labels), train_limit=limit, test_limit=limit, seed=seed)
    twice = limit_examples(once, train_limit=limit, test_limit=limit, seed=seed)
    assert twice.fingerprint() == once.fingerprint()


def test_largest_remainders_decide_and_every_class_keeps_one():
    labels = np.repeat([0, 1, 2], [70, 25, 5])
    for limit, expected in ((10, [7, 2, 1]), (3, [1, 1, 1]), (16, [11, 4, 1]), (50, [35, 12, 3])):
        limited = limit_examples(_dataset(labels), train_limit=limit)
        counts = np.bincount(limited.train.examples.labels)
        assert counts.sum() == limit
        np.testing.assert_allclose(counts, expected, atol=1)
    assert (
        np.bincount(limit_examples(_dataset(labels), train_limit=10).train.examples.labels)[2] == 1
    )


def test_another_seed_draws_other_examples_and_the_same_seed_the_same(small):
    drawn = [
        limit_examples(small, train_limit=10, seed=seed).fingerprint() for seed in (0, 0, 1, 2)
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_train_and_test_are_drawn_apart():
    dataset = _dataset(np.tile([0, 1], 50))
    limited = limit_examples(dataset, train_limit=20, test_limit=20)
    train = (limited.train.examples.ids - 100) // 3
    assert not np.array_equal(train, limited.test.examples.ids)


def test_a_limit_of_the_whole_split_changes_nothing(small):
    assert limit_examples(small, train_limit=40, test_limit=99).fingerprint() == small.fingerprint()


@pytest.mark.parametrize("limit", [2, 0, -1, 2.5, True, "10"])
def test_a_limit_below_the_number_of_classes_is_refused(small, limit, refused):
    refused(
        lambda: limit_examples(small, train_limit=limit), "train_limit", repr(limit), "3 classes"
    )


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_a_seed_that_keys_no_draw_is_refused(small, seed, refused):
    refused(lambda: limit_examples(small, test_limit=5, seed=seed), f"seed is {seed!r}")


def test_class_subset_renumbers_in_the_order_given(small):
    chosen = select_classes(small, ["c", 0])
    assert chosen.class_names == ("c", "a")
    examples = chosen.train.examples
    np.testing.assert_array_equal(examples.ids, [*range(25), *range(35, 40)])
    np.testing.assert_array_equal(examples.labels, [1] * 25 + [0] * 5)
    assert chosen.test.examples.ids.tolist() == [0, 2, 3, 5, 6, 8, 9, 11]


def test_class_subset_keeps_splits_without_labels_whole():
    x = np.arange(6.0)[:, None]
    extra = {"far": (x, None), "near": (x, [0, 1, 2] * 2)}
    dataset = Dataset.from_arrays(x, [0, 1, 2] * 2, x, [0, 1, 2] * 2, extra=extra)
    chosen = select_classes(dataset, [2, 1])
    assert len(chosen.splits["far"]) == 6
    assert chosen.splits["near"].examples.labels.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("classes", "fragments"),
    [
        (["a", "bb"], ("unknown class 'bb'", "nearest known name is 'b'")),
        ([0, 3], ("unknown class 3", "0..2")),
        (["a"], ("fewer than two",)),
        (["a", 0], ("doubled",)),
        ([], ("fewer than two",)),
    ],
)
def test_unknown_or_doubled_classes_are_refused(small, classes, fragments, refused):
    refused(lambda: select_classes(small, classes), *fragments)


def test_a_split_without_the_chosen_classes_is_refused(refused):
    x = np.arange(3.0)[:, None]
    dataset = Dataset.from_arrays(x, [0, 1, 2], x[:1], [0])
    refused(lambda: select_classes(dataset, [1, 2]), "test", "[1, 2]")
