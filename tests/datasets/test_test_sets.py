"""Further test sets: from other datasets, labelled only where asked, converted only where asked."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from learnorder.datasets.dataset import Dataset
from learnorder.datasets.extra import with_test_set
from learnorder.datasets.registry import load_dataset
from learnorder.errors import DataNotFound


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", classes=["3", "8"], train_limit=100, test_limit=20)


@pytest.fixture
def pictures(tmp_path):
    """Make a npz with 12 train and 9 test images, 6x4 colour, of the classes 8, x and 3."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (21, 6, 4, 3), dtype=np.uint8), np.arange(21) % 3
    path = tmp_path / "pictures.npz"
    parts = {"x_train": x[:12], "y_train": y[:12], "x_test": x[12:], "y_test": y[12:]}
    np.savez(path, **parts, x_more=x[:5], class_names=["8", "x", "3"])
    return path


def test_unseen_classes_have_no_labels_and_keep_their_ids(digits):
    whole = load_dataset("digits")
    with_set = with_test_set(digits, "unseen", name="digits", classes=["0"])
    found = with_set.splits["unseen"]
    assert found.examples.labels is None
    expected = whole.test.examples.labels == 0
    np.testing.assert_array_equal(found.examples.ids, whole.test.examples.ids[expected])
    np.testing.assert_array_equal(found.inputs, whole.test.inputs[expected])
    assert with_set.class_names == digits.class_names
    assert with_set.fingerprint() != digits.fingerprint()
    assert list(digits.splits) == ["train", "test"]


def test_a_limit_and_another_split_draw_from_it(digits):
    whole = load_dataset("digits")
    few = with_test_set(digits, "few", name="digits", split="train", limit=30, seed=1)
    ids = few.splits["few"].examples.ids
    assert len(ids) == 30
    labels = dict(zip(whole.train.examples.ids, whole.train.examples.labels, strict=True))
    assert np.bincount([labels[i] for i in ids]).tolist() == [3] * 10
    other = with_test_set(digits, "few", name="digits", split="train", limit=30, seed=2)
    assert not np.array_equal(other.splits["few"].examples.ids, ids)


def test_labels_are_kept_by_the_names_of_classes(digits):
    kept = with_test_set(digits, "more", name="digits", classes=["8", "3"], labels=True)
    whole, found = load_dataset("digits"), kept.splits["more"].examples
    true = dict(zip(whole.test.examples.ids, whole.test.examples.labels, strict=True))
    assert [("3", "8")[label] for label in found.labels] == [str(true[i]) for i in found.ids]


def test_a_class_that_is_not_trained_on_has_no_label(digits, refused):
    refused(
        lambda: with_test_set(digits, "more", name="digits", labels=True),
        "'more'",
        "labels = true",
        "not trained on",
    )


def test_images_are_converted_only_where_asked(digits, pictures, refused):
    call = {"name": "npz", "path": pictures}
    refused(lambda: with_test_set(digits, "p", **call), "(6, 4, 3)", "(8, 8)", "convert = true")
    found = with_test_set(digits, "p", **call, convert=True).splits["p"].inputs
    raw = np.load(pictures)["x_test"]
    grey = np.asarray(Image.fromarray(raw[0]).convert("L").resize((8, 8), Image.BILINEAR))
    assert (found.shape, found.dtype) == ((9, 8, 8), np.uint8)
    np.testing.assert_array_equal(found[0], grey)


def test_grey_becomes_colour_by_repeating(pictures, digits):
    colour = load_dataset("npz", pictures)
    found = with_test_set(colour, "d", name="digits", limit=10, convert=True).splits["d"].inputs
    assert found.shape == (10, 6, 4, 3)
    assert (found == found[..., :1]).all()
    assert found.std() > 0


def test_a_split_without_labels_is_taken_whole(digits, pictures, refused):
    call = {"name": "npz", "path": pictures, "split": "more", "convert": True}
    assert len(with_test_set(digits, "p", **call).splits["p"]) == 5
    assert len(with_test_set(digits, "p", **call, limit=2).splits["p"]) == 2
    refused(lambda: with_test_set(digits, "p", **call, classes=["x"]), "no labels", "classes")
    refused(lambda: with_test_set(digits, "p", **call, labels=True), "no labels to keep")


@pytest.mark.parametrize(("kind", "mean", "std"), [("uniform", 127.5, 73.9), ("gaussian", None, 0)])
def test_noise_has_the_shape_of_the_training_images(digits, kind, mean, std):
    options = {"kind": kind, "n": 2000}
    with_noise = with_test_set(digits, "noise", name="noise", options=options, seed=5)
    split = with_noise.splits["noise"]
    assert (split.inputs.shape, split.inputs.dtype) == ((2000, 8, 8), np.uint8)
    assert split.examples.labels is None
    assert split.examples.ids[7] == "noise/00007"
    train = digits.train.inputs.astype(float)
    if kind == "gaussian":
        normal = np.random.default_rng(0).normal(train.mean(), train.std(), 200_000)
        cut = np.clip(normal, 0, 255)
        mean, std = cut.mean(), cut.std()
    assert abs(split.inputs.mean() - mean) < 1
    assert abs(split.inputs.std() - std) < 1
    again = with_test_set(digits, "noise", name="noise", options=options, seed=5)
    assert again.inputs_digest() == with_noise.inputs_digest()


def test_noise_of_features_follows_each_feature():
    x = np.random.default_rng(0).normal([0, 100], [1, 10], (400, 2))
    plain = Dataset.from_arrays(x, np.arange(400) % 2, x[:5], [0, 1, 0, 1, 0])
    for kind in ("uniform", "gaussian"):
        options = {"kind": kind, "n": 4000}
        found = with_test_set(plain, "n", name="noise", options=options).splits["n"].inputs
        assert found.dtype == np.float32
        if kind == "gaussian":
            np.testing.assert_allclose(found.mean(axis=0), x.mean(axis=0), atol=1)
            np.testing.assert_allclose(found.std(axis=0), x.std(axis=0), rtol=0.1)
        else:
            np.testing.assert_allclose(found.min(axis=0), x.min(axis=0), atol=0.5)
            assert (found.max(axis=0) <= x.max(axis=0) + 1e-3).all()


def test_texts_are_further_test_sets_too(tmp_path, digits, refused):
    for name, text in (("train", "a b"), ("test", "c d"), ("other", "zebra")):
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{text},x\n{text}!,y\n")
    call = {"name": "csv", "path": tmp_path, "text_column": "text", "split": "other"}
    texts = load_dataset("csv", tmp_path, text_column="text")
    found = with_test_set(texts, "strange", **call).splits["strange"]
    assert found.inputs.tolist() == ["zebra", "zebra!"]
    refused(lambda: with_test_set(digits, "s", **call), "text", "image", "Use others.")
    refused(lambda: with_test_set(texts, "n", name="noise"), "whose inputs are text")


@pytest.mark.parametrize(
    ("split_name", "arguments", "fragments"),
    [
        ("test", {"name": "digits"}, ("'test'", "already")),
        ("a/b", {"name": "digits"}, ("'a/b'", "cannot name a split")),
        ("x", {"name": "digits", "split": "val"}, ("no split 'val'", "test, train")),
        ("x", {"name": "digits", "classes": ["q"]}, ("unknown class 'q'",)),
        ("x", {"name": "digits", "classes": "q"}, ("'q'", "list")),
        ("x", {"name": "digits", "limit": 3}, ("limit", "10 classes")),
        ("x", {"name": "noise", "limit": 3}, ("limit = 3", "'noise'")),
        ("x", {"name": "noise", "convert": True}, ("convert = True", "'noise'")),
        ("x", {"name": "noise", "options": {"kind": "pink"}}, ("'pink'", "gaussian, uniform")),
        ("x", {"name": "noise", "options": {"size": 3}}, ("no option 'size'",)),
        ("x", {"name": "noise", "seed": -1}, ("seed is -1",)),
        ("x", {"name": "gaussians"}, ("features", "(16,)", "Use others.")),
    ],
)
def test_what_does_not_fit_is_refused(split_name, arguments, fragments, digits, refused):
    refused(lambda: with_test_set(digits, split_name, **arguments), *fragments)


def test_a_test_set_that_is_nowhere_is_not_found(digits, tmp_path, refused):
    call = lambda: with_test_set(digits, "x", name="csv", path=tmp_path / "no")  # noqa: E731
    refused(call, str(tmp_path / "no"), error=DataNotFound)
