from __future__ import annotations

import numpy as np
import pytest

from learnorder.datasets.dataset import Dataset

X = np.zeros((4, 2))
Y = np.array([0, 1, 0, 1])


def test_uint8_images_are_kept_and_a_single_channel_is_dropped():
    images = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    dataset = Dataset.from_arrays(images[..., None], Y, images[:2], [0, 1])
    assert dataset.kind == "image"
    assert dataset.train.inputs.dtype == np.uint8
    np.testing.assert_array_equal(dataset.train.inputs, images)
    np.testing.assert_array_equal(dataset.test.inputs, images[:2])


def test_float_images_are_rounded_to_the_nearest_of_255():
    images = np.array([[[0.0, 1.0]], [[0.5, 0.1]]])
    dataset = Dataset.from_arrays(images, [0, 1], images, [0, 1])
    np.testing.assert_array_equal(dataset.train.inputs, [[[0, 255]], [[128, 26]]])


def test_every_uint8_value_survives_the_way_through_floats():
    images = np.arange(256, dtype=np.uint8).reshape(2, 8, 16)
    dataset = Dataset.from_arrays(images.astype(np.float32) / 255, [0, 1], images, [0, 1])
    np.testing.assert_array_equal(dataset.train.inputs, images)


def test_two_dimensions_are_float32_features_whatever_the_type():
    dataset = Dataset.from_arrays(X.astype(np.int64) + 7, Y, X.astype(np.uint8), Y)
    assert dataset.kind == "features"
    assert dataset.train.inputs.dtype == dataset.test.inputs.dtype == np.float32
    assert dataset.train.inputs[0, 0] == 7


@pytest.mark.parametrize("wrap", [list, tuple, np.array, lambda t: np.array(t, dtype=object)])
def test_texts_are_an_object_array_of_str(wrap):
    texts = wrap(["one", "two", "three", "ß"])
    dataset = Dataset.from_arrays(texts, Y, texts, Y)
    assert dataset.kind == "text"
    assert dataset.train.inputs.dtype == object
    assert dataset.train.inputs.tolist() == ["one", "two", "three", "ß"]
    assert all(type(text) is str for text in dataset.train.inputs)


def test_ids_default_to_positions_and_are_kept_where_given():
    dataset = Dataset.from_arrays(X, Y, X, Y, ids_train=["d", "c", "b", "a"])
    assert dataset.train.examples.ids.tolist() == ["d", "c", "b", "a"]
    assert dataset.test.examples.ids.tolist() == [0, 1, 2, 3]
    assert dataset.test.examples.ids.dtype == np.int64


def test_class_names_default_to_class_ids():
    assert Dataset.from_arrays(X, Y, X, Y).class_names == ("0", "1")


def test_further_splits_may_have_no_labels():
    extra = {"shifted": (X[:3], [1, 1, 0], [7, 8, 9]), "noise": (X[:2], None)}
    dataset = Dataset.from_arrays(X, Y, X, Y, extra=extra)
    assert list(dataset.splits) == ["train", "test", "shifted", "noise"]
    assert dataset.splits["noise"].examples.labels is None
    assert dataset.splits["shifted"].examples.ids.tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("labels", "fragments"),
    [
        ([0, 1, 0.5, 1], ("label 0.5 at position 2", "not an integer")),
        ([0.0, 1.0, 0.0, 1.0], ("label 0.0 at position 0", "float64")),
        ([0, 1, float("nan"), 1], ("label nan at position 2",)),
        (["a", "b", "a", "b"], ("label 'a' at position 0",)),
        ([True, False, True, False], ("label True at position 0", "bool")),
        ([0, None, 0, 1], ("label None at position 1",)),
        ([0, 1, -1, 1], ("label -1 at position 2",)),
        ([0, 1, 0], ("4 examples", "(3,)")),
        ([[0], [1], [0], [1]], ("(4, 1)",)),
        (np.array([0, 1, 2**64 - 1, 1], dtype=np.uint64), (str(2**64 - 1), "position 2")),
        ([0, 2, 0, 2], ("class 1 ('1')", "no training example")),
        ([0, 10**12, 0, 2], ("class 1 has no training example", str(10**12))),
        ([1, 1, 1, 1], ("class 0 ('0')", "no training example")),
        ([0, 0, 0, 0], ("1 class", "at least two")),
        ([[0], [1, 2], [0], [1]], ("train", "labels are no array")),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_value_and_position(labels, fragments, refused):
    message = refused(lambda: Dataset.from_arrays(X, labels, X, Y), *fragments)
    assert message.startswith("Dataset.from_arrays: ")


def test_a_test_label_outside_the_classes_is_refused(refused):
    call = lambda: Dataset.from_arrays(X, Y, X, [0, 1, 2, 1])  # noqa: E731
    refused(call, "test", "label 2 at position 2", "0..1")


def test_an_empty_class_is_refused_by_name(refused):
    call = lambda: Dataset.from_arrays(X, Y, X, Y, class_names=["cat", "dog", "eel"])  # noqa: E731
    refused(call, "class 2 ('eel')", "no training example")


@pytest.mark.parametrize(
    ("x", "fragments"),
    [
        ([[0.0, 1.0], [np.nan, 0.0], [0, 0], [0, 0]], ("nan", "(1, 0)", "not finite")),
        ([[0.0, 1.0], [0, 0], [0.0, 1e300], [0, 0]], ("1e+300", "(2, 1)")),
        ([["a", "b"]] * 4, ("2 dimensions",)),
        ([[0.0], [0.0, 1.0], [0.0], [0.0]], ("inputs are no array",)),
        (["a", 3, "b", "c"], ("input 3 at position 1", "str")),
        (["a", "\ud800", "b", "c"], ("position 1", "Unicode")),
        (np.zeros((4, 2), dtype=complex), ("complex128",)),
        (np.zeros((4, 0)), ("(4, 0)",)),
        (np.zeros((0, 2)), ("no examples",)),
        (np.zeros(4), ("shape (4,)",)),
        (3, ("shape ()",)),
        (np.zeros((4, 3, 5, 5), dtype=np.uint8), ("(4, 3, 5, 5)", "transpose(0, 2, 3, 1)")),
        (np.zeros((4, 2, 2), dtype=bool), ("bool",)),
        (np.full((4, 2, 2), 1.5), ("1.5", "(0, 0, 0)", "[0, 1]")),
        (np.full((4, 2, 2), np.nan), ("nan", "(0, 0, 0)")),
        (np.full((4, 2, 2), 256), ("256", "0..255")),
    ],
)
def test_inputs_that_fit_no_kind_are_refused_with_value_and_position(x, fragments, refused):
    refused(lambda: Dataset.from_arrays(x, Y, X, Y), "train", *fragments)


@pytest.mark.parametrize(
    ("ids", "fragments"),
    [
        ([3, 5, 3, 7], ("id 3", "positions 0 and 2")),
        (["a", "b", "c", "b"], ("id 'b'", "positions 1 and 3")),
        ([1.0, 2.0, 3.0, 4.0], ("id 1.0 at position 0", "type float")),
        ([1, 2, 3], ("4 examples", "(3,)")),
        (["a", 1, "b", "c"], ("id 1 at position 1",)),
        (["a", "b\x00", "c", "d"], ("position 1", "NUL")),
        (np.array([1, 2, 3, 2**63], dtype=np.uint64), (str(2**63),)),
    ],
)
def test_ids_that_name_no_one_example_are_refused(ids, fragments, refused):
    refused(lambda: Dataset.from_arrays(X, Y, X, Y, ids_test=ids), "test", *fragments)


def test_splits_of_another_shape_or_kind_are_refused(refused):
    images = np.zeros((4, 5, 5), dtype=np.uint8)
    refused(lambda: Dataset.from_arrays(images, Y, images[:, :4], Y), "test", "(4, 5)", "(5, 5)")
    refused(lambda: Dataset.from_arrays(images, Y, X, Y), "test", "features", "image")
    extra = {"far": (np.zeros((1, 5, 5, 3), dtype=np.uint8), None)}
    refused(lambda: Dataset.from_arrays(images, Y, images, Y, extra=extra), "far", "(5, 5, 3)")


@pytest.mark.parametrize("name", ["train", "a/b", "", "..", " x"])
def test_a_further_split_needs_a_plain_name_of_its_own(name, refused):
    refused(lambda: Dataset.from_arrays(X, Y, X, Y, extra={name: (X, None)}), repr(name))


def test_a_further_split_that_is_no_pair_is_refused(refused):
    refused(lambda: Dataset.from_arrays(X, Y, X, Y, extra={"far": X}), "'far'", "(x, y)")


@pytest.mark.parametrize(("names", "value"), [(["a", "a"], "'a'"), (["a", 3], "3")])
def test_class_names_are_str_and_differ(names, value, refused):
    refused(lambda: Dataset.from_arrays(X, Y, X, Y, class_names=names), f"class name {value}")


def test_masked_values_are_refused(refused):
    x, y = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    hidden = np.ma.masked_equal(y, 1)
    refused(lambda: Dataset.from_arrays(x, hidden, x, y), "labels are masked at position (1,)")
    holes = np.ma.MaskedArray(x, mask=x == 0)
    refused(lambda: Dataset.from_arrays(x, y, holes, y), "test of", "masked at position (0, 0)")


def test_class_names_and_extra_of_another_type_are_refused(refused):
    x, y = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    refused(lambda: Dataset.from_arrays(x, y, x, y, class_names="ab"), "'ab'", "a list")
    refused(lambda: Dataset.from_arrays(x, y, x, y, extra=[(x, y)]), "extra is a list")
    refused(lambda: Dataset.from_arrays(x, y, x, y, extra={3: (x, y)}), "3 cannot name a split")


def test_a_dataset_says_what_it_is_in_one_line():
    extra = {"noise": ([[0.2], [0.3], [0.4]], None)}
    dataset = Dataset.from_arrays([[0.0], [1.0]], [0, 1], [[0.5]], [1], name="two", extra=extra)
    assert repr(dataset) == "<Dataset 'two': features; 2 classes; train (2), test (1), noise (3)>"
