"""Baselines are what plain loops and scikit-learn find, at a bounded cost."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from learnorder.datasets import baselines, normalisation
from learnorder.datasets.baselines import find_baselines
from learnorder.datasets.dataset import Dataset, WordVectors
from learnorder.datasets.label_treatment import treat_labels
from learnorder.datasets.sampling import stratified_positions

K = 10


def made(kind, n_train=120, n_test=50, n_classes=4, seed=0):
    """Inputs that say something about their class, and a split without labels."""
    rng = np.random.default_rng(seed)
    shape = {"features": (6,), "wide": (150,), "grey": (7, 5), "colour": (5, 6, 3)}[kind]

    def draw(n):
        labels = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
        centres = np.random.default_rng(1).normal(size=(n_classes, *shape))
        x = centres[labels] + rng.normal(size=(n, *shape))
        if kind in ("grey", "colour"):
            x = np.clip(x * 30 + 120, 0, 255).astype(np.uint8)
        return x, labels

    (x_train, y_train), (x_test, y_test) = draw(n_train), draw(n_test)
    extra = {"out": (draw(20)[0], None), "shifted": draw(30)}
    return Dataset.from_arrays(x_train, y_train, x_test, y_test, extra=extra)


def vectors(dataset, split):
    """Inputs as networks read them, in float64."""
    train = np.asarray(dataset.train.inputs, np.float64)
    here = np.asarray(dataset.splits[split].inputs, np.float64)
    if dataset.kind == "image":
        axes = (0, 1, 2)
        mean, std = (
            train.mean(axis=axes) if train.ndim == 4 else train.mean(),
            train.std(axis=axes if train.ndim == 4 else None),
        )
    else:
        mean, std = train.mean(axis=0), train.std(axis=0)
    return ((here - mean) / std).reshape(len(here), -1)


def margins(dataset, split):
    """The definition, one example after the other."""
    train, y = vectors(dataset, "train"), dataset.train.examples.labels
    found = []
    for i, (x, label) in enumerate(
        zip(vectors(dataset, split), dataset.splits[split].examples.labels, strict=True)
    ):
        own = y == label
        everything = np.ones(len(y), bool)
        if split == "train":
            own[i] = everything[i] = False
        own = own if own.any() else everything
        others = [train[y == k].mean(axis=0) for k in set(y.tolist()) - {int(label)}]
        others = others or [train[everything].mean(axis=0)]
        nearest = min(np.linalg.norm(x - other) for other in others)
        found.append(nearest - np.linalg.norm(x - train[own].mean(axis=0)))
    return np.array(found)


def shares(dataset, split, reference=None):
    """The definition by scikit-learn; no ties."""
    reference = np.arange(len(dataset.train)) if reference is None else reference
    y = dataset.train.examples.labels[reference]
    search = NearestNeighbors(algorithm="brute").fit(vectors(dataset, "train")[reference])
    x, labels = vectors(dataset, split), dataset.splits[split].examples.labels
    near = search.kneighbors(x, min(K + 1, len(reference)), return_distance=False)
    found = []
    for i, (places, label) in enumerate(zip(near, labels, strict=True)):
        others = [p for p in places if split != "train" or reference[p] != i][:K]
        found.append(np.mean(y[others] == label))
    return np.array(found)


KINDS = ("features", "wide", "grey", "colour")


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_what_loops_and_scikit_learn_find(kind):
    dataset = made(kind)
    found = find_baselines(dataset)
    assert found.about == {"n_neighbours": K, "n_reference": 120}
    for split in ("train", "test", "shifted"):
        of = found.splits[split]
        assert {v.dtype for v in of.values()} == {np.dtype(np.float32)}
        np.testing.assert_allclose(of["prototype_margin"], margins(dataset, split), atol=2e-5)
        np.testing.assert_allclose(of["neighbour_share"], shares(dataset, split), atol=1e-6)
        norm = np.linalg.norm(vectors(dataset, split), axis=1)
        np.testing.assert_allclose(of["input_norm"], norm, rtol=1e-5)
    assert list(found.splits["out"]) == ["input_norm"]
    # the inputs say something of the class, and both baselines see it
    assert found.splits["test"]["prototype_margin"].mean() > 0
    assert found.splits["test"]["neighbour_share"].mean() > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_they_do_not_depend_on_how_examples_are_gone_through(kind, monkeypatch):
    dataset = made(kind)
    whole = find_baselines(dataset)
    monkeypatch.setattr(normalisation, "BLOCK_VALUES", 700)
    monkeypatch.setattr(baselines, "ROOM", 300)
    for split, of in find_baselines(dataset).splits.items():
        for name, values in of.items():
            np.testing.assert_allclose(values, whole.splits[split][name], atol=1e-5)
    again = find_baselines(dataset)
    first = find_baselines(dataset)
    for split, of in again.splits.items():
        for name, values in of.items():
            assert np.array_equal(values, first.splits[split][name])


@pytest.mark.parametrize("side", [4, 16])
def test_of_neighbours_at_one_distance_the_first_count(side):
    """Few levels, many ties; few dimensions and many."""
    rng = np.random.default_rng(3)
    images = np.zeros((200, side, side), np.uint8)
    images[:, :2, :2] = rng.integers(0, 3, (200, 2, 2)) * 100
    labels = rng.integers(0, 3, 200)
    dataset = Dataset.from_arrays(images[:150], labels[:150], images[150:], labels[150:])
    found = find_baselines(dataset).splits
    flat = images.reshape(200, -1).astype(np.int64)
    for split, here in (("train", range(150)), ("test", range(150, 200))):
        expected = []
        for i in here:
            squared = ((flat[:150] - flat[i]) ** 2).sum(axis=1)
            order = [p for p in np.lexsort((np.arange(150), squared)) if p != i][:K]
            expected.append(np.mean(labels[order] == labels[i]))
        np.testing.assert_allclose(found[split]["neighbour_share"], expected, atol=1e-6)


def test_labels_are_the_given_ones_and_a_class_may_have_one_example_or_none():
    dataset = made("features", n_train=30, n_classes=10)
    noisy = treat_labels(dataset, noise=0.9, seed=4)
    size = np.bincount(noisy.train.examples.labels, minlength=10)
    assert (size == 1).any()
    for split in ("train", "test"):
        of = find_baselines(noisy).splits[split]
        np.testing.assert_allclose(of["prototype_margin"], margins(noisy, split), atol=2e-5)
        np.testing.assert_allclose(of["neighbour_share"], shares(noisy, split), atol=1e-6)
    plain = find_baselines(dataset).splits["train"]["prototype_margin"]
    assert not np.array_equal(plain, find_baselines(noisy).splits["train"]["prototype_margin"])


def test_one_class_left_has_no_other():
    dataset = Dataset.from_arrays([[0.0], [1.0], [2.0]], [0, 0, 1], [[0.5], [9.0]], [0, 1])
    one = treat_labels(dataset, noise=1 / 3, seed=next(s for s in range(50) if one_class(s)))
    found = find_baselines(one).splits
    assert found["train"]["prototype_margin"].tolist() == [0, 0, 0]
    assert found["train"]["neighbour_share"].tolist() == [1, 1, 1]
    np.testing.assert_allclose(found["test"]["prototype_margin"], margins(one, "test"), atol=1e-6)


def one_class(seed):
    dataset = Dataset.from_arrays([[0.0], [1.0], [2.0]], [0, 0, 1], [[0.5]], [1])
    return len(set(treat_labels(dataset, noise=1 / 3, seed=seed).train.examples.labels)) == 1


@pytest.mark.parametrize("least", [8, 25])
def test_where_it_would_take_too_long_neighbours_are_looked_for_in_a_sample(least, monkeypatch):
    dataset = made("features")
    monkeypatch.setattr(baselines, "MOST_WORK", 1)
    monkeypatch.setattr(baselines, "LEAST_REFERENCE", least)
    found = find_baselines(dataset)
    assert found.about["n_reference"] == least
    labels = dataset.train.examples.labels
    reference = stratified_positions(labels, least, (baselines.REFERENCE_DRAW,))
    for split in ("train", "test"):
        expected = shares(dataset, split, reference)
        np.testing.assert_allclose(found.splits[split]["neighbour_share"], expected, atol=1e-6)
    again = find_baselines(dataset)
    assert np.array_equal(
        again.splits["train"]["neighbour_share"], found.splits["train"]["neighbour_share"]
    )


def test_the_sample_has_each_class_and_no_more_examples_than_can_be_afforded():
    labels = np.arange(60_000) % 10
    reference = baselines._reference_positions(labels, 70_000, 784)
    cost = len(reference) * 70_000 * (784 + baselines.CHOICE)
    assert len(reference) > 500
    assert cost <= baselines.MOST_WORK
    many = np.arange(60_000) % 3_000
    wide = baselines._reference_positions(many, 70_000, 100_000)
    assert len(np.unique(many[wide])) == 3_000


def texts(vectors=None):
    train = ["good film", "bad, bad film", "Good  café!", ""]
    dataset = Dataset.from_arrays(train, [0, 1, 0, 1], ["good", "unknown words here"], [0, 1])
    if vectors is not None:
        known = WordVectors(tuple(vectors), np.array(list(vectors.values()), np.float32))
        dataset = Dataset(dataset.name, "text", dataset.splits, dataset.class_names, known)
    return dataset


def test_texts_without_vectors_have_their_length_only():
    found = find_baselines(texts(), max_tokens=3)
    assert found.about == {}
    assert found.splits["train"]["text_length"].tolist() == [2, 3, 3, 0]
    assert found.splits["test"]["text_length"].tolist() == [1, 3]
    assert set(found.splits["train"]) == {"text_length"}


def test_texts_with_vectors_are_the_mean_of_their_words():
    known = {"good": [1.0, 0.0], "bad": [-1.0, 0.0], "film": [0.0, 1.0], "cafe": [0.0, 3.0]}
    found = find_baselines(texts(known)).splits
    means = np.array([[0.5, 0.5], [-2 / 3, 1 / 3], [0.5, 1.5], [0, 0]])
    np.testing.assert_allclose(
        found["train"]["input_norm"], np.linalg.norm(means, axis=1), rtol=1e-6
    )
    assert found["test"]["input_norm"].tolist() == [1, 0]
    prototypes = [means[[0, 2]].mean(axis=0), means[[1, 3]].mean(axis=0)]
    expected = np.linalg.norm([1, 0] - prototypes[1]) - np.linalg.norm([1, 0] - prototypes[0])
    assert found["test"]["prototype_margin"][0] == pytest.approx(expected, rel=1e-5)
    assert set(found["train"]) == {
        "text_length",
        "input_norm",
        "prototype_margin",
        "neighbour_share",
    }


def test_words_are_read_as_networks_read_them():
    from learnorder.training.tokens import _tokenizer

    text = "Don't  stop_here: ÉTÉ naïve U.S.A. 3,000$ (yes)\tend—of"
    normal = _tokenizer(("[PAD]", "[UNK]"))
    pieces = normal.pre_tokenizer.pre_tokenize_str(normal.normalizer.normalize_str(text))
    assert baselines._words(text, 1000) == [word for word, _ in pieces]


def test_inputs_far_beyond_all_others_give_finite_baselines():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    x_test = np.array([[3e38, -3e38, 3e38], [0.0, 0.0, 0.0]])
    y = np.arange(40) % 2
    constant = np.concatenate([x, np.ones((40, 1))], axis=1)
    for train, test in ((x, x_test), (constant, np.concatenate([x_test, [[5.0], [1.0]]], axis=1))):
        for of in find_baselines(Dataset.from_arrays(train, y, test, [0, 1])).splits.values():
            for values in of.values():
                assert np.isfinite(values).all()


def test_inputs_that_are_all_the_same_are_no_nearer_to_any_class():
    dataset = Dataset.from_arrays(np.ones((20, 3)), np.arange(20) % 2, np.ones((2, 3)), [0, 1])
    found = find_baselines(dataset).splits
    assert not found["train"]["prototype_margin"].any()
    assert not found["test"]["input_norm"].any()
    # the first ten are five of each class
    assert found["test"]["neighbour_share"].tolist() == [0.5, 0.5]
