"""Inputs changed on purpose: fitted on the training split, applied to all, nothing rounded away."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from learnorder.datasets.baselines import find_baselines
from learnorder.datasets.dataset import Dataset
from learnorder.datasets.registry import load_dataset
from learnorder.datasets.transforms import transform_inputs
from learnorder.training.inputs import encode, to_tensors


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", train_limit=400, test_limit=100)


@pytest.fixture(scope="module")
def colour():
    random = np.random.default_rng(0)
    base = random.normal(size=(300, 4, 5, 1)) + 0.5 * random.normal(size=(300, 4, 5, 3))
    x = np.clip(128 + 30 * base, 0, 255).astype(np.uint8)
    y = np.arange(300) % 2
    return Dataset.from_arrays(x[:200], y[:200], x[200:], y[200:], extra={"far": (x[:7], None)})


@pytest.fixture(scope="module")
def features():
    random = np.random.default_rng(1)
    x = random.normal(size=(200, 6)) @ random.normal(size=(6, 6)) * np.arange(1, 7) + 5
    y = np.arange(200) % 2
    return Dataset.from_arrays(x[:150], y[:150], x[150:], y[150:])


def rows(split):
    return split.inputs.reshape(len(split), -1)


def test_pixels_are_permuted_in_one_order_with_their_channels(colour):
    moved = transform_inputs(colour, "permuted-pixels", seed=3)
    flat = {name: s.inputs.reshape(len(s), 20, 3) for name, s in colour.splits.items()}
    new = {name: s.inputs.reshape(len(s), 20, 3) for name, s in moved.splits.items()}
    order = [int(np.argmax((flat["train"] == new["train"][:, [i]]).all((0, 2)))) for i in range(20)]
    assert sorted(order) == list(range(20)) != order
    for name in colour.splits:
        np.testing.assert_array_equal(new[name], flat[name][:, order])
    assert moved.train.inputs.dtype == np.uint8
    assert moved.fingerprint() == colour.fingerprint()
    other = transform_inputs(colour, "permuted-pixels", seed=4)
    assert other.inputs_digest() != moved.inputs_digest()
    assert transform_inputs(colour, "permuted-pixels", seed=3).inputs_digest() == (
        moved.inputs_digest()
    )


@pytest.mark.parametrize("name", ["colour", "features"])
def test_whitened_values_are_uncorrelated_and_nearest_to_the_input(name, request):
    dataset = request.getfixturevalue(name)
    white = transform_inputs(dataset, "zca", epsilon=1e-9)
    assert white.train.inputs.shape == dataset.train.inputs.shape
    assert {split.inputs.dtype for split in white.splits.values()} == {np.dtype(np.float32)}
    x = rows(dataset.train).astype(float)
    x = x / 255 if name == "colour" else (x - x.mean(axis=0)) / x.std(axis=0)
    n_values = x.shape[1]
    np.testing.assert_allclose(np.cov(rows(white.train).T, bias=True), np.eye(n_values), atol=1e-3)
    cross = (x - x.mean(axis=0)).T @ rows(white.train) / len(x)
    np.testing.assert_allclose(cross, cross.T, atol=1e-3)  # symmetric: no rotation
    assert np.linalg.eigvalsh((cross + cross.T) / 2).min() > 0
    # test examples by what the training split says, as worked out another way
    variances, directions = np.linalg.eigh(np.cov(x.T, bias=True))
    matrix = directions @ np.diag((variances + 1e-9) ** -0.5) @ directions.T
    t = rows(dataset.test).astype(float)
    train = rows(dataset.train).astype(float)
    t = t / 255 if name == "colour" else (t - train.mean(axis=0)) / train.std(axis=0)
    np.testing.assert_allclose(
        rows(white.test), (t - x.mean(axis=0)) @ matrix, rtol=1e-3, atol=1e-3
    )


def test_epsilon_keeps_directions_without_variance_small(digits):
    white = transform_inputs(digits, "zca")
    assert np.ptp(digits.train.inputs[:, 0, 0]) == 0  # a pixel that is always black
    assert np.abs(white.train.inputs[:, 0, 0]).max() < 1e-3
    weaker = transform_inputs(digits, "zca", epsilon=0.1)
    assert weaker.train.inputs.std() < white.train.inputs.std()


def test_projections_are_those_of_scikit_learn(digits):
    projected = transform_inputs(digits, "pca", components=10)
    assert (projected.kind, projected.train.inputs.shape) == ("features", (400, 10))
    theirs = PCA(10, svd_solver="full").fit(rows(digits.train) / 255)
    for name in ("train", "test"):
        expected = theirs.transform(rows(digits.splits[name]) / 255)
        ours = projected.splits[name].inputs
        signs = np.sign((ours * expected).sum(axis=0))
        np.testing.assert_allclose(ours, expected * signs, atol=1e-5)


@pytest.mark.parametrize("name", ["digits", "features"])
def test_projections_go_back_to_inputs(name, request):
    dataset = request.getfixturevalue(name)
    back = transform_inputs(dataset, "pca", components=5, reconstruct=True)
    assert (back.kind, back.train.inputs.shape) == (dataset.kind, dataset.train.inputs.shape)
    x, t = (rows(split).astype(float) for split in (dataset.train, dataset.test))
    scale = np.full(x.shape[1], 255.0) if name == "digits" else x.std(axis=0)
    theirs = PCA(5, svd_solver="full").fit(x / scale)
    expected = theirs.inverse_transform(theirs.transform(t / scale))
    expected *= 1 if name == "digits" else scale
    np.testing.assert_allclose(rows(back.test), expected, rtol=1e-4, atol=1e-4)
    whole = transform_inputs(dataset, "pca", components=x.shape[1], reconstruct=True)
    np.testing.assert_allclose(
        rows(whole.test), t / (255 if name == "digits" else 1), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", ["digits", "colour"])
def test_networks_and_baselines_read_float_images_as_they_read_bytes(name, request):
    """All components give the images back, so that everything after them is as before."""
    dataset = request.getfixturevalue(name)
    n_values = rows(dataset.train).shape[1]
    floats = transform_inputs(dataset, "pca", components=n_values, reconstruct=True)
    assert floats.train.inputs.dtype == np.float32
    for split in dataset.splits:
        ours, expected = (to_tensors(encode(d), split) for d in (floats, dataset))
        assert ours.is_contiguous() == expected.is_contiguous()
        np.testing.assert_allclose(ours, expected, atol=1e-4)
    found, expected = find_baselines(floats), find_baselines(dataset)
    for split, of in expected.splits.items():
        for measure, values in of.items():
            if measure != "neighbour_share":  # ties fall otherwise
                np.testing.assert_allclose(found.splits[split][measure], values, atol=1e-3)


def test_arguments_and_inputs_that_do_not_fit_are_refused(digits, features, refused):
    texts = Dataset.from_arrays(["a", "b"], [0, 1], ["a"], [0])
    refused(lambda: transform_inputs(texts, "zca"), "'zca'", "text", "image and features")
    refused(lambda: transform_inputs(features, "permuted-pixels"), "features", "with image")
    refused(lambda: transform_inputs(digits, "permuted-pixels", seed=-1), "seed is -1")
    refused(lambda: transform_inputs(digits, "zca", epsilon=0), "epsilon is 0", "1e-05")
    for components in (None, 0, 65, True):
        refused(
            lambda k=components: transform_inputs(digits, "pca", components=k),
            f"is {components}",
            "1 to 64",
        )
    few = load_dataset("digits", train_limit=64)
    refused(lambda: transform_inputs(few, "zca"), "64 training examples of 64 values")
    large = Dataset.from_arrays(np.zeros((2, 71, 71)), [0, 1], np.zeros((2, 71, 71)), [0, 1])
    refused(lambda: transform_inputs(large, "zca"), "5041 values", "5000")
